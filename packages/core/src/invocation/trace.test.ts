// The trace of a call, whatever way it came in: begun once, run around all that the call does, ended once
// with what came of it; and what a call has without a tracer.
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import express from 'express';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import {
  TopicEventStatus,
  connectGrpc,
  eventOf,
  startApp,
  type App,
  type AppOptions,
} from '../dapr/channel.fixture.ts';
import { DropError, RetryError } from '../function/acknowledgement.ts';
import { defineFunction } from '../function/definition.ts';
import type {
  Context,
  FunctionDefinition,
  Handler,
  HttpFunctionOptions,
  Request,
  Response,
} from '../function/signature.ts';
import { signalled } from '../http/serve.fixture.ts';
import type { Invocation } from './invocation.ts';
import { currentInvocation } from './invoke.ts';
import { definePlugin } from './plugin.ts';
import { untraced, type CallOutcome } from './trace.ts';
import { createRecorder, type RecordedCall } from './tracer.fixture.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const TOPIC = '/dapr/topics/mq/orders/work';
const EVENT = { id: '1', source: '/s', type: 't', specversion: '1.0', data: 'fine' };
const BATCH = { 'content-type': 'application/cloudevents-batch+json' };

async function start(functions: readonly FunctionDefinition[], options: AppOptions = {}) {
  const recorder = createRecorder();
  const app = await startApp(functions, { ...options, tracing: recorder.tracing });
  // The end of a response is seen here only after its client has it.
  const ended = (count = 1): Promise<RecordedCall[]> =>
    vi.waitFor(() => {
      expect(recorder.calls.filter(({ ends }) => ends.length > 0)).toHaveLength(count);
      return recorder.calls;
    });
  return { app, ended, ...recorder };
}

const over = (signature: 'http' | 'openfunction' | 'cloudevent' | 'event') =>
  function define(handler: Handler, options: HttpFunctionOptions = {}): FunctionDefinition {
    return defineFunction('work', signature, handler, options);
  };

const onTopic = (handler: Handler, options: HttpFunctionOptions = {}): FunctionDefinition =>
  defineFunction('work', 'openfunction', handler, options, {
    kind: 'topic',
    pubsub: 'mq',
    topic: 'orders',
  });

const onBinding = (handler: Handler): FunctionDefinition =>
  defineFunction('work', 'openfunction', handler, {}, { kind: 'binding', component: 'cron' });

/** A way that a call comes in: how its function is defined, how it is sent, what becomes of it. */
interface Way {
  readonly define: (handler: Handler) => FunctionDefinition;
  readonly send: (app: App, data: string) => Promise<unknown>;
  readonly options?: AppOptions;
  readonly succeeds: CallOutcome;
  readonly fails: CallOutcome;
}

const overHttp = { succeeds: { status: 200 }, fails: { status: 500 } };
const overDapr: Pick<Way, 'succeeds' | 'fails'> = {
  succeeds: { acknowledgement: 'SUCCESS' },
  fails: { acknowledgement: 'RETRY' },
};
const GRPC = { flags: ['--app-protocol=grpc'] };
const postJson = (app: App, data: string) =>
  app.post('/', JSON.stringify(data), { 'content-type': 'application/json' });

const WAYS: Readonly<Record<string, Way>> = {
  '(req, res)': {
    define: (work) =>
      over('http')((req: Request, res: Response) => {
        work(req.body);
        res.send('done');
      }),
    send: postJson,
    ...overHttp,
  },
  'a Web Request': {
    define: (work) =>
      over('http')(async (request: globalThis.Request) => {
        work(await request.json());
        return new globalThis.Response('done');
      }),
    send: postJson,
    ...overHttp,
  },
  'an openfunction call': {
    define: (work) => over('openfunction')((_: Context, data: unknown) => work(data) ?? 'done'),
    send: postJson,
    ...overHttp,
  },
  'a CloudEvent': {
    define: (work) =>
      over('cloudevent')(async (event: { data: unknown }) => work(event.data) ?? 'done'),
    send: (app, data) => app.post('/', { ...EVENT, data }),
    ...overHttp,
  },
  'a background event': {
    define: (work) => over('event')((data: unknown) => work(data) ?? 'done'),
    send: (app, data) => app.post('/', { ...EVENT, data }),
    ...overHttp,
  },
  'a topic over HTTP': {
    define: (work) => onTopic((_: Context, data: unknown) => work(data)),
    send: (app, data) => app.post(TOPIC, eventOf(data)),
    ...overDapr,
  },
  'a bulk of a topic over HTTP': {
    define: (work) => onTopic((_: Context, data: unknown) => work(data)),
    send: (app, data) =>
      app.post(
        TOPIC,
        {
          entries: [
            { entryId: '1', contentType: 'application/cloudevents+json', event: eventOf(data) },
          ],
        },
        { 'content-type': 'application/json' },
      ),
    ...overDapr,
  },
  'a binding over HTTP': {
    define: (work) => onBinding((_: Context, data: unknown) => work(data)),
    send: (app, data) => app.post('/cron', JSON.stringify(data)),
    ...overDapr,
  },
  'a topic over gRPC': {
    define: (work) => onTopic((_: Context, data: unknown) => work(data)),
    send: (app, data) =>
      connectGrpc(app).call('onTopicEvent', {
        id: 'e1',
        source: 'shop',
        type: 'order',
        specVersion: '1.0',
        dataContentType: 'text/plain',
        topic: 'orders',
        pubsubName: 'mq',
        path: TOPIC,
        data: Buffer.from(data),
      }),
    options: GRPC,
    ...overDapr,
  },
  'a binding over gRPC': {
    define: (work) => onBinding((_: Context, data: unknown) => work(data)),
    send: (app, data) =>
      connectGrpc(app)
        .call('onBindingEvent', { name: 'cron', data: Buffer.from(data), metadata: {} })
        .catch(() => {}),
    options: GRPC,
    ...overDapr,
  },
};

describe.each(Object.entries(WAYS))('%s', (_, { define, send, options, succeeds, fails }) => {
  const boom = new Error('boom');
  const work = (data: unknown): void => {
    if (data === 'bad') throw boom;
  };

  test('is begun, run and ended once', async () => {
    const { app, ended, calls } = await start([define(work)], options);
    await send(app, 'fine');
    await ended();
    await app.runtime.stop({ skipDelay: true });
    expect(calls).toMatchObject([{ runs: 1, ends: [succeeds], span: { error: undefined } }]);
  });

  test('ends with the error it failed with', async () => {
    const { app, ended } = await start([define(work)], options);
    await send(app, 'bad');
    const [call] = await ended();
    expect(call).toMatchObject({ runs: 1, ends: [fails] });
    expect(call?.span.error).toBe(boom);
  });
});

describe('the end of a call over HTTP', () => {
  test.each<[string, HttpFunctionOptions, (app: App) => Promise<{ status: number }>, number]>([
    ['method', { methods: ['POST'] }, (app) => app.send({ path: '/' }), 405],
    ['body', {}, (app) => app.post('/', '{', { 'content-type': 'application/json' }), 400],
    ['schema', { schema: z.number() }, (app) => postJson(app, 'no number'), 400],
  ])('is not traced when its %s keeps it from the handler', async (_, options, send, status) => {
    const { app, calls } = await start([over('openfunction')(() => 'done', options)]);
    expect((await send(app)).status).toBe(status);
    expect(calls).toEqual([]);
  });

  test('has the status that the handler chose', async () => {
    const { app, ended } = await start([
      over('http')((_: Request, res: Response) => res.status(202).send('x')),
    ]);
    await app.send({ path: '/' });
    expect((await ended())[0]?.ends).toEqual([{ status: 202 }]);
  });

  test('has the timeout as its error, whatever the handler fails with when it hears of it', async () => {
    const hooks = {
      name: 'hooks',
      execPostHook: (ctx: Context) => void (ctx.locals['seen'] = ctx.error),
    };
    const { app, ended } = await start(
      [
        over('openfunction')(
          (ctx: Context) =>
            new Promise((_, reject) => {
              ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error));
            }),
        ),
      ],
      { flags: ['--timeout=20ms'], source: { hookPlugins: [hooks] } },
    );
    expect((await app.send({ path: '/' })).status).toBe(504);
    const [call] = await ended();
    expect(call?.ends).toEqual([{ status: 504 }]);
    expect(call?.span.error).toMatchObject({ code: 'OFN_TIMEOUT' });
  });

  test('has the status 499 when the client went before an answer', async () => {
    const entered = signalled();
    const { app, ended } = await start([
      over('openfunction')((ctx: Context) => {
        entered.resolve();
        return new Promise<void>((resolve) => {
          ctx.signal.addEventListener('abort', () => resolve());
        });
      }),
    ]);
    const socket = connect(app.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await entered.promise;
    socket.destroy();
    expect((await ended())[0]?.ends).toEqual([{ status: 499 }]);
  });

  test('has what cut it off as its error', async () => {
    const entered = signalled();
    const { app, ended } = await start([
      over('openfunction')(() => {
        entered.resolve();
        return new Promise(() => {});
      }),
    ]);
    const reply = app.send({ path: '/' });
    await entered.promise;
    await expect(app.runtime.stop({ skipDelay: true })).rejects.toMatchObject({
      code: 'OFN_DRAIN_INCOMPLETE',
    });
    expect((await reply).status).toBe(503);
    const [call] = await ended();
    expect(call?.ends).toEqual([{ status: 503 }]);
    expect(call?.span.error).toMatchObject({ code: 'OFN_STOPPING' });
  });

  test('has the error of a reply that could not be made', async () => {
    const { app, ended } = await start([over('openfunction')(() => 1n)]);
    await app.send({ path: '/' });
    const [call] = await ended();
    expect(call?.ends).toEqual([{ status: 500 }]);
    expect(call?.span.error).toMatchObject({ code: 'OFN_RESULT_INVALID' });
  });

  test.each<[string, FunctionDefinition]>([
    ['a call', over('openfunction')(() => Promise.reject(undefined))],
    ['an event', over('cloudevent')(() => Promise.reject(undefined))],
    [
      'a timer',
      over('openfunction')((ctx: Context) => {
        ctx.fail(undefined);
        return new Promise(() => {});
      }),
    ],
  ])('has an error when %s threw nothing', async (_, definition) => {
    const { app, ended } = await start([definition]);
    await app.post('/', EVENT);
    const [call] = await ended();
    expect(call?.ends).toEqual([{ status: 500 }]);
    expect(call?.span.error).toBeInstanceOf(Error);
  });

  test('has no error when a plugin has made good for it', async () => {
    const hooks = { name: 'hooks', execPostHook: () => {} };
    const rescue = definePlugin({
      name: 'rescue',
      wrap: (_, next) => next().catch(() => 'rescued'),
    });
    const { app, ended } = await start(
      [
        over('openfunction')(() => {
          throw new Error('boom');
        }),
      ],
      { source: { plugins: [rescue], hookPlugins: [hooks] } },
    );
    expect((await app.send({ path: '/' })).text).toBe('rescued');
    const [call] = await ended();
    expect(call?.ends).toEqual([{ status: 200 }]);
    expect(call?.span.error).toBeUndefined();
  });
});

describe('the events of a batch', () => {
  const batch = [EVENT, { ...EVENT, id: '2', data: 'bad' }, { ...EVENT, id: '3' }];

  test('are calls of their own: each ends when the next begins, the last with the response', async () => {
    const open: (number | undefined)[] = [];
    const { app, ended, calls } = await start([
      over('cloudevent')(async () => {
        await setImmediate();
        open.push(calls.filter(({ ends }) => ends.length === 0).length);
      }),
    ]);
    await app.post('/', batch, BATCH);
    await ended(3);
    expect(open).toEqual([1, 1, 1]);
    expect(calls).toMatchObject([
      { runs: 1, ends: [{}] },
      { runs: 1, ends: [{}] },
      { runs: 1, ends: [{ status: 204 }] },
    ]);
    expect(new Set(calls.map(({ span }) => span.spanId)).size).toBe(3);
  });

  test('end with the error of the one that failed', async () => {
    const { app, ended } = await start([
      over('cloudevent')(({ data }: { data: unknown }) => {
        if (data === 'bad') throw new Error('boom');
      }),
    ]);
    await app.post('/', batch, BATCH);
    const calls = await ended(2);
    expect(calls.map(({ ends }) => ends)).toEqual([[{}], [{ status: 500 }]]);
    expect(calls.map(({ span }) => span.error)).toEqual([undefined, new Error('boom')]);
  });

  test('are not traced when a schema refuses them', async () => {
    const schema = z.literal('fine');
    const { app, ended, calls } = await start([over('cloudevent')(() => {}, { schema })]);
    expect((await app.post('/', batch, BATCH)).status).toBe(400);
    await ended(1);
    expect(calls).toMatchObject([{ ends: [{}], span: { error: undefined } }]);
  });
});

describe('an event of Dapr', () => {
  test.each([
    ['DROP', () => Promise.reject(new DropError('no use'))],
    ['RETRY', () => Promise.reject(new RetryError('later'))],
    ['DROP', (ctx: Context) => ctx.drop('no use')],
  ] as const)('ends with %s when the handler asks for it', async (acknowledgement, handler) => {
    const { app, ended } = await start([onTopic(handler)]);
    await app.post(TOPIC, eventOf(1));
    const [call] = await ended();
    expect(call?.ends).toEqual([{ acknowledgement }]);
    expect(call?.span.error).toBeInstanceOf(Error);
  });

  test('ends with the timeout, and once, though its handler goes on', async () => {
    const late = signalled();
    const { app, ended, calls } = await start([onTopic(() => late.promise)], {
      flags: ['--timeout=20ms'],
    });
    await app.post(TOPIC, eventOf(1));
    await ended();
    late.resolve();
    await app.runtime.stop({ skipDelay: true });
    expect(calls).toMatchObject([
      { ends: [{ acknowledgement: 'RETRY' }], span: { error: { code: 'OFN_TIMEOUT' } } },
    ]);
  });

  test('ends when it is given back at the end of the drain', async () => {
    const entered = signalled();
    const { app, calls } = await start([
      onTopic(() => {
        entered.resolve();
        return new Promise(() => {});
      }),
    ]);
    const reply = app.post(TOPIC, eventOf(1));
    await entered.promise;
    await app.runtime.stop({ skipDelay: true }).catch(() => {});
    expect((await reply).json).toEqual({ status: 'RETRY' });
    expect(calls).toMatchObject([
      { ends: [{ acknowledgement: 'RETRY' }], span: { error: { code: 'OFN_STOPPING' } } },
    ]);
  });

  test('over gRPC has the trace of its metadata', async () => {
    const { app, calls } = await start([onTopic(() => {})], GRPC);
    const reply = await connectGrpc(app).call(
      'onTopicEvent',
      { id: 'e1', source: 's', type: 't', topic: 'orders', pubsubName: 'mq', path: TOPIC },
      { traceparent: TRACEPARENT },
    );
    expect(reply.status).toBe(TopicEventStatus.SUCCESS);
    expect(calls[0]?.span.traceId).toBe(TRACE_ID);
  });
});

describe('the trace of a CloudEvent over HTTP', () => {
  const trace = { traceparent: TRACEPARENT, sw8: 'of the event', sw8correlation: 'a:b' };
  const carried = { traceparent: TRACEPARENT, sw8: 'of the event', 'sw8-correlation': 'a:b' };
  const define = (seen: unknown[]): FunctionDefinition =>
    over('cloudevent')(() => void seen.push(currentInvocation()?.propagation));

  test('is that of its attributes, when the request has none', async () => {
    const seen: unknown[] = [];
    const app = await startApp([define(seen)]);
    await app.post('/', { ...EVENT, ...trace });
    await app.post('/', 'fine', {
      'content-type': 'text/plain',
      ...Object.fromEntries(
        Object.entries({ ...EVENT, ...trace })
          .filter(([name]) => name !== 'data')
          .map(([name, value]) => [`ce-${name}`, value]),
      ),
    });
    expect(seen).toEqual([carried, carried]);
  });

  test('is that of the request, which is closer, when it has one', async () => {
    const seen: unknown[] = [];
    const app = await startApp([define(seen)]);
    await app.post('/', { ...EVENT, ...trace }, { sw8: 'of the request' });
    expect(seen).toEqual([{ sw8: 'of the request' }]);
  });
});

describe('a tracer that throws', () => {
  const broken = (method: 'begin' | 'end') => {
    const { tracing } = createRecorder();
    const fail = (): never => {
      throw new Error('tracer');
    };
    if (method === 'begin') return { ...tracing, begin: fail };
    return {
      ...tracing,
      begin: (invocation: Invocation) => ({ ...tracing.begin(invocation), end: fail }),
    };
  };

  test.each(['begin', 'end'] as const)('in %s costs no call its answer', async (method) => {
    const app = await startApp([over('openfunction')(() => 'done')], { tracing: broken(method) });
    expect((await app.send({ path: '/' })).text).toBe('done');
    await vi.waitFor(() =>
      expect(app.lines.map(({ message }) => message)).toContainEqual(
        expect.stringContaining('the tracer failed'),
      ),
    );
  });

  test.each(['begin', 'end'] as const)(
    'in %s costs no event its acknowledgement',
    async (method) => {
      const app = await startApp([onTopic(() => {})], { tracing: broken(method) });
      expect((await app.post(TOPIC, eventOf('data'))).json).toEqual({ status: 'SUCCESS' });
    },
  );
});

describe('inside the span', () => {
  test('run listeners of a response that the framework sends', async () => {
    const seen: (string | undefined)[] = [];
    const { app, of, current } = await start([
      over('openfunction')((ctx: Context) => {
        ctx.res?.on('prefinish', () => seen.push(current()?.spanId));
        return 'done';
      }),
    ]);
    await app.send({ path: '/' });
    expect(seen).toEqual([of('call')[0]?.spanId]);
  });

  test('run listeners of the request, the response and the signal', async () => {
    const seen: [string, string | undefined][] = [];
    const look = (who: string): unknown => seen.push([who, current()?.spanId]);
    const { app, of, current } = await start([
      over('http')((req: Request, res: Response) => {
        req.on('end', () => look('request'));
        res.on('finish', () => look('response'));
        res.end();
      }),
    ]);
    await app.send({ path: '/' });
    await vi.waitFor(() => expect(seen.map(([who]) => who)).toContain('response'));
    for (const [, spanId] of seen) expect(spanId).toBe(of('call')[0]?.spanId);
  });

  test('run plugins, hooks, the handler and what they leave running', async () => {
    const seen: [string, string | undefined][] = [];
    const look = (who: string): unknown => seen.push([who, currentInvocation()?.trace.spanId]);
    const outer = definePlugin({
      name: 'outer',
      async wrap(_, next) {
        look('before');
        const value = await next();
        look('after');
        return value;
      },
    });
    const hooks = {
      name: 'hooks',
      execPreHook: () => look('pre-hook'),
      execPostHook: () => look('post-hook'),
    };
    const { app, of } = await start(
      [
        over('openfunction')(async (ctx: Context) => {
          look('handler');
          await setImmediate();
          look('later');
          await ctx.trace.span('part', async () => {
            await setImmediate();
            look('inner');
          });
          return 'done';
        }),
      ],
      { source: { plugins: [outer], hookPlugins: [hooks] } },
    );
    await app.send({ path: '/' });
    const [call] = of('call');
    const [inner] = of('inner');
    expect(inner).toMatchObject({ name: 'part', parentId: call?.spanId, hasEnded: true });
    expect(seen).toEqual([
      ['before', call?.spanId],
      ['pre-hook', call?.spanId],
      ['handler', call?.spanId],
      ['later', call?.spanId],
      ['inner', inner?.spanId],
      ['post-hook', call?.spanId],
      ['after', call?.spanId],
    ]);
  });

  test('200 interleaved calls keep their spans apart', async () => {
    const failures: string[] = [];
    const { app, ended, spans } = await start([
      over('openfunction')(async (ctx: Context) => {
        const { spanId, traceId } = ctx.trace;
        for (let turn = 0; turn < Number(ctx.req?.query['turns']); turn += 1) {
          await setImmediate();
          const inner = await ctx.trace.span('turn', async () => {
            await setImmediate();
            return { spanId: ctx.trace.spanId, found: currentInvocation()?.traceId };
          });
          const parent = spans.find((span) => span.spanId === inner.spanId)?.parentId;
          if (parent !== spanId || inner.found !== traceId) failures.push(ctx.id);
          if (ctx.trace.spanId !== spanId) failures.push(ctx.id);
        }
        return ctx.propagation;
      }),
    ]);
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        app.send({
          path: `/?turns=${(index * 7) % 10}`,
          headers: { 'x-request-id': `call-${index}` },
        }),
      ),
    );
    await ended(200);
    expect(failures).toEqual([]);
    expect(new Set(replies.map(({ json }) => json.traceparent)).size).toBe(200);
  });
});

describe('ctx.trace and its kin', () => {
  test('are those of the span: trace id, span id, propagation', async () => {
    const { app, of } = await start([
      over('openfunction')((ctx: Context) => ({
        ids: [ctx.trace.traceId, ctx.traceId, ctx.trace.spanId],
        propagation: ctx.propagation,
        inner: ctx.trace.span('inner', () => ctx.propagation['traceparent']),
      })),
    ]);
    const headers = { traceparent: TRACEPARENT, tracestate: 'a=b' };
    const { json } = await app.send({ path: '/', headers });
    const [call] = of('call');
    const [inner] = of('inner');
    expect(json.ids).toEqual([TRACE_ID, TRACE_ID, call?.spanId]);
    expect(json.propagation).toMatchObject({
      traceparent: `00-${TRACE_ID}-${call?.spanId}-01`,
      tracestate: 'a=b',
    });
    expect(json.inner).toBe(`00-${TRACE_ID}-${inner?.spanId}-01`);
  });

  test('are on req for (req, res) handlers, and for those of an Express app', async () => {
    const app = express();
    app.get('/', (req, res) => void res.send((req as Request).trace.traceId));
    for (const handler of [app, (req: Request, res: Response) => res.send(req.trace.traceId)]) {
      const { app: served } = await start([over('http')(handler as Handler)]);
      const { text } = await served.send({ path: '/', headers: { traceparent: TRACEPARENT } });
      expect(text).toBe(TRACE_ID);
    }
  });

  test('answer after the end of the call, to what it left running', async () => {
    const left = signalled();
    const after = signalled<readonly unknown[]>();
    const { app, ended, of } = await start([
      over('openfunction')((ctx: Context) => {
        void left.promise.then(() =>
          after.resolve([ctx.trace.traceId, ctx.trace.spanId, ctx.propagation['traceparent']]),
        );
        return 'done';
      }),
    ]);
    await app.send({ path: '/', headers: { traceparent: TRACEPARENT } });
    await ended();
    left.resolve();
    const spanId = of('call')[0]?.spanId;
    expect(await after.promise).toEqual([TRACE_ID, spanId, `00-${TRACE_ID}-${spanId}-01`]);
  });

  test('stand in each log line, with the span of the call wherever the logger was first used', async () => {
    const schema = z.string().refine(() => currentInvocation()?.log.info('checked') === undefined);
    const { app, of } = await start([
      over('openfunction')(
        (ctx: Context) => {
          ctx.trace.span('inner', () => ctx.log.info('inside'));
          ctx.log.info('outside');
        },
        { schema },
      ),
    ]);
    await app.post('/', '"x"', { 'content-type': 'application/json', traceparent: TRACEPARENT });
    const spanId = of('call')[0]?.spanId;
    expect(
      app.lines.map(({ message, fields }) => [message, fields['traceId'], fields['spanId']]),
    ).toEqual([
      ['checked', TRACE_ID, undefined],
      ['inside', TRACE_ID, spanId],
      ['outside', TRACE_ID, spanId],
    ]);
  });
});

describe('without a tracer', () => {
  test("a trace is the caller's, and its methods only run what they are given", async () => {
    const trace = untraced({ traceparent: TRACEPARENT });
    expect(trace).toMatchObject({ traceId: TRACE_ID, spanId: undefined });
    expect(trace.propagation).toEqual({ traceparent: TRACEPARENT });
    expect(trace.span('x', () => 7)).toBe(7);
    const boom = (): never => {
      throw new Error('boom');
    };
    expect(() => trace.span('x', boom)).toThrow('boom');
    const sent = Promise.resolve('sent');
    const target = { kind: 'topic', operation: 'x', peer: 'x', componentType: undefined } as const;
    expect(trace.exit(target, () => sent)).toBe(sent);
    expect(untraced()).toMatchObject({ traceId: undefined, propagation: {} });
  });

  test('a call has the trace of its caller, and lines without a span', async () => {
    const app = await startApp([
      over('openfunction')((ctx: Context) => {
        ctx.log.info('handled');
        return [ctx.traceId ?? 'none', ctx.trace.spanId ?? 'none', ctx.propagation];
      }),
    ]);
    const propagation = { traceparent: TRACEPARENT };
    const { json } = await app.send({ path: '/', headers: propagation });
    expect(json).toEqual([TRACE_ID, 'none', propagation]);
    expect(app.lines[0]?.fields).toMatchObject({ traceId: TRACE_ID });
    expect(app.lines[0]?.fields).not.toHaveProperty('spanId');
    expect((await app.send({ path: '/' })).json).toEqual(['none', 'none', {}]);
  });
});

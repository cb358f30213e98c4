// What OpenFunction's framework for Node.js and Dapr's DaprServer get wrong with events, and this does
// not. Numbers are those of the defects of OpenFunction's framework.
import type { CloudEvent } from 'cloudevents';
import { describe, expect, test } from 'vitest';
import { defineFunction } from '../function/definition.ts';
import type { Context, Handler, Trigger } from '../function/signature.ts';
import { signalled } from '../http/serve.fixture.ts';
import { parseOptions } from '../options.ts';
import { TopicEventStatus, connectGrpc, eventOf, startApp } from './channel.fixture.ts';

const TRIGGER: Trigger = { kind: 'topic', pubsub: 'mq', topic: 'orders' };
const TOPIC = '/dapr/topics/mq/orders/onOrder';
const { SUCCESS, RETRY } = TopicEventStatus;

const onOrder = (handler: Handler, trigger: Partial<Trigger> = {}) =>
  defineFunction('onOrder', 'openfunction', handler, {}, { ...TRIGGER, ...trigger } as Trigger);

const grpcEventOf = (data: unknown, changes: object = {}) => ({
  id: 'e1',
  source: 'shop',
  type: 'order',
  dataContentType: 'application/json',
  data: Buffer.from(JSON.stringify(data)),
  path: TOPIC,
  ...changes,
});

const refusal = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("OpenFunction's framework", () => {
  test('1: one context serves all events; here each has its own, over both protocols', async () => {
    const all = signalled();
    const contexts: Context[] = [];
    const seen: unknown[] = [];
    const app = await startApp(
      [
        onOrder(async (ctx: Context, data) => {
          contexts.push(ctx);
          if (contexts.length === 20) all.resolve();
          await all.promise;
          seen.push([data, ctx.data, ctx.event?.id]);
        }),
      ],
      { flags: ['--app-protocol=grpc'] },
    );
    const { call } = connectGrpc(app);
    const indices = Array.from({ length: 20 }, (_, index) => index);
    await Promise.all(
      indices.map(async (index) => {
        const id = `e${index}`;
        if (index % 2 === 0) await app.post(TOPIC, eventOf(index, { id }));
        else await call('onTopicEvent', grpcEventOf(index, { id }));
      }),
    );
    expect(new Set(contexts).size).toBe(20);
    const byData = (seen as [number, number, string][]).toSorted(([a], [b]) => a - b);
    expect(byData).toEqual(indices.map((index) => [index, index, `e${index}`]));
  });

  test('2: ctx.error is never cleared; here a failure is of its own event alone', async () => {
    const errors: unknown[] = [];
    const post = { name: 'post', execPostHook: (ctx: Context) => void errors.push(ctx.error) };
    const failure = new Error('the first fails');
    const { post: send } = await startApp(
      [
        onOrder((_ctx: Context, data) => {
          if (data === 'first') throw failure;
        }),
      ],
      { source: { hookPlugins: [post] } },
    );
    expect((await send(TOPIC, eventOf('first'))).json).toEqual({ status: 'RETRY' });
    expect((await send(TOPIC, eventOf('second'))).json).toEqual({ status: 'SUCCESS' });
    expect(errors).toEqual([failure, undefined]);
  });

  test('6: a failure drops the event; here it is retried until it succeeds', async () => {
    let attempts = 0;
    const app = await startApp(
      [
        onOrder(async () => {
          attempts += 1;
          if (attempts % 2 === 1) throw new Error('not yet');
        }),
      ],
      { flags: ['--app-protocol=grpc'] },
    );
    const statuses = [await app.post(TOPIC, eventOf(1)), await app.post(TOPIC, eventOf(1))];
    expect(statuses.map(({ json }) => json.status as unknown)).toEqual(['RETRY', 'SUCCESS']);
    const { call } = connectGrpc(app);
    expect((await call('onTopicEvent', grpcEventOf(1))).status).toBe(RETRY);
    expect((await call('onTopicEvent', grpcEventOf(1))).status).toBe(SUCCESS);
  });

  test('7: a malformed FUNC_CONTEXT serves HTTP silently; here it stops the start', () => {
    for (const variable of ['FUNC_CONTEXT', 'FUNC_CONTEXT_V1BETA2']) {
      expect(() => parseOptions([], { [variable]: '{"runtime":"Async",' })).toThrow(
        expect.objectContaining({
          code: 'OFN_CONTEXT_MALFORMED',
          message: expect.stringContaining(variable) as unknown,
        }),
      );
    }
  });

  test('7: FUNC_CONTEXT_V1BETA2 is not read; here it alone makes a function async', async () => {
    const seen: unknown[] = [];
    const triggers = { dapr: [{ name: 'mq', type: 'pubsub.redis', topic: 'orders' }] };
    const FUNC_CONTEXT_V1BETA2 = JSON.stringify({ name: 'shop', version: 'v2', triggers });
    const { post, send } = await startApp(
      [
        defineFunction(
          'onOrder',
          'openfunction',
          (_ctx: Context, data: unknown) => void seen.push(data),
        ),
      ],
      { env: { FUNC_CONTEXT_V1BETA2 } },
    );
    expect((await send({ path: '/dapr/subscribe' })).json).toMatchObject([
      { pubsubname: 'mq', topic: 'orders' },
    ]);
    await post('/orders', eventOf(7));
    expect(seen).toEqual([7]);
  });

  test('8: HTTP alone is served; here gRPC too, by the APP_PROTOCOL that the operator sets', async () => {
    const app = await startApp([onOrder(() => {})], { env: { APP_PROTOCOL: 'grpc' } });
    const { call } = connectGrpc(app);
    expect((await call('onTopicEvent', grpcEventOf(1))).status).toBe(SUCCESS);
  });

  test('8: the signature type is ignored; here a cloudevent function gets the event', async () => {
    const seen: unknown[] = [];
    const onEvent = defineFunction('f', 'cloudevent', (event: CloudEvent<unknown>) => {
      seen.push([event.id, event.type, event.data]);
    });
    const inputs = { in: { componentName: 'mq', componentType: 'pubsub.redis', uri: 'orders' } };
    const { post } = await startApp([onEvent], { context: { runtime: 'Async', inputs } });
    await post('/orders', eventOf(7, { type: 'order' }));
    expect(seen).toEqual([['e1', 'order', 7]]);
  });
});

describe('DaprServer', () => {
  async function startBoth(handler: Handler, flags: readonly string[] = []) {
    const app = await startApp([onOrder(handler)], { flags: ['--app-protocol=grpc', ...flags] });
    const { call } = connectGrpc(app);
    return {
      app,
      call,
      http: async (data: unknown, attributes: object = {}) =>
        (await app.post(TOPIC, eventOf(data, attributes as Record<string, unknown>))).json
          .status as string,
      grpc: async (data: unknown, changes: object = {}) =>
        TopicEventStatus[(await call('onTopicEvent', grpcEventOf(data, changes))).status as number],
    };
  }

  test('acknowledges an event whose handler threw; here it is retried', async () => {
    const { http, grpc } = await startBoth(() => {
      throw new Error('x');
    });
    expect([await http(1), await grpc(1)]).toEqual(['RETRY', 'RETRY']);
  });

  test('acknowledges each entry of a bulk whose handler threw; here those are retried', async () => {
    const { app, call } = await startBoth((_ctx: Context, data) => {
      if (data === 'bad') throw new Error('bad');
    });
    const entries = ['good', 'bad'].map((data) => ({ entryId: data, event: eventOf(data) }));
    const reply = await app.post(TOPIC, { entries }, { 'content-type': 'application/json' });
    expect(reply.json.statuses).toEqual([
      { entryId: 'good', status: 'SUCCESS' },
      { entryId: 'bad', status: 'RETRY' },
    ]);
    const { statuses } = await call('onBulkTopicEvent', {
      path: TOPIC,
      entries: ['good', 'bad'].map((data) => ({
        entryId: data,
        event: { case: 'cloudEvent' as const, value: { ...grpcEventOf(data), path: undefined } },
      })),
    });
    expect(statuses).toMatchObject([
      { entryId: 'good', status: SUCCESS },
      { entryId: 'bad', status: RETRY },
    ]);
  });

  test('acknowledges an event of an unknown topic; here it is an error, which is retried', async () => {
    const { app, call } = await startBoth(() => {});
    expect((await app.post('/unknown', eventOf(1))).status).toBe(500);
    const unknown = { topic: 'unknown', path: '' };
    expect(await refusal(call('onTopicEvent', grpcEventOf(1, unknown)))).toMatchObject({
      details: expect.stringContaining('OFN_INPUT_UNKNOWN') as unknown,
    });
    expect(app.lines.map(({ level }) => level)).toEqual(['error', 'error']);
  });

  test('hands over the whole envelope for falsy data; here 0, false, "" and null arrive', async () => {
    const seen: unknown[] = [];
    const { http, grpc } = await startBoth((_ctx: Context, data) => void seen.push(data));
    for (const data of [0, false, '', null]) {
      await http(data);
      await grpc(data);
    }
    expect(seen).toEqual([0, 0, false, false, '', '', null, null]);
  });

  test('corrupts binary over gRPC; here it arrives byte by byte, over both', async () => {
    const seen: unknown[] = [];
    const { http, grpc } = await startBoth((ctx: Context, data) => {
      seen.push(data, ctx.event?.data, ctx.input?.bytes);
    });
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    await grpc(null, { data: bytes, dataContentType: 'application/octet-stream' });
    await http(undefined, { data_base64: bytes.toString('base64') });
    expect(seen).toHaveLength(6);
    for (const each of seen) expect(bytes.equals(each as Buffer)).toBe(true);
  });

  test('loses the CloudEvent; here its id, type, extensions and traceparent arrive', async () => {
    const seen: unknown[] = [];
    const { http, grpc } = await startBoth((ctx: Context) => {
      const { id, source, type } = ctx.event ?? {};
      seen.push([id, source, type, ctx.event?.['partitionkey'], ctx.propagation]);
    });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const extensions = { partitionkey: 'p', traceparent };
    await http(1, { type: 'order', ...extensions });
    await grpc(1, { extensions });
    const whole = ['e1', 'shop', 'order', 'p', { traceparent }];
    expect(seen).toEqual([whole, whole]);
  });

  test('stringifies string metadata twice; here a sidecar reads it as it was written', async () => {
    const metadata = { consumerID: 'shop', note: '"quoted"' };
    const app = await startApp([onOrder(() => {}, { metadata } as Partial<Trigger>)], {
      flags: ['--app-protocol=grpc'],
    });
    const overHttp = (await app.send({ path: '/dapr/subscribe' })).json as [{ metadata: object }];
    expect(overHttp[0].metadata).toEqual(metadata);
    const { subscriptions } = await connectGrpc(app).call('listTopicSubscriptions', {});
    expect((subscriptions as [{ metadata: object }])[0].metadata).toEqual(metadata);
  });

  test('has no /healthz; here it is answered, over both', async () => {
    const { app, call } = await startBoth(() => {});
    expect((await app.send({ path: '/healthz' })).status).toBe(200);
    await call('healthCheck', {});
  });

  test('ignores its size limit over gRPC; here it holds over both', async () => {
    const { app, call } = await startBoth(() => {}, ['--body-limit=5k']);
    const large = 'x'.repeat(6000);
    expect((await app.post(TOPIC, eventOf(large))).status).toBe(413);
    expect(await refusal(call('onTopicEvent', grpcEventOf(large)))).toMatchObject({ code: 8 });
  });

  test('cuts events in flight at its stop; here they are finished and acknowledged, over both', async () => {
    const begun = signalled();
    const end = signalled();
    let count = 0;
    const { app, http, grpc } = await startBoth(async () => {
      count += 1;
      if (count === 2) begun.resolve();
      await end.promise;
    }, ['--drain-timeout=10s']);
    const replies = [http(1), grpc(1)];
    await begun.promise;
    const stopped = app.runtime.stop({ skipDelay: true });
    end.resolve();
    expect(await Promise.all(replies)).toEqual(['SUCCESS', 'SUCCESS']);
    await stopped;
  });

  test('hangs at its stop while a client is connected over gRPC; here it does not', async () => {
    const { app, grpc } = await startBoth(() => {}, ['--drain-timeout=10s']);
    await grpc(1);
    const start = performance.now();
    await app.runtime.stop({ skipDelay: true });
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

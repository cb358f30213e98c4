// The app channel over gRPC: what a sidecar is answered, and what anybody else is.
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { DropError } from '../function/acknowledgement.ts';
import { defineFunction } from '../function/definition.ts';
import type {
  Context,
  FunctionDefinition,
  Handler,
  Request,
  Response,
  Trigger,
} from '../function/signature.ts';
import { connectTo, signalled } from '../http/serve.fixture.ts';
import {
  TopicEventStatus,
  connectGrpc,
  startApp,
  type App,
  type AppOptions,
  type GrpcSidecar,
} from './channel.fixture.ts';

const TOPIC = '/dapr/topics/mq/orders/onOrder';
const { SUCCESS, RETRY, DROP } = TopicEventStatus;

function topic(handler: Handler, options: Partial<Trigger> = {}, name = 'onOrder') {
  const trigger = { pubsub: 'mq', topic: 'orders', ...options, kind: 'topic' } as Trigger;
  return defineFunction(name, 'openfunction', handler, {}, trigger);
}

function binding(handler: Handler, options: Partial<Trigger> = {}, name = 'tick') {
  const trigger = { component: 'cron', ...options, kind: 'binding' } as Trigger;
  return defineFunction(name, 'openfunction', handler, {}, trigger);
}

async function startGrpc(functions: readonly FunctionDefinition[], options: AppOptions = {}) {
  const flags = ['--app-protocol=grpc', ...(options.flags ?? [])];
  const app = await startApp(functions, { ...options, flags });
  return { app, ...connectGrpc(app) };
}

/** An app whose topic and binding keep what they got; data that says so has them fail or drop. */
async function startShop(options: AppOptions & { more?: FunctionDefinition[] } = {}) {
  const got: { data: unknown; ctx: Context }[] = [];
  const handler = (ctx: Context, data: unknown): void => {
    got.push({ data, ctx });
    if (data === 'bad') throw new Error('bad');
    if (data === 'drop') throw new DropError('dropped');
  };
  const { more = [], ...rest } = options;
  const found = await startGrpc([topic(handler), binding(handler), ...more], rest);
  return { ...found, got };
}

const bytesOf = (data: unknown): Buffer => Buffer.from(JSON.stringify(data));

const eventOf = (data: unknown, changes: object = {}) => ({
  id: 'e1',
  source: 'shop',
  type: 'order',
  specVersion: '1.0',
  dataContentType: 'application/json',
  data: data instanceof Uint8Array ? data : bytesOf(data),
  topic: 'orders',
  pubsubName: 'mq',
  path: TOPIC,
  ...changes,
});

const refusal = (call: Promise<unknown>) =>
  call.then(
    () => ({ code: status.OK, details: '' }),
    (error: { code: status; details: string }) => error,
  );

async function stillServes({ call }: Pick<GrpcSidecar, 'call'>): Promise<void> {
  expect((await call('onTopicEvent', eventOf('fine'))).status).toBe(SUCCESS);
}

describe('a sidecar that starts', () => {
  test('is told the subscriptions', async () => {
    const { call } = await startGrpc([
      topic(() => {}, {
        match: 'event.type == "gold"',
        deadLetterTopic: 'failed',
        bulk: { maxMessages: 5, maxWait: 9 },
        metadata: { consumerID: 'c' },
      } as Partial<Trigger>),
      topic(() => {}, {}, 'rest'),
    ]);
    const { subscriptions } = await call('listTopicSubscriptions', {});
    expect(subscriptions).toMatchObject([
      {
        pubsubName: 'mq',
        topic: 'orders',
        deadLetterTopic: 'failed',
        metadata: { consumerID: 'c' },
        bulkSubscribe: { enabled: true, maxMessagesCount: 5, maxAwaitDurationMs: 9 },
        routes: {
          rules: [{ match: 'event.type == "gold"', path: TOPIC }],
          default: '/dapr/topics/mq/orders/rest',
        },
      },
    ]);
  });

  test('is told of a plain subscription nothing that was not asked for, and of no rule', async () => {
    const { call } = await startShop();
    const [subscription] = (await call('listTopicSubscriptions', {})).subscriptions as [any];
    expect(subscription).toMatchObject({ deadLetterTopic: '', metadata: {} });
    expect(subscription.routes).toMatchObject({ rules: [], default: TOPIC });
    expect(subscription.bulkSubscribe).toBeUndefined();
  });

  test('is told the bindings that are read', async () => {
    const { call } = await startShop();
    expect((await call('listInputBindings', {})).bindings).toEqual(['cron']);
  });

  test('is told that the app is healthy, and over HTTP on the same port too', async () => {
    const { app, call } = await startShop();
    await call('healthCheck', {});
    expect((await app.send({ path: '/healthz' })).status).toBe(200);
  });
});

describe('an event of a topic', () => {
  test('is answered with its status, whatever the handler returns', async () => {
    const { call } = await startShop();
    for (const [data, expected] of [
      ['fine', SUCCESS],
      ['bad', RETRY],
      ['drop', DROP],
    ]) {
      expect((await call('onTopicEvent', eventOf(data))).status).toBe(expected);
    }
  });

  test('arrives whole: attributes, extensions, metadata and trace', async () => {
    const { call, got } = await startShop();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const extensions = { subject: 'x', priority: 3, express: true };
    await call('onTopicEvent', eventOf({ a: 1 }, { extensions }), { traceparent, 'x-own': '1' });
    const [{ data, ctx } = {}] = got;
    expect(data).toEqual({ a: 1 });
    expect(ctx?.event).toMatchObject({
      id: 'e1',
      source: 'shop',
      type: 'order',
      datacontenttype: 'application/json',
      ...extensions,
    });
    expect(ctx?.propagation).toEqual({ traceparent });
  });

  test('is found by topic and component where it names no path', async () => {
    const seen: string[] = [];
    const { call } = await startGrpc([
      topic(() => seen.push('mq')),
      topic(() => seen.push('kafka'), { pubsub: 'kafka' } as Partial<Trigger>, 'onKafka'),
    ]);
    await call('onTopicEvent', eventOf(1, { path: '', pubsubName: 'kafka' }));
    await call('onTopicEvent', eventOf(1, { path: '', pubsubName: 'mq' }));
    await call('onTopicEvent', eventOf(1, { path: '/elsewhere', pubsubName: '' }));
    expect(seen).toEqual(['kafka', 'mq', 'mq']);
  });

  test('without a version has that of CloudEvents', async () => {
    const { call, got } = await startShop();
    await call('onTopicEvent', eventOf(1, { specVersion: '', dataContentType: '' }));
    expect(got[0]?.ctx.event?.specversion).toBe('1.0');
  });
});

describe('a bulk', () => {
  const cloud = (entryId: string, data: unknown, changes: object = {}) => {
    const { topic: _, pubsubName: __, path: ___, ...value } = eventOf(data, changes);
    return { entryId, event: { case: 'cloudEvent' as const, value }, contentType: 'x' };
  };
  const bulk = { id: 'b', topic: 'orders', pubsubName: 'mq', type: 'bulk', path: TOPIC };

  test.each(['onBulkTopicEvent', 'onBulkTopicEventAlpha1'] as const)(
    'by %s has one status for each entry, and what is malformed is retried uncalled',
    async (method) => {
      const { call, got, app } = await startShop();
      const bytes = Buffer.from([0xff, 0x00]);
      const { statuses } = await call(method, {
        ...bulk,
        entries: [
          cloud('1', 'fine'),
          cloud('2', 'bad'),
          cloud('3', 'drop'),
          cloud('4', 'no id', { id: '' }),
          { entryId: '5', event: { case: 'bytes', value: bytes }, contentType: 'x' },
          { entryId: '6', metadata: { partition: '1' } },
        ],
      });
      expect(
        (statuses as { entryId: string; status: number }[]).map(({ entryId, status: said }) => [
          entryId,
          said,
        ]),
      ).toEqual(
        expect.arrayContaining([
          ['1', SUCCESS],
          ['2', RETRY],
          ['3', DROP],
          ['4', RETRY],
          ['5', SUCCESS],
          ['6', SUCCESS],
        ]),
      );
      expect(statuses).toHaveLength(6);
      expect(got.map(({ data }) => data)).toEqual(['fine', 'bad', 'drop', bytes, undefined]);
      expect(got.at(-1)?.ctx.function.name).toBe('onOrder');
      expect(app.lines).toContainEqual(
        expect.objectContaining({
          message: 'an event of a bulk is not valid',
          fields: expect.objectContaining({ entryId: '4' }) as unknown,
        }),
      );
    },
  );

  test('that is empty is answered', async () => {
    const { call } = await startShop();
    expect((await call('onBulkTopicEvent', { ...bulk, entries: [] })).statuses).toEqual([]);
  });
});

describe('an event of a binding', () => {
  const eventOfBinding = (data: unknown) => ({ name: 'cron', data: bytesOf(data) });

  test('is answered when it is done or dropped, and an error when not', async () => {
    const { call } = await startShop();
    for (const data of ['fine', 'drop']) {
      expect(await call('onBindingEvent', eventOfBinding(data))).toMatchObject({
        to: [],
        storeName: '',
      });
    }
    expect(await refusal(call('onBindingEvent', eventOfBinding('bad')))).toMatchObject({
      code: status.UNKNOWN,
      details: 'the event has to be delivered again',
    });
  });

  test('arrives with its bytes and its metadata', async () => {
    const { call, got } = await startShop();
    const data = Buffer.from([0xff, 0x00, 0xfe]);
    await call('onBindingEvent', { name: 'cron', data, metadata: { fileName: 'X.bin' } });
    await call('onBindingEvent', { name: 'cron' });
    expect(got.map((each) => each.data)).toEqual([data, {}]);
  });

  test('goes to the binding, also where a topic has the same name', async () => {
    const seen: string[] = [];
    const { call } = await startGrpc([
      topic(() => seen.push('topic'), { topic: 'cron' } as Partial<Trigger>),
      binding(() => seen.push('binding')),
    ]);
    await call('onBindingEvent', { name: 'cron' });
    await call('onTopicEvent', eventOf(1, { path: '', topic: 'cron' }));
    expect(seen).toEqual(['binding', 'topic']);
  });
});

describe('an invocation', () => {
  const web = defineFunction('web', 'http', (req: Request, res: Response) => {
    if (req.query.status !== undefined) res.status(Number(req.query.status));
    res.setHeader('content-type', 'text/own');
    res.end(`${req.method} ${req.url} ${req.get('content-type')} ${String(req.rawBody)}`);
  });
  const invoke = ({ call }: Pick<GrpcSidecar, 'call'>, request: object) =>
    call('onInvoke', request).then(({ contentType, data }) => [
      contentType,
      Buffer.from(data.value as Uint8Array).toString(),
    ]);

  test('is answered by the function, as a request would be', async () => {
    const shop = await startShop({ more: [web] });
    const data = { value: Buffer.from('{"a":1}') };
    const request = { method: 'web', contentType: 'application/json', data };
    expect(await invoke(shop, request)).toEqual(['text/own', 'POST /web application/json {"a":1}']);
    const httpExtension = { verb: 1, querystring: 'b=2' };
    expect(await invoke(shop, { method: '/web', httpExtension })).toEqual([
      'text/own',
      'GET /web?b=2 undefined undefined',
    ]);
    const none = { verb: 0 };
    expect((await invoke(shop, { method: 'web', httpExtension: none }))[1]).toMatch(/^POST/);
  });

  test.each([
    [400, status.INVALID_ARGUMENT],
    [401, status.UNAUTHENTICATED],
    [403, status.PERMISSION_DENIED],
    [404, status.NOT_FOUND],
    [409, status.ABORTED],
    [413, status.RESOURCE_EXHAUSTED],
    [418, status.INVALID_ARGUMENT],
    [429, status.RESOURCE_EXHAUSTED],
    [500, status.INTERNAL],
    [501, status.UNIMPLEMENTED],
    [503, status.UNAVAILABLE],
    [504, status.DEADLINE_EXCEEDED],
  ])('that is answered %i is an error with the status %i', async (code, expected) => {
    const { call } = await startShop({ more: [web] });
    const httpExtension = { verb: 1, querystring: `status=${code}` };
    const error = await refusal(call('onInvoke', { method: 'web', httpExtension }));
    expect(error.code).toBe(expected);
    expect(error.details).toContain('GET /web');
  });

  test.each([{ method: 'a b' }, { method: 'web', contentType: 'a\nb' }])(
    'that is no HTTP request, %j, is an error',
    async (request) => {
      const shop = await startShop({ more: [web] });
      expect((await refusal(shop.call('onInvoke', request))).code).toBe(status.INTERNAL);
      await stillServes(shop);
    },
  );
});

describe('hostile input', () => {
  test.each([
    ['id', { id: '' }],
    ['source', { source: '' }],
    ['type', { type: '' }],
  ])('an event without its %s is INVALID_ARGUMENT, and calls nothing', async (name, changes) => {
    const shop = await startShop();
    const error = await refusal(shop.call('onTopicEvent', eventOf(1, changes)));
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toBe(
      `OFN_EVENT_MALFORMED: the attribute "${name}" must be a string that is not empty`,
    );
    expect(shop.got).toEqual([]);
    await stillServes(shop);
  });

  test('extensions that stand for attributes do not replace them', async () => {
    const { call, got } = await startShop();
    const extensions = { id: 7, type: {}, datacontenttype: 7, ['__proto__']: { a: 1 }, data: 'x' };
    await call('onTopicEvent', eventOf(1, { extensions, dataContentType: '' }));
    expect(got[0]?.ctx.event).toMatchObject({ id: 'e1', type: 'order' });
  });

  test('an unknown topic or binding is an error in the log and no UNIMPLEMENTED: that would drop it', async () => {
    const shop = await startShop();
    const { call, app } = shop;
    for (const attempt of [
      call('onTopicEvent', eventOf(1, { topic: 'other', path: '/other' })),
      call('onTopicEvent', eventOf(1, { pubsubName: 'other', path: '' })),
      call('onTopicEvent', {}),
      call('onTopicEvent', eventOf(1, { topic: 'cron', pubsubName: 'cron', path: '' })),
      call('onBulkTopicEvent', { topic: 'other' }),
      call('onBindingEvent', { name: 'other' }),
      call('onBindingEvent', { name: 'orders' }),
      call('onBindingEvent', { name: '__proto__' }),
      call('onBindingEvent', {}),
    ]) {
      const error = await refusal(attempt);
      expect(error.code).toBe(status.INTERNAL);
      expect(error.details).toMatch(/^OFN_INPUT_UNKNOWN: no function takes the (topic|binding) "/);
    }
    expect(app.lines).toHaveLength(9);
    expect(app.lines[0]).toMatchObject({
      level: 'error',
      message: 'a call of the sidecar was refused',
      fields: { method: '/dapr.proto.runtime.v1.AppCallback/OnTopicEvent' },
    });
    expect(shop.got).toEqual([]);
    await stillServes(shop);
  });

  test('bytes that are no message are an error, and never UNIMPLEMENTED', async () => {
    const shop = await startShop();
    for (const bytes of [[0xff], [0x0a, 0xff, 0xff], [0x0a, 0x05, 1]]) {
      const path = '/dapr.proto.runtime.v1.AppCallback/OnTopicEvent';
      const error = await refusal(shop.raw(path, Buffer.from(bytes)));
      expect(error.code).toBe(status.INTERNAL);
    }
    await stillServes(shop);
  });

  test('a method or a service that is not there is UNIMPLEMENTED', async () => {
    const shop = await startShop();
    for (const path of ['/dapr.proto.runtime.v1.AppCallback/Other', '/Other/Method', '/x']) {
      expect((await refusal(shop.raw(path, Buffer.alloc(0)))).code).toBe(status.UNIMPLEMENTED);
    }
    await stillServes(shop);
  });

  test('a message above the limit is RESOURCE_EXHAUSTED (DaprServer ignores its limit)', async () => {
    const shop = await startShop({ flags: ['--body-limit=10k'] });
    for (const attempt of [
      shop.call('onTopicEvent', eventOf('x'.repeat(11_000))),
      shop.call('onBindingEvent', { name: 'cron', data: Buffer.alloc(11_000) }),
    ]) {
      expect((await refusal(attempt)).code).toBe(status.RESOURCE_EXHAUSTED);
    }
    expect(shop.got).toEqual([]);
    await stillServes(shop);
  });

  test('a message of 5 MiB, above what gRPC takes by itself, is taken', async () => {
    const shop = await startShop();
    const text = 'x'.repeat(5 * 1024 * 1024);
    expect((await shop.call('onTopicEvent', eventOf(text))).status).toBe(SUCCESS);
    expect(shop.got[0]?.data).toHaveLength(text.length);
  });

  test('frames that are none end their connection, and no other', async () => {
    const shop = await startShop();
    const { reply } = connectTo(
      shop.app.port,
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'garbage'.repeat(20)}`,
    );
    // What comes back is HTTP/2's own: settings, and why it ends.
    expect(await reply).not.toContain('HTTP/1.1');
    await stillServes(shop);
  });

  test('a preface that stops after 3 bytes, and a connection that says nothing, are closed', async () => {
    const shop = await startShop({ flags: ['--headers-timeout=50ms'] });
    expect(await connectTo(shop.app.port, 'PRI').reply).toBe('');
    expect(await connectTo(shop.app.port, '').reply).toBe('');
    await stillServes(shop);
  });

  test('headers beyond any measure end their call', async () => {
    const shop = await startShop();
    const large = { 'x-large': 'x'.repeat(200_000) };
    expect((await refusal(shop.call('onTopicEvent', eventOf(1), large))).code).not.toBe(status.OK);
    expect(shop.got).toEqual([]);
    await stillServes(connectGrpc(shop.app));
  });

  test('a call that is cancelled leaves its handler to finish, and harms nothing', async () => {
    const begun = signalled();
    const end = signalled();
    const shop = await startGrpc([
      topic(async (_ctx: Context, data) => {
        if (data !== 'slow') return;
        begun.resolve();
        await end.promise;
      }),
    ]);
    const other = connectGrpc(shop.app);
    const cancelled = refusal(other.call('onTopicEvent', eventOf('slow')));
    await begun.promise;
    other.client.close();
    end.resolve();
    await stillServes(shop);
    expect([status.CANCELLED, status.OK]).toContain((await cancelled).code);
    expect(shop.app.lines).toEqual([]);
  });

  test('a stream that is reset in the middle of its message calls nothing', async () => {
    const shop = await startShop();
    const session = connectHttp2(`http://127.0.0.1:${shop.app.port}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/dapr.proto.runtime.v1.AppCallback/OnTopicEvent',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => {});
    stream.write(Buffer.from([0, 0, 0, 1, 0, 0x0a]));
    await once(session, 'remoteSettings');
    stream.close(8);
    await once(stream, 'close');
    session.close();
    await stillServes(shop);
    expect(shop.got).toHaveLength(1);
  });

  test('HTTP/1.1 on the same port is served', async () => {
    const { app } = await startShop();
    expect((await app.post('/cron', '1')).status).toBe(200);
    expect((await app.post('/other', '1')).status).toBe(500);
  });
});

describe('with APP_API_TOKEN', () => {
  const env = { APP_API_TOKEN: 's3cret' };

  test('events and invocations are UNAUTHENTICATED without it', async () => {
    const shop = await startShop({ env });
    for (const headers of [{}, { 'dapr-api-token': 'wrong' }]) {
      for (const attempt of [
        shop.call('onTopicEvent', eventOf(1), headers),
        shop.call('onBulkTopicEvent', {}, headers),
        shop.call('onBulkTopicEventAlpha1', {}, headers),
        shop.call('onBindingEvent', { name: 'cron' }, headers),
        shop.call('onInvoke', { method: 'x' }, headers),
      ]) {
        const { code, details } = await refusal(attempt);
        expect([code, details.split(':')[0]]).toEqual([
          status.UNAUTHENTICATED,
          'OFN_TOKEN_INVALID',
        ]);
      }
    }
    expect(shop.got).toEqual([]);
  });

  test('what daprd asks without it is answered', async () => {
    const shop = await startShop({ env });
    await shop.call('healthCheck', {});
    expect((await shop.call('listTopicSubscriptions', {})).subscriptions).not.toEqual([]);
    expect((await shop.call('listInputBindings', {})).bindings).not.toEqual([]);
  });

  test('all is taken with it, and the handler never sees it', async () => {
    let headers: unknown;
    const { call } = await startGrpc([topic((ctx: Context) => (headers = ctx.input?.headers))], {
      env,
    });
    const reply = await call('onTopicEvent', eventOf(1), { 'dapr-api-token': 's3cret', a: '1' });
    expect(reply.status).toBe(SUCCESS);
    expect(headers).toMatchObject({ a: '1' });
    expect(headers).not.toHaveProperty('dapr-api-token');
  });
});

test('waits at --max-concurrency, though a sidecar limits nothing over gRPC', async () => {
  const begun = signalled();
  const end = signalled();
  let running = 0;
  let most = 0;
  const { call } = await startGrpc(
    [
      topic(async () => {
        most = Math.max(most, (running += 1));
        if (running === 3) begun.resolve();
        await end.promise;
        running -= 1;
      }),
    ],
    { flags: ['--max-concurrency=3'] },
  );
  const replies = Array.from({ length: 50 }, (_, index) => call('onTopicEvent', eventOf(index)));
  await begun.promise;
  end.resolve();
  expect((await Promise.all(replies)).every(({ status: said }) => said === SUCCESS)).toBe(true);
  expect(most).toBe(3);
});

test('a runtime without inputs serves no gRPC', async () => {
  const web = defineFunction('web', 'http', (_req: Request, res: Response) => res.end('web'));
  const flags = ['--app-protocol=grpc'];
  const app: App = await startApp([web], { flags });
  expect((await app.send({ path: '/' })).text).toBe('web');
  const { code } = await refusal(connectGrpc(app).call('healthCheck', {}));
  expect(code).not.toBe(status.OK);
});

// The app channel over HTTP: what a sidecar is answered, and what anybody else is.
import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
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
import { eventOf, startApp, type App, type AppOptions } from './channel.fixture.ts';

const TOPIC = '/dapr/topics/mq/orders/onOrder';

function topic(handler: Handler, options: Partial<Trigger> = {}, name = 'onOrder') {
  const trigger = { pubsub: 'mq', topic: 'orders', ...options, kind: 'topic' } as Trigger;
  return defineFunction(name, 'openfunction', handler, {}, trigger);
}

function binding(handler: Handler, options: Partial<Trigger> = {}, name = 'tick') {
  const trigger = { component: 'cron', ...options, kind: 'binding' } as Trigger;
  return defineFunction(name, 'openfunction', handler, {}, trigger);
}

/** An app whose topic and binding keep what they got; data that says so has them fail or drop. */
async function startShop(options: AppOptions & { more?: FunctionDefinition[] } = {}) {
  const got: { data: unknown; ctx: Context }[] = [];
  const handler = (ctx: Context, data: any): void => {
    got.push({ data, ctx });
    if (data === 'bad' || data?.fails === true) throw new Error('bad');
    if (data === 'drop') throw new DropError('dropped');
  };
  const { more = [], ...rest } = options;
  const app = await startApp([topic(handler), binding(handler), ...more], rest);
  return { ...app, got };
}

const codeOf = ({ json }: { json: any }): unknown => json?.code;

async function stillServes(app: App): Promise<void> {
  expect(await app.post(TOPIC, eventOf('fine'))).toMatchObject({
    status: 200,
    json: { status: 'SUCCESS' },
  });
}

describe('a sidecar that starts', () => {
  test('is told the subscriptions, an empty configuration, and which bindings are read', async () => {
    const { send } = await startShop();
    const subscribe = await send({ path: '/dapr/subscribe' });
    expect(subscribe).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json' },
      json: [{ pubsubname: 'mq', topic: 'orders', routes: { default: TOPIC } }],
    });
    expect(await send({ path: '/dapr/config' })).toMatchObject({ status: 200, text: '{}' });
    expect((await send({ method: 'OPTIONS', path: '/cron' })).status).toBe(200);
    expect((await send({ method: 'OPTIONS', path: '/files' })).status).toBe(404);
  });

  test('is told that a binding that is only sent to is not read, also beside functions', async () => {
    const web = defineFunction('web', 'http', (_req: Request, res: Response) => res.end('web'));
    const outputs = { out: { componentName: 'files', componentType: 'bindings.localstorage' } };
    const context = { runtime: 'Knative', outputs };
    const { send } = await startApp([web, binding(() => {})], { context });
    expect((await send({ method: 'OPTIONS', path: '/files' })).status).toBe(404);
    expect((await send({ method: 'OPTIONS', path: '/cron' })).status).toBe(200);
    expect((await send({ path: '/web' })).text).toBe('web');
  });

  test('gets the same at any query', async () => {
    const app = await startShop();
    expect((await app.send({ path: '/dapr/subscribe?x=1' })).json).toHaveLength(1);
    expect((await app.post(`${TOPIC}?x=1`, eventOf(1))).json).toEqual({ status: 'SUCCESS' });
  });
});

describe('an event of a topic', () => {
  test('is answered 200 with its status, whatever the handler returns', async () => {
    const { post } = await startShop();
    for (const [data, status] of [
      ['fine', 'SUCCESS'],
      ['bad', 'RETRY'],
      ['drop', 'DROP'],
    ]) {
      const reply = await post(TOPIC, eventOf(data));
      expect(reply).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
      expect(reply.text).toBe(`{"status":"${status}"}`);
    }
  });

  test('arrives with headers, event and trace, and without the token', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { post, got } = await startShop({ env: { APP_API_TOKEN: 's3cret' } });
    await post(TOPIC, eventOf({ a: 1 }, { subject: 'x' }), {
      traceparent,
      'dapr-api-token': 's3cret',
      'x-own': '1',
    });
    const [{ ctx, data } = {}] = got;
    expect(data).toEqual({ a: 1 });
    expect(ctx?.event).toMatchObject({ id: 'e1', subject: 'x', pubsubname: 'mq' });
    expect(ctx?.propagation).toEqual({ traceparent });
    expect(ctx?.traceId).toBe('0af7651916cd43dd8448eb211c80319c');
  });

  test.each([
    ['application/json', TOPIC],
    ['application/cloudevents+json; charset=utf-8', TOPIC],
    ['APPLICATION/CloudEvents+JSON', TOPIC],
    ['application/cloudevents+json', '/orders'],
    ['application/json', '/orders'],
    ['application/json', '/%6Frders'],
  ])('is taken as %s at %s', async (type, path) => {
    const { post, got } = await startShop();
    const reply = await post(path, eventOf(7), { 'content-type': type });
    expect(reply.json).toEqual({ status: 'SUCCESS' });
    expect(got).toMatchObject([{ data: 7 }]);
  });

  test('that OpenFunction posts to the name of its topic goes to the component it names', async () => {
    const seen: string[] = [];
    const { post } = await startApp([
      topic(() => seen.push('mq')),
      topic(() => seen.push('kafka'), { pubsub: 'kafka' } as Partial<Trigger>, 'onKafka'),
    ]);
    await post('/orders', eventOf(1, { pubsubname: 'kafka' }));
    await post('/orders', eventOf(1, { pubsubname: 'mq' }));
    await post('/orders', eventOf(1, { pubsubname: 'nats' }));
    await post('/orders', eventOf(1, { pubsubname: 7 }));
    expect(seen).toEqual(['kafka', 'mq', 'mq', 'mq']);
  });

  test('of a name that a URL has to escape arrives', async () => {
    const { post, send } = await startApp([
      topic(() => {}, { topic: 'orders/new ü' } as Partial<Trigger>),
    ]);
    const [{ routes }] = (await send({ path: '/dapr/subscribe' })).json as [any];
    expect(routes.default).toMatch(/^[\w/.-]+$/);
    for (const path of [routes.default, '/orders%2Fnew%20%C3%BC', '/orders/new%20%C3%BC']) {
      expect((await post(path, eventOf(1))).json).toEqual({ status: 'SUCCESS' });
    }
  });

  test('may be compressed', async () => {
    const { post, got } = await startShop();
    const body = gzipSync(JSON.stringify(eventOf('zipped')));
    expect((await post(TOPIC, body, { 'content-encoding': 'gzip' })).status).toBe(200);
    expect(got).toMatchObject([{ data: 'zipped' }]);
  });
});

describe('an event of a binding', () => {
  const send = (app: App, body: string | Buffer, headers = {}) =>
    app.post('/cron', body, { 'content-type': 'application/json', ...headers });

  test('is answered exactly 200 when it is done or dropped, and 500 when not', async () => {
    const app = await startShop();
    for (const [body, status] of [
      ['"fine"', 200],
      ['"drop"', 200],
      ['"bad"', 500],
    ] as const) {
      expect(await send(app, body)).toMatchObject({ status, text: '' });
    }
  });

  test.each([
    ['', {}],
    ['{"a":1}', { a: 1 }],
    ['0', 0],
    ['not JSON', 'not JSON'],
    ['{"a":', '{"a":'],
  ])('with the body %j arrives as %j, whatever its content type says', async (body, data) => {
    const app = await startShop();
    expect((await send(app, body)).status).toBe(200);
    expect(app.got).toMatchObject([{ data }]);
  });

  test('arrives with its bytes, and its metadata from the headers', async () => {
    const app = await startShop();
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    await send(app, bytes, { filename: 'x.bin', traceparent: 'x' });
    const [{ data } = {}] = app.got;
    expect(data).toEqual(bytes);
  });

  test('is taken at its route', async () => {
    const { post, send: ask } = await startApp([binding(() => {}, { route: '/tick' })]);
    expect((await ask({ method: 'OPTIONS', path: '/tick' })).status).toBe(200);
    expect((await post('/tick', '1')).status).toBe(200);
  });

  test('is taken at a route that a URL has to escape', async () => {
    const { post, send: ask } = await startApp([binding(() => {}, { route: '/été 1' })]);
    const path = encodeURI('/été 1');
    expect((await ask({ method: 'OPTIONS', path })).status).toBe(200);
    expect((await post(path, '1')).status).toBe(200);
  });

  test.each(['/healthz', '/readyz', '/favicon.ico'])(
    'at %s is handled, and not answered as a probe',
    async (route) => {
      const seen: unknown[] = [];
      const tick = binding((_: Context, data: unknown) => void seen.push(data), { route });
      const { post } = await startApp([tick]);
      expect((await post(route, '1')).status).toBe(200);
      expect(seen).toEqual([1]);
    },
  );
});

describe('a bulk', () => {
  const entry = (entryId: string, data: unknown) => ({
    entryId,
    event: eventOf(data),
    contentType: 'application/cloudevents+json',
    metadata: { partition: '1' },
  });
  const send = (app: App, entries: unknown, path = TOPIC) =>
    app.post(
      path,
      { id: 'b', type: 'com.dapr.event.sent.bulk', topic: 'orders', pubsubname: 'mq', entries },
      { 'content-type': 'application/json' },
    );
  const statusesOf = ({ json }: { json: any }): unknown =>
    Object.fromEntries(
      (json.statuses as { entryId: string; status: string }[]).map(({ entryId, status }) => [
        entryId,
        status,
      ]),
    );

  test('has one status for each entry: those that fail, and no others, are retried', async () => {
    const app = await startShop();
    const reply = await send(app, [
      entry('1', 'fine'),
      entry('2', 'bad'),
      entry('3', 'drop'),
      entry('4', 'fine'),
    ]);
    expect(reply.status).toBe(200);
    expect(statusesOf(reply)).toEqual({ 1: 'SUCCESS', 2: 'RETRY', 3: 'DROP', 4: 'SUCCESS' });
    expect(app.got.map(({ ctx }) => ctx.function.name)).toHaveLength(4);
  });

  test('that is empty is answered', async () => {
    expect((await send(await startShop(), [])).json).toEqual({ statuses: [] });
  });

  test('of raw payloads has bytes in base64', async () => {
    const app = await startShop();
    const bytes = Buffer.from([0xff, 0x00]);
    const reply = await send(app, [
      { entryId: 'a', event: bytes.toString('base64'), contentType: 'application/octet-stream' },
      { entryId: 'b', event: Buffer.from('{"a":1}').toString('base64') },
    ]);
    expect(statusesOf(reply)).toEqual({ a: 'SUCCESS', b: 'SUCCESS' });
    expect(app.got.map(({ data }) => data)).toEqual([bytes, { a: 1 }]);
  });

  test('has what is malformed in it retried, uncalled, and the rest handled', async () => {
    const app = await startShop();
    const malformed = [
      null,
      7,
      'text',
      [],
      {},
      { entryId: 'no event' },
      { entryId: 'null', event: null },
      { entryId: 'number', event: 7 },
      { entryId: 'list', event: [] },
      { entryId: 'no id', event: { source: 's', type: 't' } },
      { entryId: 'text', event: '{}', contentType: 'application/cloudevents+json' },
      { entryId: 7, event: eventOf('without an id to answer to') },
      { entryId: null, event: eventOf('without an id to answer to') },
    ];
    const odd = [
      { ...entry('odd metadata', 'a'), metadata: 'text' },
      { ...entry('odd values', 'b'), metadata: { a: 1, b: null, c: 'c' } },
      { ...entry('odd type', 'c'), contentType: 7 },
    ];
    const reply = await send(app, [...malformed, ...odd]);
    expect(reply.json.statuses).toHaveLength(malformed.length + odd.length);
    expect(statusesOf(reply)).toEqual({
      '': 'RETRY',
      'no event': 'RETRY',
      null: 'RETRY',
      number: 'RETRY',
      list: 'RETRY',
      'no id': 'RETRY',
      text: 'RETRY',
      'odd metadata': 'SUCCESS',
      'odd values': 'SUCCESS',
      'odd type': 'SUCCESS',
    });
    expect(app.got.map(({ data }) => data)).toEqual(['a', 'b', 'c']);
    const errors = app.lines.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(malformed.length);
    await stillServes(app);
  });

  test.each([null, 7, 'text', {}])('whose entries are %j is no event', async (entries) => {
    const app = await startShop();
    const reply = await app.post(TOPIC, { entries }, { 'content-type': 'application/json' });
    expect([reply.status, codeOf(reply)]).toEqual([400, 'OFN_EVENT_MALFORMED']);
  });
});

describe('hostile input', () => {
  test.each([
    ['no body', '', 400, 'OFN_BODY_MALFORMED'],
    ['bad JSON', '{"id":', 400, 'OFN_BODY_MALFORMED'],
    [
      'a truncated CloudEvent',
      JSON.stringify(eventOf('x')).slice(0, -20),
      400,
      'OFN_BODY_MALFORMED',
    ],
    ['null', 'null', 400, 'OFN_EVENT_MALFORMED'],
    ['a number', '7', 400, 'OFN_EVENT_MALFORMED'],
    ['a list', '[]', 400, 'OFN_EVENT_MALFORMED'],
    ['an object without attributes', '{}', 400, 'OFN_EVENT_MALFORMED'],
    ['an id that is no text', JSON.stringify(eventOf(1, { id: 7 })), 400, 'OFN_EVENT_MALFORMED'],
    [
      'a source that is missing',
      JSON.stringify(eventOf(1, { source: null })),
      400,
      'OFN_EVENT_MALFORMED',
    ],
    [
      'base64 that is no text',
      JSON.stringify(eventOf(1, { data_base64: 7 })),
      400,
      'OFN_EVENT_MALFORMED',
    ],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]), 400, 'OFN_BODY_MALFORMED'],
    ['JSON as deep as the limit', '['.repeat(50_000), 400, 'OFN_BODY_MALFORMED'],
  ])('%s at a topic is refused, and calls nothing', async (_what, body, status, code) => {
    for (const path of [TOPIC, '/orders']) {
      const app = await startShop();
      const reply = await app.post(path, body);
      expect([reply.status, codeOf(reply)]).toEqual([status, code]);
      expect(app.got).toEqual([]);
      expect(app.lines).toMatchObject([
        { level: 'error', message: 'an event could not be received' },
      ]);
      await stillServes(app);
    }
  });

  test.each([
    undefined,
    'text/plain',
    'application/octet-stream',
    'multipart/form-data',
    '/',
    ';;',
  ])('an event of the type %s is refused', async (type) => {
    const app = await startShop();
    const body = JSON.stringify(eventOf(1));
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const reply = await app.send({ method: 'POST', path: TOPIC, headers, body });
    expect([reply.status, codeOf(reply)]).toEqual([400, 'OFN_EVENT_MALFORMED']);
    await stillServes(app);
  });

  test.each([
    ['a charset that nobody knows', { 'content-type': 'application/json; charset=x' }, 415],
    ['an encoding that nobody knows', { 'content-encoding': 'zip' }, 415],
    ['a body that is not compressed', { 'content-encoding': 'gzip' }, 400],
  ])('%s is refused', async (_what, headers, status) => {
    const app = await startShop();
    expect((await app.post(TOPIC, eventOf(1), headers as Record<string, string>)).status).toBe(
      status,
    );
    await stillServes(app);
  });

  test.each([
    ['an announced body', 'x'.repeat(2000), {}],
    [
      'a body that grows as it is unpacked',
      gzipSync('x'.repeat(100_000)),
      { 'content-encoding': 'gzip' },
    ],
  ])('%s above the limit is answered 413', async (_what, body, headers) => {
    const app = await startShop({ flags: ['--body-limit=1000'] });
    for (const path of [TOPIC, '/cron']) {
      const reply = await app.post(path, body, headers);
      expect([reply.status, codeOf(reply)]).toEqual([413, 'OFN_BODY_TOO_LARGE']);
    }
    expect(app.got).toEqual([]);
    await stillServes(app);
  });

  test.each([
    '/unknown',
    '/dapr/topics/mq/orders/other',
    '/dapr/topics',
    '/dapr/subscribe',
    '/dapr/config',
    '/mq',
    '/orders/',
    '//orders',
    '/ORDERS',
    '/%',
    '/%zz',
    '/%c3%28',
    '/..%2f..%2fetc%2fpasswd',
    '/a/../orders',
    '/__proto__',
    '/constructor',
    '/',
  ])(
    'a POST to %s, which no function takes, is an error and never 404: that would drop it',
    async (path) => {
      const app = await startShop();
      const reply = await app.post(path, eventOf(1));
      expect([reply.status, codeOf(reply)]).toEqual([500, 'OFN_INPUT_UNKNOWN']);
      expect(app.got).toEqual([]);
      expect(app.lines).toMatchObject([{ level: 'error', message: 'an event was refused' }]);
      await stillServes(app);
    },
  );

  test.each(['GET', 'PUT', 'DELETE', 'HEAD', 'PATCH'])(
    '%s of an input calls nothing',
    async (method) => {
      const app = await startShop();
      for (const path of [TOPIC, '/cron']) {
        expect((await app.send({ method, path })).status).toBe(404);
      }
      expect(app.got).toEqual([]);
      expect(app.lines).toEqual([]);
      await stillServes(app);
    },
  );

  test('headers that are too large are answered 431', async () => {
    const app = await startShop({ flags: ['--max-header-size=4k'] });
    const reply = await app.post(TOPIC, eventOf(1), { 'x-large': 'x'.repeat(8000) });
    expect([reply.status, codeOf(reply)]).toEqual([431, 'OFN_HEADERS_TOO_LARGE']);
    await stillServes(app);
  });

  test('headers that are too many are answered 431', async () => {
    const app = await startShop({ flags: ['--max-headers=20'] });
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x-${index}`, '1']));
    // Node counts them in their order, and asks for the host before we are asked.
    const headers = { host: 'x', 'content-type': 'application/json', ...many };
    const body = JSON.stringify(eventOf(1));
    const reply = await app.send({ method: 'POST', path: TOPIC, headers, body });
    expect(reply.status).toBe(431);
    await stillServes(app);
  });

  test('a client that goes in the middle of its body calls nothing', async () => {
    const app = await startShop();
    const socket = connect(app.port, '127.0.0.1');
    socket.write(`POST ${TOPIC} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`);
    socket.write('Content-Length: 500\r\n\r\n{"id":"1",');
    const [server] = (await once(app.runtime.server, 'request')) as [unknown];
    expect(server).toBeDefined();
    socket.destroy();
    await stillServes(app);
    expect(app.got).toHaveLength(1);
  });

  test('a client that goes while its event is handled leaves the handler to finish', async () => {
    const begun = signalled();
    const end = signalled();
    const app = await startApp([
      topic(async (_ctx: Context, data) => {
        if (data !== 'slow') return;
        begun.resolve();
        await end.promise;
      }),
    ]);
    const body = JSON.stringify(eventOf('slow'));
    const { socket } = connectTo(
      app.port,
      `POST ${TOPIC} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    await begun.promise;
    socket.destroy();
    await once(socket, 'close');
    end.resolve();
    await stillServes(app);
    expect(app.lines).toEqual([]);
  });

  test('a body that does not arrive in time is answered 408', async () => {
    const app = await startShop({ flags: ['--request-timeout=100ms'] });
    const { reply } = connectTo(
      app.port,
      `POST ${TOPIC} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
        'Content-Length: 500\r\n\r\n{"id"',
    );
    expect(await reply).toMatch(/^HTTP\/1\.1 408 /);
    expect(app.got).toEqual([]);
    await stillServes(app);
  });
});

describe('with APP_API_TOKEN', () => {
  const env = { APP_API_TOKEN: 's3cret' };

  test.each([
    ['GET', '/dapr/subscribe'],
    ['GET', '/dapr/config'],
    ['OPTIONS', '/cron'],
    ['POST', TOPIC],
    ['POST', '/orders'],
    ['POST', '/cron'],
    ['POST', '/unknown'],
  ])('%s %s is answered 401 without the token, or with a wrong one', async (method, path) => {
    const app = await startShop({ env });
    const body = method === 'POST' ? JSON.stringify(eventOf(1)) : undefined;
    for (const token of [undefined, '', 'S3CRET', 's3cret2']) {
      const headers = {
        'content-type': 'application/cloudevents+json',
        ...(token === undefined ? {} : { 'dapr-api-token': token }),
      };
      const reply = await app.send({ method, path, headers, body });
      expect([reply.status, codeOf(reply)]).toEqual([401, 'OFN_TOKEN_INVALID']);
      expect(JSON.stringify(app.lines)).not.toContain('s3cret2');
    }
    expect(app.got).toEqual([]);
  });

  test('all is taken with the token, and the handler never sees it', async () => {
    let headers: unknown;
    const app = await startApp([topic((ctx: Context) => (headers = ctx.input?.headers))], { env });
    const reply = await app.post(TOPIC, eventOf(1), { 'dapr-api-token': 's3cret' });
    expect(reply.json).toEqual({ status: 'SUCCESS' });
    expect(headers).toMatchObject({ 'content-type': 'application/cloudevents+json' });
    expect(headers).not.toHaveProperty('dapr-api-token');
  });

  test('health and functions over HTTP need none', async () => {
    const web = defineFunction('web', 'http', (_req: Request, res: Response) => res.end('web'));
    const app = await startShop({ env, more: [web] });
    expect((await app.send({ path: '/healthz' })).status).toBe(200);
    expect((await app.send({ path: '/web' })).text).toBe('web');
  });
});

describe('beside functions over HTTP', () => {
  const web = defineFunction('web', 'http', (req: Request, res: Response) =>
    res.end(`web ${req.path}`),
  );

  test('what is not for the sidecar is for the functions', async () => {
    const app = await startShop({ more: [web] });
    expect((await app.send({ path: '/web' })).text).toBe('web /web');
    expect((await app.post('/web', '{}')).text).toBe('web /web');
    expect((await app.send({ path: '/other' })).status).toBe(404);
    expect((await app.post('/dapr/other', '{}')).status).toBe(500);
    await stillServes(app);
  });

  test('an event for no function is an error, and never 404: that would drop it', async () => {
    const app = await startShop({ more: [web] });
    const lost = await app.post('/refunds', eventOf(1));
    expect([lost.status, codeOf(lost)]).toEqual([500, 'OFN_INPUT_UNKNOWN']);
    expect(app.lines).toMatchObject([{ level: 'error', message: 'an event was refused' }]);
    const headers = { 'content-type': 'application/json' };
    const other = await app.send({ method: 'POST', path: '/refunds', headers, body: '{}' });
    expect([other.status, codeOf(other)]).toEqual([404, 'OFN_NOT_FOUND']);
    await stillServes(app);
  });

  test('events that wait for their turn take no place of calls at --max-concurrency', async () => {
    const begun = signalled();
    const end = signalled();
    const handler = async (): Promise<void> => {
      begun.resolve();
      await end.promise;
    };
    const app = await startApp([topic(handler), web], { flags: ['--max-concurrency=1'] });
    const events = [1, 2, 3].map((id) => app.post(TOPIC, eventOf(id)));
    await begun.promise;
    expect((await app.send({ path: '/web' })).text).toBe('web /web');
    end.resolve();
    expect((await Promise.all(events)).every(({ status }) => status === 200)).toBe(true);
  });

  test('a function at the path of the name of a topic keeps it; the topic has its own', async () => {
    const orders = defineFunction('orders', 'http', (_req: Request, res: Response) =>
      res.end('of the function'),
    );
    const app = await startShop({ more: [orders] });
    expect((await app.post('/orders', eventOf(1))).text).toBe('of the function');
    await stillServes(app);
  });
});

test('keeps two events at the same time apart', async () => {
  const ends = [signalled(), signalled()];
  const seen: unknown[] = [];
  const { post } = await startApp([
    topic(async (ctx: Context, index: number) => {
      ctx.locals['index'] = index;
      await ends[index]?.promise;
      seen.push([index, ctx.locals['index'], ctx.event?.id]);
      if (index === 0) throw new Error('the first fails');
    }),
  ]);
  const replies = [0, 1].map((index) => post(TOPIC, eventOf(index, { id: `e${index}` })));
  ends[1]?.resolve();
  expect((await replies[1])?.json).toEqual({ status: 'SUCCESS' });
  ends[0]?.resolve();
  expect((await replies[0])?.json).toEqual({ status: 'RETRY' });
  expect(seen).toEqual([
    [1, 1, 'e1'],
    [0, 0, 'e0'],
  ]);
});

test('lets 200 events wait at --max-concurrency instead of refusing them', async () => {
  const begun = signalled();
  const end = signalled();
  const running = { now: 0, most: 0, all: 0 };
  const { post } = await startApp(
    [
      topic(async () => {
        running.all += 1;
        running.now += 1;
        running.most = Math.max(running.most, running.now);
        if (running.now === 7) begun.resolve();
        await end.promise;
        running.now -= 1;
      }),
    ],
    { flags: ['--max-concurrency=7'] },
  );
  const replies = Array.from({ length: 200 }, (_, index) => post(TOPIC, eventOf(index)));
  await begun.promise;
  end.resolve();
  const statuses = (await Promise.all(replies)).map(({ json }) => json.status as unknown);
  expect(new Set(statuses)).toEqual(new Set(['SUCCESS']));
  expect(running).toEqual({ now: 0, most: 7, all: 200 });
});

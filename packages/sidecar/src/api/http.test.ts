import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../errors.ts';
import { serveTestApis, type TestApis } from './api.fixture.ts';

let apis: TestApis;

beforeAll(async () => {
  apis = await serveTestApis({ maxBodySize: 1000 });
});
afterAll(() => apis.stop(0));
beforeEach(() => {
  apis.recorder.ready = true;
});

/** Status and JSON of a request; text that is not JSON is the text. */
async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: unknown; headers: Headers }> {
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  const response = await apis.fetch(path, {
    method,
    headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(text === undefined ? {} : { body: text }),
  });
  const answer = await response.text();
  let parsed: unknown = answer;
  try {
    parsed = JSON.parse(answer);
  } catch {
    // It is no JSON.
  }
  return { status: response.status, body: parsed, headers: response.headers };
}

const failure = (errorCode: string) => expect.objectContaining({ errorCode }) as unknown;

describe('publish over HTTP', () => {
  it('hands on bytes, content type, metadata and trace as they came', async () => {
    const response = await apis.fetch('/v1.0/publish/pubsub/a/b%20c?metadata.ttlInSeconds=5&x=1', {
      method: 'PUT',
      headers: { 'content-type': 'image/png', traceparent: '00-a-b-01', tracestate: 'k=v' },
      body: Buffer.from([0, 255, 1]),
    });
    expect(response.status).toBe(204);
    expect(apis.recorder.published.at(-1)).toEqual({
      pubsub: 'pubsub',
      topic: 'a/b c',
      data: Buffer.from([0, 255, 1]),
      contentType: 'image/png',
      metadata: { ttlInSeconds: '5' },
      traceparent: '00-a-b-01',
      tracestate: 'k=v',
    });
  });

  it('takes the first of metadata that is there twice, whatever it is called', async () => {
    const query = 'metadata.a=1&metadata.a=2&metadata.constructor=3';
    await send('POST', `/v1.0/publish/pubsub/t?${query}`, {});
    expect(apis.recorder.published.at(-1)?.metadata).toEqual({ a: '1', constructor: '3' });
  });

  it('passes on what the engine refuses, and wraps what it throws', async () => {
    const forbidden = { httpStatus: 403 };
    apis.recorder.onPublish = () =>
      Promise.reject(new SidecarError('ERR_PUBSUB_FORBIDDEN', 'no', forbidden));
    expect(await send('POST', '/v1.0/publish/pubsub/t', {})).toMatchObject({
      status: 403,
      body: { errorCode: 'ERR_PUBSUB_FORBIDDEN', message: 'no' },
    });
    apis.recorder.onPublish = () => Promise.reject(new Error('broken'));
    expect(await send('POST', '/v1.0/publish/pubsub/t', {})).toMatchObject({
      status: 500,
      body: {
        errorCode: 'ERR_PUBSUB_PUBLISH_MESSAGE',
        message: 'error when publishing to topic t in pubsub pubsub: broken',
      },
    });
    apis.recorder.onPublish = async () => {};
  });

  it.each([
    ['/v1.0/publish/nope/t', 404, 'ERR_PUBSUB_NOT_FOUND'],
    ['/v1.0/publish/store/t', 404, 'ERR_PUBSUB_NOT_FOUND'],
    ['/v1.0/publish/pubsub/', 404, 'ERR_DIRECT_INVOKE'],
    ['/v1.0/publish/pubsub/t?metadata.rawPayload=maybe', 400, 'ERR_PUBSUB_REQUEST_METADATA'],
  ])('answers %s with %i %s', async (path, status, code) => {
    expect(await send('POST', path, {})).toMatchObject({ status, body: failure(code) });
  });

  it('reads bulk entries by their content types', async () => {
    const response = await send('POST', '/v1.0/publish/bulk/pubsub/t?metadata.a=1&metadata.b=1', [
      { entryId: '1', event: { n: 1 }, contentType: 'application/json' },
      { entryID: '2', event: 'text', contentType: 'text/plain', metadata: { b: '2' } },
      { entryId: '3', event: 'AP8=', contentType: 'application/octet-stream', metadata: {} },
    ]);
    expect(response.status).toBe(204);
    const { entries, metadata } = apis.recorder.bulks.at(-1) ?? {};
    expect(metadata).toEqual({ a: '1', b: '1' });
    expect(entries?.map(({ entryId, data }) => [entryId, data.toString('hex')])).toEqual([
      ['1', Buffer.from('{"n":1}').toString('hex')],
      ['2', Buffer.from('text').toString('hex')],
      ['3', '00ff'],
    ]);
    expect(entries?.map((entry) => entry.metadata)).toEqual([
      {},
      { a: '1', b: '2' },
      { a: '1', b: '1' },
    ]);
  });

  it('names the entries that were not published', async () => {
    apis.recorder.onBulk = async () => ({ failed: [{ entryId: '1', error: 'full' }] });
    const entry = { entryId: '1', event: 'x', contentType: 'text/plain' };
    expect(await send('POST', '/v1.0-alpha1/publish/bulk/pubsub/t', [entry])).toMatchObject({
      status: 500,
      body: {
        failedEntries: [{ entryId: '1', error: 'full' }],
        errorCode: 'ERR_PUBSUB_PUBLISH_MESSAGE',
      },
    });
    apis.recorder.onBulk = async () => ({ failed: [] });
  });

  it.each([
    [
      'an id twice',
      [
        { entryId: '1', event: '', contentType: 'text/plain' },
        { entryId: '1', event: '', contentType: 'text/plain' },
      ],
    ],
    ['no id', [{ event: '', contentType: 'text/plain' }]],
    ['text that is none', [{ entryId: '1', event: 1, contentType: 'text/plain' }]],
    [
      'base64 that is none',
      [{ entryId: '1', event: '*', contentType: 'application/octet-stream' }],
    ],
    ['no content type', [{ entryId: '1', event: 'x' }]],
    ['no list', {}],
    ['no JSON', '{'],
  ])('refuses bulk entries with %s', async (_what, body) => {
    const before = apis.recorder.bulks.length;
    const answer = await send('POST', '/v1.0/publish/bulk/pubsub/t', body);
    expect(answer).toMatchObject({ status: 400, body: failure('ERR_PUBSUB_EVENTS_SER') });
    expect(apis.recorder.bulks).toHaveLength(before);
  });
});

describe('bindings over HTTP', () => {
  it('hands on the data as JSON, and answers with what the binding did', async () => {
    apis.recorder.onBinding = async () => ({ data: Buffer.from('[1]'), metadata: { size: '3' } });
    const answer = await send(
      'POST',
      '/v1.0/bindings/binding',
      { operation: 'create', data: 'text', metadata: { key: 'k' } },
      { traceparent: '00-a-b-01' },
    );
    expect(answer).toMatchObject({ status: 200, body: [1] });
    expect(answer.headers.get('metadata.size')).toBe('3');
    expect(apis.recorder.bindings.at(-1)).toEqual({
      name: 'binding',
      request: {
        operation: 'create',
        data: Buffer.from('"text"'),
        metadata: { key: 'k', traceparent: '00-a-b-01' },
      },
    });
  });

  it('answers 204 when there is nothing to answer, and null is what no data is', async () => {
    apis.recorder.onBinding = async () => ({ data: undefined, metadata: {} });
    expect((await send('POST', '/v1.0/bindings/binding', {})).status).toBe(204);
    expect(apis.recorder.bindings.at(-1)?.request.data.toString()).toBe('null');
  });

  it('wraps what a binding throws', async () => {
    apis.recorder.onBinding = () => Promise.reject(new Error('disk full'));
    expect(await send('POST', '/v1.0/bindings/binding', {})).toMatchObject({
      status: 500,
      body: {
        errorCode: 'ERR_INVOKE_OUTPUT_BINDING',
        message: 'error invoking output binding binding: disk full',
      },
    });
  });

  it('refuses a body that is no request', async () => {
    for (const body of ['', '{', '[]', '{"metadata":{"a":1}}']) {
      const answer = await send('POST', '/v1.0/bindings/binding', body);
      expect(answer).toMatchObject({ status: 400, body: failure('ERR_MALFORMED_REQUEST') });
    }
  });
});

describe('state over HTTP', () => {
  it('keeps JSON of every kind as it is, with an etag', async () => {
    const values = { object: { b: 1, a: [null] }, text: 'x"y', zero: 0, no: false, nothing: null };
    const items = Object.entries(values).map(([key, value]) => ({ key, value }));
    expect((await send('POST', '/v1.0/state/store', items)).status).toBe(204);
    for (const [key, value] of Object.entries(values)) {
      const answer = await send('GET', `/v1.0/state/store/${key}`);
      expect(answer).toMatchObject({ status: 200, body: value });
      expect(answer.headers.get('etag')).toBeTruthy();
      expect(answer.headers.get('content-type')).toBe('application/json');
    }
  });

  it('tells when a value is over, until it is', async () => {
    const item = { key: 'ttl', value: 1 };
    await send('PUT', '/v1.0/state/store?metadata.ttlInSeconds=60', [item]);
    const answer = await send('GET', '/v1.0/state/store/ttl');
    expect(answer.headers.get('metadata.ttlexpiretime')).toBe('2023-11-14T22:14:20Z');
    await apis.clock.advance(60_001);
    expect((await send('GET', '/v1.0/state/store/ttl')).status).toBe(204);
  });

  it('deletes by If-Match, and answers 409 when the etag is another', async () => {
    await send('POST', '/v1.0/state/store', [{ key: 'd', value: 1 }]);
    const etag = (await send('GET', '/v1.0/state/store/d')).headers.get('etag') ?? '';
    expect(
      await send('DELETE', '/v1.0/state/store/d', undefined, { 'if-match': 'wrong' }),
    ).toMatchObject({ status: 409, body: failure('ERR_STATE_DELETE') });
    expect(
      (await send('DELETE', '/v1.0/state/store/d', undefined, { 'if-match': etag })).status,
    ).toBe(204);
    expect((await send('GET', '/v1.0/state/store/d')).status).toBe(204);
  });

  it('answers 409 to a save with another etag, and saves the rest of the list', async () => {
    const answer = await send('POST', '/v1.0/state/store', [
      { key: 's1', value: 1, etag: 'wrong' },
      { key: 's2', value: 2 },
    ]);
    expect(answer).toMatchObject({ status: 409, body: failure('ERR_STATE_SAVE') });
    expect((await send('GET', '/v1.0/state/store/s2')).body).toBe(2);
  });

  it('answers a transaction that cannot be done with 500, and does none of it', async () => {
    const operations = [
      { operation: 'upsert', request: { key: 'x1', value: 1 } },
      { operation: 'delete', request: { key: 'x2', etag: 'wrong' } },
    ];
    expect(await send('POST', '/v1.0/state/store/transaction', { operations })).toMatchObject({
      status: 500,
      body: failure('ERR_STATE_TRANSACTION'),
    });
    expect((await send('GET', '/v1.0/state/store/x1')).status).toBe(204);
  });

  it('answers a query with a page and its token, and with 204 when there is nothing', async () => {
    await send('POST', '/v1.0/state/store', [{ key: 'q', value: { kind: 'q' } }]);
    const query = { filter: { EQ: { kind: 'q' } }, page: { limit: 1 } };
    const path = '/v1.0-alpha1/state/store/query';
    expect(await send('POST', path, query)).toMatchObject({
      status: 200,
      body: { results: [{ key: 'q', data: { kind: 'q' } }], token: '1' },
    });
    expect((await send('POST', path, { ...query, page: { limit: 1, token: '1' } })).status).toBe(
      204,
    );
  });

  it.each([
    ['POST', '/v1.0/state/nope', [], 400, 'ERR_STATE_STORE_NOT_FOUND'],
    ['GET', '/v1.0/state/nope/k', undefined, 400, 'ERR_STATE_STORE_NOT_FOUND'],
    ['GET', '/v1.0/state/store/a%7C%7Cb', undefined, 400, 'ERR_MALFORMED_REQUEST'],
    ['POST', '/v1.0/state/store', '[', 400, 'ERR_MALFORMED_REQUEST'],
    ['POST', '/v1.0/state/store', [{ value: 1 }], 400, 'ERR_MALFORMED_REQUEST'],
    ['POST', '/v1.0/state/store', [{ key: 1 }], 400, 'ERR_MALFORMED_REQUEST'],
    ['POST', '/v1.0/state/store', [{ key: 'a||b' }], 400, 'ERR_MALFORMED_REQUEST'],
    [
      'POST',
      '/v1.0/state/store',
      [{ key: 'k', metadata: { ttlInSeconds: 'x' } }],
      500,
      'ERR_STATE_SAVE',
    ],
    ['POST', '/v1.0/state/store/bulk', { keys: 1 }, 400, 'ERR_MALFORMED_REQUEST'],
    ['POST', '/v1.0/state/store/bulk', { keys: ['a||b'] }, 400, 'ERR_MALFORMED_REQUEST'],
    ['POST', '/v1.0/state/store/transaction', '{', 400, 'ERR_MALFORMED_REQUEST'],
    [
      'POST',
      '/v1.0/state/store/transaction',
      { operations: [{ operation: 'x' }] },
      400,
      'ERR_NOT_SUPPORTED_STATE_OPERATION',
    ],
    [
      'POST',
      '/v1.0/state/store/transaction',
      { operations: [{ operation: 'upsert', request: 1 }] },
      400,
      'ERR_MALFORMED_REQUEST',
    ],
    ['POST', '/v1.0-alpha1/state/store/query', '{', 500, 'ERR_STATE_QUERY'],
  ])('answers %s %s %j with %i %s', async (method, path, body, status, code) => {
    expect(await send(method, path, body)).toMatchObject({ status, body: failure(code) });
  });

  it('says that no store is configured when there is none', async () => {
    const none = await serveTestApis({}, []);
    const response = await none.fetch('/v1.0/state/store/k');
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ errorCode: 'ERR_STATE_STORE_NOT_CONFIGURED' });
    await none.stop(0);
  });
});

describe('invocation over HTTP', () => {
  it.each([
    ['/v1.0/invoke/app/method/a/b?x=1', {}, 'a/b'],
    ['/a//b?x=1', { 'dapr-app-id': 'app' }, 'a/b'],
    ['/a/b?x=1', { authorization: `Basic ${btoa('dapr-app-id:app')}` }, 'a/b'],
  ])('calls the app for %s %j', async (path, headers, method) => {
    apis.recorder.onInvoke = async () => ({
      status: 418,
      headers: { 'content-type': 'text/x', connection: 'close', 'x-own': '1' },
      body: Buffer.from('tea'),
    });
    const answer = await send('PATCH', path, { n: 1 }, { ...headers, 'x-mine': '2' });
    expect(answer).toMatchObject({ status: 418, body: 'tea' });
    expect(answer.headers.get('x-own')).toBe('1');
    expect(answer.headers.get('content-type')).toBe('text/x');
    const request = apis.recorder.invoked.at(-1);
    expect(request).toMatchObject({
      method,
      verb: 'PATCH',
      query: 'x=1',
      body: Buffer.from('{"n":1}'),
    });
    expect(request?.headers).toMatchObject({ 'x-mine': '2', 'content-type': 'application/json' });
    expect(request?.headers).not.toHaveProperty('dapr-app-id');
    expect(request?.headers).not.toHaveProperty('host');
  });

  it('knows no other app', async () => {
    expect(await send('GET', '/v1.0/invoke/other/method/x')).toMatchObject({
      status: 500,
      body: failure('ERR_DIRECT_INVOKE'),
    });
  });

  it('tells why the app could not be called', async () => {
    apis.recorder.onInvoke = () => Promise.reject(new Error('gone'));
    expect((await send('GET', '/v1.0/invoke/app/method/x')).body).toEqual({
      errorCode: 'ERR_DIRECT_INVOKE',
      message: 'failed to invoke, id: app, err: gone',
    });
  });

  it('answers 500 when the app answers with a header that HTTP cannot carry', async () => {
    apis.recorder.onInvoke = async () => ({
      status: 200,
      headers: { 'x-bad': 'a\nb' },
      body: Buffer.from(''),
    });
    expect((await send('GET', '/v1.0/invoke/app/method/x')).status).toBe(500);
  });

  it.each(['/', '/nothing', '/v1.0/nothing', '/v1.0/invoke/app', '/v1.0/publish'])(
    'answers 404 for %s, which names no app',
    async (path) => {
      expect(await send('GET', path)).toMatchObject({
        status: 404,
        body: failure('ERR_DIRECT_INVOKE'),
      });
    },
  );

  it.each(['/v1.0/secrets/a/b', '/v1.0-alpha1/configuration/a', '/v1.0/actors/a/b/state'])(
    'says that %s is not there',
    async (path) => {
      expect(await send('GET', path)).toMatchObject({
        status: 501,
        body: failure('ERR_API_UNIMPLEMENTED'),
      });
    },
  );
});

describe('the sidecar itself, over HTTP', () => {
  it('tells what it is made of', async () => {
    await send('PUT', '/v1.0/metadata/owner', 'ada');
    expect((await send('GET', '/v1.0/metadata')).body).toMatchObject({
      id: 'app',
      components: [
        { name: 'pubsub', type: 'pubsub.in-memory', version: 'v1' },
        { name: 'store', type: 'state.in-memory', version: 'v1' },
        { name: 'binding', type: 'bindings.localstorage', capabilities: ['OUTPUT_BINDING'] },
      ],
      extended: { owner: 'ada' },
      subscriptions: [
        {
          pubsubname: 'pubsub',
          topic: 'orders',
          deadLetterTopic: 'dead',
          type: 'PROGRAMMATIC',
          rules: [{ match: '', path: '/orders' }],
        },
      ],
      appConnectionProperties: {
        port: 8080,
        protocol: 'http',
        channelAddress: '127.0.0.1',
        health: {
          healthCheckPath: '/healthz',
          healthProbeInterval: '5s',
          healthProbeTimeout: '500ms',
          healthThreshold: 3,
        },
      },
    });
  });

  it('is healthy when the app was found; outbound, before', async () => {
    apis.recorder.ready = false;
    expect(await send('GET', '/v1.0/healthz')).toMatchObject({
      status: 500,
      body: failure('ERR_HEALTH_NOT_READY'),
    });
    expect((await send('GET', '/v1.0/healthz/outbound')).status).toBe(204);
    apis.recorder.ready = true;
    expect((await send('GET', '/v1.0/healthz')).status).toBe(204);
    expect((await send('GET', '/v1.0/healthz?appid=app')).status).toBe(204);
    expect((await send('GET', '/v1.0/healthz?appid=x')).body).toEqual(
      failure('ERR_HEALTH_APPID_NOT_MATCH'),
    );
  });

  it('asks for a shutdown after its answer', async () => {
    const before = apis.recorder.shutdowns;
    expect((await send('POST', '/v1.0/shutdown')).status).toBe(204);
    expect(apis.recorder.shutdowns).toBe(before + 1);
  });

  it('asks for the token everywhere but at its probes', async () => {
    const guarded = await serveTestApis({ apiToken: 'secret' });
    const status = async (path: string, token?: string): Promise<number> =>
      (
        await guarded.fetch(
          path,
          token === undefined ? {} : { headers: { 'dapr-api-token': token } },
        )
      ).status;
    expect(await status('/v1.0/metadata')).toBe(401);
    expect(await status('/v1.0/metadata', 'wrong!')).toBe(401);
    expect(await status('/v1.0/metadata', 'secret')).toBe(200);
    expect(await status('/v1.0/healthz')).toBe(204);
    expect(await status('/v1.0/healthz/outbound')).toBe(204);
    expect(await status('/v1.0/invoke/app/method/x', 'secret')).toBe(200);
    expect(guarded.recorder.invoked.at(-1)?.headers).not.toHaveProperty('dapr-api-token');
    await guarded.stop(0);
  });
});

describe('hostile requests', () => {
  it.each([
    ['/v1.0/publish/pubsub/t', 500, 'ERR_PUBSUB_PUBLISH_MESSAGE'],
    ['/v1.0/publish/bulk/pubsub/t', 400, 'ERR_PUBSUB_EVENTS_SER'],
    ['/v1.0/bindings/binding', 400, 'ERR_MALFORMED_REQUEST'],
    ['/v1.0/state/store', 400, 'ERR_MALFORMED_REQUEST'],
    ['/v1.0-alpha1/state/store/query', 400, 'ERR_BODY_READ'],
    ['/v1.0/invoke/app/method/x', 500, 'ERR_DIRECT_INVOKE'],
  ])('a body that is too large is refused at %s with %i %s', async (path, status, code) => {
    const answer = await send('POST', path, 'x'.repeat(1001));
    expect(answer).toMatchObject({ status, body: failure(code) });
    expect(JSON.stringify(answer.body)).toContain('stream too large');
  });

  it('a body of the largest size is taken', async () => {
    expect((await send('POST', '/v1.0/publish/pubsub/t', 'x'.repeat(1000))).status).toBe(204);
  });

  it('a path that cannot be decoded is refused', async () => {
    expect((await send('POST', '/v1.0/publish/pubsub/%ff', '{}')).status).toBe(400);
    expect((await send('GET', '/v1.0/invoke/%ff/method/x')).status).toBe(404);
  });

  it('a client that goes in the middle of its body harms no other', async () => {
    await new Promise<void>((resolve) => {
      const request = httpRequest({
        host: '127.0.0.1',
        port: apis.httpPort,
        path: '/v1.0/publish/pubsub/t',
        method: 'POST',
        headers: { 'content-length': '100' },
      });
      request.on('error', () => resolve());
      request.write('half', () => request.destroy(new Error('gone')));
    });
    const before = apis.recorder.published.length;
    expect((await send('POST', '/v1.0/publish/pubsub/t', {})).status).toBe(204);
    expect(apis.recorder.published).toHaveLength(before + 1);
  });
});

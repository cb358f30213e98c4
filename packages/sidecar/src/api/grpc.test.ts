import {
  create,
  fromBinary,
  toBinary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status as grpc, type ServiceError } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SidecarError } from '../errors.ts';
import { serveTestApis, type TestApis } from './api.fixture.ts';
import { Dapr, type GrpcMethods } from './grpc-method.ts';

type Name = keyof GrpcMethods;
type Input<N extends Name> = (typeof Dapr.method)[N]['input'];
type Output<N extends Name> = (typeof Dapr.method)[N]['output'];

let apis: TestApis;
let client: Client;

beforeAll(async () => {
  apis = await serveTestApis({ maxBodySize: 1000 });
  client = connect(apis);
});
afterAll(async () => {
  client.close();
  await apis.stop(0);
});
afterEach(() => {
  apis.recorder.onPublish = async () => {};
  apis.recorder.onBulk = async () => ({ failed: [] });
});

function connect({ grpcPort }: TestApis): Client {
  return new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
}

interface Answer<N extends Name> {
  message: MessageShape<Output<N>>;
  header: Metadata;
}

/** Calls a method, by another name on the wire when one is given. */
function callOf<N extends Name>(
  name: N,
  init: MessageInitShape<Input<N>>,
  {
    headers = {},
    wireName,
    to = client,
  }: { headers?: Record<string, string>; wireName?: string; to?: Client } = {},
): Promise<Answer<N>> {
  const method = Dapr.method[name];
  const input: Input<N> = method.input;
  const output: Output<N> = method.output;
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  return new Promise((resolve, reject) => {
    let header = new Metadata();
    const call = to.makeUnaryRequest(
      `/dapr.proto.runtime.v1.Dapr/${wireName ?? method.name}`,
      (message: MessageShape<Input<N>>) => Buffer.from(toBinary(input, message)),
      (bytes) => fromBinary(output, bytes),
      create(input, init),
      metadata,
      (error, message) => {
        if (error === null && message !== undefined) resolve({ message, header });
        else reject(error ?? new Error('no answer'));
      },
    );
    call.on('metadata', (received) => {
      header = received;
    });
  });
}

async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown as ServiceError,
  );
  return error === undefined ? 'OK' : grpc[error.code];
}

const bytes = (text: string): Buffer => Buffer.from(text);
const textOf = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString();

describe('publish over gRPC', () => {
  it('hands on bytes, content type, metadata and trace as they came', async () => {
    const request = {
      pubsubName: 'pubsub',
      topic: 't',
      data: Buffer.from([0, 255]),
      dataContentType: 'image/png',
      metadata: { ttlInSeconds: '5' },
    };
    await callOf('publishEvent', request, {
      headers: { traceparent: '00-a-b-01', tracestate: 'k=v' },
    });
    expect(apis.recorder.published.at(-1)).toEqual({
      pubsub: 'pubsub',
      topic: 't',
      data: Buffer.from([0, 255]),
      contentType: 'image/png',
      metadata: { ttlInSeconds: '5' },
      traceparent: '00-a-b-01',
      tracestate: 'k=v',
    });
  });

  it.each(['BulkPublishEventAlpha1', 'BulkPublishEvent'])('takes many by %s', async (wireName) => {
    const entries = [
      { entryId: '1', event: bytes('a'), contentType: 'text/plain' },
      { entryId: '2', event: bytes('b'), contentType: 'text/plain', metadata: { b: '2' } },
    ];
    const request = { pubsubName: 'pubsub', topic: 't', entries, metadata: { a: '1' } };
    const { message } = await callOf('bulkPublishEventAlpha1', request, { wireName });
    expect(message.failedEntries).toEqual([]);
    expect(apis.recorder.bulks.at(-1)?.entries).toEqual([
      { entryId: '1', data: bytes('a'), contentType: 'text/plain', metadata: {} },
      { entryId: '2', data: bytes('b'), contentType: 'text/plain', metadata: { a: '1', b: '2' } },
    ]);
  });

  it('fails as a whole when an entry of many fails', async () => {
    apis.recorder.onBulk = async () => ({ failed: [{ entryId: '1', error: 'full' }] });
    const entries = [{ entryId: '1', event: bytes('a'), contentType: 'text/plain' }];
    const call = callOf('bulkPublishEventAlpha1', { pubsubName: 'pubsub', topic: 't', entries });
    expect(await codeOf(call)).toBe('INTERNAL');
  });

  it.each([
    ['no name', { topic: 't' }],
    ['an unknown one', { pubsubName: 'nope', topic: 't' }],
    ['a state store', { pubsubName: 'store', topic: 't' }],
    ['no topic', { pubsubName: 'pubsub' }],
    ['metadata that is wrong', { pubsubName: 'pubsub', topic: 't', metadata: { rawPayload: 'x' } }],
  ])('refuses %s', async (_what, request) => {
    expect(await codeOf(callOf('publishEvent', request))).toBe('INVALID_ARGUMENT');
    expect(await codeOf(callOf('bulkPublishEventAlpha1', request))).toBe('INVALID_ARGUMENT');
  });

  it('answers with the status that the engine gives', async () => {
    apis.recorder.onPublish = () =>
      Promise.reject(
        new SidecarError('ERR_PUBSUB_FORBIDDEN', 'no', { grpcStatus: grpc.PERMISSION_DENIED }),
      );
    const call = callOf('publishEvent', { pubsubName: 'pubsub', topic: 't' });
    await expect(call).rejects.toMatchObject({ code: grpc.PERMISSION_DENIED, details: 'no' });
  });
});

describe('bindings over gRPC', () => {
  it('hands on bytes as they are, and answers with data and metadata', async () => {
    apis.recorder.onBinding = async () => ({ data: bytes('done'), metadata: { size: '4' } });
    const request = {
      name: 'binding',
      operation: 'create',
      data: bytes('raw'),
      metadata: { k: 'v' },
    };
    const { message, header } = await callOf('invokeBinding', request);
    expect(textOf(message.data)).toBe('done');
    expect(message.metadata).toEqual({ size: '4' });
    expect(header.get('metadata.size')).toEqual(['4']);
    expect(apis.recorder.bindings.at(-1)?.request).toEqual({
      operation: 'create',
      data: bytes('raw'),
      metadata: { k: 'v' },
    });
  });

  it('answers even when the metadata cannot be a header', async () => {
    apis.recorder.onBinding = async () => ({ data: undefined, metadata: { 'no name': 'a' } });
    const { message } = await callOf('invokeBinding', { name: 'binding', operation: 'get' });
    expect(message.metadata).toEqual({ 'no name': 'a' });
  });
});

describe('state over gRPC', () => {
  const save = (state: { key: string } & Record<string, unknown>) =>
    callOf('saveState', { storeName: 'store', states: [state] });
  const get = async (key: string) =>
    (await callOf('getState', { storeName: 'store', key })).message;

  it('keeps bytes as they are', async () => {
    await save({ key: 'raw', value: Buffer.from([255, 0, 34]) });
    expect(Buffer.from((await get('raw')).data)).toEqual(Buffer.from([255, 0, 34]));
  });

  it('keeps JSON as JSON is written, when it is called that, and refuses what is none', async () => {
    const metadata = { contentType: 'application/json' };
    await save({ key: 'json', value: bytes('{ "a" : 1 }'), metadata });
    expect(textOf((await get('json')).data)).toBe('{"a":1}');
    expect(await codeOf(save({ key: 'json', value: bytes('{'), metadata }))).toBe('UNKNOWN');
  });

  it('gives HTTP what was saved here, and the other way round', async () => {
    await save({ key: 'shared', value: bytes('{"n":1}') });
    const response = await apis.fetch('/v1.0/state/store/shared');
    expect(await response.json()).toEqual({ n: 1 });
    await save({ key: 'binary', value: Buffer.from([255]) });
    const raw = await apis.fetch('/v1.0/state/store/binary');
    expect(Buffer.from(await raw.arrayBuffer())).toEqual(Buffer.from([255]));
    // JSON cannot hold it: daprd answers with nothing.
    const body = JSON.stringify({ keys: ['shared', 'binary'] });
    const bulk = await apis.fetch('/v1.0/state/store/bulk', { method: 'POST', body });
    expect([bulk.status, await bulk.text()]).toEqual([200, '']);
  });

  it('tells etag and expiry', async () => {
    await save({ key: 'ttl', value: bytes('1'), metadata: { ttlInSeconds: '60' } });
    const message = await get('ttl');
    expect(message.etag).not.toBe('');
    expect(message.metadata).toEqual({ ttlExpireTime: '2023-11-14T22:14:20Z' });
  });

  it('aborts a write with another etag', async () => {
    await save({ key: 'e', value: bytes('1') });
    const { etag } = await get('e');
    const wrong = { value: 'wrong' };
    const item = { storeName: 'store', key: 'e' };
    expect(await codeOf(save({ key: 'e', value: bytes('2'), etag: wrong }))).toBe('ABORTED');
    expect(await codeOf(callOf('deleteState', { ...item, etag: wrong }))).toBe('ABORTED');
    const states = [{ key: 'e', etag: wrong }];
    expect(await codeOf(callOf('deleteBulkState', { storeName: 'store', states }))).toBe('ABORTED');
    expect(await codeOf(save({ key: 'e', value: bytes('2'), etag: { value: etag } }))).toBe('OK');
  });

  it('runs transactions: all, or nothing', async () => {
    const upsert = { operationType: 'upsert', request: { key: 't1', value: bytes('1') } };
    const wrong = { operationType: 'delete', request: { key: 't2', etag: { value: 'x' } } };
    const run = (operations: object[]) =>
      codeOf(callOf('executeStateTransaction', { storeName: 'store', operations }));
    expect(await run([upsert, wrong])).toBe('INTERNAL');
    expect((await get('t1')).etag).toBe('');
    expect(await run([upsert])).toBe('OK');
    expect(textOf((await get('t1')).data)).toBe('1');
    expect(await run([{ operationType: 'dance' }])).toBe('UNIMPLEMENTED');
  });

  it('refuses stores and keys that cannot be', async () => {
    expect(await codeOf(callOf('getState', { storeName: 'nope', key: 'k' }))).toBe(
      'INVALID_ARGUMENT',
    );
    expect(await codeOf(save({ key: '' }))).toBe('INVALID_ARGUMENT');
    expect(await codeOf(save({ key: 'a||b' }))).toBe('INVALID_ARGUMENT');
    expect(await codeOf(callOf('queryStateAlpha1', { storeName: 'store', query: '{' }))).toBe(
      'INTERNAL',
    );
  });

  it('says that no store is configured when there is none', async () => {
    const none = await serveTestApis({}, []);
    const to = connect(none);
    const call = callOf('getState', { storeName: 'store', key: 'k' }, { to });
    expect(await codeOf(call)).toBe('FAILED_PRECONDITION');
    to.close();
    await none.stop(0);
  });
});

describe('invocation over gRPC', () => {
  it('calls the app with verb, query, headers and body', async () => {
    apis.recorder.onInvoke = async () => ({
      status: 201,
      headers: { 'content-type': 'text/plain' },
      body: bytes('made'),
    });
    const message = {
      method: 'orders/1',
      data: { value: bytes('{}') },
      contentType: 'application/json',
      httpExtension: { verb: 3, querystring: 'a=1' },
    };
    const answer = await callOf(
      'invokeService',
      { id: 'app', message },
      { headers: { 'x-mine': '1' } },
    );
    expect(textOf(answer.message.data?.value)).toBe('made');
    expect(answer.message.contentType).toBe('text/plain');
    expect(answer.header.get('dapr-http-status')).toEqual(['201']);
    expect(apis.recorder.invoked.at(-1)).toMatchObject({
      method: 'orders/1',
      verb: 'POST',
      query: 'a=1',
      headers: { 'content-type': 'application/json', 'x-mine': '1' },
      body: bytes('{}'),
    });
  });

  it.each([
    [404, 'NOT_FOUND'],
    [400, 'INTERNAL'],
    [503, 'UNAVAILABLE'],
    [418, 'UNKNOWN'],
  ])('makes of the status %i the code %s', async (status, code) => {
    apis.recorder.onInvoke = async () => ({ status, headers: {}, body: bytes('') });
    expect(await codeOf(callOf('invokeService', { id: 'app', message: { method: 'x' } }))).toBe(
      code,
    );
  });

  it('knows no other app', async () => {
    expect(await codeOf(callOf('invokeService', { id: 'other' }))).toBe('INTERNAL');
  });
});

describe('the sidecar itself, over gRPC', () => {
  it('tells what it is made of', async () => {
    await callOf('setMetadata', { key: 'owner', value: 'ada' });
    const { message } = await callOf('getMetadata', {});
    expect(message).toMatchObject({
      id: 'app',
      extendedMetadata: { owner: 'ada' },
      registeredComponents: [{ name: 'pubsub' }, { name: 'store' }, { name: 'binding' }],
      subscriptions: [{ pubsubName: 'pubsub', topic: 'orders', deadLetterTopic: 'dead' }],
      appConnectionProperties: { port: 8080, protocol: 'http' },
    });
  });

  it('does not have the other building blocks', async () => {
    expect(await codeOf(callOf('getSecret', { storeName: 's', key: 'k' }))).toBe('UNIMPLEMENTED');
  });

  it('asks for the token at every call', async () => {
    const guarded = await serveTestApis({ apiToken: 'secret' });
    const to = connect(guarded);
    const call = (headers: Record<string, string>) =>
      codeOf(callOf('getMetadata', {}, { to, headers }));
    expect(await call({})).toBe('UNAUTHENTICATED');
    expect(await call({ 'dapr-api-token': 'wrong!' })).toBe('UNAUTHENTICATED');
    expect(await call({ 'dapr-api-token': 'secret' })).toBe('OK');
    to.close();
    await guarded.stop(0);
  });

  it('refuses a message that is too large, and serves the next', async () => {
    const request = { pubsubName: 'pubsub', topic: 't', data: Buffer.alloc(1001) };
    expect(await codeOf(callOf('publishEvent', request))).toBe('RESOURCE_EXHAUSTED');
    expect(await codeOf(callOf('publishEvent', { ...request, data: bytes('1') }))).toBe('OK');
  });
});

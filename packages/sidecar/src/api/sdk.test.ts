// The real client of Dapr's JavaScript SDK against both APIs.
import {
  CommunicationProtocolEnum,
  DaprClient,
  HttpMethod,
  StateConcurrencyEnum,
  StateConsistencyEnum,
} from '@dapr/dapr';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveTestApis, type TestApis } from './api.fixture.ts';

const SILENT = { error() {}, warn() {}, info() {}, verbose() {}, debug() {} };

describe.each(['HTTP', 'GRPC'] as const)('DaprClient over %s', (protocol) => {
  let apis: TestApis;
  let client: DaprClient;

  beforeAll(async () => {
    apis = await serveTestApis({ apiToken: 'secret' });
    client = new DaprClient({
      daprHost: '127.0.0.1',
      daprPort: String(protocol === 'HTTP' ? apis.httpPort : apis.grpcPort),
      communicationProtocol: CommunicationProtocolEnum[protocol],
      daprApiToken: 'secret',
      logger: { service: SILENT },
    });
  });

  afterAll(async () => {
    await client.stop();
    await apis.stop(0);
  });

  it('publishes JSON, with its metadata', async () => {
    await client.pubsub.publish('pubsub', 'orders', { id: 7 }, { metadata: { ttlInSeconds: '5' } });
    const request = apis.recorder.published.at(-1);
    expect(request).toMatchObject({
      pubsub: 'pubsub',
      topic: 'orders',
      contentType: 'application/json',
      metadata: { ttlInSeconds: '5' },
    });
    expect(JSON.parse(String(request?.data))).toEqual({ id: 7 });
  });

  it('publishes many at once', async () => {
    const result = await client.pubsub.publishBulk('pubsub', 'orders', [{ id: 1 }, { id: 2 }]);
    expect(result).toEqual({ failedMessages: [] });
    const entries = apis.recorder.bulks.at(-1)?.entries ?? [];
    expect(entries.map(({ data }) => JSON.parse(String(data)) as unknown)).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
  });

  it('calls a binding, and gets its answer', async () => {
    apis.recorder.onBinding = async () => ({ data: Buffer.from('{"ok":true}'), metadata: {} });
    const answer = (await client.binding.send('binding', 'create', { a: 1 }, { key: 'k' })) as {
      data?: Uint8Array;
    };
    const value: unknown =
      protocol === 'HTTP' ? answer : JSON.parse(String(Buffer.from(answer.data ?? [])));
    expect(value).toEqual({ ok: true });
    expect(apis.recorder.bindings.at(-1)).toMatchObject({
      name: 'binding',
      request: { operation: 'create', metadata: { key: 'k' } },
    });
    expect(JSON.parse(String(apis.recorder.bindings.at(-1)?.request.data))).toEqual({ a: 1 });
  });

  it('saves, reads and deletes state', async () => {
    await client.state.save('store', [{ key: 'one', value: { n: 1 } }]);
    expect(await client.state.get('store', 'one')).toEqual({ n: 1 });
    await client.state.delete('store', 'one');
    expect(await client.state.get('store', 'one')).toBe('');
  });

  it('refuses the second of two first writes', async () => {
    const write = async (): Promise<unknown> => {
      const options = {
        concurrency: StateConcurrencyEnum.CONCURRENCY_FIRST_WRITE,
        consistency: StateConsistencyEnum.CONSISTENCY_STRONG,
      };
      const result = await client.state
        .save('store', [{ key: 'first', value: { n: 1 }, options }])
        .catch((error: unknown) => ({ error }));
      return result.error;
    };
    expect(await write()).toBeUndefined();
    expect(String(await write())).toContain('etag mismatch');
  });

  it('reads several keys at once, and those that are not there', async () => {
    await client.state.save('store', [
      { key: 'b1', value: { n: 1 } },
      { key: 'b2', value: { n: 2 } },
    ]);
    const items = await client.state.getBulk('store', ['b1', 'none', 'b2']);
    expect(items.map(({ key }) => key)).toEqual(['b1', 'none', 'b2']);
    expect(items[0]).toMatchObject({ data: { n: 1 }, etag: expect.any(String) as unknown });
    expect(items[2]).toMatchObject({ data: { n: 2 } });
  });

  it('runs a transaction', async () => {
    await client.state.save('store', [{ key: 'gone', value: { n: 1 } }]);
    await client.state.transaction('store', [
      { operation: 'upsert', request: { key: 'kept', value: 'yes' } },
      { operation: 'delete', request: { key: 'gone' } },
    ]);
    expect(await client.state.get('store', 'kept')).toBe('yes');
    expect(await client.state.get('store', 'gone')).toBe('');
  });

  it('queries', async () => {
    await client.state.save('store', [
      { key: 'q1', value: { kind: 'query', n: 1 } },
      { key: 'q2', value: { kind: 'query', n: 2 } },
    ]);
    const { results } = await client.state.query('store', {
      filter: { EQ: { kind: 'query' } },
      sort: [{ key: 'n', order: 'DESC' }],
      page: { limit: 1 },
    });
    expect(results.map(({ key }) => key)).toEqual(['q2']);
  });

  it('tells metadata, and remembers an attribute', async () => {
    await client.metadata.set('owner', 'ada');
    const { id, extended, components } = await client.metadata.get();
    expect(id).toBe('app');
    expect(extended).toMatchObject({ owner: 'ada' });
    expect(components.map(({ name }) => name)).toEqual(['pubsub', 'store', 'binding']);
  });

  it('invokes the app', async () => {
    apis.recorder.onInvoke = async () => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"hello":"ada"}'),
    });
    const answer: unknown = await client.invoker.invoke('app', 'greet', HttpMethod.POST, { a: 1 });
    expect(answer).toEqual({ hello: 'ada' });
    expect(apis.recorder.invoked.at(-1)).toMatchObject({ method: 'greet', verb: 'POST' });
    expect(JSON.parse(String(apis.recorder.invoked.at(-1)?.body))).toEqual({ a: 1 });
  });

  it('asks for a shutdown', async () => {
    const before = apis.recorder.shutdowns;
    await client.sidecar.shutdown();
    expect(apis.recorder.shutdowns).toBe(before + 1);
  });
});

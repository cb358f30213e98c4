// The SDK's client, repaired: one test for each fault it has by itself.
import { Readable } from 'node:stream';
import { DaprClient, HTTPClient, HttpMethod, LogLevel } from '@dapr/dapr';
import { describe, expect, test } from 'vitest';
import { outgoingTo, startDaprd } from './daprd.fixture.ts';

describe('the client of the SDK', () => {
  test('does not poll /metadata before its first call', async () => {
    const daprd = await startDaprd();
    const { client } = outgoingTo(daprd);
    await client.state.get('pgstore', 'a');
    await client.start();
    expect(daprd.requests.map(({ url }) => url)).toEqual(['/v1.0/state/pgstore/a']);
    expect(client.getIsInitialized()).toBe(true);
  });

  test('has a deadline on each call', async () => {
    const daprd = await startDaprd();
    daprd.intercept = () => true;
    const { client } = outgoingTo(daprd, { timeout: 100 });
    await expect(client.secret.get('vault', 'key')).rejects.toMatchObject({
      code: 'OFN_SIDECAR_TIMEOUT',
    });
  });

  test('rejects when publish, save or delete fails, where it would return the error', async () => {
    const daprd = await startDaprd();
    daprd.intercept = (_, response) => Boolean(response.writeHead(500).end('broken'));
    const { client } = outgoingTo(daprd);
    await expect(client.pubsub.publish('mq', 'orders', { a: 1 })).rejects.toThrow('broken');
    await expect(client.state.save('pg', [{ key: 'a', value: 1 }])).rejects.toThrow('broken');
    await expect(client.state.delete('pg', 'a')).rejects.toThrow('broken');
  });

  test('still resolves to what the SDK resolves to when publish, save and delete succeed', async () => {
    const daprd = await startDaprd();
    const { client } = outgoingTo(daprd);
    await expect(client.pubsub.publish('mq', 'orders', { a: 1 })).resolves.toEqual({});
    await expect(client.state.save('pg', [{ key: 'a', value: 1 }])).resolves.toEqual({});
    await expect(client.state.get('pg', 'a')).resolves.toBe(1);
    await expect(client.state.delete('pg', 'a')).resolves.toEqual({});
  });

  test('reports the entries of publishBulk that failed, where it would report none', async () => {
    const daprd = await startDaprd();
    const { failedMessages } = await outgoingTo(daprd).client.pubsub.publishBulk('mq', 'orders', [
      'good',
      'bad',
    ]);
    expect(failedMessages).toEqual([
      {
        message: expect.objectContaining({ event: 'bad' }) as unknown,
        error: new Error('broker refused'),
      },
    ]);
  });

  test('goes on when another client of the SDK is stopped', async () => {
    const daprd = await startDaprd();
    const { client } = outgoingTo(daprd);
    daprd.intercept = (_, response) => {
      const other = new HTTPClient({ daprPort: '1' });
      void other.stop().then(() => response.end('{"id":"app"}'));
      return true;
    };
    await expect(client.metadata.get()).resolves.toEqual({ id: 'app' });
  });

  test('does not break the calls of another client of the SDK when it is stopped', async () => {
    const daprd = await startDaprd();
    const { client } = outgoingTo(daprd);
    const { hostname, port } = new URL(daprd.address.http);
    const other = new DaprClient({
      daprHost: hostname,
      daprPort: port,
      logger: { level: LogLevel.Error },
    });
    daprd.intercept = (_, response) => {
      void client.stop().then(() => response.end('{"id":"app"}'));
      return true;
    };
    await expect(other.metadata.get()).resolves.toEqual({ id: 'app' });
    await other.stop();
  });

  test('goes to the address it was given, whatever host the environment names for the SDK', async () => {
    const daprd = await startDaprd();
    const { client } = outgoingTo(daprd);
    const { port, hostname } = new URL(daprd.address.http);
    expect(client.options).toMatchObject({ daprHost: hostname, daprPort: port });
  });

  test('is the same for all', async () => {
    const outgoing = outgoingTo(await startDaprd());
    expect(outgoing.client).toBe(outgoing.client);
  });

  test('reads configuration, which the SDK does over gRPC only', async () => {
    const daprd = await startDaprd();
    const { client } = outgoingTo(daprd);
    daprd.intercept = (_, response) =>
      Boolean(response.end('{"color":{"value":"red","version":"1"}}'));
    await expect(client.configuration.get('settings', ['color', 'a&b'], { m: 1 })).resolves.toEqual(
      {
        items: { color: { key: 'color', value: 'red', version: '1', metadata: {} } },
      },
    );
    expect(daprd.last().url).toBe('/v1.0/configuration/settings?key=color&key=a%26b&metadata.m=1');

    daprd.intercept = (_, response) => Boolean(response.writeHead(204).end());
    await expect(client.configuration.get('settings')).resolves.toEqual({ items: {} });

    daprd.intercept = (_, response) =>
      Boolean(response.writeHead(400).end('{"errorCode":"ERR_X","message":"no such store"}'));
    await expect(client.configuration.get('none')).rejects.toThrow('400 ERR_X: no such store');
  });

  test.each<[string, unknown, string]>([
    ['an object', { a: 1 }, '{"a":1}'],
    ['text', 'text', 'text'],
    ['bytes', Buffer.from('bytes'), 'bytes'],
    ['a form', new URLSearchParams({ a: '1' }), 'a=1'],
    ['a stream', Readable.from([Buffer.from('str'), Buffer.from('eam')]), 'stream'],
    ['nothing', undefined, ''],
  ])('sends %s to another app', async (_, data, text) => {
    const daprd = await startDaprd();
    const { client } = outgoingTo(daprd);
    await client.invoker.invoke('app', 'work', HttpMethod.POST, data as object);
    expect(daprd.last()).toMatchObject({ method: 'POST', url: '/v1.0/invoke/app/method/work' });
    expect(daprd.last().bytes.toString()).toBe(text);
  });
});

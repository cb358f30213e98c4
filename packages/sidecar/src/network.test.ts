import { Client, credentials } from '@grpc/grpc-js';
import { Dapr } from '@dapr/dapr/proto/dapr/proto/runtime/v1/dapr_pb.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { toServiceDefinition } from './grpc-service.ts';
import { createTestNetwork, holdAnswers } from './network.fixture.ts';
import { startSidecar } from './sidecar.fixture.ts';
import type { Sidecar } from './sidecar.ts';

describe('idle', () => {
  it('of a sidecar waits for its own app, and for no other', async () => {
    const { network, app, sidecar, publish } = createTestNetwork();
    const { held, release } = holdAnswers();
    await sidecar('slow', await app(['orders'], held));
    const fast = await sidecar('fast', await app(['orders']));
    await publish('orders', 1);
    await fast.idle();
    let isIdle = false;
    const idle = network.idle().then(() => (isIdle = true));
    await Promise.resolve();
    expect(isIdle).toBe(false);
    release();
    await idle;
  });
});

describe('state', () => {
  const components = [
    { name: 'own', type: 'state.in-memory' },
    { name: 'common', type: 'state.in-memory', metadata: { keyPrefix: 'none' } },
  ];
  const save = (to: Sidecar, store: string, value: string) =>
    fetch(`http://127.0.0.1:${to.httpPort}/v1.0/state/${store}`, {
      method: 'POST',
      body: JSON.stringify([{ key: 'k', value }]),
    });
  const read = async (of: Sidecar, store: string) =>
    (await fetch(`http://127.0.0.1:${of.httpPort}/v1.0/state/${store}/k`)).text();

  it('outlives a sidecar, under the key prefix of its app', async () => {
    const { network } = createTestNetwork();
    const before = await startSidecar({ network, appId: 'a', components });
    await save(before, 'own', 'mine');
    await save(before, 'common', 'ours');
    await before.stop();
    const after = await startSidecar({ network, appId: 'a', components });
    const other = await startSidecar({ network, appId: 'b', components });
    expect([await read(after, 'own'), await read(after, 'common')]).toEqual(['"mine"', '"ours"']);
    expect([await read(other, 'own'), await read(other, 'common')]).toEqual(['', '"ours"']);
  });
});

describe('invocation', () => {
  async function startTwo(): Promise<{ caller: Sidecar; callee: Sidecar }> {
    const { app, sidecar } = createTestNetwork();
    const callee = await sidecar('callee', await app([]));
    return { caller: await sidecar('caller', await app([])), callee };
  }
  const invoke = (from: Sidecar, appId: string) =>
    fetch(`http://127.0.0.1:${from.httpPort}/v1.0/invoke/${appId}/method/hi?x=1`, {
      method: 'PUT',
    });

  it('reaches the app of another sidecar over HTTP', async () => {
    const { caller } = await startTwo();
    const response = await invoke(caller, 'callee');
    expect([response.status, await response.text()]).toEqual([200, 'PUT /hi?x=1']);
  });

  it('reaches the app of another sidecar over gRPC', async () => {
    const { caller } = await startTwo();
    const client = new Client(`127.0.0.1:${caller.grpcPort}`, credentials.createInsecure());
    onTestFinished(() => client.close());
    const { invokeService: method } = toServiceDefinition(Dapr);
    if (method === undefined) throw new Error('no such method');
    const reply = await new Promise<{ data: { value: Uint8Array } }>((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        { id: 'callee', message: { method: 'hi' } },
        (error, value) => (error ? reject(error) : resolve(value as never)),
      );
    });
    expect(Buffer.from(reply.data.value).toString()).toBe('POST /hi');
  });

  it.each([
    ['is not known', 'nobody', false],
    ['has no sidecar any more', 'callee', true],
  ])('fails with the error of daprd for an app that %s', async (_name, appId, stopped) => {
    const { caller, callee } = await startTwo();
    if (stopped) await callee.stop();
    const response = await invoke(caller, appId);
    expect([response.status, await response.json()]).toEqual([
      500,
      {
        errorCode: 'ERR_DIRECT_INVOKE',
        message: `failed to invoke, id: ${appId}, err: failed to resolve address for '${appId}': couldn't find service: ${appId}`,
      },
    ]);
  });

  it('goes to each sidecar of an app in turn', async () => {
    const { app, sidecar } = createTestNetwork();
    const apps = [await app([]), await app([])] as const;
    for (const one of apps) await sidecar('callee', one);
    const caller = await sidecar('caller', await app([]));
    for (let n = 0; n < 4; n++) await invoke(caller, 'callee');
    expect(apps.map((one) => one.at('/hi?x=1').length)).toEqual([2, 2]);
  });
});

it('publishes from outside with the source ofn, and its journal tells of all apps', async () => {
  const { network, app, sidecar, publish } = createTestNetwork();
  const one = await app(['orders']);
  await sidecar('a', one);
  await sidecar('b', await app([]));
  await publish('orders', { id: 1 });
  await network.idle();
  expect(JSON.parse(one.at('/orders')[0]?.body ?? '')).toMatchObject({ source: 'ofn' });
  expect(network.journal.entries.map(({ appId, outcome }) => `${appId} ${outcome}`)).toEqual([
    'ofn published',
    'a delivered',
    'a acked',
  ]);
  expect(network.components()).toEqual([
    { name: 'pubsub', type: 'pubsub.in-memory', appIds: ['a', 'b'] },
  ]);
});

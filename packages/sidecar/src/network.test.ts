import { Client, credentials } from '@grpc/grpc-js';
import { Dapr } from '@dapr/dapr/proto/dapr/proto/runtime/v1/dapr_pb.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createVirtualClock } from './clock.ts';
import { toServiceDefinition } from './grpc-service.ts';
import { createTestNetwork, eventsAt, holdAnswers } from './network.fixture.ts';
import { outcomes, PUBSUB, startHttpApp, startSidecar } from './sidecar.fixture.ts';
import type { Sidecar } from './sidecar.ts';

const range = (count: number) => Array.from({ length: count }, (_value, n) => n);

describe('a topic', () => {
  it('gives each event to each app once, the publisher included', async () => {
    const { network, app, sidecar } = createTestNetwork();
    const apps = [await app(['orders']), await app(['orders']), await app(['other'])] as const;
    const first = await sidecar('a', apps[0]);
    await sidecar('b', apps[1]);
    await sidecar('c', apps[2]);
    await first.publish('pubsub', 'orders', 1);
    await network.idle();
    expect(apps.map((one) => eventsAt(one, '/orders'))).toEqual([[1], [1], []]);
    expect(first.journal.entries[0]).toMatchObject({ outcome: 'published', subscribers: 2 });
  });

  it('gives each event to one of the sidecars of an app, a fair share to each', async () => {
    const { held, release } = holdAnswers();
    const { network, app, sidecar, publish } = createTestNetwork();
    const components = [{ ...PUBSUB, metadata: { concurrency: '10' } }];
    const apps = [await app(['orders'], held), await app(['orders'], held)] as const;
    const both = [
      await sidecar('a', apps[0], { components }),
      await sidecar('a', apps[1], { components }),
    ] as const;
    await publish('orders', ...range(12));
    for (const { journal } of both) await journal.until(({ count }) => count('delivered') === 6);
    release();
    await network.idle();
    const all = apps.flatMap((one) => eventsAt(one, '/orders'));
    expect(all.toSorted((a, b) => Number(a) - Number(b))).toEqual(range(12));
  });

  it('leaves what a busy sidecar cannot take to another of the app', async () => {
    const { held } = holdAnswers();
    const { app, sidecar, publish } = createTestNetwork();
    const [slow, fast] = [await app(['orders'], held), await app(['orders'])];
    await sidecar('a', slow);
    const { journal } = await sidecar('a', fast);
    await publish('orders', ...range(10));
    await journal.until(({ count }) => count('acked') === 9);
    expect(eventsAt(slow, '/orders')).toHaveLength(1);
  });

  it('ends a batch in time that two sidecars of an app wait to fill', async () => {
    const clock = createVirtualClock();
    const { network, sidecar, publish } = createTestNetwork({ clock });
    const bulkSubscribe = { enabled: true, maxMessagesCount: 10, maxAwaitDurationMs: 100 };
    const listed = [{ pubsubname: 'pubsub', topic: 'orders', route: '/orders', bulkSubscribe }];
    const app = await startHttpApp(listed, ({ body }) => {
      const { entries } = JSON.parse(body) as { entries: { entryId: string }[] };
      return { body: { statuses: entries.map((one) => ({ ...one, status: 'SUCCESS' })) } };
    });
    await sidecar('a', app, { clock });
    await sidecar('a', app, { clock });
    await publish('orders', 1, 2);
    expect(network.backlog('a')).toBe(2);
    await clock.advance(100);
    await network.idle();
    expect(app.at('/orders')).toHaveLength(1);
  });

  it('is not known before an app has subscribed, and refuses a component that no app has', async () => {
    const { network, publish } = createTestNetwork();
    await expect(publish('orders', 1)).rejects.toMatchObject({ code: 'ERR_PUBSUB_NOT_FOUND' });
    expect(network.backlog('a')).toBe(0);
  });
});

describe('an app without a sidecar', () => {
  it('finds what was published meanwhile when it has one again, in order', async () => {
    const { network, app, sidecar, publish } = createTestNetwork();
    const one = await app(['orders']);
    const before = await sidecar('a', one);
    await before.stop();
    await publish('orders', 1, 2, 3);
    expect(network.backlog('a')).toBe(3);
    const after = await sidecar('a', one);
    await after.idle();
    expect(eventsAt(one, '/orders')).toEqual([1, 2, 3]);
    expect(network.backlog('a')).toBe(0);
  });

  it('gets first, and in order, what was not settled when its sidecar stopped', async () => {
    const { held } = holdAnswers();
    const { app, sidecar, publish } = createTestNetwork();
    const stuck = await app(['orders'], held);
    const components = [{ ...PUBSUB, metadata: { concurrency: '3' } }];
    const before = await sidecar('a', stuck, { components });
    await publish('orders', 1, 2, 3, 4);
    await before.journal.until(({ count }) => count('delivered') === 3);
    await before.stop();
    expect(outcomes(before).slice(-3)).toEqual(['returned', 'returned', 'returned']);
    expect(before.journal.count('lost')).toBe(0);
    await publish('orders', 5);
    const next = await app(['orders']);
    const after = await sidecar('a', next);
    await after.idle();
    expect(eventsAt(next, '/orders')).toEqual([1, 2, 3, 4, 5]);
  });

  it('loses the oldest when too many wait, with one warning', async () => {
    const told: string[] = [];
    const { network, app, sidecar, publish } = createTestNetwork({
      backlogLimit: 3,
      log: (message, level) => told.push(`${level} ${message}`),
    });
    const one = await app(['orders']);
    await (await sidecar('a', one)).stop();
    await publish('orders', ...range(5));
    expect(network.backlog('a')).toBe(3);
    expect(told).toEqual([
      'warn 3 events of topic orders of pubsub wait for app a, which is away: the oldest are lost',
    ]);
    expect(network.journal.count('lost')).toBe(2);
    const after = await sidecar('a', one);
    await after.idle();
    expect(eventsAt(one, '/orders')).toEqual([2, 3, 4]);
  });

  it('is told of nothing that it does not subscribe to any more', async () => {
    const told: string[] = [];
    const { network, app, sidecar, publish } = createTestNetwork({
      log: (message) => told.push(message),
    });
    await (await sidecar('a', await app(['orders', 'kept']))).stop();
    await publish('orders', 1);
    await publish('kept', 2);
    const next = await app(['kept']);
    const after = await sidecar('a', next);
    await network.idle();
    expect(eventsAt(next, '/kept')).toEqual([2]);
    expect(told).toEqual([
      'app a does not take topic orders of pubsub any more: 1 events that waited are dropped',
    ]);
    await after.stop();
    await publish('orders', 3);
    expect(network.backlog('a')).toBe(0);
  });

  it('keeps a topic as long as another sidecar takes it', async () => {
    const { network, app, sidecar, publish } = createTestNetwork();
    const old = await app(['orders']);
    const before = await sidecar('a', old);
    await sidecar('a', await app([]));
    await publish('orders', 1);
    await network.idle();
    expect(eventsAt(old, '/orders')).toEqual([1]);
    await before.stop();
    await publish('orders', 2);
    expect(network.backlog('a')).toBe(0);
  });

  it('is forgotten when asked, but not while it has a sidecar', async () => {
    const { network, app, sidecar, publish } = createTestNetwork();
    const { held } = holdAnswers();
    const only = await sidecar('a', await app(['orders'], held));
    await publish('orders', 1, 2);
    network.forget('a');
    expect(network.backlog('a')).toBe(1);
    await only.stop();
    expect(network.backlog('a')).toBe(2);
    network.forget('a');
    await network.idle();
    expect([network.backlog('a'), network.components()]).toEqual([0, []]);
  });
});

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

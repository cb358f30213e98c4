import { describe, expect, it } from 'vitest';
import { createVirtualClock } from './clock.ts';
import { KAFKA, posted, send, startEmulated, startInput } from './emulation.fixture.ts';
import { createTestNetwork, eventsAt } from './network.fixture.ts';
import { createNetwork } from './network.ts';
import { outcomes, retrying, startGrpcApp, startHttpApp, startSidecar } from './sidecar.fixture.ts';

describe('emulated topics and state', () => {
  const REDIS = {
    name: 'pubsub',
    type: 'pubsub.redis',
    metadata: { redisHost: 'redis:6379', concurrency: 'many', subscriptionScopes: 'two=orders' },
  };

  it('of one name are one broker for all apps, under the scopes of the component', async () => {
    const { app, sidecar, network } = createTestNetwork();
    const one = await app([]);
    const two = await app(['orders', 'others']);
    const options = { components: [REDIS], emulate: true };
    const from = await sidecar('one', one, options);
    await sidecar('two', two, options);
    await from.publish('pubsub', 'orders', { id: 1 });
    await from.publish('pubsub', 'others', { id: 2 });
    await network.idle();
    expect(eventsAt(two, '/orders')).toEqual([{ id: 1 }]);
    expect(eventsAt(two, '/others')).toEqual([]);
  });

  it('are a store with etags, transactions and the key prefix of the component', async () => {
    const store = (name: string, keyPrefix: string) => ({
      name,
      type: 'state.postgresql',
      metadata: { connectionString: 'host=postgres', keyPrefix },
    });
    const components = [store('common', 'none'), store('own', 'appid')];
    const network = createNetwork();
    const one = await startEmulated(network, 'one', undefined, { components });
    const two = await startEmulated(network, 'two', undefined, { components });
    const url = (httpPort: number, path: string) =>
      `http://127.0.0.1:${httpPort}/v1.0/state/${path}`;
    for (const name of ['common', 'own']) {
      const body = JSON.stringify([{ key: 'k', value: name }]);
      expect((await fetch(url(one.httpPort, name), { method: 'POST', body })).status).toBe(204);
    }
    const read = async (path: string) => (await fetch(url(two.httpPort, path))).text();
    expect([await read('common/k'), await read('own/k')]).toEqual(['"common"', '']);
  });
});

describe('an emulated binding', () => {
  it('hands what one app creates to another, with its metadata and trace', async () => {
    const network = createNetwork();
    const app = await startInput();
    const to = await startEmulated(network, 'to', app);
    const from = await startEmulated(network, 'from', undefined);
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const metadata = { partitionKey: 'a' };
    const response = await send(from, { id: 1 }, { metadata }, { traceparent });
    expect([response.status, await response.text()]).toEqual([204, '']);
    await network.idle();
    expect(posted(app)).toEqual([{ id: 1 }]);
    expect(app.at('/orders').at(-1)?.headers).toMatchObject({
      'content-type': 'application/json',
      partitionkey: 'a',
      traceparent,
    });
    expect(outcomes(to)).toEqual(['delivered', 'acked']);
    expect(network.journal.entries).toMatchObject([
      { appId: 'from', outcome: 'published', binding: 'orders', subscribers: 1 },
      { appId: 'to', outcome: 'delivered', binding: 'orders', path: 'orders', attempt: 1 },
      { appId: 'to', outcome: 'acked', binding: 'orders' },
    ]);
    expect(network.journal.entries[0]).not.toHaveProperty('pubsub');
    expect(String(network.journal.entries[0]?.data)).toBe('{"id":1}');
  });

  it('hands each event to each app, to one of its sidecars, and to the sender too', async () => {
    const network = createNetwork();
    const apps = await Promise.all([startInput(), startInput(), startInput()]);
    const [own, a, b] = apps;
    const from = await startEmulated(network, 'from', own);
    await startEmulated(network, 'other', a);
    await startEmulated(network, 'other', b);
    for (let n = 0; n < 4; n++) await send(from, n);
    await network.idle();
    expect(posted(own)).toEqual([0, 1, 2, 3]);
    expect(new Set([...posted(a), ...posted(b)])).toEqual(new Set([0, 1, 2, 3]));
    expect(posted(b)).toHaveLength(2);
    expect(posted(a)).toHaveLength(2);
  });

  it('hands bytes over as they are over gRPC, to an app that lists the binding', async () => {
    const got: unknown[] = [];
    const app = await startGrpcApp({
      listInputBindings: () => ({ bindings: ['orders'] }),
      onBindingEvent: (request: { data: Uint8Array; metadata: unknown }) => {
        got.push({ ...request, data: Buffer.from(request.data) });
        return {};
      },
    });
    const data = Buffer.from([0, 255, 1]);
    const sidecar = await startSidecar({
      components: [KAFKA],
      emulate: true,
      appPort: app.port,
      appProtocol: 'grpc',
    });
    await sidecar.appReady();
    await sidecar.engine.invokeBinding('orders', {
      operation: 'create',
      data,
      metadata: { key: 'a' },
    });
    await sidecar.idle();
    expect(got).toMatchObject([{ name: 'orders', data, metadata: { key: 'a' } }]);
  });

  it.each([
    ['asks the app', undefined, 200, ['OPTIONS /orders', 'POST /orders']],
    ['asks the app, which does not take it', undefined, 404, ['OPTIONS /orders']],
    ['does not ask for an input', 'input, output', 404, ['POST /orders']],
    ['does not ask for an output', 'output', 200, []],
  ])('%s', async (_name, direction, status, expected) => {
    const app = await startHttpApp([], ({ verb }) => ({ status: verb === 'POST' ? 200 : status }));
    const metadata = direction === undefined ? {} : { direction };
    const components = [{ ...KAFKA, metadata }];
    const lines: string[] = [];
    const sidecar = await startEmulated(createNetwork(), 'app', app, {
      components,
      log: (message, level) => void (level === 'warn' && lines.push(message)),
    });
    await send(sidecar, 1);
    await sidecar.idle();
    const calls = app.calls.map(({ verb, path }) => `${verb} ${path}`);
    expect(calls).toEqual(['GET /dapr/config', ...expected]);
    expect(lines).toEqual([]);
  });

  it('journals what nobody takes as published, and that is all', async () => {
    const lines: string[] = [];
    const sidecar = await startEmulated(createNetwork(), 'app', undefined, {
      log: (message, level) => void (level === 'warn' && lines.push(message)),
    });
    await send(sidecar, 1);
    await sidecar.idle();
    expect(sidecar.journal.entries).toMatchObject([
      { outcome: 'published', binding: 'orders', subscribers: 0 },
    ]);
    expect(lines).toEqual([]);
  });

  it.each(['get', 'delete', 'list', 'exec'])('answers %s with nothing', async (operation) => {
    const app = await startInput();
    const sidecar = await startEmulated(createNetwork(), 'app', app);
    const response = await send(sidecar, { id: 1 }, { operation });
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(sidecar.journal.entries).toEqual([]);
  });

  it('is no output when its direction is input, and wants an operation', async () => {
    const components = [{ ...KAFKA, metadata: { direction: 'input' } }];
    const sidecar = await startEmulated(createNetwork(), 'app', undefined, { components });
    expect(await (await send(sidecar, 1)).text()).toContain("couldn't find output binding orders");
    const output = await startEmulated(createNetwork(), 'app', undefined);
    expect(await (await send(output, 1, { operation: '' })).text()).toContain('operation field');
  });
});

describe('an event of an emulated binding', () => {
  it.each([
    ['204', 204, ['delivered', 'acked']],
    ['404', 404, ['delivered', 'retried', 'delivered', 'acked']],
    ['500', 500, ['delivered', 'retried', 'delivered', 'acked']],
  ])(
    'that is answered %s is handed over again as long as it takes',
    async (_n, status, expected) => {
      let first = true;
      const app = await startInput(() => {
        if (!first) return { status: 200 };
        first = false;
        return { status };
      });
      const clock = createVirtualClock();
      const sidecar = await startEmulated(createNetwork(), 'app', app, { clock });
      await send(sidecar, 1);
      if (expected.length > 2) {
        await sidecar.journal.until((journal) => journal.count('retried') === 1);
        await clock.advance(500);
      }
      await sidecar.idle();
      expect(outcomes(sidecar)).toEqual(expected);
    },
  );

  it('is tried again without an end, at most ten seconds apart', async () => {
    const app = await startInput(() => ({ status: 500 }));
    const clock = createVirtualClock();
    const sidecar = await startEmulated(createNetwork(), 'app', app, { clock });
    await send(sidecar, 1);
    for (let retry = 1; retry <= 100; retry++) {
      await sidecar.journal.until((journal) => journal.count('retried') === retry);
      await clock.advance(10_000);
    }
    expect(sidecar.journal.count('lost')).toBe(0);
  });

  it('is lost when a retry policy of the component gives up', async () => {
    const app = await startInput(() => ({ status: 500 }));
    const resiliency = retrying(1, 0, 'orders');
    const sidecar = await startEmulated(createNetwork(), 'app', app, { resiliency });
    await send(sidecar, 1);
    await sidecar.idle();
    expect(outcomes(sidecar)).toEqual(['delivered', 'retried', 'delivered', 'lost']);
  });

  it('waits while the app is away, and what the app was busy with comes back first', async () => {
    const network = createNetwork();
    let status = 500;
    const app = await startInput(() => ({ status }));
    const components = [{ ...KAFKA, metadata: { concurrency: '1' } }];
    const from = await startEmulated(network, 'from', undefined);
    const before = await startEmulated(network, 'to', app, { components });
    await send(from, 1);
    await before.journal.until((journal) => journal.count('retried') === 1);
    await send(from, 2);
    await before.stop();
    expect(outcomes(before)).toEqual(['delivered', 'retried', 'returned']);
    await send(from, 3);
    expect(network.backlog('to')).toBe(3);
    status = 200;
    await startEmulated(network, 'to', app, { components });
    await network.idle();
    expect(posted(app)).toEqual([1, 1, 2, 3]);
    expect(network.backlog('to')).toBe(0);
  });

  it('is given up when the app comes back and does not take the binding', async () => {
    const lines: string[] = [];
    const network = createNetwork({ log: (message) => void lines.push(message) });
    const from = await startEmulated(network, 'from', undefined);
    await (await startEmulated(network, 'to', await startInput())).stop();
    await send(from, 1);
    const other = await startHttpApp([], () => undefined);
    await startEmulated(network, 'to', other);
    await network.idle();
    expect(lines).toEqual([
      'app to does not take binding orders any more: 1 events that waited are dropped',
    ]);
    await send(from, 2);
    expect(network.journal.entries.at(-1)).toMatchObject({ subscribers: 0 });
  });

  it('stays when the app cannot be asked', async () => {
    const network = createNetwork();
    const from = await startEmulated(network, 'from', undefined);
    await (await startEmulated(network, 'to', await startInput())).stop();
    await send(from, 1);
    const broken = await startHttpApp([], () => ({ broken: true }));
    await startEmulated(network, 'to', broken);
    expect(network.backlog('to')).toBe(1);
  });

  it('stays for an app over gRPC that fails to list its bindings', async () => {
    const network = createNetwork();
    const from = await startEmulated(network, 'from', undefined);
    await (await startEmulated(network, 'to', await startInput())).stop();
    await send(from, 1);
    const broken = await startGrpcApp({
      listInputBindings: () => {
        throw new Error('not yet');
      },
    });
    const options = { appPort: broken.port, appProtocol: 'grpc' as const };
    const sidecar = await startEmulated(network, 'to', undefined, options);
    await sidecar.appReady();
    expect(network.backlog('to')).toBe(1);
  });

  it('is lost with a warning when too many wait', async () => {
    const lines: string[] = [];
    const network = createNetwork({ backlogLimit: 2, log: (message) => void lines.push(message) });
    const from = await startEmulated(network, 'from', undefined);
    await (await startEmulated(network, 'to', await startInput())).stop();
    for (let n = 0; n < 4; n++) await send(from, n);
    expect(lines).toEqual([
      '2 events of binding orders wait for app to, which is away: the oldest are lost',
    ]);
    expect(network.journal.count('lost')).toBe(2);
    expect(network.journal.entries.find(({ outcome }) => outcome === 'lost')).toMatchObject({
      appId: 'to',
      binding: 'orders',
    });
    network.forget('to');
    expect(network.backlog('to')).toBe(0);
    await network.idle();
  });

  it('waits while the app is not healthy', async () => {
    let healthy = true;
    const app = await startHttpApp([], ({ verb, path }) => {
      if (verb === 'OPTIONS') return { status: 200 };
      return { status: path === '/healthz' && !healthy ? 500 : 200 };
    });
    const clock = createVirtualClock();
    const sidecar = await startEmulated(createNetwork(), 'app', app, {
      clock,
      healthCheck: { intervalMs: 1000, threshold: 1 },
    });
    const probes = () => app.at('/healthz').length;
    const probe = async (): Promise<void> => {
      const before = probes();
      await clock.advance(1000);
      await expect.poll(probes).toBeGreaterThan(before);
    };
    healthy = false;
    await probe();
    await probe();
    await send(sidecar, 1);
    await probe();
    expect(posted(app)).toEqual([]);
    healthy = true;
    await probe();
    await sidecar.idle();
    expect(posted(app)).toEqual([1]);
  });
});

it('tells once of each component that is emulated, and the metadata API its own type', async () => {
  const lines: string[] = [];
  const components = [
    KAFKA,
    { name: 'mq', type: 'pubsub.redis' },
    { name: 'store', type: 'state.in-memory' },
  ];
  const network = createNetwork();
  const sidecar = await startEmulated(network, 'app', undefined, {
    components,
    log: (message, level) => void lines.push(`${level} ${message}`),
  });
  expect(lines).toEqual([
    'info component "orders" is of type bindings.kafka, played in memory',
    'info component "mq" is of type pubsub.redis, played in memory',
  ]);
  const response = await fetch(`http://127.0.0.1:${sidecar.httpPort}/v1.0/metadata`);
  expect(await response.json()).toMatchObject({
    components: [
      { name: 'orders', type: 'bindings.kafka', capabilities: ['INPUT_BINDING', 'OUTPUT_BINDING'] },
      { name: 'mq', type: 'pubsub.redis' },
      { name: 'store', type: 'state.in-memory' },
    ],
  });
  expect(network.components().map(({ type }) => type)).toEqual([
    'bindings.kafka',
    'pubsub.redis',
    'state.in-memory',
  ]);
});

it('refuses a sidecar whose components are neither here nor emulated', async () => {
  await expect(startSidecar({ components: [KAFKA] })).rejects.toMatchObject({
    code: 'ERR_COMPONENT_UNSUPPORTED',
  });
  const components = [{ name: 'secrets', type: 'secretstores.local.file' }];
  await expect(startSidecar({ components, emulate: true })).rejects.toMatchObject({
    code: 'ERR_COMPONENT_UNSUPPORTED',
  });
});

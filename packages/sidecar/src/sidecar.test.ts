import { describe, expect, it } from 'vitest';
import { createVirtualClock } from './clock.ts';
import {
  outcomes,
  PUBSUB,
  retrying,
  startGrpcApp,
  startHttpApp,
  startSidecar,
} from './sidecar.fixture.ts';

const ORDERS = [{ pubsubname: 'pubsub', topic: 'orders', route: '/orders' }];

it('delivers an event as a CloudEvent, and takes an empty 200 as its acknowledgement', async () => {
  const app = await startHttpApp(ORDERS, () => ({ status: 200 }));
  const sidecar = await startSidecar({ components: [PUBSUB], appPort: app.port });
  await sidecar.appReady();
  await sidecar.publish('pubsub', 'orders', { id: 1 });
  await sidecar.idle();
  const [call] = app.at('/orders');
  expect(call?.headers['content-type']).toBe('application/cloudevents+json');
  expect(call?.headers['pubsubname']).toBe('pubsub');
  expect(JSON.parse(call?.body ?? '')).toMatchObject({
    data: { id: 1 },
    datacontenttype: 'application/json',
    pubsubname: 'pubsub',
    source: 'app',
    specversion: '1.0',
    topic: 'orders',
    type: 'com.dapr.event.sent',
  });
  expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
});

it('asks an app for its configuration, its subscriptions and then its bindings', async () => {
  const app = await startHttpApp(ORDERS, () => ({ status: 200 }));
  const tick = { name: 'tick', type: 'bindings.cron', metadata: { schedule: '@every 1h' } };
  const sidecar = await startSidecar({ components: [tick, PUBSUB], appPort: app.port });
  await sidecar.appReady();
  expect(app.calls.map(({ verb, path }) => `${verb} ${path}`)).toEqual([
    'GET /dapr/config',
    'GET /dapr/subscribe',
    'OPTIONS /tick',
  ]);
});

it('retries by the policy, at the times of a virtual clock', async () => {
  let left = 2;
  const app = await startHttpApp(ORDERS, () => ({ status: left-- > 0 ? 500 : 200 }));
  const clock = createVirtualClock();
  const sidecar = await startSidecar({
    components: [PUBSUB],
    appPort: app.port,
    resiliency: retrying(3, 1000),
    clock,
  });
  await sidecar.appReady();
  await sidecar.publish('pubsub', 'orders', 1);
  await sidecar.journal.until((journal) => journal.count('retried') === 1);
  await clock.advance(999);
  expect(app.at('/orders')).toHaveLength(1);
  await clock.advance(1);
  await sidecar.journal.until((journal) => journal.count('retried') === 2);
  await clock.advance(1000);
  await sidecar.idle();
  expect(outcomes(sidecar)).toEqual([
    'delivered',
    'retried',
    'delivered',
    'retried',
    'delivered',
    'acked',
  ]);
});

function promise(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe('subscriptions', () => {
  it('reads none when there is no pub/sub component', async () => {
    const app = await startHttpApp(ORDERS, () => ({ status: 200 }));
    const sidecar = await startSidecar({ appPort: app.port });
    await sidecar.appReady();
    expect(app.at('/dapr/subscribe')).toHaveLength(0);
  });

  it.each([
    ['404', undefined, 0],
    ['an empty list', [], 0],
    ['null', null, 0],
    ['one without a route', [{ pubsubname: 'pubsub', topic: 'orders' }], 0],
    ['one with a route', ORDERS, 1],
  ])('takes %s from an app', async (_name, listed, count) => {
    const app = await startHttpApp(listed, () => undefined);
    const sidecar = await startSidecar({ components: [PUBSUB], appPort: app.port });
    await sidecar.appReady();
    expect(sidecar.engine.subscriptions).toHaveLength(count);
    expect(sidecar.engine.ready).toBe(true);
  });

  it('serves declared ones, and lets the app have the last word on a topic', async () => {
    const app = await startHttpApp(ORDERS, () => ({ status: 200 }));
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      subscriptions: [
        { pubsubname: 'pubsub', topic: 'orders', route: '/declared' },
        { pubsubname: 'pubsub', topic: 'other', routes: { default: '/other' } },
      ],
    });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'orders', 1);
    await sidecar.publish('pubsub', 'other', 1);
    await sidecar.idle();
    expect(app.at('/declared')).toHaveLength(0);
    expect([app.at('/orders').length, app.at('/other').length]).toEqual([1, 1]);
    expect(sidecar.engine.subscriptions.map(({ topic, type }) => `${topic} ${type}`)).toEqual([
      'orders PROGRAMMATIC',
      'other DECLARATIVE',
    ]);
  });

  it('routes by content; what matches nothing, or cannot be asked, is dead or lost', async () => {
    const rules = [{ match: 'event.data.amount > 10', path: '/large' }];
    const app = await startHttpApp(
      [
        { pubsubname: 'pubsub', topic: 'orders', routes: { rules } },
        { pubsubname: 'pubsub', topic: 'kept', routes: { rules }, deadLetterTopic: 'dead' },
      ],
      () => ({ status: 200 }),
    );
    const sidecar = await startSidecar({ components: [PUBSUB], appPort: app.port });
    await sidecar.appReady();
    for (const topic of ['orders', 'kept']) {
      await sidecar.publish('pubsub', topic, { amount: 11 });
      await sidecar.publish('pubsub', topic, { amount: 1 });
      await sidecar.publish('pubsub', topic, {});
    }
    await sidecar.idle();
    expect(app.at('/large')).toHaveLength(2);
    const ends = outcomes(sidecar).filter((outcome) => outcome !== 'delivered');
    expect(ends.toSorted()).toEqual([
      'acked',
      'acked',
      'deadLettered',
      'deadLettered',
      'dropped',
      'lost',
    ]);
  });

  it('gives a topic that ends in * what begins like it', async () => {
    const app = await startHttpApp(
      [{ pubsubname: 'pubsub', topic: 'orders/*', route: '/all' }],
      () => ({ status: 200 }),
    );
    const sidecar = await startSidecar({ components: [PUBSUB], appPort: app.port });
    await sidecar.appReady();
    for (const topic of ['orders/eu', 'orders/', 'other'])
      await sidecar.publish('pubsub', topic, 1);
    await sidecar.idle();
    expect(app.at('/all')).toHaveLength(1);
  });

  it('keeps an app from topics that are not in its scopes', async () => {
    const metadata = {
      publishingScopes: 'app=a,b;other=c',
      subscriptionScopes: 'app=a',
      protectedTopics: 'secret',
    };
    const listed = ['a', 'b'].map((topic) => ({ pubsubname: 'pubsub', topic, route: `/${topic}` }));
    const app = await startHttpApp(listed, () => ({ status: 200 }));
    const warnings: string[] = [];
    const sidecar = await startSidecar({
      components: [{ ...PUBSUB, metadata }],
      appPort: app.port,
      log: (message) => warnings.push(message),
    });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'a', 1);
    await sidecar.publish('pubsub', 'b', 1);
    await sidecar.idle();
    expect([app.at('/a').length, app.at('/b').length]).toEqual([1, 0]);
    expect(warnings.join()).toContain(
      "subscription to topic 'b' on pubsub 'pubsub' is not allowed",
    );
    await expect(sidecar.publish('pubsub', 'secret', 1)).rejects.toMatchObject({
      code: 'ERR_PUBSUB_FORBIDDEN',
      httpStatus: 403,
    });
  });

  it('tells what the app takes, and that it waited for it', async () => {
    const spare = await startHttpApp([], () => ({ status: 200 }));
    await spare.stop();
    const told: string[] = [];
    let onWaiting: (() => void) | undefined;
    const waiting = new Promise<void>((resolve) => {
      onWaiting = resolve;
    });
    const sidecar = await startSidecar({
      components: [
        PUBSUB,
        { name: 'tick', type: 'bindings.cron', metadata: { schedule: '@daily' } },
      ],
      appPort: spare.port,
      log: (message) => {
        told.push(message);
        if (message.startsWith('waiting')) onWaiting?.();
      },
    });
    await waiting;
    const listed = ['pubsub', 'pubsup'].map((pubsubname) => ({
      pubsubname,
      topic: 'orders',
      route: '/orders',
    }));
    await startHttpApp(listed, () => undefined, spare.port);
    await sidecar.appReady();
    expect(told).toEqual([
      `waiting for the app at 127.0.0.1:${spare.port}`,
      'topic orders is subscribed on pubsub pubsup, which does not exist; there is pubsub',
      'the app does not take the binding tick: it is not started',
      `found the app at 127.0.0.1:${spare.port} (http); it takes topic orders of pubsub`,
    ]);
  });

  it('says what to do when an app that should speak gRPC does not', async () => {
    const app = await startHttpApp([], () => ({ status: 200 }));
    const told: string[] = [];
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      appProtocol: 'grpc',
      log: (message) => told.push(message),
    });
    await expect(sidecar.appReady()).rejects.toThrow('Protocol error');
    expect(told.at(-1)).toMatch(/APP_PROTOCOL=grpc for it, or --app-protocol http here$/);
  });

  it('says so when an app cannot list them', async () => {
    const app = await startHttpApp('not a list', () => undefined);
    const sidecar = await startSidecar({ components: [PUBSUB], appPort: app.port });
    await expect(sidecar.appReady()).rejects.toThrow('JSON');
  });
});

describe('the envelope', () => {
  const cases: [string, unknown, object, object][] = [
    ['JSON', { n: 1 }, {}, { data: { n: 1 }, datacontenttype: 'application/json' }],
    ['text', 'hi', {}, { data: 'hi', datacontenttype: 'text/plain' }],
    ['bytes', Buffer.from([1]), {}, { data_base64: 'AQ==' }],
    ['bad JSON', 'hi', { contentType: 'application/json' }, { data: 'hi' }],
    ['a ttl', 1, { metadata: { ttlInSeconds: '10' } }, { expiration: '1970-01-01T00:00:10Z' }],
    [
      'overrides',
      1,
      { metadata: { 'cloudevent.type': 't', 'CloudEvent.Source': 's', 'cloudevent.subject': 'x' } },
      { type: 't', source: 's', subject: 'x' },
    ],
    [
      'an event of the publisher',
      { id: 'own', type: 'own', source: 'own', specversion: '1.0', data: 1, extra: true },
      { contentType: 'application/cloudevents+json' },
      { id: 'own', type: 'own', source: 'own', data: 1, extra: true, topic: 'orders' },
    ],
  ];

  it.each(cases)('wraps %s as daprd does', async (_name, data, options, expected) => {
    const clock = createVirtualClock();
    const sidecar = await startSidecar({ components: [PUBSUB], clock });
    await sidecar.publish('pubsub', 'orders', data, options);
    const [entry] = sidecar.journal.entries;
    expect(entry).toMatchObject({ outcome: 'published', subscribers: 0 });
    expect(JSON.parse(String(entry?.data))).toMatchObject(expected);
  });

  it('keeps numbers that JavaScript cannot hold', async () => {
    const sidecar = await startSidecar({ components: [PUBSUB] });
    const contentType = 'application/json';
    await sidecar.publish('pubsub', 'orders', '{"n":12345678901234567890}', { contentType });
    expect(String(sidecar.journal.entries[0]?.data)).toContain('"data":{"n":12345678901234567890}');
  });

  it.each([
    ['a CloudEvent that is none', '[]', { contentType: 'application/cloudevents+json' }],
    ['a rawPayload that is neither', 'x', { metadata: { rawPayload: 'maybe' } }],
  ])('refuses %s', async (_name, data, options) => {
    const sidecar = await startSidecar({ components: [PUBSUB] });
    await expect(sidecar.publish('pubsub', 'orders', data, options)).rejects.toMatchObject({
      name: 'SidecarError',
    });
  });

  it('refuses a component that is not there', async () => {
    const sidecar = await startSidecar({});
    await expect(sidecar.publish('pubsub', 'orders', 1)).rejects.toMatchObject({
      code: 'ERR_PUBSUB_NOT_FOUND',
    });
  });
});

describe('the app', () => {
  it('may start after the sidecar, which answers before', async () => {
    const early = await startHttpApp(ORDERS, () => undefined);
    const { port } = early;
    await early.stop();
    const sidecar = await startSidecar({ components: [PUBSUB], appPort: port });
    const outbound = await fetch(`http://127.0.0.1:${sidecar.httpPort}/v1.0/healthz/outbound`);
    expect(outbound.status).toBe(204);
    expect(sidecar.engine.ready).toBe(false);
    await startHttpApp(ORDERS, () => ({ status: 200 }), port);
    await sidecar.appReady();
    expect(sidecar.engine.subscriptions).toHaveLength(1);
  });

  it('gets no more calls at a time than it says', async () => {
    let running = 0;
    let most = 0;
    const { promise: opened, resolve: open } = promise();
    const { promise: full, resolve: fill } = promise();
    const app = await startHttpApp(ORDERS, async ({ path }) => {
      if (path === '/look') return { status: 200 };
      most = Math.max(most, ++running);
      if (running === 2) fill();
      await opened;
      running--;
      return { status: 200 };
    });
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      appMaxConcurrency: 2,
    });
    await sidecar.appReady();
    await Promise.all(Array.from({ length: 20 }, () => sidecar.publish('pubsub', 'orders', 1)));
    await full;
    // A third call would be there before this one is answered.
    await fetch(`http://127.0.0.1:${app.port}/look`);
    open();
    await sidecar.idle();
    expect(most).toBe(2);
    expect(sidecar.journal.count('acked')).toBe(20);
  });

  it('gets one event at a time when the component says so, in order', async () => {
    const seen: unknown[] = [];
    const app = await startHttpApp(ORDERS, ({ body }) => {
      seen.push((JSON.parse(body) as { data: unknown }).data);
      return { status: 200 };
    });
    const sidecar = await startSidecar({
      components: [{ ...PUBSUB, metadata: { concurrency: '1' } }],
      appPort: app.port,
    });
    await sidecar.appReady();
    for (let n = 0; n < 50; n++) await sidecar.publish('pubsub', 'orders', n);
    await sidecar.idle();
    expect(seen).toEqual(Array.from({ length: 50 }, (_value, n) => n));
  });

  it('is invoked over HTTP, within its own paths', async () => {
    const app = await startHttpApp(undefined, ({ path }) => ({ status: 418, body: path }));
    const { engine } = await startSidecar({ appPort: app.port });
    const request = {
      verb: 'PUT',
      query: 'a=1',
      headers: { 'x-key': 'k' },
      body: Buffer.from('b'),
    };
    const reply = await engine.invokeApp({ ...request, method: 'a/../b' });
    expect(reply).toMatchObject({ status: 418 });
    expect(reply.body.toString()).toBe('/b?a=1');
    expect(app.calls.at(-1)).toMatchObject({ verb: 'PUT', body: 'b' });
  });

  it('is invoked over gRPC', async () => {
    const app = await startGrpcApp({
      onInvoke: (request: { method: string; data: { value: Uint8Array } }) => ({
        data: { value: Buffer.concat([Buffer.from(`${request.method}:`), request.data.value]) },
        contentType: 'text/plain',
      }),
    });
    const { engine } = await startSidecar({ appPort: app.port, appProtocol: 'grpc' });
    const reply = await engine.invokeApp({
      method: 'hello',
      verb: 'POST',
      query: '',
      headers: { 'content-type': 'text/plain' },
      body: Buffer.from('x'),
    });
    expect(reply).toMatchObject({ status: 200, headers: { 'content-type': 'text/plain' } });
    expect(reply.body.toString()).toBe('hello:x');
  });

  it('is an error to wait for when there is none', async () => {
    const sidecar = await startSidecar({});
    await expect(sidecar.appReady()).rejects.toThrow('no appPort');
  });
});

describe('a stop', () => {
  it('waits for what is in flight', async () => {
    const { promise: answered, resolve: answer } = promise();
    const app = await startHttpApp(ORDERS, async () => {
      await answered;
      return { status: 200 };
    });
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      gracefulShutdownSeconds: 5,
    });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'orders', 1);
    await sidecar.journal.until((journal) => journal.count('delivered') === 1);
    const stopped = sidecar.stop();
    answer();
    await stopped;
    expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
  });

  it('gives up what takes longer than it may, and says so', async () => {
    const app = await startHttpApp(ORDERS, () => new Promise(() => undefined));
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      resiliency: retrying(-1, 1),
    });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'orders', 1);
    await sidecar.journal.until((journal) => journal.count('delivered') === 1);
    await sidecar.stop();
    expect(sidecar.journal.entries.at(-1)).toMatchObject({
      outcome: 'lost',
      reason: 'the sidecar stopped',
    });
    expect(sidecar.journal.count('acked')).toBe(0);
  });
});

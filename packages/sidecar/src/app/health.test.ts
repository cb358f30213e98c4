import { status as grpc } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../clock.ts';
import {
  grpcError,
  outcomes,
  PUBSUB,
  startGrpcApp,
  startHttpApp,
  startSidecar,
} from '../sidecar.fixture.ts';

const CHECK = { enabled: true, intervalMs: 100, timeoutMs: 50, threshold: 2 };
const ORDERS = [{ pubsubname: 'pubsub', topic: 'orders', route: '/orders' }];

describe('over HTTP', () => {
  async function startApp() {
    const state = { healthy: true, waiting: [] as (() => void)[] };
    const app = await startHttpApp(ORDERS, ({ path }) => {
      if (path !== '/healthz') return { status: 200 };
      for (const resolve of state.waiting.splice(0)) resolve();
      return { status: state.healthy ? 204 : 500 };
    });
    const probed = () => new Promise<void>((resolve) => state.waiting.push(resolve));
    return { app, state, probed };
  }

  it('asks nothing of an app before it is healthy', async () => {
    const { app, state, probed } = await startApp();
    state.healthy = false;
    const clock = createVirtualClock();
    const first = probed();
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      healthCheck: CHECK,
      clock,
    });
    await first;
    expect(app.calls.map(({ path }) => path)).toEqual(['/healthz']);
    state.healthy = true;
    await clock.advance(100);
    await sidecar.appReady();
    expect(app.calls.map(({ path }) => path)).toEqual([
      '/healthz',
      '/healthz',
      '/dapr/config',
      '/dapr/subscribe',
    ]);
  });

  it('keeps events from an app that is not healthy, until it is again', async () => {
    const { app, state, probed } = await startApp();
    const clock = createVirtualClock();
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      healthCheck: CHECK,
      clock,
    });
    await sidecar.appReady();
    state.healthy = false;
    // Two failed probes are the threshold; the third one shows that the second has been counted.
    for (let count = 0; count < 3; count++) {
      const next = probed();
      await clock.advance(100);
      await next;
    }
    await sidecar.publish('pubsub', 'orders', 1);
    expect(outcomes(sidecar)).toEqual([]);
    state.healthy = true;
    const next = probed();
    await clock.advance(100);
    await next;
    await sidecar.idle();
    expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
  });
});

it('gives an event to the app again that failed while it was not healthy, without a policy', async () => {
  let healthy = true;
  let attempts = 0;
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let onProbe = (): void => undefined;
  const app = await startHttpApp(ORDERS, async ({ path }) => {
    if (path === '/healthz') {
      onProbe();
      return { status: healthy ? 200 : 500 };
    }
    if (++attempts > 1) return { status: 200 };
    await answered;
    return { status: 500 };
  });
  const probed = () =>
    new Promise<void>((resolve) => {
      onProbe = resolve;
    });
  const clock = createVirtualClock();
  const sidecar = await startSidecar({
    components: [PUBSUB],
    appPort: app.port,
    healthCheck: { ...CHECK, threshold: 1 },
    clock,
  });
  await sidecar.appReady();
  await sidecar.publish('pubsub', 'orders', 1);
  await sidecar.journal.until((journal) => journal.count('delivered') === 1);
  healthy = false;
  // The second probe shows that the first one has been counted.
  for (let count = 0; count < 2; count++) {
    const next = probed();
    await clock.advance(100);
    await next;
  }
  answer();
  await sidecar.journal.until((journal) => journal.count('retried') === 1);
  healthy = true;
  await clock.advance(100);
  await sidecar.idle();
  expect(outcomes(sidecar)).toEqual(['delivered', 'retried', 'delivered', 'acked']);
});

describe('over gRPC', () => {
  it('takes any error for not healthy, that of a missing service too', async () => {
    const app = await startGrpcApp({ listTopicSubscriptions: () => ({}) });
    const clock = createVirtualClock();
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      appProtocol: 'grpc',
      healthCheck: CHECK,
      clock,
    });
    await clock.advance(1000);
    expect(sidecar.engine.ready).toBe(false);
  });

  it('is ready once the app is healthy', async () => {
    let probes = 0;
    const app = await startGrpcApp({
      healthCheck: () => {
        if (++probes === 1) throw grpcError(grpc.INTERNAL, 'not yet');
        return {};
      },
      listTopicSubscriptions: () => ({}),
    });
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      appProtocol: 'grpc',
      healthCheck: { ...CHECK, intervalMs: 5, timeoutMs: 5000 },
    });
    await sidecar.appReady();
    expect(probes).toBeGreaterThan(1);
  });
});

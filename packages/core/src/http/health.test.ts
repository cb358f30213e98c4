// Probes: alive as long as it answers, ready only while it takes new calls.
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { http } from '../index.ts';
import type { LifecycleState } from '../lifecycle.ts';
import { answerProbe, type Health } from './health.ts';
import { connectTo, listen, serve, signalled } from './serve.fixture.ts';

function answer(
  path: string,
  state: LifecycleState,
  changes: Partial<Health> = {},
): [number, unknown] {
  let body: unknown;
  const response = {
    statusCode: 0,
    setHeader: () => {},
    end: (text: string) => void (body = JSON.parse(text)),
    req: { method: 'GET' },
  };
  const health = { stopsWhenDraining: false, isSidecarReachable: undefined, ...changes };
  answerProbe(path, { state: () => state, ...health }, response as unknown as ServerResponse);
  return [response.statusCode, body];
}

describe('a probe', () => {
  it.each(['idle', 'starting', 'running', 'draining', 'stopped'] as const)(
    'of liveness is 200 while %s',
    (state) => {
      expect(answer('/healthz', state)).toEqual([200, { status: 'ok', state }]);
    },
  );

  it.each([
    ['idle', 503],
    ['starting', 503],
    ['running', 200],
    ['draining', 503],
    ['stopped', 503],
  ] as const)('of readiness while %s is %i', (state, status) => {
    expect(answer('/readyz', state)[0]).toBe(status);
  });

  it.each(['idle', 'starting', 'draining', 'stopped'] as const)(
    'of liveness fails while %s when a sidecar asks, so that it stops delivering',
    (state) => {
      const [status] = answer('/healthz', state, { stopsWhenDraining: true });
      expect(status).toBe(503);
      expect(answer('/healthz', 'running', { stopsWhenDraining: true })[0]).toBe(200);
    },
  );

  it('is never kept by a cache, and has no body for HEAD', async () => {
    const send = await serve(
      http('any', () => {}),
      { options: { 'health-routes': true } },
    );
    const response = await send({ path: '/readyz', method: 'HEAD' });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('of readiness fails as soon as a stop begins, while calls are still served', async () => {
    const { runtime, addresses } = await listen(
      [http('any', (_req, res) => void res.send('served'))],
      ['--health-routes', '--drain-delay=200ms'],
    );
    const stopped = runtime.stop();
    const get = (path: string) =>
      connectTo(addresses.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).reply;
    const [ready, alive, call] = await Promise.all([get('/readyz'), get('/healthz'), get('/')]);
    expect(ready).toMatch(/^HTTP\/1\.1 503 [^]*"state":"draining"/);
    expect(alive).toMatch(/^HTTP\/1\.1 200 /);
    expect(call).toMatch(/^HTTP\/1\.1 200 [^]*served$/);
    await stopped;
  });
});

it('stops at once when the drain delay is skipped', async () => {
  const { runtime } = await listen([http('any', () => {})], ['--drain-delay=1h']);
  const { promise, resolve } = signalled();
  runtime.server.once('close', () => resolve());
  await runtime.stop({ skipDelay: true });
  await promise;
  expect(runtime.state).toBe('stopped');
});

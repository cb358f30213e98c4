// The admin port, and how an interceptor stops (behaviours 19 and 20).
import { describe, expect, test, vi } from 'vitest';
import { PROFILES } from '../profile.ts';
import {
  HOST,
  SERVICE,
  ask,
  connectRaw,
  renderRequest,
  startBackend,
  startInterceptor,
} from './interceptor.fixture.ts';
import { createInterceptor } from './interceptor.ts';

const LOCAL = { host: 'localhost' };

test('tells pending requests in the shape of its version', async () => {
  const backend = await startBackend((_, response) => response.end());
  const old = await startInterceptor({ profile: 'v0.5' });
  const current = await startInterceptor();
  const queue = async (port: number): Promise<unknown> =>
    JSON.parse((await ask(port, { path: '/queue', headers: LOCAL })).body);

  // A route is there before its first request in the current version alone.
  expect(await queue(old.adminPort)).toEqual({});
  expect(await queue(current.adminPort)).toEqual({
    'default/shop': { Concurrency: 0, RequestCount: 0 },
  });
  for (const { port, setEndpoints } of [old, current]) {
    setEndpoints(SERVICE, [backend.address]);
    await ask(port);
    await ask(port);
  }
  expect(await queue(old.adminPort)).toEqual({ 'default/shop': 0 });
  expect(await queue(current.adminPort)).toEqual({
    'default/shop': { Concurrency: 0, RequestCount: 2 },
  });
});

test('has probes on the admin port in the current version alone', async () => {
  const statuses = async (port: number): Promise<number[]> =>
    Promise.all(
      ['/livez', '/readyz', '/other'].map(
        async (path) => (await ask(port, { path, headers: LOCAL })).status,
      ),
    );
  expect(await statuses((await startInterceptor()).adminPort)).toEqual([200, 200, 404]);
  const old = await startInterceptor({ profile: 'v0.5' });
  expect(await statuses(old.adminPort)).toEqual([404, 404, 404]);
});

test('refuses web pages on the admin port: another Host or Origin', async () => {
  const { adminPort } = await startInterceptor();
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await ask(adminPort, { path: '/queue', headers })).status;
  expect(await status({ host: `127.0.0.1:${adminPort}` })).toBe(200);
  expect(await status({ host: 'rebound.example.com' })).toBe(403);
  expect(await status({ host: '192.0.2.1' })).toBe(403);
  const own = `http://localhost:${adminPort}`;
  expect(await status({ host: `localhost:${adminPort}`, origin: own })).toBe(200);
  expect(await status({ ...LOCAL, origin: 'null' })).toBe(403);
  expect(await status({ ...LOCAL, origin: 'http://rebound.example.com' })).toBe(403);
});

test('says which port it could not have', async () => {
  const { port } = await startInterceptor();
  await expect(startInterceptor({ port })).rejects.toThrow(
    new RegExp(`^cannot listen on 127.0.0.1:${port}: it is in use`),
  );
});

describe('stopping', () => {
  test.each(PROFILES)('%s: a start that is not over fails', async (profile) => {
    const { start, stop } = createInterceptor({ routes: [], profile, port: 0, adminPort: 0 });
    const started = start();
    await stop({ force: true });
    await expect(started).rejects.toThrow(/^cannot listen on .*: it was stopped before$/);
  });

  test('current: fails readiness, goes on serving with Connection: close, then lets requests end', async () => {
    let finish = (): void => {};
    const backend = await startBackend((request, response) => {
      if (request.url === '/slow') finish = () => response.end('whole');
      else response.end();
    });
    const settings = { shutdownDelay: 200, drainTimeout: 5000 };
    const { adminPort, port, setEndpoints, stop } = await startInterceptor({ settings });
    setEndpoints(SERVICE, [backend.address]);
    const slow = ask(port, { path: '/slow' });
    await vi.waitFor(() => expect(backend.requests).toHaveLength(1));
    const stopped = stop();
    expect((await ask(adminPort, { path: '/readyz', headers: LOCAL })).status).toBe(503);
    const late = await ask(port, { headers: { connection: 'keep-alive' } });
    expect([late.status, late.headers.connection]).toEqual([200, 'close']);
    await vi.waitFor(() => expect(ask(port)).rejects.toThrow(/ECONNREFUSED/));
    finish();
    expect((await slow).body).toBe('whole');
    await stopped;
  });

  test('current: cuts off what has not ended when its time is over', async () => {
    const backend = await startBackend(() => {});
    const settings = { shutdownDelay: 0, drainTimeout: 30 };
    const { port, setEndpoints, stop } = await startInterceptor({ settings });
    setEndpoints(SERVICE, [backend.address]);
    const cut = ask(port).catch((error: Error) => error.message);
    await vi.waitFor(() => expect(backend.requests).toHaveLength(1));
    await stop();
    expect(await cut).toMatch(/hang up|ECONNRESET/);
  });

  test('current: a forced stop ends one that lets requests end', async () => {
    const backend = await startBackend(() => {});
    const { port, setEndpoints, stop } = await startInterceptor();
    setEndpoints(SERVICE, [backend.address]);
    const cut = ask(port).catch((error: Error) => error.message);
    await vi.waitFor(() => expect(backend.requests).toHaveLength(1));
    const stopped = stop();
    await stop({ force: true });
    expect(await cut).toMatch(/hang up|ECONNRESET/);
    await stopped;
  });

  test('current: waits 5 s and 30 s by default', async () => {
    const { profiles } = await import('../profile.ts');
    const { drainTimeout, shutdownDelay } = profiles.current.settings;
    expect([shutdownDelay, drainTimeout]).toEqual([5000, 30_000]);
  });

  test('v0.5: cuts requests off at once', async () => {
    const backend = await startBackend(() => {});
    const { port, setEndpoints, stop } = await startInterceptor({ profile: 'v0.5' });
    setEndpoints(SERVICE, [backend.address]);
    const cut = ask(port).catch((error: Error) => error.message);
    await vi.waitFor(() => expect(backend.requests).toHaveLength(1));
    await stop();
    expect(await cut).toMatch(/hang up|ECONNRESET/);
  });

  test('an idle connection does not keep it from stopping', async () => {
    const backend = await startBackend((_, response) => response.end());
    const { port, setEndpoints, stop } = await startInterceptor({
      settings: { shutdownDelay: 0, drainTimeout: 0 },
    });
    setEndpoints(SERVICE, [backend.address]);
    const { until } = await connectRaw(port, renderRequest('GET / HTTP/1.1', [], '', HOST));
    await until((text) => text.includes('\r\n\r\n'));
    await expect(stop()).resolves.toBeUndefined();
  });

  test.each([
    ['has not begun', '', 'close'],
    ['has begun', 'begun ', 'keep-alive'],
  ])(
    'a response that %s ends with its connection, and the stop with it',
    async (_, begun, connection) => {
      let finish = (): void => {};
      const backend = await startBackend((_, response) => {
        if (begun !== '') response.write(begun);
        finish = () => response.end('whole');
      });
      const { port, setEndpoints, stop } = await startInterceptor({
        settings: { shutdownDelay: 0, drainTimeout: 0 },
      });
      setEndpoints(SERVICE, [backend.address]);
      const { closed, until } = await connectRaw(port, renderRequest('GET / HTTP/1.1'));
      await vi.waitFor(() => expect(backend.requests).toHaveLength(1));
      await until((text) => text.includes(begun));
      const stopped = stop();
      await vi.waitFor(() => expect(connectRaw(port, '')).rejects.toThrow(/ECONNREFUSED/));
      finish();
      const reply = await closed();
      expect(/^connection: (.*)$/im.exec(reply)?.[1]).toBe(connection);
      expect(reply).toContain('whole');
      await stopped;
    },
  );

  test('current: a connection over which nothing has come does not keep it from stopping', async () => {
    const { port, stop } = await startInterceptor({
      settings: { shutdownDelay: 0, drainTimeout: 0 },
    });
    const { closed } = await connectRaw(port, '');
    await expect(stop()).resolves.toBeUndefined();
    expect(await closed()).toBe('');
  });
});

// Connections to instances: dialled again, timed, retried and kept (behaviours 6 to 8, 10 and 18).
import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { PROFILES } from '../profile.ts';
import {
  SERVICE,
  type Reply,
  ask,
  deadAddress,
  routeOf,
  startBackend,
  startInterceptor,
  startRawBackend,
} from './interceptor.fixture.ts';

describe.each(PROFILES)('%s', (profile) => {
  test('dials again when an instance refuses, and reaches the next one', async () => {
    const backend = await startBackend((_, response) => response.end('reached'));
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address, await deadAddress()]);
    for (let count = 0; count < 2; count += 1) {
      const reply = await ask(port, { method: 'POST', body: 'x' });
      expect(reply).toMatchObject({ status: 200, body: 'reached' });
    }
  });

  test('gives up when no instance accepts', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const { port, setEndpoints } = await startInterceptor({ profile });
      setEndpoints(SERVICE, [await deadAddress()]);
      const begin = performance.now();
      const replies: Reply[] = [];
      void ask(port).then((answer) => replies.push(answer));
      while (replies.length === 0) {
        await new Promise((resolve) => setImmediate(resolve));
        vi.advanceTimersByTime(25);
      }
      const seconds = (performance.now() - begin) / 1000;
      expect(replies[0]?.headers['x-keda-http-cold-start']).toBe('false');
      // Five attempts, with the waits of 0.5, 1, 2, 4 and 8 s after them; attempts for 60 s.
      const expected = { 'v0.5': [502, 15.5], current: [504, 59] } as const;
      const [status, least] = expected[profile];
      expect(replies[0]?.status).toBe(status);
      expect(seconds).toBeGreaterThanOrEqual(least);
    } finally {
      vi.useRealTimers();
    }
  });

  test('answers when the headers of the response are late, counted from the request sent', async () => {
    const backend = await startBackend(() => {});
    const { port, setEndpoints } = await startInterceptor({
      profile,
      settings: { responseHeaderTimeout: 30 },
    });
    setEndpoints(SERVICE, [backend.address]);
    const gone = vi.waitFor(() => expect(backend.requests[0]?.destroyed).toBe(true));
    expect((await ask(port)).status).toBe(profile === 'v0.5' ? 502 : 504);
    await gone;
  });

  test('waits as long for headers as its version does', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const backend = await startBackend(() => {});
      const { port, setEndpoints } = await startInterceptor({ profile });
      setEndpoints(SERVICE, [backend.address]);
      const statuses: number[] = [];
      void ask(port).then(({ status }) => statuses.push(status));
      const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
      while (backend.requests.length === 0) await turn();
      for (let count = 0; count < 20; count += 1) await turn();
      const limit = profile === 'v0.5' ? 500 : 300_000;
      vi.advanceTimersByTime(limit - 1);
      for (let count = 0; count < 20; count += 1) await turn();
      expect(statuses).toEqual([]);
      vi.advanceTimersByTime(1);
      while (statuses.length === 0) await turn();
      expect(statuses).toEqual([profile === 'v0.5' ? 502 : 504]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('takes a response whose body comes slowly, once its headers are there', async () => {
    const backend = await startBackend((_, response) => {
      response.write('early ');
      setTimeout(() => response.end('late'), 60);
    });
    const { port, setEndpoints } = await startInterceptor({
      profile,
      settings: { responseHeaderTimeout: 30 },
    });
    setEndpoints(SERVICE, [backend.address]);
    expect((await ask(port)).body).toBe('early late');
  });

  test('uses a connection again, whatever the backend says of how long it keeps it', async () => {
    const backend = await startBackend((_, response) => {
      response.setHeader('Keep-Alive', 'timeout=1');
      response.end();
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    for (let count = 0; count < 10; count += 1) await ask(port);
    expect(backend.connections()).toBe(1);
  });

  test('uses a connection again after HEAD', async () => {
    const backend = await startBackend((_, response) => response.end());
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    for (const method of ['HEAD', 'HEAD', 'GET']) await ask(port, { method });
    expect(backend.connections()).toBe(1);
    expect(backend.requests[0]?.headers.connection).not.toBe('close');
  });

  test('uses no kept connection to an instance that is not ready any more', async () => {
    const [old, next] = await Promise.all(
      ['old', 'new'].map((name) => startBackend((_, response) => response.end(name))),
    );
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [old?.address ?? '']);
    expect((await ask(port)).body).toBe('old');
    setEndpoints(SERVICE, [next?.address ?? '']);
    expect((await ask(port)).body).toBe('new');
  });

  test('tells when no request is under way to an instance, whether its replies were whole or not', async () => {
    const waiting: (() => void)[] = [];
    const backend = await startBackend((request, response) => {
      waiting.push(() => (request.url === '/cut' ? response.destroy() : response.end('whole')));
    });
    const { idle, port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    await idle(backend.address);
    const replies = [ask(port), ask(port, { path: '/cut', method: 'POST', body: 'x' })];
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    let isIdle = false;
    const idled = idle(backend.address).then(() => (isIdle = true));
    waiting[0]?.();
    await Promise.race(replies);
    expect(isIdle).toBe(false);
    waiting[1]?.();
    await Promise.all([...replies, idled]);
  });

  test('keeps as many idle connections as its version does', async () => {
    const waiting: (() => void)[] = [];
    const backend = await startBackend((_, response) => waiting.push(() => response.end()));
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const round = async (): Promise<void> => {
      const replies = Array.from({ length: 5 }, () => ask(port));
      await vi.waitFor(() => expect(waiting).toHaveLength(5));
      for (const finish of waiting.splice(0)) finish();
      await Promise.all(replies);
    };
    await round();
    expect(backend.connections()).toBe(5);
    await round();
    expect(backend.connections()).toBe(profile === 'v0.5' ? 8 : 5);
  });

  test('closes a connection that has been idle as long as it is kept', async () => {
    const backend = await startBackend((_, response) => response.end());
    const closed = once(backend.server, 'connection').then(([socket]) => once(socket, 'close'));
    const { port, setEndpoints } = await startInterceptor({
      profile,
      settings: { idleConnTimeout: 30 },
    });
    setEndpoints(SERVICE, [backend.address]);
    await ask(port);
    await closed;
    await ask(port);
    expect(backend.connections()).toBe(2);
  });

  // A backend that answers once a connection, and breaks it off at the second request.
  async function startForgetful(): Promise<{ address: string; requests: string[] }> {
    const requests: string[] = [];
    const address = await startRawBackend((socket) => {
      let isFirst = true;
      socket.on('data', (chunk: Buffer) => {
        requests.push(String(chunk).split(' ', 1)[0] ?? '');
        if (isFirst) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.resetAndDestroy();
        isFirst = false;
      });
    });
    return { address, requests };
  }

  test.each([
    ['GET', {}, 200],
    ['HEAD', {}, 200],
    ['OPTIONS', {}, 200],
    ['POST', { 'idempotency-key': '7', 'content-length': '0' }, 200],
    ['POST', { 'content-length': '0' }, 502],
    ['POST', { 'content-length': '1' }, 502],
    ['DELETE', {}, 502],
  ] as const)(
    'when a kept connection breaks at %s with %o, the caller gets %i',
    async (method, headers, status) => {
      const { address, requests } = await startForgetful();
      const { port, setEndpoints } = await startInterceptor({ profile });
      setEndpoints(SERVICE, [address]);
      await ask(port);
      const body = (headers as Record<string, string>)['content-length'] === '1' ? 'x' : undefined;
      const reply = await ask(port, { method, headers, ...(body === undefined ? {} : { body }) });
      expect(reply.status).toBe(status);
      expect(requests).toEqual(status === 200 ? ['GET', method, method] : ['GET', method]);
    },
  );

  test('sends a request whose connection turns out to be closed over another one, a POST too', async () => {
    const backend = await startBackend((request, response) => {
      request.resume().on('end', () => response.end('taken'));
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    await ask(port);
    const closed = new Promise((resolve) => backend.server.once('connection', resolve));
    backend.server.closeAllConnections();
    const reply = await ask(port, { method: 'POST', body: 'x' });
    await closed;
    expect([reply.status === 200 || reply.status === 502, backend.connections()]).toEqual([
      true,
      2,
    ]);
  });
});

describe('current', () => {
  test('ends a request at its deadline with 504, and cuts off one whose response has begun', async () => {
    const backend = await startBackend((request, response) => {
      if (request.url === '/begun') response.write('begun');
    });
    const timeouts = { readiness: undefined, request: 40, responseHeader: undefined };
    const { port, setEndpoints } = await startInterceptor({ routes: [routeOf({ timeouts })] });
    expect((await ask(port)).status).toBe(504);
    setEndpoints(SERVICE, [backend.address]);
    expect((await ask(port)).status).toBe(504);
    await expect(ask(port, { path: '/begun' })).rejects.toThrow(/aborted|hang up/);
    await vi.waitFor(() => expect(backend.requests.every(({ destroyed }) => destroyed)).toBe(true));
  });

  test('has no deadline by default', async () => {
    const { profiles } = await import('../profile.ts');
    expect(profiles.current.settings.requestTimeout).toBe(0);
  });
});

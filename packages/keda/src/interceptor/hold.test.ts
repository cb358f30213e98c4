// Requests that wait for a first instance (behaviours 2 to 5, 15 and 16).
import { once } from 'node:events';
import { request as send, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { PROFILES } from '../profile.ts';
import {
  HOST,
  SERVICE,
  type Reply,
  ask,
  connectRaw,
  renderRequest,
  routeOf,
  startBackend,
  startInterceptor,
} from './interceptor.fixture.ts';

const COLD = 'x-keda-http-cold-start';

describe.each(PROFILES)('%s', (profile) => {
  test('answers a request for which no instance got ready in time, without a cold-start header', async () => {
    const { port } = await startInterceptor({ profile, settings: { readinessTimeout: 20 } });
    const { body, headers, status } = await ask(port);
    expect(headers[COLD]).toBeUndefined();
    const expected = {
      'v0.5': [502, expect.stringMatching(/^error on backend \(.+\)$/)],
      current: [504, 'Gateway Timeout\n'],
    };
    expect([status, body]).toEqual(expected[profile]);
  });

  test('holds requests until an instance is ready, and says true of those alone that waited', async () => {
    const backend = await startBackend((request, response) => response.end(request.url));
    const { counts, onPending, port, setEndpoints } = await startInterceptor({ profile });
    const pending: string[] = [];
    onPending((key) => pending.push(key));
    const held = ['/1', '/2', '/3'].map((path) => ask(port, { path }));
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(3));
    expect(pending).toEqual(['default/shop']);
    setEndpoints(SERVICE, [backend.address]);
    for (const [index, reply] of (await Promise.all(held)).entries()) {
      expect(reply).toMatchObject({ status: 200, body: `/${index + 1}` });
      expect(reply.headers[COLD]).toBe('true');
    }
    expect((await ask(port)).headers[COLD]).toBe('false');
  });

  test('does not read the body of a request that it holds', async () => {
    // More than the buffers of both ends take.
    const size = 64 * 1024 * 1024;
    const backend = await startBackend((request, response) => {
      let length = 0;
      request.on('data', (chunk: Buffer) => (length += chunk.length));
      request.on('end', () => response.end(String(length)));
    });
    const { counts, port, setEndpoints } = await startInterceptor({ profile });
    const headers = { host: HOST, 'content-length': size };
    const outgoing = send({ port, host: '127.0.0.1', method: 'POST', headers });
    const response = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    outgoing.end(Buffer.alloc(size));
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(1));
    expect(outgoing.writableFinished).toBe(false);
    setEndpoints(SERVICE, [backend.address]);
    const [reply] = await response;
    expect(await text(reply)).toBe(String(size));
    expect(outgoing.writableFinished).toBe(true);
  });

  test('counts from the match of the route to the end of the response, the hold included', async () => {
    let finish = (): void => {};
    const backend = await startBackend((_, response) => {
      response.write('begun');
      finish = () => response.end();
    });
    const { counts, port, setEndpoints } = await startInterceptor({ profile });
    const { closed, until } = await connectRaw(
      port,
      renderRequest('GET / HTTP/1.1', ['Connection: close']),
    );
    const count = (): number | undefined => counts()['default/shop']?.concurrency;
    await vi.waitFor(() => expect(count()).toBe(1));
    setEndpoints(SERVICE, [backend.address]);
    await vi.waitFor(() => expect(backend.requests).toHaveLength(1));
    if (profile === 'current') await until((text) => text.includes('begun'));
    expect(count()).toBe(1);
    finish();
    await closed();
    await vi.waitFor(() => expect(count()).toBe(0));
    expect(counts()['default/shop']?.requestCount).toBe(1);
  });

  test('forgets all requests that a caller has sent ahead, when it leaves', async () => {
    const warned = vi.fn<() => void>();
    process.on('warning', warned);
    onTestFinished(() => void process.removeListener('warning', warned));
    const { counts, port } = await startInterceptor({ profile });
    const { socket } = await connectRaw(port, renderRequest('GET / HTTP/1.1').repeat(20));
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(20));
    socket.destroy();
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(0));
    expect(warned).not.toHaveBeenCalled();
  });

  test('forgets a held request whose caller left', async () => {
    const backend = await startBackend((_, response) => response.end());
    const { counts, port, setEndpoints } = await startInterceptor({ profile });
    const { socket } = await connectRaw(port, renderRequest('GET / HTTP/1.1'));
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(1));
    socket.destroy();
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(0));
    setEndpoints(SERVICE, [backend.address]);
    await ask(port);
    expect(backend.requests).toHaveLength(1);
  });
});

test('waits 20 s for an instance in v0.5, and without end in the current version', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const old = await startInterceptor({ profile: 'v0.5' });
    const current = await startInterceptor();
    const replies: number[] = [];
    for (const { port } of [old, current]) {
      const take = ({ status }: Reply): void => void replies.push(status);
      // Cut off when the test ends.
      ask(port).then(take, () => {});
    }
    await waitUntil(() => pendingOf(old) === 1 && pendingOf(current) === 1);
    vi.advanceTimersByTime(19_999);
    expect(pendingOf(old)).toBe(1);
    vi.advanceTimersByTime(1);
    await waitUntil(() => replies.length === 1);
    expect(replies).toEqual([502]);
    vi.advanceTimersByTime(24 * 3_600_000);
    expect(pendingOf(current)).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

function pendingOf({ counts }: { counts: () => Record<string, { concurrency: number }> }): number {
  return counts()['default/shop']?.concurrency ?? 0;
}

// With timers that stand still, by turns of the event loop.
async function waitUntil(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise((resolve) => setImmediate(resolve));
}

describe('current', () => {
  test('answers with the placeholder while no instance is ready, and counts the request', async () => {
    const backend = await startBackend((_, response) => response.end('real'));
    const placeholder = { status: 503, headers: { 'Retry-After': '5' }, body: 'waking up' };
    const { counts, port, setEndpoints } = await startInterceptor({
      routes: [routeOf({ placeholder })],
    });
    const reply = await ask(port);
    expect(reply).toMatchObject({ status: 503, body: 'waking up' });
    expect([reply.headers['retry-after'], reply.headers[COLD]]).toEqual(['5', undefined]);
    expect(counts()['default/shop']?.requestCount).toBe(1);
    setEndpoints(SERVICE, [backend.address]);
    expect((await ask(port)).body).toBe('real');
  });

  test('answers a static route with 200, and does not count the request', async () => {
    const backend = await startBackend((_, response) => response.end('real'));
    const response = { status: 200, headers: { 'Content-Type': 'text/plain' }, body: 'static' };
    const rule = { hosts: [], headers: [] };
    const routes = [
      routeOf({
        staticRoutes: [
          { rules: [{ ...rule, paths: ['/always'] }], mode: 'Always', response },
          { rules: [{ ...rule, paths: ['/icon'] }], mode: 'WhenUnavailable', response },
        ],
      }),
    ];
    const { counts, port, setEndpoints } = await startInterceptor({ routes });
    const bodies = async (): Promise<string[]> => [
      (await ask(port, { path: '/always' })).body,
      (await ask(port, { path: '/icon/1' })).body,
    ];
    expect(await bodies()).toEqual(['static', 'static']);
    setEndpoints(SERVICE, [backend.address]);
    expect(await bodies()).toEqual(['static', 'real']);
    expect(counts()['default/shop']).toEqual({ concurrency: 0, requestCount: 0 });
  });

  test('goes to the fallback when no instance got ready in time, without a cold-start header', async () => {
    const backend = await startBackend((_, response) => response.end('fallback'));
    const fallback = { service: 'spare', port: 80 };
    const timeouts = { readiness: 20, request: undefined, responseHeader: undefined };
    const { port, setEndpoints } = await startInterceptor({
      routes: [routeOf({ fallback, timeouts })],
    });
    setEndpoints('default/spare', [backend.address]);
    const { body, headers, status } = await ask(port);
    expect([status, body, headers[COLD]]).toEqual([200, 'fallback', undefined]);
  });

  test('waits 30 s before it goes to the fallback', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const backend = await startBackend((_, response) => response.end('fallback'));
      const running = await startInterceptor({
        routes: [routeOf({ fallback: { service: 'spare', port: 80 } })],
      });
      running.setEndpoints('default/spare', [backend.address]);
      let body: string | undefined;
      void ask(running.port).then((reply) => (body = reply.body));
      await waitUntil(() => pendingOf(running) === 1);
      vi.advanceTimersByTime(29_999);
      expect(backend.requests).toHaveLength(0);
      vi.advanceTimersByTime(1);
      await waitUntil(() => body !== undefined);
      expect(body).toBe('fallback');
    } finally {
      vi.useRealTimers();
    }
  });

  test('says nothing of cold starts when it is told not to', async () => {
    const backend = await startBackend((_, response) => response.end());
    const { port, setEndpoints } = await startInterceptor({ settings: { coldStartHeader: false } });
    setEndpoints(SERVICE, [backend.address]);
    expect((await ask(port)).headers[COLD]).toBeUndefined();
  });
});

test('current: a placeholder that cannot be sent is 500 to its caller, and nothing to others', async () => {
  const headers = { 'X-A': 'a\nb' };
  const placeholder = { status: 503, headers, body: '' };
  const { lines, port } = await startInterceptor({ routes: [routeOf({ placeholder })] });
  for (let count = 0; count < 2; count += 1) expect((await ask(port)).status).toBe(500);
  expect(lines[0]).toContain('cannot answer: Invalid character in header content');
});

test('current: a placeholder has the length of its body, whatever its headers say', async () => {
  const headers = { 'Content-Length': '3', 'transfer-encoding': 'chunked' };
  const placeholder = { status: 503, headers, body: 'soon' };
  const { port } = await startInterceptor({ routes: [routeOf({ placeholder })] });
  const reply = await ask(port);
  expect([reply.status, reply.headers['content-length'], reply.body]).toEqual([503, '4', 'soon']);
  expect(reply.headers).not.toHaveProperty('transfer-encoding');
});

// The server's limits: too many headers, too slow clients, too many calls, and what is no HTTP.
import { describe, expect, it } from 'vitest';
import { http } from '../index.ts';
import { connectTo, listen, refusal, serve, serveAll, signalled } from './serve.fixture.ts';

const answering = (name: string, options = {}) =>
  http(name, options, (_req, res) => void res.send(`from ${name}`));

describe('headers', () => {
  it('beyond the number allowed are refused with 431', async () => {
    const send = await serve(answering('many'), { options: { 'max-headers': 10 } });
    const headers = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, '1']));
    // Host and Connection are headers too.
    expect((await send({ headers: headers(8) })).status).toBe(200);
    const refused = { status: 431, code: 'OFN_HEADERS_TOO_LARGE' };
    expect(await refusal(await send({ headers: headers(9) }))).toEqual(refused);
    expect(await refusal(await send({ headers: headers(50), body: 'x' }))).toEqual(refused);
  });

  it('beyond the size allowed are refused with 431', async () => {
    const send = await serve(answering('large'), { options: { 'max-header-size': '1KiB' } });
    expect((await send({ headers: { 'x-a': 'a'.repeat(500) } })).status).toBe(200);
    expect(await refusal(await send({ headers: { 'x-a': 'a'.repeat(2000) } }))).toEqual({
      status: 431,
      code: 'OFN_HEADERS_TOO_LARGE',
    });
  });
});

describe('calls beyond the limit', () => {
  it('are refused with 503 and Retry-After, until others have ended', async () => {
    const release = signalled();
    const both = signalled();
    let calls = 0;
    const send = await serve(
      http('busy', async (_req, res) => {
        calls += 1;
        if (calls === 2) both.resolve();
        await release.promise;
        res.send('done');
      }),
      { options: { 'max-concurrency': 2 } },
    );
    const first = [send(), send()];
    await both.promise;
    const response = await send({ body: 'x' });
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await refusal(response)).toEqual({ status: 503, code: 'OFN_OVERLOADED' });
    release.resolve();
    expect(await Promise.all(first.map(async (reply) => (await reply).text()))).toEqual([
      'done',
      'done',
    ]);
    expect((await send()).status).toBe(200);
    expect(calls).toBe(3);
  });
});

describe('health routes', () => {
  const options = { options: { 'health-routes': true } };

  it('are answered before a function that is served everywhere', async () => {
    const send = await serve(answering('all'), options);
    expect(await (await send({ path: '/healthz?x' })).json()).toEqual({
      status: 'ok',
      state: 'running',
    });
    expect((await send({ path: '/readyz' })).status).toBe(200);
    expect(await (await send({ path: '/healthz/x' })).text()).toBe('from all');
  });

  it('give way to a function that is registered at their path', async () => {
    const send = await serveAll(
      [answering('own', { path: '/healthz' }), answering('other')],
      options,
    );
    expect(await (await send({ path: '/healthz' })).text()).toBe('from own');
    expect(await (await send({ path: '/readyz' })).json()).toMatchObject({ status: 'ok' });
  });

  it('are off by default', async () => {
    const send = await serve(answering('all'));
    expect(await (await send({ path: '/healthz' })).text()).toBe('from all');
  });
});

describe('ignored routes', () => {
  it('are what browsers ask for on their own, by default', async () => {
    const send = await serve(answering('all'));
    const response = await send({ path: '/favicon.ico?v=1' });
    expect([response.status, await response.text()]).toEqual([404, '']);
    expect((await send({ path: '/robots.txt' })).status).toBe(404);
    expect(await (await send({ path: '/favicon.icon' })).text()).toBe('from all');
  });

  it('include what is below them, and give way to a function at their path', async () => {
    const options = { options: { 'ignored-routes': '/private,/own' } };
    const send = await serveAll(
      [answering('own'), answering('deep', { path: '/private/x' })],
      options,
    );
    expect((await send({ path: '/private' })).status).toBe(404);
    expect(await (await send({ path: '/private/x' })).text()).toBe('');
    expect(await (await send({ path: '/own' })).text()).toBe('from own');
  });

  it('may be none', async () => {
    const send = await serve(answering('all'), { options: { 'ignored-routes': '' } });
    expect(await (await send({ path: '/robots.txt' })).text()).toBe('from all');
  });
});

describe('a client that is too slow', () => {
  const REFUSED = /^HTTP\/1\.1 408 Request Timeout\r\n[^]*"code":"OFN_REQUEST_TIMEOUT"/;

  it('with its headers is answered 408', async () => {
    const { addresses } = await listen([answering('slow')], ['--headers-timeout=50ms']);
    const { reply } = connectTo(addresses.port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Sl');
    expect(await reply).toMatch(REFUSED);
  });

  it('with its body is answered 408', async () => {
    const flags = ['--headers-timeout=50ms', '--request-timeout=60ms'];
    const { addresses } = await listen([answering('slow')], flags);
    const { reply } = connectTo(
      addresses.port,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf',
    );
    expect(await reply).toMatch(REFUSED);
  });

  it('with a body that its handler streams has the signal of the call aborted', async () => {
    const flags = ['--headers-timeout=50ms', '--request-timeout=60ms'];
    const aborted = signalled<unknown>();
    const { addresses } = await listen(
      [
        http('stream', { body: 'stream' }, (req, _res) => {
          req.signal.addEventListener('abort', () => aborted.resolve(req.signal.reason));
          req.resume();
        }),
      ],
      flags,
    );
    const { reply } = connectTo(
      addresses.port,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf',
    );
    expect(await reply).toMatch(REFUSED);
    expect(await aborted.promise).toMatchObject({ code: 'OFN_REQUEST_TIMEOUT' });
  });

  it('may have less time for the whole request than is usual for the headers', async () => {
    const { addresses } = await listen([answering('short')], ['--request-timeout=10s']);
    const { reply } = connectTo(addresses.port, 'GET / HTTP/1.0\r\n\r\n');
    expect(await reply).toContain('from short');
  });
});

describe('what is no HTTP', () => {
  it('is answered 400', async () => {
    const { addresses } = await listen([answering('http')]);
    const { reply } = connectTo(addresses.port, 'hello there\r\n\r\n');
    expect(await reply).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*"OFN_REQUEST_MALFORMED"/);
  });

  it('is answered 400 in a body that a call waits for', async () => {
    let calls = 0;
    const { addresses } = await listen([http('waiting', () => (calls += 1))]);
    const { reply } = connectTo(
      addresses.port,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
    );
    expect(await reply).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*"OFN_REQUEST_MALFORMED"/);
    expect(calls).toBe(0);
  });

  it('never corrupts a response that has begun', async () => {
    const { addresses } = await listen([
      http('begun', { body: 'stream' }, (req, res) => {
        req.resume();
        res.write('first');
      }),
    ]);
    const { socket, reply } = connectTo(
      addresses.port,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n',
    );
    await new Promise((resolve) => socket.once('data', resolve));
    socket.write('ZZ\r\n');
    const text = await reply;
    expect(text).toContain('first');
    expect(text).not.toContain('OFN_');
  });
});

it('tells clients to open a new connection while it drains', async () => {
  const held = signalled();
  const called = signalled();
  const { runtime, addresses } = await listen(
    [
      http('held', async (_req, res) => {
        called.resolve();
        await held.promise;
        res.send('done');
      }),
    ],
    ['--drain-timeout=5s'],
  );
  const { reply } = connectTo(addresses.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await called.promise;
  const stopped = runtime.stop();
  held.resolve();
  expect(await reply).toMatch(/\r\nConnection: close\r\n[^]*done$/i);
  await stopped;
});

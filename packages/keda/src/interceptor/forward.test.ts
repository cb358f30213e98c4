// What goes to an instance and comes back (behaviours 9, 11, 12, 14 and 17).
import { once } from 'node:events';
import { request as send, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { PROFILES, type ProfileName } from '../profile.ts';
import {
  HOST,
  SERVICE,
  ask,
  connectRaw,
  renderRequest,
  startBackend,
  startInterceptor,
  startRawBackend,
  type Backend,
  type Running,
} from './interceptor.fixture.ts';

/** An interceptor whose backend answers with what it was asked. */
async function startMirror(
  profile: ProfileName,
): Promise<{ backend: Backend; interceptor: Running; port: number }> {
  const backend = await startBackend((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    request.on('end', () => {
      const { headers, method, url } = request;
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ method, url, headers, body }));
    });
  });
  const interceptor = await startInterceptor({ profile });
  interceptor.setEndpoints(SERVICE, [backend.address]);
  return { backend, interceptor, port: interceptor.port };
}

/** Asks, and leaves the body to be read. */
async function get(port: number): Promise<IncomingMessage> {
  const outgoing = send({ port, host: '127.0.0.1', agent: false, headers: { host: HOST } }).end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response;
}

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An interceptor whose backend answers with these bytes. */
async function startScripted(profile: ProfileName, ...bytes: string[]): Promise<number> {
  const address = await startRawBackend((socket) => {
    socket.once('data', () => {
      for (const each of bytes) socket.write(each, 'latin1');
    });
  });
  const { port, setEndpoints } = await startInterceptor({ profile });
  setEndpoints(SERVICE, [address]);
  return port;
}

/** All that a request gets back which asks for the end of its connection. */
async function exchange(port: number, version = '1.1'): Promise<string> {
  const line = `GET / HTTP/${version}`;
  return (await connectRaw(port, renderRequest(line, ['Connection: close']))).closed();
}

describe.each(PROFILES)('%s', (profile) => {
  const seen = async (port: number, given: Parameters<typeof ask>[1]): Promise<Seen> =>
    JSON.parse((await ask(port, given)).body) as Seen;

  test('sends Host and X-Forwarded headers as its version does', async () => {
    const { port } = await startMirror(profile);
    const { headers } = await seen(port, {});
    const expected = {
      'v0.5': ['shop.default:80', undefined, undefined],
      current: [HOST, HOST, 'http'],
    };
    const { host, 'x-forwarded-host': forwardedHost, 'x-forwarded-proto': proto } = headers;
    expect([host, forwardedHost, proto]).toEqual(expected[profile]);
    expect(headers['x-forwarded-for']).toBe('127.0.0.1');
  });

  test('keeps what a proxy in front of it said, and appends to X-Forwarded-For', async () => {
    const { port } = await startMirror(profile);
    const { headers } = await seen(port, {
      headers: {
        'x-forwarded-for': ['203.0.113.7', '198.51.100.1'],
        'x-forwarded-host': 'www.example.com',
        'x-forwarded-proto': 'https',
        forwarded: 'for=203.0.113.7',
      },
    });
    expect(headers).toMatchObject({
      'x-forwarded-for': '203.0.113.7, 198.51.100.1, 127.0.0.1',
      'x-forwarded-host': 'www.example.com',
      'x-forwarded-proto': 'https',
    });
    expect(headers['forwarded']).toBe(profile === 'v0.5' ? 'for=203.0.113.7' : undefined);
  });

  test('sends an encoded path on as its version does', async () => {
    const { port } = await startMirror(profile);
    const { url } = await seen(port, { path: '/a%2Fb/%C3%BC//c/../d?q=1&r=%2F' });
    expect(url).toBe(
      profile === 'v0.5' ? '/a/b/%C3%BC//c/../d?q=1&r=%2F' : '/a%2Fb/%C3%BC//c/../d?q=1&r=%2F',
    );
  });

  test('sends a question mark on that nothing follows as its version does', async () => {
    const { port } = await startMirror(profile);
    expect((await seen(port, { path: '/a?' })).url).toBe(profile === 'v0.5' ? '/a' : '/a?');
  });

  test('takes an empty X-Forwarded header for one that says nothing', async () => {
    const { port } = await startMirror(profile);
    const headers = { 'x-forwarded-for': '', 'x-forwarded-host': '', 'x-forwarded-proto': '' };
    const got = await seen(port, { headers });
    expect(got.headers['x-forwarded-for']).toBe(', 127.0.0.1');
    expect(got.headers['x-forwarded-host']).toBe(profile === 'v0.5' ? '' : HOST);
  });

  test('writes names of headers as Go does', async () => {
    const backend = await startBackend((request, response) => {
      response.writeHead(200, ['x-lower-CASE', 'v', 'ETAG', '"1"']);
      response.end(JSON.stringify(request.rawHeaders));
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const reply = await ask(port, { headers: { 'x-dapr-APP-id': 'v' } });
    expect(reply.rawHeaders).toEqual(expect.arrayContaining(['X-Lower-Case', 'Etag']));
    expect(JSON.parse(reply.body)).toContain('X-Dapr-App-Id');
  });

  test('encodes what may not stand in a path', async () => {
    const { port } = await startMirror(profile);
    const { closed } = await connectRaw(
      port,
      renderRequest('GET /a#b|"c HTTP/1.1', ['Connection: close']),
    );
    expect(await closed()).toContain('"url":"/a%23b%7C%22c"');
  });

  test('drops what is for one hop alone, both ways', async () => {
    const backend = await startBackend((request, response) => {
      response.writeHead(200, [
        'Connection',
        'close, X-Hop',
        'X-Hop',
        'reply',
        'Keep-Alive',
        'timeout=3',
        'Proxy-Authenticate',
        'Basic',
        'X-Kept',
        'reply',
      ]);
      response.end(JSON.stringify(request.headers));
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const reply = await ask(port, {
      headers: {
        connection: 'close, X-Hop',
        'x-hop': 'request',
        'proxy-authorization': 'Basic eDp5',
        'keep-alive': 'timeout=3',
        te: 'gzip',
        'x-kept': 'request',
      },
    });
    const got = JSON.parse(reply.body) as Record<string, string>;
    expect(got['x-kept']).toBe('request');
    for (const name of ['x-hop', 'proxy-authorization', 'keep-alive', 'te']) {
      expect([name, got[name]]).toEqual([name, undefined]);
    }
    expect(reply.headers['x-kept']).toBe('reply');
    for (const name of ['x-hop', 'keep-alive', 'proxy-authenticate']) {
      expect([name, reply.headers[name]]).toEqual([name, undefined]);
    }
  });

  test('lets Connection drop forwarded headers in v0.5 alone, and no length', async () => {
    const { port } = await startMirror(profile);
    const { body, headers } = await seen(port, {
      method: 'POST',
      headers: {
        connection: 'close, X-Forwarded-For, X-Forwarded-Host, Content-Length, Accept-Encoding',
        'x-forwarded-for': '203.0.113.7',
        'x-forwarded-host': 'www.example.com',
        'content-length': '4',
        'accept-encoding': 'br',
      },
      body: 'body',
    });
    const [list, named] =
      profile === 'v0.5' ? ['127.0.0.1', undefined] : ['203.0.113.7, 127.0.0.1', 'www.example.com'];
    expect([headers['x-forwarded-for'], headers['x-forwarded-host']]).toEqual([list, named]);
    expect([headers['content-length'], body]).toEqual(['4', 'body']);
    expect(headers['accept-encoding']).toBe('gzip');
  });

  test('says no-cache in both ways, and no agent where there is none', async () => {
    const { port } = await startMirror(profile);
    const given = { pragma: 'no-cache', 'user-agent': '', 'accept-encoding': '' };
    const { headers } = await seen(port, { headers: given });
    expect(headers).toMatchObject({ 'cache-control': 'no-cache', 'accept-encoding': 'gzip' });
    expect(headers).not.toHaveProperty('user-agent');
  });

  test('passes the headers of traces on', async () => {
    const { port } = await startMirror(profile);
    const trace = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=1',
      baggage: 'user=7',
      sw8: '1-YQ==-Yg==-3-c3Zj-aW5z-L3g=-aG9zdA==',
    };
    expect((await seen(port, { headers: trace })).headers).toMatchObject(trace);
  });

  test('sends status, repeated headers and bodies of any kind back as they are', async () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const backend = await startBackend((_, response) => {
      response.writeHead(418, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Latin', 'caf\u00E9']);
      response.end(body);
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const outgoing = send({ port, host: '127.0.0.1', agent: false, headers: { host: HOST } }).end();
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(reply.statusCode).toBe(418);
    expect(reply.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(reply.headers['x-latin']).toBe('caf\u00E9');
    expect(Buffer.concat(await reply.toArray())).toEqual(body);
  });

  test.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('sends no body back for %s and %i', async (method, status) => {
    const backend = await startBackend((_, response) => {
      response.writeHead(status, status === 204 ? {} : { 'Content-Length': '5' });
      response.end();
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const reply = await ask(port, { method });
    expect([reply.status, reply.body]).toEqual([status, '']);
    expect(reply.headers['content-length']).toBe(method === 'HEAD' ? '5' : undefined);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'GET'])('sends the body of %s', async (method) => {
    const { port } = await startMirror(profile);
    const given = { method, headers: { 'content-length': '4' }, body: 'body' };
    expect(await seen(port, given)).toMatchObject({ method, body: 'body' });
    const chunked = { method, headers: { 'transfer-encoding': 'chunked' }, body: 'body' };
    expect(await seen(port, chunked)).toMatchObject({ method, body: 'body' });
  });

  test('asks for gzip in the place of a caller that says nothing, and unpacks it', async () => {
    const backend = await startBackend((request, response) => {
      response.writeHead(200, { 'Content-Encoding': 'gzip' });
      response.end(gzipSync(String(request.headers['accept-encoding'])));
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const unpacked = await ask(port);
    expect([unpacked.body, unpacked.headers['content-encoding']]).toEqual(['gzip', undefined]);
    const packed = await ask(port, { headers: { 'accept-encoding': 'gzip, br' } });
    expect(packed.headers['content-encoding']).toBe('gzip');
  });

  test('sends events as they come, or, in v0.5, when there are enough of them', async () => {
    let finish = (): void => {};
    const backend = await startBackend((request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      if (request.method === 'HEAD') {
        response.end();
        return;
      }
      response.write('data: 1\n\n');
      finish = () => response.end('data: 2\n\n');
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const { closed, received, until } = await connectRaw(
      port,
      renderRequest('GET / HTTP/1.1', ['Connection: close']),
    );
    await vi.waitFor(() => expect(backend.requests).toHaveLength(1));
    if (profile === 'current') await until((text) => text.includes('data: 1'));
    // Once another request has been there and back, nothing has come of the first one in v0.5.
    await ask(port, { method: 'HEAD' });
    expect(received().includes('data: 1')).toBe(profile === 'current');
    finish();
    expect(await closed()).toMatch(/data: 1[^]*data: 2/);
  });

  test('answers 502 when the backend breaks off before its headers', async () => {
    const address = await startRawBackend((socket) => {
      socket.once('data', () => socket.resetAndDestroy());
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [address]);
    const { body, status } = await ask(port, { method: 'POST', body: 'x' });
    expect([status, body.trim()]).toEqual([502, 'Bad Gateway']);
  });

  test('answers 502 when the backend sends what is no HTTP', async () => {
    const address = await startRawBackend((socket) => {
      socket.once('data', () => socket.end('garbage\r\n\r\n'));
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [address]);
    expect((await ask(port)).status).toBe(502);
  });

  test.each([
    ['a length', 'Content-Length: 100000', 'x'.repeat(50_000)],
    ['chunks', 'Transfer-Encoding: chunked', `c350\r\n${'x'.repeat(50_000)}\r\n`],
  ])('cuts the caller off when the backend breaks off in a body of %s', async (_, header, body) => {
    const address = await startRawBackend((socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n${body}`));
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [address]);
    await expect(ask(port)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

  test.each([
    ['Link: </a.css>; rel=preload, </b.css>; rel=preload', 103],
    ['Link: </a.css>; rel=preload\r\nLink: </b.css>; rel=preload', 103],
    ['Link: a', 103],
    ['X-Step: 1', 102],
    ['X-Step: 1', 103],
    ['X-Step: 1', 110],
  ])('passes %j on in a %i, but not to HTTP/1.0', async (headers, status) => {
    const bytes = `HTTP/1.1 ${status} Soon\r\n${headers}\r\n\r\n${OK}`;
    const port = await startScripted(profile, bytes);
    const reply = await exchange(port);
    expect(reply.slice(reply.indexOf('\r\n') + 2)).toMatch(/^[^]*\r\n\r\nHTTP\/1\.1 200 /);
    expect(reply).toContain(`HTTP/1.1 ${status} `);
    expect(reply).toContain(`\r\n${headers}\r\n\r\n`);
    expect(await exchange(await startScripted(profile, bytes), '1.0')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('answers although trailers are announced where there can be none', async () => {
    const withLength = OK.replace('\r\n', '\r\nTrailer: X-Sum\r\n');
    expect(await exchange(await startScripted(profile, withLength))).toMatch(/\r\n\r\nok$/);
    const chunked =
      'Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n';
    const port = await startScripted(profile, `HTTP/1.1 200 OK\r\n${chunked}`);
    expect(await exchange(port, '1.0')).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\nok$/);
  });

  test('sends repeated trailers back, and those of long bodies although nobody announced them', async () => {
    const body = `1388\r\n${'x'.repeat(5000)}\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n`;
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    const port = await startScripted(profile, head, body);
    expect(await exchange(port)).toMatch(/x\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n$/);
  });

  test.each([
    ['200 OK', 'Content-Length: 0\r\n'],
    ['304 Not Modified', ''],
    ['204 No Content', ''],
  ])('sends a %s back that says gzip of no body', async (status, length) => {
    const head = `HTTP/1.1 ${status}\r\nContent-Encoding: gzip\r\n${length}\r\n`;
    const reply = await exchange(await startScripted(profile, head));
    expect(reply).toMatch(/^HTTP\/1\.1 \d{3} [^]*Content-Encoding: gzip\r\n[^]*\r\n\r\n$/);
  });

  test.each(['gzip, chunked', 'identity', 'xchunked'])(
    'answers 502 to a response that is coded as %s for one hop',
    async (coding) => {
      const head = `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`;
      expect(await exchange(await startScripted(profile, head))).toMatch(/^HTTP\/1\.1 502 /);
    },
  );

  test('drops what any Connection header of a response names, and blanks at the end of values', async () => {
    const head = 'Connection: X-A\r\nConnection: X-B\r\nX-A: 1\r\nX-B: 1\r\nX-C: 1 \t';
    const port = await startScripted(profile, OK.replace('\r\n', `\r\n${head}\r\n`));
    const reply = await exchange(port);
    expect(reply).not.toMatch(/X-[AB]:/);
    expect(reply).toContain('\r\nX-C: 1\r\n');
  });

  test('ends the request to the backend when the caller leaves', async () => {
    const backend = await startBackend(() => {});
    const { counts, port, setEndpoints } = await startInterceptor({
      profile,
      settings: { responseHeaderTimeout: 0 },
    });
    setEndpoints(SERVICE, [backend.address]);
    const { socket } = await connectRaw(port, renderRequest('GET / HTTP/1.1'));
    await vi.waitFor(() => expect(backend.requests).toHaveLength(1));
    socket.destroy();
    await vi.waitFor(() => expect(backend.requests[0]?.destroyed).toBe(true));
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(0));
  });

  test('reads no more of a response than its caller takes', async () => {
    const size = 64 * 1024 * 1024;
    let response: { readonly writableLength: number } | undefined;
    const backend = await startBackend((_, answer) => {
      response = answer;
      answer.end(Buffer.alloc(size));
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const outgoing = send({ port, host: '127.0.0.1', agent: false, headers: { host: HOST } }).end();
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage];
    // Nothing is read yet, so most of it is still where it came from.
    expect(response?.writableLength).toBeGreaterThan(size / 4);
    let length = 0;
    for await (const chunk of reply) length += (chunk as Buffer).length;
    expect(length).toBe(size);
  });
});

test('current: lets the caller wait for 100 Continue until the backend takes the body', async () => {
  const backend = await startBackend((request, response) => {
    request.resume().on('end', () => response.end('done'));
  });
  const { counts, port, setEndpoints } = await startInterceptor();
  const head = renderRequest('POST / HTTP/1.1', ['Expect: 100-continue', 'Content-Length: 4']);
  const { received, socket, until } = await connectRaw(port, head);
  await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(1));
  expect(received()).toBe('');
  setEndpoints(SERVICE, [backend.address]);
  await until((text) => text.includes('100 Continue'));
  socket.write('body');
  expect(await until((text) => text.includes('done'))).toMatch(
    /^HTTP\/1\.1 100 [^]*HTTP\/1\.1 200 /,
  );
});

test.each([
  ['current', { Trailer: 'X-Sum' }, '42'],
  ['current', {}, '42'],
  ['v0.5', { Trailer: 'X-Sum' }, '42'],
  ['v0.5', {}, undefined],
] as const)('%s: of trailers announced by %o, sends back %s', async (profile, headers, sum) => {
  const backend = await startBackend((_, response) => {
    response.writeHead(200, headers);
    response.write('body');
    response.addTrailers({ 'X-Sum': '42' });
    response.end();
  });
  const { port, setEndpoints } = await startInterceptor({ profile });
  setEndpoints(SERVICE, [backend.address]);
  const { body, trailers } = await ask(port);
  expect([body, trailers['x-sum']]).toEqual(['body', sum]);
});

test('current: drops parameters of a query that parsers read differently', async () => {
  const { port } = await startMirror('current');
  const url = async (query: string): Promise<string> =>
    (JSON.parse((await ask(port, { path: `/?${query}` })).body) as Seen).url;
  expect(await url('d&b=%2f+x&a;c=1&e=%zz')).toBe('/?b=%2F+x&d=');
  expect(await url('d&b=%2f+x')).toBe('/?d&b=%2f+x');
});

test('v0.5: tells the length of a short body that came without one', async () => {
  const backend = await startBackend((request, response) => {
    const size = Number(request.url?.slice(1));
    response.flushHeaders();
    response.end('x'.repeat(size));
  });
  const { port, setEndpoints } = await startInterceptor({ profile: 'v0.5' });
  setEndpoints(SERVICE, [backend.address]);
  for (const size of [0, 2048]) {
    const reply = await ask(port, { path: `/${size}` });
    expect([reply.headers['content-length'], reply.body.length]).toEqual([String(size), size]);
  }
  const long = await ask(port, { path: '/2049' });
  expect([long.headers['content-length'], long.body.length]).toEqual([undefined, 2049]);
});

describe.each(PROFILES)('%s: a body with every byte in it', (profile) => {
  test.each([
    ['with its head', 256, true],
    ['with its head, in chunks', 256, false],
    ['with its head, as long as is joined to it', 16 * 1024, true],
    ['with its head, longer than that', 16 * 1024 + 256, true],
    ['in many pieces', 1024 * 1024, true],
    ['in many chunks', 1024 * 1024, false],
  ])('comes through %s', async (_, size, hasLength) => {
    const body = Buffer.from(Array.from({ length: size }, (_, index) => index % 256));
    const backend = await startRawBackend((socket) => {
      const head = 'HTTP/1.1 200 OK\r\nConnection: close\r\nX-Name: caf\u00e9\r\n';
      const length = `Content-Length: ${size}\r\n\r\n`;
      const chunk = `Transfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n`;
      const start = Buffer.from(head + (hasLength ? length : chunk), 'latin1');
      socket.end(Buffer.concat([start, body, Buffer.from(hasLength ? '' : '\r\n0\r\n\r\n')]));
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend]);
    const response = await get(port);
    expect(response.headers['x-name']).toBe('caf\u00e9');
    expect(Buffer.compare(await buffer(response), body)).toBe(0);
  });
});

test('current: the first piece of a body goes on before the second comes', async () => {
  const backend = await startRawBackend((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
    socket.on('data', () => {});
    pieces.then(() => socket.end('cd')).catch(() => {});
  });
  let send = (): void => {};
  const pieces = new Promise<void>((resolve) => (send = resolve));
  const { port, setEndpoints } = await startInterceptor();
  setEndpoints(SERVICE, [backend]);
  const { until } = await connectRaw(port, renderRequest('GET / HTTP/1.1'));
  expect(await until((text) => text.endsWith('ab'))).toMatch(/\r\n\r\nab$/);
  send();
  expect(await until((text) => text.endsWith('cd'))).toMatch(/\r\n\r\nabcd$/);
});

test.each([
  ['Link: </a.css>; rel=preload\r\nLink: </b.css>; rel=preload', ['/a.css', '/b.css']],
  ['Link: nowhere', []],
])('current: passes all links of a 103 on, also one that is broken: %j', async (hint, links) => {
  const address = await startRawBackend((socket) => {
    socket.once('data', () => {
      socket.write(
        `HTTP/1.1 103 Early Hints\r\n${hint}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
      );
    });
  });
  const { port, setEndpoints } = await startInterceptor();
  setEndpoints(SERVICE, [address]);
  const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', ['Connection: close']));
  const reply = await closed();
  expect(reply.match(/(?<=<)[^>]*/g) ?? []).toEqual(links);
  expect(reply).toContain('HTTP/1.1 200 OK');
});

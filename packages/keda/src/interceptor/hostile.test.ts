// What must not pass: requests that two servers could read differently, headers that are none, slow and
// half-open connections.
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
  startRawBackend,
} from './interceptor.fixture.ts';

const CHUNKED = 'Transfer-Encoding: chunked';

// Each of them could hide a second request behind the first.
const SMUGGLING: readonly (readonly [string, string])[] = [
  [
    'both lengths',
    renderRequest(
      'POST / HTTP/1.1',
      ['Content-Length: 5', CHUNKED],
      '0\r\n\r\nGET /x HTTP/1.1\r\n\r\n',
    ),
  ],
  [
    'two lengths',
    renderRequest('POST / HTTP/1.1', ['Content-Length: 5', 'Content-Length: 6'], 'abcdef'),
  ],
  ['a length that is a list', renderRequest('POST / HTTP/1.1', ['Content-Length: 5, 5'], 'abcde')],
  ['a length with a sign', renderRequest('POST / HTTP/1.1', ['Content-Length: +5'], 'abcde')],
  ['a length in hex', renderRequest('POST / HTTP/1.1', ['Content-Length: 0x5'], 'abcde')],
  [
    'an encoding before the name ends',
    renderRequest('POST / HTTP/1.1', ['Transfer-Encoding : chunked'], '0\r\n\r\n'),
  ],
  [
    'an encoding that is not last',
    renderRequest('POST / HTTP/1.1', ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'),
  ],
  [
    'an encoding that nobody knows',
    renderRequest('POST / HTTP/1.1', ['Transfer-Encoding: xchunked'], '0\r\n\r\n'),
  ],
  ['a bad chunk size', renderRequest('POST / HTTP/1.1', [CHUNKED], 'zz\r\nabc\r\n0\r\n\r\n')],
  ['a chunk without its end', renderRequest('POST / HTTP/1.1', [CHUNKED], '3\r\nabcX0\r\n\r\n')],
  ['a chunk ended by a bare LF', renderRequest('POST / HTTP/1.1', [CHUNKED], '3\nabc\n0\n\n')],
  ['a folded header', renderRequest('GET / HTTP/1.1', ['X-A: 1\r\n Content-Length: 5'], '')],
  ['a bare CR in a header', renderRequest('GET / HTTP/1.1', ['X-A: 1\rX-B: 2'], '')],
  ['a NUL in a header', renderRequest('GET / HTTP/1.1', ['X-A: \0'], '')],
  ['a space in a header name', renderRequest('GET / HTTP/1.1', ['X A: 1'], '')],
  ['a space in the target', renderRequest('GET /a b HTTP/1.1')],
  ['a CR in the target', renderRequest('GET /a\rb HTTP/1.1')],
  ['two hosts', renderRequest('GET / HTTP/1.1', [`Host: ${HOST}`])],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['no method that there is', renderRequest('GE(T / HTTP/1.1')],
  ['a version that there is not', renderRequest('GET / HTTP/1.9')],
  ['an escape that is none', renderRequest('GET /%zz HTTP/1.1')],
  ['an escape in a host', renderRequest(`GET http://shop%2eexample.com/ HTTP/1.1`)],
];

describe.each(PROFILES)('%s', (profile) => {
  test.each(SMUGGLING)('lets no second request through by %s', async (_, bytes) => {
    const seen: string[] = [];
    const backend = await startBackend((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      request.resume().on('end', () => response.end());
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const { closed, socket } = await connectRaw(port, bytes);
    socket.end();
    const reply = await closed();
    const replies = reply.match(/HTTP\/1\.1 \d{3}/g) ?? [];
    expect(replies.length).toBeLessThanOrEqual(1);
    expect(seen.filter((line) => line !== 'POST /' && line !== 'GET /')).toEqual([]);
    expect(seen.length).toBeLessThanOrEqual(1);
    expect(reply).not.toMatch(/^HTTP\/1\.1 200/);
  });

  test('refuses a request with two hosts', async () => {
    const backend = await startBackend((_, response) => response.end());
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', ['hOST: other']));
    expect(await closed()).toMatch(/^HTTP\/1\.1 400 /);
    expect(backend.requests).toHaveLength(0);
  });

  test.each([
    ['no host', 'GET / HTTP/1.1\r\n\r\n', '400 Bad Request: missing required Host header'],
    [
      'a host with a path',
      renderRequest('GET / HTTP/1.1', [], '', `${HOST}/x`),
      '400 Bad Request: malformed Host header',
    ],
    [
      'an absolute target with a bad port',
      renderRequest(`GET http://${HOST}:x/ HTTP/1.1`),
      '400 Bad Request',
    ],
    [
      'a body in a coding that is not known',
      renderRequest('POST / HTTP/1.1', ['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'),
      'Unsupported transfer encoding',
    ],
    [
      'a body in an unfinished coding',
      renderRequest('POST / HTTP/1.1', ['Transfer-Encoding: gzip'], '0\r\n\r\n'),
      'Unsupported transfer encoding',
    ],
    [
      'HTTP/2 in the form of HTTP/1.1',
      renderRequest('GET / HTTP/2.0'),
      '505 HTTP Version Not Supported: unsupported protocol version',
    ],
  ])('refuses a request with %s in the words of the add-on', async (_, bytes, text) => {
    const backend = await startBackend((_request, response) => response.end());
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const reply = await (await connectRaw(port, bytes)).closed();
    expect(reply).toMatch(/^HTTP\/1\.1 [45]0\d /);
    expect(reply.slice(reply.indexOf('\r\n\r\n') + 4)).toBe(text);
    expect(backend.requests).toHaveLength(0);
  });

  test.each([`${HOST}:80:90`, `[${HOST}]`, `${HOST}.`])(
    'does not take %s for the host of a route',
    async (host) => {
      const { port } = await startInterceptor({ profile });
      const bytes = renderRequest('GET / HTTP/1.1', ['Connection: close'], '', host);
      expect(await (await connectRaw(port, bytes)).closed()).toMatch(/^HTTP\/1\.1 404 /);
    },
  );

  test.each([
    ['http://user:secret@', HOST, 'other'],
    ['ws://', HOST, 'other'],
    ['ftp://', HOST, 'other'],
    ['http://', '', HOST],
  ])('takes the host of %s%s, or else that of the header', async (scheme, host, header) => {
    const backend = await startBackend((request, response) => response.end(request.url));
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const line = `GET ${scheme}${host}/a#b?c HTTP/1.1`;
    const { closed } = await connectRaw(
      port,
      renderRequest(line, ['Connection: close'], '', header),
    );
    expect(await closed()).toMatch(/^HTTP\/1\.1 200 [^]*\/a%23b\?c/);
  });

  test.each([
    ['a body that it never asked for', '100-continue', 'other.example.com', 404],
    ['what it does not know', 'wonders', HOST, 417],
  ])('closes the connection of a caller that expects %s', async (_, expected, host, status) => {
    const { port } = await startInterceptor({ profile });
    const head = [`Expect: ${expected}`, 'Content-Length: 4'];
    const { closed } = await connectRaw(port, renderRequest('POST / HTTP/1.1', head, '', host));
    expect(await closed()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*Connection: close\r\n`));
  });

  test('tells no caller of HTTP/1.0 to continue', async () => {
    const backend = await startBackend((request, response) => request.pipe(response));
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const head = ['Expect: 100-continue', 'Content-Length: 4'];
    const { closed } = await connectRaw(port, renderRequest('POST / HTTP/1.0', head, 'body'));
    expect(await closed()).toMatch(/^HTTP\/1\.1 200 [^]*body/);
  });

  test('takes the host of an absolute target, and routes by it', async () => {
    const backend = await startBackend((request, response) => response.end(request.url));
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const line = (host: string): string => `GET http://${host}/a?b=1 HTTP/1.1`;
    const close = ['Connection: close'];
    const right = await connectRaw(port, renderRequest(line(HOST), close, '', 'other'));
    expect(await right.closed()).toMatch(/^HTTP\/1\.1 200 [^]*\/a\?b=1/);
    const named = await connectRaw(port, renderRequest(line(`user:secret@${HOST}`), close));
    expect(await named.closed()).toMatch(/^HTTP\/1\.1 200 /);
    const wrong = await connectRaw(port, renderRequest(line('other'), close));
    expect(await wrong.closed()).toMatch(/^HTTP\/1\.1 404 /);
  });

  test.each(['//', '/../..', '/a//b/', '/.', '/%2e%2e/x', '/%00', '/a;b=c', "/'()*!", '/~@:$&+,='])(
    'sends the path %s on within one request',
    async (path) => {
      const lines: string[] = [];
      const address = await startRawBackend((socket) => {
        socket.on('data', (chunk: Buffer) => {
          lines.push(String(chunk).split('\r\n', 1)[0] ?? '');
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        });
      });
      const { port, setEndpoints } = await startInterceptor({ profile });
      setEndpoints(SERVICE, [address]);
      expect((await ask(port, { path })).status).toBe(200);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^GET \/\S* HTTP\/1\.1$/);
    },
  );

  test('answers OPTIONS * itself, and closes on CONNECT', async () => {
    const { port } = await startInterceptor({ profile });
    const close = ['Connection: close'];
    const options = await connectRaw(port, renderRequest('OPTIONS * HTTP/1.1', close));
    expect(await options.closed()).toMatch(/^HTTP\/1\.1 200 /);
    const connected = await connectRaw(port, renderRequest('CONNECT db:5432 HTTP/1.1'));
    expect(await connected.closed()).not.toMatch(/^HTTP\/1\.1 200/);
  });

  test('refuses headers that are too large with 431', async () => {
    const { port } = await startInterceptor({ profile });
    const header = `X-Large: ${'x'.repeat(70_000)}`;
    const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', [header]));
    expect(await closed()).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('keeps replies of one connection in the order of its requests, and apart from others', async () => {
    const backend = await startBackend((request, response) => {
      // The earlier ones later.
      const [, , number = '0'] = (request.url ?? '').split('/');
      setTimeout(() => response.end(`<${request.url}>`), 30 - Number(number) * 5);
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const replies = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (name) => {
        const requests = [1, 2, 3, 4].map((number) =>
          renderRequest(
            `GET /${name}/${number} HTTP/1.1`,
            number === 4 ? ['Connection: close'] : [],
          ),
        );
        const { closed } = await connectRaw(port, requests.join(''));
        return (await closed()).match(/<[^>]*>/g);
      }),
    );
    expect(replies).toEqual(
      ['a', 'b', 'c', 'd'].map((name) => [1, 2, 3, 4].map((number) => `</${name}/${number}>`)),
    );
  });

  test.each([
    ['after the last one', ['Connection: close'], 'GET /late HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 200 /],
    ['as the next one', [], 'GARBAGE\r\n\r\n', /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 400 /],
  ])('answers a request although what comes %s is none', async (_, headers, rest, expected) => {
    const backend = await startBackend((_request, response) => response.end('first'));
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', headers, rest));
    expect(await closed()).toMatch(expected);
    expect(backend.requests).toHaveLength(1);
  });

  test('takes an upgrade that was sent before the answer to another request', async () => {
    const backend = await startBackend((request, response) => response.end(`<${request.url}>`));
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
    const bytes = ['GET /1 HTTP/1.1', 'GET /2 HTTP/1.1'].map((line) => renderRequest(line));
    const { closed } = await connectRaw(
      port,
      [...bytes, renderRequest('GET /3 HTTP/1.1', upgrade)].join(''),
    );
    expect((await closed()).match(/<[^>]*>/g)).toEqual(['</1>', '</2>', '</3>']);
  });

  test('passes all headers on, however many there are', async () => {
    const backend = await startBackend((request, response) =>
      response.end(request.headers['x-last']),
    );
    backend.server.maxHeadersCount = 0;
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [backend.address]);
    const headers = Array.from({ length: 1500 }, (_, index) => [`x-${index}`, '']);
    const reply = await ask(port, {
      headers: { ...Object.fromEntries(headers), 'x-last': 'here' },
    });
    expect(reply.body).toBe('here');
  });

  test('does not use the connection again that a refused body may still come over', async () => {
    const address = await startRawBackend((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n');
      });
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [address]);
    const bytes = renderRequest(
      'POST / HTTP/1.1',
      ['Content-Length: 1000'],
      'GET /x HTTP/1.1\r\n\r\n',
    );
    const { closed } = await connectRaw(port, bytes);
    const reply = await closed();
    expect(reply).toMatch(/^HTTP\/1\.1 413 [^]*Connection: close/i);
    expect(reply.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('lets a connection go whose other half has ended before its request', async () => {
    const { counts, port } = await startInterceptor({ profile });
    const { closed, socket } = await connectRaw(port, 'GET / HT');
    socket.end();
    await closed();
    expect(counts()['default/shop']?.requestCount ?? 0).toBe(0);
  });

  test('lets a request go whose body breaks off', async () => {
    const backend = await startBackend((request) => void request.resume());
    const { counts, port, setEndpoints } = await startInterceptor({
      profile,
      settings: { responseHeaderTimeout: 0 },
    });
    setEndpoints(SERVICE, [backend.address]);
    const bytes = renderRequest('POST / HTTP/1.1', ['Content-Length: 1000'], 'some');
    const { socket } = await connectRaw(port, bytes);
    await vi.waitFor(() => expect(backend.requests).toHaveLength(1));
    socket.destroy();
    await vi.waitFor(() => expect(backend.requests[0]?.destroyed).toBe(true));
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(0));
  });

  test('a reply with headers too large is a 502', async () => {
    const address = await startRawBackend((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nX-Large: ${'x'.repeat(2 * 1024 * 1024)}\r\n\r\n`);
      });
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [address]);
    expect((await ask(port)).status).toBe(502);
  });
});

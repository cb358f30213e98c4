// HTTP/2 without TLS, on the port that HTTP/1.1 has too.
import { once } from 'node:events';
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  HOST,
  SERVICE,
  ask,
  routeOf,
  startBackend,
  startInterceptor,
  startRawBackend,
} from './interceptor.fixture.ts';

function openSession(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

test('current: takes HTTP/2 by prior knowledge, beside HTTP/1.1', async () => {
  const backend = await startBackend((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += String(chunk)));
    request.on('end', () => {
      response.writeHead(201, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Connection', 'close']);
      response.end(`${request.method} ${request.url} ${request.headers.host} ${body}`);
    });
  });
  const { counts, port, setEndpoints } = await startInterceptor();
  setEndpoints(SERVICE, [backend.address]);
  const session = openSession(port);
  const exchange = async (method: string, body?: string): Promise<unknown[]> => {
    const stream = session.request({ ':method': method, ':path': '/x?y=1', ':authority': HOST });
    stream.end(body);
    const [headers] = await once(stream, 'response');
    const answer = await text(stream);
    return [headers[':status'], headers['set-cookie'], headers['x-keda-http-cold-start'], answer];
  };
  const replies = await Promise.all([exchange('GET'), exchange('POST', 'body')]);
  const cookies = ['a=1', 'b=2'];
  expect(replies).toEqual([
    [201, cookies, 'false', `GET /x?y=1 ${HOST} `],
    [201, cookies, 'false', `POST /x?y=1 ${HOST} body`],
  ]);
  expect((await ask(port)).status).toBe(201);
  expect(counts()['default/shop']).toEqual({ concurrency: 0, requestCount: 3 });
});

test('current: a stream that its caller cancels ends the request to the backend', async () => {
  const backend = await startBackend(() => {});
  const { counts, port, setEndpoints } = await startInterceptor();
  setEndpoints(SERVICE, [backend.address]);
  const stream = openSession(port).request({ ':path': '/', ':authority': HOST });
  stream.on('error', () => {});
  await vi.waitFor(() => expect(backend.requests).toHaveLength(1));
  stream.close(8);
  await vi.waitFor(() => expect(backend.requests[0]?.destroyed).toBe(true));
  await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(0));
});

test.each([
  ['Content-Length: 0\r\n\r\n', '', undefined],
  [
    'Transfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n3\r\nbig\r\n0\r\nX-End: 1\r\n\r\n',
    'big',
    '1',
  ],
])(
  'current: does not wait for the rest of a request that has its answer: %j',
  async (answer, body, end) => {
    const address = await startRawBackend((socket) => {
      socket.once('data', () => socket.write(`HTTP/1.1 413 Payload Too Large\r\n${answer}`));
    });
    const { counts, port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [address]);
    const stream = openSession(port).request({
      ':method': 'POST',
      ':path': '/',
      ':authority': HOST,
    });
    let got = '';
    let trailers: IncomingHttpHeaders = {};
    stream.on('data', (chunk: Buffer) => (got += String(chunk)));
    stream.on('trailers', (headers) => (trailers = headers));
    stream.write('a part');
    const [headers] = await once(stream, 'response');
    await once(stream, 'close');
    expect([headers[':status'], got, trailers['x-end']]).toEqual([413, body, end]);
    expect(stream.rstCode).toBe(0);
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(0));
  },
);

test('current: a 204 is whole without a length, that of a placeholder too', async () => {
  const address = await startRawBackend((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n');
    });
  });
  const placeholder = { status: 204, headers: {}, body: 'no' };
  const { port, setEndpoints } = await startInterceptor({ routes: [routeOf({ placeholder })] });
  const exchange = async (): Promise<unknown[]> => {
    const stream = openSession(port).request({ ':path': '/', ':authority': HOST });
    const [headers] = await once(stream, 'response');
    return [headers[':status'], headers['content-length'], await text(stream)];
  };
  expect(await exchange()).toEqual([204, undefined, '']);
  setEndpoints(SERVICE, [address]);
  expect(await exchange()).toEqual([204, undefined, '']);
});

test('current: makes one line of cookies that come in several', async () => {
  const backend = await startBackend((_, response) => response.end());
  const { port, setEndpoints } = await startInterceptor();
  setEndpoints(SERVICE, [backend.address]);
  const headers = { ':path': '/', ':authority': HOST, cookie: ['a=1', 'b=2'] };
  await text(openSession(port).request(headers));
  const { rawHeaders = [] } = backend.requests[0] ?? {};
  expect(rawHeaders.filter((_, index) => rawHeaders[index - 1] === 'Cookie')).toEqual(['a=1; b=2']);
});

test('current: passes a response on whatever its headers are called, and however often they come', async () => {
  const address = await startRawBackend((socket) => {
    const head = ['Age: 1', 'Age: 2', 'Vary: a', 'Vary: b', 'Constructor: c', 'Content-Length: 2'];
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${head.join('\r\n')}\r\n\r\nok`));
  });
  const { port, setEndpoints } = await startInterceptor();
  setEndpoints(SERVICE, [address]);
  const stream = openSession(port).request({ ':path': '/', ':authority': HOST });
  const [{ age, constructor, vary }] = await once(stream, 'response');
  expect([age, vary, constructor, await text(stream)]).toEqual(['1, 2', 'a, b', 'c', 'ok']);
});

test('current: a session that is gone takes its requests with it', async () => {
  const { counts, port } = await startInterceptor();
  const session = openSession(port);
  session.request({ ':path': '/', ':authority': HOST }).on('error', () => {});
  await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(1));
  session.destroy();
  await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(0));
});

test('current: puts cookies together again, and tells a caller once to continue', async () => {
  const backend = await startBackend((request, response) => {
    const { rawHeaders } = request;
    request.resume().on('end', () => response.end(rawHeaders[rawHeaders.indexOf('Cookie') + 1]));
  });
  const { port, setEndpoints } = await startInterceptor();
  setEndpoints(SERVICE, [backend.address]);
  const stream = openSession(port).request({
    ':method': 'POST',
    ':path': '/',
    ':authority': HOST,
    cookie: ['a=1', 'b=2'],
    expect: '100-continue',
  });
  const statuses: unknown[] = [];
  stream.on('headers', (headers) => statuses.push(headers[':status']));
  stream.on('continue', () => stream.end('body'));
  expect(await text(stream)).toBe('a=1; b=2');
  expect(statuses).toEqual([100]);
});

test('v0.5: does not take HTTP/2', async () => {
  const { port } = await startInterceptor({ profile: 'v0.5' });
  const session = openSession(port);
  const stream = session.request({ ':path': '/', ':authority': HOST });
  stream.on('error', () => {});
  await new Promise((resolve) => session.on('close', resolve));
  expect(stream.rstCode).not.toBe(0);
});

// Requests to a server of this process without a port.
import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { invokeInProcess, requestInProcess } from './in-process.ts';
import { signalled } from './serve.fixture.ts';

function serverOf(listener: RequestListener): Server {
  const server = createServer(listener);
  onTestFinished(() => server.closeAllConnections());
  return server;
}

const echo: RequestListener = (request, response) => {
  const { method, url, headers } = request;
  const answer = async (): Promise<void> => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method, url, headers, body: await text(request) }));
  };
  void answer();
};

const GET = { method: 'GET', path: '/', headers: {}, body: undefined };

describe('a request in process', () => {
  test('arrives whole, and so does its reply', async () => {
    const reply = await invokeInProcess(serverOf(echo), {
      method: 'PUT',
      path: '/a?b=1',
      headers: { 'x-own': 'ü' },
      body: Buffer.from('body'),
    });
    expect(reply).toMatchObject({ statusCode: 200, contentType: 'application/json' });
    expect(JSON.parse(reply.body.toString())).toMatchObject({
      method: 'PUT',
      url: '/a?b=1',
      headers: { host: 'localhost', 'content-length': '4', 'x-own': 'ü' },
      body: 'body',
    });
  });

  test('without a body announces none', async () => {
    const { body } = await invokeInProcess(serverOf(echo), GET);
    const { headers } = JSON.parse(body.toString()) as { headers: object };
    expect(headers).not.toHaveProperty('content-length');
    expect(headers).not.toHaveProperty('transfer-encoding');
  });

  test('may name its host, and has an empty content type when the reply has none', async () => {
    const server = serverOf((request, response) => response.end(request.headers.host));
    const reply = await invokeInProcess(server, { ...GET, headers: { host: 'here' } });
    expect([reply.contentType, reply.body.toString()]).toEqual(['', 'here']);
  });

  test('resolves with the headers, before the body has ended', async () => {
    const end = signalled();
    const server = serverOf((_request, response) => {
      response.write('begun');
      void end.promise.then(() => response.end('ended'));
    });
    const incoming = await requestInProcess(server, GET);
    end.resolve();
    expect(await text(incoming)).toBe('begunended');
  });

  test('can be many at once', async () => {
    const server = serverOf((request, response) => response.end(request.url));
    const paths = Array.from({ length: 50 }, (_, index) => `/${index}`);
    const replies = await Promise.all(
      paths.map((path) => invokeInProcess(server, { ...GET, path })),
    );
    expect(replies.map(({ body }) => body.toString())).toEqual(paths);
  });

  test('disconnects when its signal aborts, and the server learns of it', async () => {
    const client = new AbortController();
    const left = signalled();
    const server = serverOf((_request, response) => {
      response.on('close', left.resolve);
      client.abort();
    });
    await expect(invokeInProcess(server, { ...GET, signal: client.signal })).rejects.toThrow(
      'abort',
    );
    await left.promise;
  });

  test('rejects when the server cuts it off, before its reply or within', async () => {
    const before = serverOf((_request, response) => response.destroy());
    await expect(invokeInProcess(before, GET)).rejects.toThrow('socket hang up');
    const within = serverOf((_request, response) => {
      response.write('half', () => response.destroy());
    });
    await expect(invokeInProcess(within, GET)).rejects.toThrow('aborted');
  });

  test.each([
    ['path', { path: '/a b' }, 'ERR_UNESCAPED_CHARACTERS'],
    ['method', { method: 'G T' }, 'ERR_INVALID_HTTP_TOKEN'],
    ['header', { headers: { 'x-own': 'a\r\nb' } }, 'ERR_INVALID_CHAR'],
  ])(
    'that cannot be sent for its %s rejects, and leaves no connection behind',
    async (_, wrong, code) => {
      const server = serverOf(echo);
      let connections = 0;
      server.on('connection', () => (connections += 1));
      await expect(invokeInProcess(server, { ...GET, ...wrong })).rejects.toMatchObject({ code });
      expect(connections).toBe(0);
    },
  );

  test('has a remote address, as one over a socket', async () => {
    const server = serverOf((request, response) => response.end(request.socket.remoteAddress));
    const closed = once(server, 'connection').then(([socket]) => once(socket, 'close'));
    expect((await invokeInProcess(server, GET)).body.toString()).toBe('127.0.0.1');
    await closed;
  });
});

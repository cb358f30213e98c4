// WebSockets and other upgrades (behaviour 13).
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import {
  HOST,
  SERVICE,
  connectRaw,
  renderRequest,
  startBackend,
  startInterceptor,
  startRawBackend,
} from './interceptor.fixture.ts';

/** A backend that echoes the messages of WebSockets; `/forbidden` it refuses. */
async function startEcho(): Promise<{ address: string; sockets: WebSocketServer }> {
  const server = createServer((_, response) => response.end('plain'));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/forbidden') {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('message', (data: Buffer) => client.send(`echo ${data.toString()}`));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

function openSocket(port: number, path = '/chat'): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { host: HOST } });
  onTestFinished(() => socket.terminate());
  return socket;
}

test('v0.5: answers an upgrade that the backend accepts with 502', async () => {
  const { address } = await startEcho();
  const { port, setEndpoints } = await startInterceptor({ profile: 'v0.5' });
  setEndpoints(SERVICE, [address]);
  const socket = openSocket(port);
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  expect(response.statusCode).toBe(502);
});

test.each([
  ['v0.5', ''],
  ['v0.5', 'Upgrade: other\r\n'],
  ['current', ''],
  ['current', 'Upgrade: other\r\n'],
] as const)(
  '%s: answers 502 when the backend switches to a protocol as %j',
  async (profile, line) => {
    const address = await startRawBackend((socket) => {
      const head = `HTTP/1.1 101 Switching Protocols\r\n${line}Connection: Upgrade\r\n\r\n`;
      socket.once('data', () => socket.write(head));
    });
    const { port, setEndpoints } = await startInterceptor({ profile });
    setEndpoints(SERVICE, [address]);
    const head = ['Connection: Upgrade', 'Upgrade: websocket'];
    const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', head));
    expect(await closed()).toMatch(/^HTTP\/1\.1 502 /);
  },
);

describe('current', () => {
  test('tunnels a WebSocket, and counts it until it is closed', async () => {
    const { address } = await startEcho();
    const { counts, port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [address]);
    const socket = openSocket(port);
    const opened = once(socket, 'open');
    const [response] = await once(socket, 'upgrade');
    expect(response.headers['x-keda-http-cold-start']).toBe('false');
    await opened;
    for (const text of ['one', 'two']) {
      socket.send(text);
      expect(String((await once(socket, 'message'))[0])).toBe(`echo ${text}`);
    }
    expect(counts()['default/shop']).toEqual({ concurrency: 1, requestCount: 1 });
    socket.close(1000);
    await once(socket, 'close');
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(0));
  });

  test('holds an upgrade until an instance is ready', async () => {
    const { address } = await startEcho();
    const { counts, port, setEndpoints } = await startInterceptor();
    const socket = openSocket(port);
    const upgraded = once(socket, 'upgrade');
    const opened = once(socket, 'open');
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(1));
    setEndpoints(SERVICE, [address]);
    const [response] = await upgraded;
    await opened;
    expect(response.headers['x-keda-http-cold-start']).toBe('true');
  });

  test('forgets an upgrade that it holds when its caller leaves', async () => {
    const { counts, port } = await startInterceptor();
    const head = ['Connection: Upgrade', 'Upgrade: websocket'];
    const { socket } = await connectRaw(port, renderRequest('GET / HTTP/1.1', head));
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(1));
    socket.destroy();
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(0));
  });

  test('passes the code on with which the backend closes', async () => {
    const { address, sockets } = await startEcho();
    const { port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [address]);
    const socket = openSocket(port);
    await once(socket, 'open');
    for (const client of sockets.clients) client.close(1001, 'going away');
    const [code, reason] = await once(socket, 'close');
    expect([code, String(reason)]).toEqual([1001, 'going away']);
  });

  test('closes the backend when the caller is gone, and the caller when the backend is', async () => {
    const { address, sockets } = await startEcho();
    const { counts, port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [address]);
    const leaving = openSocket(port);
    await once(leaving, 'open');
    leaving.terminate();
    await vi.waitFor(() => expect(sockets.clients.size).toBe(0));
    const left = openSocket(port);
    await once(left, 'open');
    for (const client of sockets.clients) client.terminate();
    const [code] = await once(left, 'close');
    expect(code).toBe(1006);
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(0));
  });

  test('passes the answer of a backend on that refuses the upgrade', async () => {
    const { address } = await startEcho();
    const { port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [address]);
    const socket = openSocket(port, '/forbidden');
    socket.on('error', () => {});
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.statusCode).toBe(403);
  });

  test('passes on what either end has sent with its handshake, and a half that has ended', async () => {
    const address = await startRawBackend((socket) => {
      let got = '';
      let isUpgraded = false;
      socket.on('data', (chunk: Buffer) => {
        got += String(chunk);
        if (isUpgraded || !got.includes('\r\n\r\n')) return;
        isUpgraded = true;
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello ',
        );
      });
      socket.on('end', () => socket.end(`got ${got.slice(got.indexOf('\r\n\r\n') + 4)}`));
    });
    const { port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [address]);
    const head = ['Connection: Upgrade', 'Upgrade: echo'];
    const { closed, socket, until } = await connectRaw(
      port,
      renderRequest('GET / HTTP/1.1', head, 'early '),
    );
    await until((text) => text.endsWith('hello '));
    socket.end('late');
    expect(await closed()).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nhello got early late$/);
  });

  test('begins an upgrade once the requests before it on its connection are answered', async () => {
    const { address } = await startEcho();
    const { counts, port, setEndpoints } = await startInterceptor();
    const head = ['Connection: Upgrade', 'Upgrade: websocket'];
    const { closed } = await connectRaw(
      port,
      renderRequest('GET /1 HTTP/1.1') +
        renderRequest('GET /2 HTTP/1.1') +
        renderRequest('GET /forbidden HTTP/1.1', head),
    );
    await vi.waitFor(() => expect(counts()['default/shop']?.concurrency).toBe(2));
    setEndpoints(SERVICE, [address]);
    const statuses = (await closed()).match(/(?<=HTTP\/1\.1 )\d+/g);
    expect(statuses).toEqual(['200', '200', '403']);
  });

  test('counts an upgrade that is refused no longer than its answer takes', async () => {
    const { address } = await startEcho();
    const { counts, port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [address]);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    const head = ['Connection: Upgrade', 'Upgrade: websocket'];
    socket.write(renderRequest('GET /forbidden HTTP/1.1', head));
    // It does not end its half.
    await once(socket.resume(), 'end');
    await vi.waitFor(() =>
      expect(counts()['default/shop']).toEqual({ concurrency: 0, requestCount: 1 }),
    );
  });

  test('passes a 103 on before the handshake, and headers as the bytes they are', async () => {
    const address = await startRawBackend((socket) => {
      const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: ECHO\r\nConnection: Upgrade';
      const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
      socket.once('data', () => socket.end(`${hint}${switched}\r\nX-U: \u00FC\r\n\r\n`, 'latin1'));
    });
    const { port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [address]);
    const head = ['Connection: Upgrade', 'Upgrade: echo'];
    const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', head));
    expect(await closed()).toMatch(/^HTTP\/1\.1 103 [^]*HTTP\/1\.1 101 [^]*X-U: \u00FC\r\n/);
  });

  test('answers 404 to an upgrade for no route', async () => {
    const { port } = await startInterceptor();
    const head = ['Connection: Upgrade', 'Upgrade: websocket'];
    const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', head, '', 'other'));
    expect(await closed()).toMatch(/^HTTP\/1\.1 404 /);
  });

  test('answers 502 when the backend breaks off in the handshake', async () => {
    const address = await startRawBackend((socket) => {
      socket.once('data', () => socket.resetAndDestroy());
    });
    const { port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [address]);
    const head = ['Connection: Upgrade', 'Upgrade: websocket'];
    const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', head));
    expect(await closed()).toMatch(/^HTTP\/1\.1 502 /);
  });

  test('closes a tunnel at its deadline, and writes nothing of its own into it', async () => {
    const { address } = await startEcho();
    const { port, setEndpoints } = await startInterceptor({ settings: { requestTimeout: 200 } });
    setEndpoints(SERVICE, [address]);
    const head = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', head));
    expect(await closed()).toMatch(/^HTTP\/1\.1 101 (?:(?!HTTP\/)[^])*$/);
  });

  test('answers 504 when the backend is late to answer a handshake', async () => {
    const address = await startRawBackend((socket) => socket.resume());
    const { port, setEndpoints } = await startInterceptor({
      settings: { responseHeaderTimeout: 30 },
    });
    setEndpoints(SERVICE, [address]);
    const head = ['Connection: Upgrade', 'Upgrade: websocket'];
    const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', head));
    expect(await closed()).toMatch(/^HTTP\/1\.1 504 /);
  });

  test('refuses an upgrade that has a body, which Node does not read', async () => {
    const backend = await startBackend((_, response) => response.end('plain'));
    const { port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [backend.address]);
    const head = ['Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 4'];
    const { closed } = await connectRaw(port, renderRequest('POST / HTTP/1.1', head, 'body'));
    expect(await closed()).toMatch(/^HTTP\/1\.1 501 /);
    expect(backend.requests).toHaveLength(0);
  });

  test('serves an upgrade that the backend takes for a plain request as one', async () => {
    const backend = await startBackend((_, response) => response.end('plain'));
    const { port, setEndpoints } = await startInterceptor();
    setEndpoints(SERVICE, [backend.address]);
    const head = ['Connection: Upgrade', 'Upgrade: h2c'];
    const { closed } = await connectRaw(port, renderRequest('GET / HTTP/1.1', head));
    expect(await closed()).toMatch(/^HTTP\/1\.1 200 [^]*plain/);
  });
});

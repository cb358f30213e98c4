// Upgrades: found by path as calls are, one call each until the connection closes, and never in the way
// of a function that does not take any.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { FunctionDefinition, Request } from '../function/signature.ts';
import { definePlugin, http, openfunction } from '../index.ts';
import { createRecorder } from '../invocation/tracer.fixture.ts';
import { createMetrics } from './metrics.ts';
import { createTestRuntime } from '../testing.ts';
import { connectTo, listen, signalled } from './serve.fixture.ts';

const upgrade = (path = '/', more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n${more}\r\n`;

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

/** A protocol that sends back what it gets. */
function echo(_req: Request, socket: Duplex, head: Buffer): void {
  socket.write(SWITCHED);
  if (head.length > 0) socket.write(head);
  socket.pipe(socket);
}

const page = (_req: Request, res: { send(text: string): unknown }): void => void res.send('page');

async function until(socket: Socket, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (pattern.test(text)) return text;
  }
  throw new Error(`closed, having sent: ${text}`);
}

describe('a function that takes upgrades', () => {
  it('speaks WebSocket by ws, as with any server of Node', async () => {
    const server = new WebSocketServer({ noServer: true });
    const { addresses } = await listen([
      http(
        'chat',
        {
          path: '/rooms/:room',
          upgrade: (req, socket, head) => {
            server.handleUpgrade(req, socket, head, (client) => {
              client.on('message', (data: Buffer) =>
                client.send(`${req.params['room']}: ${data.toString()}`),
              );
            });
          },
        },
        page,
      ),
    ]);
    const client = new WebSocket(`ws://127.0.0.1:${addresses.port}/rooms/blue`);
    await once(client, 'open');
    client.send('hello');
    const [data] = (await once(client, 'message')) as [Buffer];
    expect(String(data)).toBe('blue: hello');
    client.close();
    await once(client, 'close');
  });

  it('gets what the client has sent beyond its request', async () => {
    const { addresses } = await listen([http('early', { upgrade: echo }, page)]);
    const { socket } = connectTo(addresses.port, `${upgrade()}at once`);
    expect(await until(socket, /at once$/)).toBe(`${SWITCHED}at once`);
    socket.destroy();
  });

  it('serves plain requests as before, and may be an openfunction', async () => {
    const { addresses, origin } = await listen([
      openfunction('both', { upgrade: echo }, () => 'plain'),
    ]);
    expect(await (await fetch(origin)).text()).toBe('plain');
    const { socket } = connectTo(addresses.port, upgrade());
    await until(socket, /101 Switching/);
    socket.destroy();
  });

  it('has the members of a request, and is below the path prefix', async () => {
    const { addresses } = await listen(
      [
        http(
          'members',
          {
            path: '/at/:where',
            upgrade: (req, socket) => {
              const { params, query, baseUrl, url, originalUrl } = req;
              const known = [req.id, req.signal.aborted, req.stopping.aborted, req.coldStart];
              socket.end(JSON.stringify({ params, query, baseUrl, url, originalUrl, known }));
            },
          },
          page,
        ),
      ],
      ['--path-prefix=/p'],
    );
    const { reply } = connectTo(addresses.port, upgrade('/p/at/7?q=1', 'X-Request-Id: mine\r\n'));
    expect(JSON.parse(await reply)).toEqual({
      params: { where: '7' },
      query: { q: '1' },
      baseUrl: '/p',
      url: '/at/7?q=1',
      originalUrl: '/p/at/7?q=1',
      known: ['mine', false, false, true],
    });
  });

  it('has a connection that may be silent, though it was idle between requests before', async () => {
    const { addresses } = await listen([
      http(
        'silent',
        { upgrade: (_req, socket) => void socket.end(`timeout ${(socket as Socket).timeout}`) },
        page,
      ),
    ]);
    const { socket, reply } = connectTo(addresses.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(socket, /page$/);
    socket.write(upgrade());
    expect(await reply).toMatch(/timeout 0$/);
  });

  it('is not bound by the time limit of calls', async () => {
    const { addresses } = await listen(
      [http('slow', { upgrade: echo }, (_req, _res) => new Promise(() => {}))],
      ['--timeout=20ms'],
    );
    const { socket } = connectTo(addresses.port, upgrade());
    await until(socket, /101 Switching/);
    // A call that begins later is over by then.
    const { reply } = connectTo(addresses.port, 'GET / HTTP/1.0\r\n\r\n');
    expect(await reply).toMatch(/^HTTP\/1\.1 504 /);
    socket.write('still there');
    expect(await until(socket, /there$/)).toBe('still there');
    socket.destroy();
  });
});

describe('an upgrade that no function takes', () => {
  const plain = (name: string, path?: string): FunctionDefinition =>
    http(
      name,
      { ...(path === undefined ? {} : { path }), methods: ['GET', 'POST'] },
      (req, res) => {
        res.json({ path: req.path, body: req.body ?? null, url: req.originalUrl });
      },
    );
  const CLOSE = 'HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: foo\r\n';

  describe.each([
    ['while none takes any', [plain('one', '/plain')]],
    [
      'while another does',
      [plain('one', '/plain'), http('chat', { path: '/chat', upgrade: echo }, page)],
    ],
  ])('%s', (_, functions) => {
    it('is served as a plain request', async () => {
      const { addresses } = await listen(functions);
      const { reply } = connectTo(addresses.port, `GET /plain?a ${CLOSE}\r\n`);
      expect(await reply).toMatch(
        /^HTTP\/1\.1 200 OK[^]*\{"path":"\/plain","body":null,"url":"\/plain\?a"\}$/,
      );
    });

    it('keeps its body, in one piece, in several or in chunks', async () => {
      const { addresses } = await listen(functions);
      const json = 'Content-Type: application/json\r\n';
      const whole = `POST /plain ${CLOSE}${json}Content-Length: 7\r\n\r\n{"a":1}`;
      expect(await connectTo(addresses.port, whole).reply).toMatch(/"body":\{"a":1\}/);
      const chunked = `POST /plain ${CLOSE}${json}Transfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n`;
      const { socket, reply } = connectTo(addresses.port, chunked);
      socket.write('0\r\n\r\n');
      expect(await reply).toMatch(/"body":\{"a":1\}/);
    });

    it('leaves the connection to the requests behind it', async () => {
      const { addresses } = await listen(functions);
      const first = `GET /plain?1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n`;
      const { socket, reply } = connectTo(addresses.port, first);
      expect(await until(socket, /\}$/)).toContain('"url":"/plain?1"');
      socket.write(`GET /plain?2 ${CLOSE}\r\n`);
      expect(await reply).toMatch(/"url":"\/plain\?1"[^]*"url":"\/plain\?2"\}$/);
    });

    it('is refused when its headers are too many, and nothing behind it is served', async () => {
      const { addresses } = await listen(functions, ['--max-headers=5']);
      const many = Array.from({ length: 9 }, (__, index) => `X-${index}: 1\r\n`).join('');
      const hidden = 'GET /plain HTTP/1.1\r\nHost: a\r\n\r\n';
      const request = `POST /plain ${CLOSE}${many}Content-Length: ${hidden.length}\r\n\r\n${hidden}`;
      const reply = await connectTo(addresses.port, request).reply;
      expect(reply).toMatch(/^HTTP\/1\.1 431 /);
      expect(reply.match(/HTTP\/1\.1 \d+/g)).toHaveLength(1);
    });
  });

  it.each([
    ['of a method other than GET', 'POST /chat', 'Upgrade: echo'],
    [
      'to HTTP/2, as some clients offer it',
      'GET /chat',
      'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk',
    ],
  ])('because it is one %s, is served as a plain request', async (_, line, header) => {
    const { addresses } = await listen([
      http('chat', { path: '/chat', upgrade: echo }, page),
      plain('one'),
    ]);
    const request = `${line} HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\n${header}\r\n\r\n`;
    expect(await connectTo(addresses.port, request).reply).toMatch(/^HTTP\/1\.1 200 [^]*page$/);
  });

  it('at a path without a function is answered 404', async () => {
    const { addresses } = await listen([
      http('chat', { path: '/chat', upgrade: echo }, page),
      plain('one'),
    ]);
    for (const path of ['/nothing', '/%zz']) {
      const reply = await connectTo(addresses.port, `GET ${path} ${CLOSE}\r\n`).reply;
      expect(reply).toMatch(/^HTTP\/1\.1 40[04] /);
    }
  });

  it('at the path of a probe is a probe', async () => {
    const { addresses } = await listen(
      [http('chat', { upgrade: echo }, page)],
      ['--health-routes'],
    );
    const reply = await connectTo(addresses.port, `GET /readyz ${CLOSE}\r\n`).reply;
    expect(reply).toMatch(/"state":"running"\}$/);
  });
});

it('an upgrade behind a request that is being answered waits for its answer', async () => {
  const called = signalled();
  const finish = signalled();
  const { addresses } = await listen([
    http('after', { upgrade: echo }, async (_req, res) => {
      called.resolve();
      await finish.promise;
      res.send('first');
    }),
  ]);
  const { socket } = connectTo(addresses.port, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${upgrade()}`);
  await called.promise;
  finish.resolve();
  expect(await until(socket, /Upgrade: echo\r\n\r\n$/)).toMatch(/^HTTP\/1\.1 200 [^]*first/);
  socket.destroy();
});

describe('an upgrade handler that fails', () => {
  const failing = (fail: (socket: Duplex) => unknown): FunctionDefinition[] => [
    http('bad', { path: '/bad', upgrade: (_req, socket) => fail(socket) }, page),
    http('good', { path: '/good', upgrade: echo }, page),
  ];

  it.each<[string, () => unknown]>([
    [
      'by throwing',
      () => {
        throw new Error('no');
      },
    ],
    ['by rejecting', () => Promise.reject(new Error('no'))],
  ])('%s is answered 500, and touches no other', async (_, fail) => {
    const { addresses } = await listen(failing(fail));
    const other = connectTo(addresses.port, upgrade('/good'));
    await until(other.socket, /101 Switching/);
    const reply = await connectTo(addresses.port, upgrade('/bad')).reply;
    expect(reply).toMatch(/^HTTP\/1\.1 500 [^]*Connection: close[^]*"OFN_FUNCTION_FAILED"/i);
    other.socket.write('alive');
    expect(await until(other.socket, /alive$/)).toBe('alive');
    other.socket.destroy();
  });

  it('with a status of its own is answered with it', async () => {
    const { addresses } = await listen(
      failing(() => {
        throw Object.assign(new Error('who?'), { status: 401 });
      }),
    );
    expect(await connectTo(addresses.port, upgrade('/bad')).reply).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('after its answer closes the connection, and sends nothing more', async () => {
    const { addresses } = await listen(
      failing((socket) => {
        socket.write(SWITCHED);
        throw new Error('no');
      }),
    );
    expect(SWITCHED.startsWith(await connectTo(addresses.port, upgrade('/bad')).reply)).toBe(true);
  });

  it('in a listener of its connection closes that one alone', async () => {
    const { addresses, origin } = await listen(
      failing((socket) => {
        socket.write(SWITCHED);
        socket.on('data', () => {
          throw new Error('no');
        });
      }),
    );
    const { socket, reply } = connectTo(addresses.port, upgrade('/bad'));
    await vi.waitFor(() => expect(socket.bytesRead).toBe(SWITCHED.length));
    socket.write('x');
    expect(await reply).toBe(SWITCHED);
    expect(await (await fetch(`${origin}/good`)).text()).toBe('page');
  });

  it('whose client resets the connection is no error of the process', async () => {
    const closed = signalled();
    const { addresses, origin } = await listen([
      http(
        'reset',
        {
          upgrade: (req, socket) => {
            socket.write(SWITCHED);
            req.signal.addEventListener('abort', () => closed.resolve());
          },
        },
        page,
      ),
    ]);
    const { socket } = connectTo(addresses.port, upgrade());
    await until(socket, /101/);
    socket.resetAndDestroy();
    await closed.promise;
    expect(await (await fetch(origin)).text()).toBe('page');
  });
});

describe('the plugins of a function', () => {
  it('are around its upgrades, and may refuse them', async () => {
    const guard = definePlugin({
      name: 'guard',
      wrap(invocation, next) {
        if (invocation.req?.headers['x-token'] === 'yes') return next();
        throw Object.assign(new Error('no'), { status: 403 });
      },
    });
    const { addresses } = await listen([
      http('guarded', { plugins: [guard], upgrade: echo }, page),
    ]);
    expect(await connectTo(addresses.port, upgrade()).reply).toMatch(/^HTTP\/1\.1 403 /);
    const { socket } = connectTo(addresses.port, upgrade('/', 'X-Token: yes\r\n'));
    await until(socket, /^HTTP\/1\.1 101 /);
    socket.destroy();
  });

  it('may answer through the response in the place of the handler', async () => {
    const instead = definePlugin({
      name: 'instead',
      wrap: (invocation) => void invocation.res?.status(426).send('another protocol, please'),
    });
    const { addresses } = await listen([
      http('instead', { plugins: [instead], upgrade: echo }, page),
    ]);
    const reply = await connectTo(addresses.port, upgrade()).reply;
    expect(reply).toMatch(/^HTTP\/1\.1 426 [^]*another protocol, please$/);
  });
});

describe('a connection that was upgraded', () => {
  it('is a call until it closes: in the metrics, in the concurrency, in the trace', async () => {
    const metrics = createMetrics();
    const { addresses } = await listen(
      [http('held', { upgrade: echo }, page)],
      ['--max-concurrency=1', '--admin-port=0', '--keda'],
      metrics,
    );
    const queue = async (): Promise<unknown> =>
      (await fetch(`http://127.0.0.1:${addresses.adminPort}/queue`)).json();
    const { socket } = connectTo(addresses.port, upgrade());
    await until(socket, /101/);
    expect(await metrics.render()).toContain('faas_in_flight{function="held"} 1');
    expect(await queue()).toEqual({ 'default/held': { Concurrency: 1, RequestCount: 1 } });
    const refused = await connectTo(addresses.port, upgrade()).reply;
    expect(refused).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: 1[^]*OFN_OVERLOADED/i);
    socket.destroy();
    await vi.waitFor(async () => {
      expect(await queue()).toEqual({ 'default/held': { Concurrency: 0, RequestCount: 1 } });
    });
    expect(await metrics.render()).toContain(
      'faas_invoke_duration_seconds_count{function="held",status="101"} 1',
    );
  });

  it('is one span, which ends with status 101', async () => {
    const { calls, tracing } = createRecorder();
    const t = await createTestRuntime({
      functions: [http('traced', { upgrade: (_req, socket) => void socket.write(SWITCHED) }, page)],
      tracing,
    });
    onTestFinished(() => t.close());
    const headers = { connection: 'upgrade', upgrade: 'echo' };
    // This client closes a connection that is upgraded.
    void t.request({ path: '/traced', headers }).catch(() => {});
    await vi.waitFor(() => expect(calls[0]?.ends).toEqual([{ status: 101 }]));
    expect(calls[0]?.runs).toBe(1);
  });
});

describe('a runtime that stops', () => {
  it('tells the function, whose connections end before the deadline', async () => {
    const { addresses, runtime } = await listen(
      [
        http(
          'polite',
          {
            upgrade: (req, socket) => {
              socket.write(SWITCHED);
              req.stopping.addEventListener('abort', () => socket.end('bye'));
            },
          },
          page,
        ),
      ],
      ['--drain-timeout=10m'],
    );
    const { socket, reply } = connectTo(addresses.port, upgrade());
    await vi.waitFor(() => expect(socket.bytesRead).toBe(SWITCHED.length));
    await runtime.stop();
    expect(await reply).toBe(`${SWITCHED}bye`);
  });

  it('cuts off what is still open at the deadline', async () => {
    const { addresses, runtime } = await listen(
      [http('stubborn', { upgrade: echo }, page)],
      ['--drain-timeout=30ms'],
    );
    const { socket, reply } = connectTo(addresses.port, upgrade());
    await vi.waitFor(() => expect(socket.bytesRead).toBe(SWITCHED.length));
    await expect(runtime.stop()).rejects.toMatchObject({ code: 'OFN_DRAIN_INCOMPLETE' });
    expect(await reply).toBe(SWITCHED);
  });

  it('takes no further connection over', async () => {
    const { addresses, runtime } = await listen(
      [http('late', { upgrade: echo }, page)],
      ['--drain-timeout=10m'],
    );
    const first = connectTo(addresses.port, upgrade());
    await until(first.socket, /101/);
    const { socket, reply } = connectTo(addresses.port, '');
    await once(socket, 'connect');
    await fetch(`http://127.0.0.1:${addresses.port}`);
    const stopped = runtime.stop();
    await vi.waitFor(() => expect(runtime.server.listening).toBe(false));
    socket.write(upgrade());
    expect(await reply).toMatch(/^HTTP\/1\.1 503 [^]*OFN_STOPPING/);
    first.socket.destroy();
    await stopped;
  });
});

describe('the registration', () => {
  it.each<[string, () => unknown, string]>([
    ['is no function', () => http('a', { upgrade: 'ws' as never }, page), 'must be a function'],
    [
      'has no GET',
      () => http('a', { methods: ['POST'], upgrade: echo }, page),
      'needs GET among the methods',
    ],
  ])('is refused when upgrade %s', (_, register, message) => {
    expect(register).toThrow(message);
  });
});

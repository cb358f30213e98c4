// How failures are answered: clients that still send get to read the answer, within limits, and an
// error that cannot be read stays inside its call.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { http, openfunction } from '../index.ts';
import { Exchange } from './exchange.ts';
import { failExchange, refuse } from './failure.ts';
import type { FunctionRequest } from './request.ts';
import type { FunctionResponse } from './response.ts';
import { connectTo, listen, refusal, serve, signalled } from './serve.fixture.ts';

const HALF = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhalf';
const FAILED = { status: 500, code: 'OFN_FUNCTION_FAILED' };

/** Whether a connection is open once all that is on its way has arrived. */
async function isOpen(socket: Socket): Promise<boolean> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return !socket.closed;
}

describe('a client that still sends the body of a refused call', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Sends half a body to a function that refuses its method; resolves once that is answered. */
  async function refuseHalf() {
    const { runtime, addresses } = await listen([
      http('picky', { methods: ['GET'] }, (_req, res) => void res.end()),
    ]);
    const arrived = once(runtime.server, 'request') as Promise<[FunctionRequest]>;
    const { socket, reply } = connectTo(addresses.port, HALF);
    onTestFinished(() => void socket.destroy());
    const [[request]] = await Promise.all([arrived, once(socket, 'data')]);
    const send = async (bytes: string): Promise<void> => {
      const received = once(request, 'data');
      socket.write(bytes);
      await received;
    };
    return { socket, reply, send };
  }

  it('has half a second after its last byte', async () => {
    const { socket, reply, send } = await refuseHalf();
    await vi.advanceTimersByTimeAsync(499);
    await send('more');
    await vi.advanceTimersByTimeAsync(499);
    expect(await isOpen(socket)).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(await reply).toMatch(/^HTTP\/1\.1 405 [^]*"OFN_METHOD_NOT_ALLOWED"/);
  });

  it('has half a minute in all', async () => {
    const { socket, reply, send } = await refuseHalf();
    for (let sent = 0; sent < 74; sent += 1) {
      await vi.advanceTimersByTimeAsync(400);
      await send('more');
    }
    await vi.advanceTimersByTimeAsync(399);
    expect(await isOpen(socket)).toBe(true);
    await send('more');
    await vi.advanceTimersByTimeAsync(1);
    expect(await reply).toMatch(/^HTTP\/1\.1 405 /);
  });

  it('is answered at once when it has sent the rest', async () => {
    const { reply, send } = await refuseHalf();
    await send('x'.repeat(100_000 - 'half'.length));
    expect(await reply).toMatch(/\r\nConnection: close\r\n[^]*"OFN_METHOD_NOT_ALLOWED"/i);
  });

  it.each([
    ['its call timed out', 'waits', ['--timeout=5s'], '', /^HTTP\/1\.1 504 /],
    ['it was too slow', 'waits', ['--request-timeout=60ms'], '', /^HTTP\/1\.1 408 /],
    ['it sent what is no HTTP', 'waits', [], 'ZZ\r\n', /^HTTP\/1\.1 400 /],
  ])('is not listened to when %s', async (_, name, flags, rest, expected) => {
    const called = signalled();
    const { addresses } = await listen(
      [
        http(name, { body: 'stream' }, (_req, _res) => {
          called.resolve();
          return new Promise(() => {});
        }),
      ],
      flags,
    );
    const { socket, reply } = connectTo(
      addresses.port,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    );
    await called.promise;
    socket.write(rest);
    await vi.advanceTimersByTimeAsync(5000);
    const lingering = vi.getTimerCount();
    expect(await reply).toMatch(expected);
    expect(lingering).toBe(0);
  });
});

it('a failed call whose request is piped to its response is answered with the problem alone', async () => {
  const piping = signalled();
  const { addresses } = await listen([
    http('piping', { body: 'stream' }, async (req, res) => {
      req.pipe(res);
      piping.resolve();
      throw new Error('no');
    }),
  ]);
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n';
  const { socket, reply } = connectTo(addresses.port, head);
  await Promise.all([piping.promise, once(socket, 'data')]);
  socket.write('rest');
  const [, body = ''] = (await reply).split('\r\n\r\n');
  expect(JSON.parse(body)).toMatchObject({ code: 'OFN_FUNCTION_FAILED' });
});

describe('an error that cannot be read', () => {
  const withGetter = (field: string): Error =>
    Object.defineProperty(new Error('x'), field, {
      get(): never {
        throw new Error('a getter');
      },
    });

  it.each([
    ['a status', withGetter('status')],
    ['a message', withGetter('message')],
    ['an expose', withGetter('expose')],
    [
      'a prototype',
      new Proxy(
        {},
        {
          getPrototypeOf(): never {
            throw new Error('a trap');
          },
        },
      ),
    ],
  ])('through %s that throws fails its call and no other', async (_, thrown) => {
    const send = await serve(
      openfunction('unreadable', (ctx) => {
        if (ctx.req?.path === '/fine') return 'fine';
        throw thrown;
      }),
      // In development the message is shown, and so read.
      { env: { NODE_ENV: 'development' } },
    );
    expect(await refusal(await send())).toEqual(FAILED);
    expect(await (await send({ path: '/fine' })).text()).toBe('fine');
  });
});

describe('a reason phrase that no header can hold', () => {
  it.each([
    [
      'before it sends',
      http('phrase', (_req, res) => {
        res.statusMessage = 'line\nbreak';
        res.send('x');
      }),
    ],
    [
      'before it returns',
      openfunction('phrase', (ctx) => {
        if (ctx.res !== undefined) ctx.res.statusMessage = '\u0000';
        return 'x';
      }),
    ],
    [
      'before it returns a Response',
      http('phrase', (_req, res) => {
        res.statusMessage = '\u2028';
        return new Response('x');
      }),
    ],
  ])('fails the call of a handler that sets it %s', async (_, definition) => {
    const send = await serve(definition);
    const response = await send();
    expect([response.status, response.statusText]).toEqual([500, 'Internal Server Error']);
    expect(await refusal(response)).toEqual(FAILED);
  });
});

describe('without a call', () => {
  const broken = () => ({ headersSent: true, destroy: vi.fn<() => void>() });

  it('a failure is nobody to answer', () => {
    const response = broken();
    const exchange = new Exchange({} as FunctionRequest, response as never);
    failExchange(exchange, new Error('x'), false);
    expect(response.destroy).not.toHaveBeenCalled();
  });

  it('a response that has begun is cut off', () => {
    const response = broken();
    refuse({} as FunctionRequest, response as never as FunctionResponse, new Error('x'));
    expect(response.destroy).toHaveBeenCalledOnce();
  });
});

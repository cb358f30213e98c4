// Listeners that a handler adds: they run inside its call, and what they throw fails that call only.
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { currentInvocation, http, type Request } from '../index.ts';
import type { Response as FunctionReply } from '../index.ts';
import { connectTo, listen, refusal, serve, signalled } from './serve.fixture.ts';

const FAILED = { status: 500, code: 'OFN_FUNCTION_FAILED' };
const WAYS = ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'] as const;

type Emitter = Request | FunctionReply;
type Add = (req: Request, res: FunctionReply, listener: () => void) => void;

describe.each(WAYS)('a listener added with %s', (way) => {
  const events: [string, Add][] = [
    ['data of the request', (req, _res, listener) => req[way]('data', listener).resume()],
    ['end of the request', (req, _res, listener) => req.resume()[way]('end', listener)],
    ['pipe of the response', (req, res, listener) => req.pipe(res[way]('pipe', listener))],
  ];

  it.each(events)('for %s fails its call when it throws', async (_, add) => {
    const send = await serve(
      http('listening', { body: 'stream' }, (req, res) => {
        if (req.method === 'GET') return void res.send('fine');
        add(req, res, () => {
          throw new Error('in a listener');
        });
        return new Promise(() => {});
      }),
    );
    expect(await refusal(await send({ body: 'x' }))).toEqual(FAILED);
    expect(await (await send()).text()).toBe('fine');
  });

  it('knows its call', async () => {
    const closed = signalled<unknown[]>();
    const send = await serve(
      http('knowing', { body: 'stream' }, (req, res) => {
        const seen: unknown[] = [];
        const look = (): void => void seen.push(currentInvocation()?.id);
        // Listeners that are prepended do not make a stream flow.
        req[way]('data', look).resume();
        req[way]('end', () => {
          look();
          res.send('x');
        });
        res[way]('finish', look);
        res[way]('close', () => {
          look();
          closed.resolve(seen);
        });
      }),
    );
    await send({ body: 'x', headers: { 'x-request-id': 'mine' } });
    expect(await closed.promise).toEqual(['mine', 'mine', 'mine', 'mine']);
  });
});

describe('a listener', () => {
  it('runs once for each event, with its arguments and its emitter', async () => {
    const send = await serve(
      http('emitting', { body: 'stream' }, (req, res) => {
        const seen: unknown[] = [];
        req.on('data', function (this: Emitter, chunk: Buffer) {
          seen.push([this === req, chunk.toString()]);
        });
        req.on('end', () => res.json(seen));
      }),
    );
    expect(await (await send({ body: 'once' })).json()).toEqual([[true, 'once']]);
  });

  it('can be taken away again', async () => {
    let calls = 0;
    const send = await serve(
      http('removing', (_req, res) => {
        const listener = (): void => void (calls += 1);
        res.on('finish', listener);
        res.off('finish', listener);
        res.send(String(res.listenerCount('finish', listener)));
      }),
    );
    expect(await (await send()).text()).toBe('0');
    expect(calls).toBe(0);
  });

  it('tells emit whether there was one, as in Node', async () => {
    const send = await serve(
      http('telling', (req, res) => {
        req.on('mine', () => {});
        res.json([req.emit('mine'), req.emit('other')]);
      }),
    );
    expect(await (await send()).json()).toEqual([true, false]);
  });

  it('of one call does not run in another on the same connection', async () => {
    const seen: unknown[] = [];
    const { addresses } = await listen([
      http('kept', (req, res) => {
        res.on('close', () => seen.push([req.id, currentInvocation()?.id]));
        res.send('done');
      }),
    ]);
    const get = (id: string, connection: string): string =>
      `GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\nConnection: ${connection}\r\n\r\n`;
    const { reply } = connectTo(addresses.port, get('1', 'keep-alive') + get('2', 'close'));
    expect((await reply).match(/done/g)).toHaveLength(2);
    expect(seen).toEqual([
      ['1', '1'],
      ['2', '2'],
    ]);
  });

  it('that throws because its client has gone changes nothing for the next call', async () => {
    const called = signalled();
    const thrown = signalled();
    const { addresses } = await listen([
      http('left', (req, res) => {
        if (req.path === '/fine') return void res.send('fine');
        res.on('close', () => {
          thrown.resolve();
          throw new Error('too late');
        });
        called.resolve();
        return new Promise(() => {});
      }),
    ]);
    const left = connectTo(addresses.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await called.promise;
    left.socket.destroy();
    await thrown.promise;
    const { reply } = connectTo(addresses.port, 'GET /fine HTTP/1.0\r\n\r\n');
    expect(await reply).toMatch(/fine$/);
  });

  it('of the signal runs inside its call', async () => {
    const called = signalled();
    const aborted = signalled<unknown>();
    const { addresses } = await listen([
      http('aborting', (req, _res) => {
        req.signal.addEventListener('abort', () => aborted.resolve(currentInvocation()?.id));
        called.resolve();
        return new Promise(() => {});
      }),
    ]);
    const text = 'GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n';
    const { socket } = connectTo(addresses.port, text);
    await called.promise;
    socket.destroy();
    expect(await aborted.promise).toBe('mine');
  });

  it('that the code of no call adds leaves its request as it is', async () => {
    const { runtime, addresses } = await listen([http('plain', (_req, res) => void res.send('x'))]);
    const own = signalled<boolean>();
    runtime.server.prependOnceListener('request', (request) => {
      request.on('end', () => own.resolve(Object.hasOwn(request, 'emit')));
    });
    const { socket } = connectTo(addresses.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'data');
    expect(await own.promise).toBe(false);
  });
});

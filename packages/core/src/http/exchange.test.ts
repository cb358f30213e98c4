// Exchanges: when a server is idle, and how those that are cut off at the drain deadline end.
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTestRuntime } from '../testing.ts';
import { cloudEvent, currentInvocation, http } from '../index.ts';
import { createTracker } from './exchange.ts';
import { connectTo, listen, signalled } from './serve.fixture.ts';

const event =
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n' +
  'ce-id: 1\r\nce-source: /s\r\nce-type: t\r\nce-specversion: 1.0\r\n\r\n';

describe('a tracker', () => {
  it('is idle when nothing has begun', async () => {
    const tracker = createTracker();
    expect(tracker.open).toBe(0);
    await expect(tracker.drained()).resolves.toBeUndefined();
  });
});

describe('a runtime that stops', () => {
  it('waits for a handler that still works after its answer', async () => {
    const finish = signalled();
    const log: string[] = [];
    const t = await createTestRuntime({
      functions: [
        http('working', async (_req, res) => {
          res.send('answered');
          await finish.promise;
          log.push('worked');
        }),
      ],
    });
    expect(await (await t.http('working')).text()).toBe('answered');
    const closed = t.close().then(() => log.push('closed'));
    finish.resolve();
    await closed;
    expect(log).toEqual(['worked', 'closed']);
  });

  it.each([
    [
      'an http function',
      (called: () => void, aborted: (reason: unknown) => void) =>
        http('cut', (req, _res) => {
          req.signal.addEventListener('abort', () => aborted(req.signal.reason));
          called();
          return new Promise(() => {});
        }),
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    ],
    [
      'an event function',
      (called: () => void, aborted: (reason: unknown) => void) =>
        cloudEvent('cut', () => {
          const { signal } = currentInvocation() ?? {};
          signal?.addEventListener('abort', () => aborted(signal.reason));
          called();
          return new Promise(() => {});
        }),
      event,
    ],
  ])('answers 503 to a call of %s that does not end in time', async (_, define, request) => {
    const called = signalled();
    const aborted = signalled<unknown>();
    const { runtime, addresses } = await listen(
      [define(called.resolve, aborted.resolve)],
      ['--drain-timeout=30ms'],
    );
    const { reply } = connectTo(addresses.port, request);
    await called.promise;
    await expect(runtime.stop()).rejects.toMatchObject({
      code: 'OFN_DRAIN_INCOMPLETE',
      message: expect.stringContaining('cut off after 0.03 s') as string,
    });
    expect(await aborted.promise).toMatchObject({ code: 'OFN_STOPPING' });
    expect(await reply).toMatch(/^HTTP\/1\.1 503 [^]*"OFN_STOPPING"/);
  });
});

describe('a handler that goes on after its answer', () => {
  const options = ['--drain-timeout=30ms'];
  const GET = 'GET / HTTP/1.0\r\n\r\n';

  it('for ever does not fail the stop', async () => {
    const { runtime, addresses } = await listen(
      [
        http('endless', (_req, res) => {
          res.send('answered');
          return new Promise(() => {});
        }),
      ],
      options,
    );
    expect(await connectTo(addresses.port, GET).reply).toMatch(/answered$/);
    await expect(runtime.stop()).resolves.toBeUndefined();
  });

  it('of the timeout is not waited for', async () => {
    const { runtime, addresses } = await listen(
      [http('timed-out', (_req, _res) => new Promise(() => {}))],
      ['--timeout=20ms', '--drain-timeout=10m'],
    );
    expect(await connectTo(addresses.port, GET).reply).toMatch(/^HTTP\/1\.1 504 /);
    await expect(runtime.stop()).resolves.toBeUndefined();
  });

  it('that is cut off counts only the calls without an answer', async () => {
    const held = signalled();
    const { runtime, addresses } = await listen(
      [
        http('either', (req, res) => {
          if (req.path === '/held') held.resolve();
          else res.send('answered');
          return new Promise(() => {});
        }),
      ],
      options,
    );
    expect(await connectTo(addresses.port, GET).reply).toMatch(/answered$/);
    const { reply } = connectTo(addresses.port, 'GET /held HTTP/1.0\r\n\r\n');
    await held.promise;
    await expect(runtime.stop()).rejects.toMatchObject({
      code: 'OFN_DRAIN_INCOMPLETE',
      message: '1 call was cut off after 0.03 s',
    });
    expect(await reply).toMatch(/^HTTP\/1\.1 503 /);
  });
});

it('pipelined calls end with their connection, and leave their places to others', async () => {
  const reasons: unknown[] = [];
  const [both, gone] = [signalled(), signalled()];
  let calls = 0;
  const { addresses } = await listen(
    [
      http('piped', (req, res) => {
        if (req.path === '/free') return void res.send('free');
        req.signal.addEventListener('abort', () => {
          reasons.push((req.signal.reason as Error).name);
          if (reasons.length === 2) gone.resolve();
        });
        calls += 1;
        if (calls === 2) both.resolve();
        return new Promise(() => {});
      }),
    ],
    ['--max-concurrency=2'],
  );
  const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const { socket } = connectTo(addresses.port, get + get);
  await both.promise;
  const full = connectTo(addresses.port, 'GET /free HTTP/1.0\r\n\r\n');
  expect(await full.reply).toContain('OFN_OVERLOADED');
  socket.destroy();
  await gone.promise;
  const { reply } = connectTo(addresses.port, 'GET /free HTTP/1.0\r\n\r\n');
  expect(await reply).toMatch(/free$/);
  expect(reasons).toEqual(['AbortError', 'AbortError']);
});

it('pipelined calls leave no listener on their connection, and Node.js has nothing to warn of', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  onTestFinished(() => void process.removeListener('warning', warned));
  const all = signalled();
  const counts: number[] = [];
  const { addresses } = await listen([
    http('many', async (req, res) => {
      counts.push(req.socket.listenerCount('close'));
      if (counts.length === 20) all.resolve();
      await all.promise;
      res.send(req.path === '/last' ? String(req.socket.listenerCount('close')) : '');
    }),
  ]);
  const get = (path: string, header = ''): string =>
    `GET ${path} HTTP/1.1\r\nHost: a\r\n${header}\r\n`;
  const { reply, socket } = connectTo(addresses.port, get('/').repeat(20));
  await all.promise;
  socket.write(get('/last', 'Connection: close\r\n'));
  const [, last] = /\r\n\r\n(\d+)$/.exec(await reply) ?? [];
  expect(Number(last)).toBeLessThanOrEqual(counts[0] ?? 0);
  expect(warnings).toEqual([]);
});

describe('a handler that reads a body of which the rest will not come', () => {
  const HALF = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf';

  it.each([
    ['its client has gone', [], (socket: Socket): void => void socket.destroy(), /^$/],
    [
      'its client has ended',
      [],
      (socket: Socket): void => void socket.end(),
      /^HTTP\/1\.1 400 |^$/,
    ],
    ['it takes too long', ['--timeout=30ms'], () => {}, /^HTTP\/1\.1 504 /],
    ['the client is too slow', ['--request-timeout=60ms'], () => {}, /^HTTP\/1\.1 408 /],
  ] as const)('gets an error when %s', async (_, flags, leave, answer) => {
    const begun = signalled();
    const ended = signalled<unknown>();
    const { runtime, addresses } = await listen(
      [
        http('reading', { body: 'stream' }, async (req, _res) => {
          try {
            for await (const chunk of req) begun.resolve(void chunk);
            ended.resolve('the whole body');
          } catch (error) {
            ended.resolve(error);
          }
        }),
      ],
      [...flags, '--drain-timeout=10m'],
    );
    const { socket, reply } = connectTo(addresses.port, HALF);
    await begun.promise;
    leave(socket);
    expect(await reply).toMatch(answer);
    expect(await ended.promise).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
    await expect(runtime.stop()).resolves.toBeUndefined();
  });
});

// Exchanges: when a server is idle, and how those that are cut off at the drain deadline end.
import { describe, expect, it } from 'vitest';
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

import { expect, test } from 'vitest';
import { renderSummary, repeat } from './repeat.ts';

const go = new AbortController().signal;

test('as many as are wanted are sent, no more at once than may be', async () => {
  let now = 0;
  let most = 0;
  const summary = await repeat({ count: 20, concurrency: 3, signal: go }, async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    return undefined;
  });
  expect(summary).toMatchObject({ sent: 20, ok: 20, failures: new Map() });
  expect(most).toBe(3);
});

test('failures are counted by their reason, thrown ones too', async () => {
  const outcomes = ['500', undefined, '500', 'throw'];
  const summary = await repeat({ count: 4, concurrency: 1, signal: go }, () => {
    const outcome = outcomes.shift();
    return outcome === 'throw' ? Promise.reject(new Error('gone')) : Promise.resolve(outcome);
  });
  expect(summary).toMatchObject({
    sent: 4,
    ok: 1,
    failures: new Map([
      ['500', 2],
      ['gone', 1],
    ]),
  });
});

test('a rate is kept: none comes before its time', async () => {
  const times: number[] = [];
  const begin = performance.now();
  await repeat({ count: 5, rate: 100, concurrency: 5, signal: go }, () => {
    times.push(performance.now() - begin);
    return Promise.resolve(undefined);
  });
  // Timers are of whole milliseconds.
  times.forEach((time, index) => expect(time).toBeGreaterThan(index * 10 - 2));
});

test('it ends early when it is told to', async () => {
  const stopping = new AbortController();
  const summary = await repeat(
    { count: 100, rate: 1000, concurrency: 1, signal: stopping.signal },
    () => {
      stopping.abort();
      return Promise.resolve(undefined);
    },
  );
  expect(summary.sent).toBe(1);
});

test('a summary has the nearest ranks of the times', () => {
  const times = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(renderSummary({ sent: 100, ok: 98, failures: new Map(), times, duration: 2000 })).toBe(
    'sent 100, ok 98, failed 2 in 2.0 s (50/s); p50 50 ms, p99 99 ms\n',
  );
});

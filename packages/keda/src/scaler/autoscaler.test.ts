import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAutoscaler } from './autoscaler.ts';
import { DEFAULT_SCALING, type ScalingOptions } from './options.ts';

// At the start of a bucket, whenever the test runs.
beforeEach(() => vi.useFakeTimers({ now: 0 }));
afterEach(() => vi.useRealTimers());

function start(options: Partial<ScalingOptions> = {}) {
  const count = { concurrency: 0, requestCount: 0 };
  const scaled: number[] = [];
  let pending = (): void => {};
  const autoscaler = createAutoscaler({
    counts: () => count,
    onPending(listener) {
      pending = listener;
      return () => (pending = () => {});
    },
    options: { ...DEFAULT_SCALING, cooldownPeriod: 60_000, ...options },
    scale: (replicas) => scaled.push(replicas),
    now: () => Date.now(),
  });
  autoscaler.start();
  return { autoscaler, count, scaled, begin: () => pending() };
}

test('a first request is not kept waiting for a poll', () => {
  const { begin, count, scaled } = start();
  count.concurrency = 1;
  begin();
  expect(scaled).toEqual([1]);
});

test('scales up while there is more to do, and to zero after the cooldown', () => {
  const { autoscaler, begin, count, scaled } = start({
    metrics: [{ kind: 'concurrency', target: 10 }],
    maxReplicas: 3,
  });
  count.concurrency = 25;
  begin();
  vi.advanceTimersByTime(20_000);
  expect(scaled).toEqual([1, 3]);
  count.concurrency = 0;
  vi.advanceTimersByTime(120_000);
  expect(scaled).toEqual([1, 3, 0]);
  autoscaler.stop();
});

test('scales by the rate of requests', () => {
  const { autoscaler, begin, count, scaled } = start({
    metrics: [{ kind: 'requestRate', target: 10, window: 10_000, granularity: 1000 }],
  });
  count.requestCount = 1;
  begin();
  for (let second = 0; second < 30; second += 1) {
    count.requestCount += 40;
    vi.advanceTimersByTime(1000);
  }
  expect(scaled.at(-1)).toBe(4);
  autoscaler.stop();
});

test('a function with a minimum has it from the start', () => {
  const { autoscaler, scaled } = start({ minReplicas: 2 });
  expect(scaled).toEqual([2]);
  autoscaler.stop();
});

test('does nothing more once it is stopped', () => {
  const { autoscaler, begin, count, scaled } = start();
  autoscaler.stop();
  count.concurrency = 1;
  begin();
  vi.advanceTimersByTime(60_000);
  expect(scaled).toEqual([]);
});

test('as with the add-on, a rate is that of a bucket: buckets of two seconds have twice as much', () => {
  const { autoscaler, begin, count, scaled } = start({
    metrics: [{ kind: 'requestRate', target: 10, window: 60_000, granularity: 2000 }],
  });
  count.requestCount = 1;
  begin();
  for (let second = 0; second < 30; second += 1) {
    count.requestCount += 40;
    vi.advanceTimersByTime(1000);
  }
  expect(scaled.at(-1)).toBe(8);
  autoscaler.stop();
});

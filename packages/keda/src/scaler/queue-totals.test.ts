import { expect, test } from 'vitest';
import { parseQueue } from './queue.ts';
import { createQueueTotals } from './queue-totals.ts';

const KEY = 'default/hello';
const create = () => createQueueTotals(() => ({ window: 10_000, granularity: 1000 }));
const count = (concurrency: number, requests: number) =>
  parseQueue(`{"${KEY}":{"Concurrency":${concurrency},"RequestCount":${requests}}}`);

test('adds up what is pending at all interceptors', () => {
  const totals = create();
  totals.update(0, new Map([['a', count(2, 0)], ['b', count(3, 0)]])); // prettier-ignore
  expect(totals.get(KEY).concurrency).toBe(5);
  expect(totals.concurrency()).toBe(5);
});

test('one that does not answer keeps what was pending, and adds nothing to the rate', () => {
  const totals = create();
  totals.update(0, new Map([['a', count(2, 10)], ['b', count(3, 10)]])); // prettier-ignore
  totals.update(500, new Map([['a', count(1, 15)], ['b', undefined]])); // prettier-ignore
  expect(totals.get(KEY)).toEqual({ concurrency: 4, requestRate: 5 });
});

test('one that is gone counts no longer', () => {
  const totals = create();
  totals.update(0, new Map([['a', count(2, 0)], ['b', count(3, 0)]])); // prettier-ignore
  totals.update(500, new Map([['a', count(2, 0)]]));
  expect(totals.get(KEY).concurrency).toBe(2);
});

test('when none answers all stays as it was', () => {
  const totals = create();
  totals.update(0, new Map([['a', count(2, 0)]]));
  totals.update(500, new Map([['a', undefined]]));
  expect(totals.get(KEY).concurrency).toBe(2);
});

test('what was counted before the first poll is no new request', () => {
  const totals = create();
  totals.update(0, new Map([['a', count(0, 1000)]]));
  expect(totals.get(KEY).requestRate).toBe(0);
  totals.update(500, new Map([['a', count(0, 1020)]]));
  expect(totals.get(KEY).requestRate).toBe(20);
});

test('a counter that fell began anew', () => {
  const totals = create();
  totals.update(0, new Map([['a', count(0, 1000)]]));
  totals.update(500, new Map([['a', count(0, 7)]]));
  expect(totals.get(KEY).requestRate).toBe(7);
});

test('counters that come back after a failure tell all that came in between', () => {
  const totals = create();
  totals.update(0, new Map([['a', count(0, 10)], ['b', count(0, 0)]])); // prettier-ignore
  totals.update(500, new Map([['a', undefined], ['b', count(0, 0)]])); // prettier-ignore
  totals.update(900, new Map([['a', count(0, 40)], ['b', count(0, 0)]])); // prettier-ignore
  expect(totals.get(KEY).requestRate).toBe(30);
});

test('a route that no interceptor knows has nothing', () => {
  expect(create().get('default/none')).toEqual({ concurrency: 0, requestRate: 0 });
});

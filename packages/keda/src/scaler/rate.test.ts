import { expect, test } from 'vitest';
import { createRequestRate } from './rate.ts';

test('averages over the part of the window that has passed', () => {
  const rate = createRequestRate(60_000, 1000);
  for (let second = 0; second < 10; second += 1) rate.record(second * 1000, 30);
  expect(rate.average(9000)).toBe(30);
});

test('takes seconds without a request for such', () => {
  const rate = createRequestRate(10_000, 1000);
  rate.record(0, 100);
  rate.record(9000, 0);
  expect(rate.average(9000)).toBe(10);
});

test('forgets what is older than the window', () => {
  const rate = createRequestRate(10_000, 1000);
  rate.record(0, 100);
  rate.record(9000, 50);
  rate.record(10_000, 50);
  expect(rate.average(10_000)).toBe(10);
  expect(rate.average(30_000)).toBe(0);
});

test('begins anew after a window without any request', () => {
  const rate = createRequestRate(10_000, 1000);
  rate.record(0, 100);
  rate.record(60_000, 20);
  expect(rate.average(60_000)).toBe(20);
});

test('rounds to three digits', () => {
  const rate = createRequestRate(3000, 1000);
  for (const [second, count] of [1, 0, 0].entries()) rate.record(second * 1000, count);
  expect(rate.average(2000)).toBe(0.333);
});

// Ages against what kubectl prints.
import { expect, test } from 'vitest';
import { ageOf, renderAge } from './age.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

// The cases of duration_test.go of k8s.io/apimachinery.
test.each([
  [1, '1s'],
  [70, '70s'],
  [190, '3m10s'],
  [70 * 60, '70m'],
  [47 * HOUR, '47h'],
  [49 * HOUR, '2d1h'],
  [(8 * 24 + 2) * HOUR, '8d'],
  [367 * DAY, '367d'],
  [(365 * 2 + 25) * DAY, '2y25d'],
  [(365 * 8 + 2) * DAY, '8y'],
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [10 * 60, '10m'],
  [3 * HOUR, '3h'],
  [3 * HOUR + 60, '3h1m'],
  [8 * HOUR + 60, '8h'],
  [8 * DAY - HOUR, '7d23h'],
])('%d seconds are %s', (seconds, text) => {
  expect(renderAge(seconds * 1000)).toBe(text);
  expect(renderAge(seconds * 1000 + 999)).toBe(text);
});

test('what has no time is of unknown age, and what comes from the future is new', () => {
  expect(ageOf(undefined, 0)).toBe('<unknown>');
  expect(ageOf(null, 0)).toBe('<unknown>');
  expect(ageOf('2026-01-01T00:00:10Z', Date.parse('2026-01-01T00:00:00Z'))).toBe('0s');
});

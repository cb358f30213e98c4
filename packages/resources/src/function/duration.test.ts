import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseDuration, renderDuration } from './duration.ts';

it.each([
  ['0', 0],
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['5m0s', 300_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['+2s', 2000],
  ['100us', 0.1],
])('%s is %d milliseconds', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

it.each(['', '5', '-5s', '5 s', 's', '1d', '5m 3s', 'abc'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

it.each([
  [0, '0s'],
  [999, '0s'],
  [83_900, '1m23s'],
  [300_000, '5m0s'],
  [3_600_000, '1h0m0s'],
  [-5, '0s'],
])('%d milliseconds are %s', (milliseconds, text) => {
  expect(renderDuration(milliseconds)).toBe(text);
});

it('reads what it writes', () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), (seconds) => {
      expect(parseDuration(renderDuration(seconds * 1000))).toBe(seconds * 1000);
    }),
  );
});

// Durations of Go: what time.ParseDuration takes is taken, and nothing else.
import { describe, expect, test } from 'vitest';
import { parseGoDuration } from './go-duration.ts';

describe('a Go duration', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['500ms', 500],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['2.s', 2000],
    ['+1s', 1000],
    ['1h2m3s4ms', 3_723_004],
    ['1500us', 1.5],
    ['1500µs', 1.5],
    ['1500μs', 1.5],
    ['1000000ns', 1],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseGoDuration(text)).toBeCloseTo(milliseconds, 9);
  });

  test.each(['', '5', '1.5', '-1s', '1 s', 's', '.s', '1d', '1m30', '1S', '1e3s', '1s ', 'NaN'])(
    '%j is none',
    (text) => {
      expect(parseGoDuration(text)).toBeUndefined();
    },
  );
});

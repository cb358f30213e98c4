import { expect, test } from 'vitest';
import { createStyle, hasColors } from './colors.ts';

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ TERM: 'dumb' }, true, false],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
])('with %j, on a terminal: %j, there are colours: %j', (env, isTerminal, expected) => {
  expect(hasColors(env, isTerminal)).toBe(expected);
});

test('a text has its colours, whatever the stream of the process is', () => {
  expect(createStyle(true)('red', 'x')).toBe('\u001b[31mx\u001b[39m');
  expect(createStyle(false)('red', 'x')).toBe('x');
});

import { expect, test } from 'vitest';
import { createStyle } from '../colors.ts';
import { KEYS, press, renderKeys, type KeyActions } from './keys.ts';

test('each key does what it is for, capitals too, and other keys do nothing', () => {
  const done: string[] = [];
  const actions = Object.fromEntries(
    KEYS.map(({ action }) => [action, () => done.push(action)]),
  ) as unknown as KeyActions;
  for (const key of ['r', 'O', 'c', 'h', '?', 'q', '\r', 'x']) press(key, actions);
  expect(done).toEqual(['restart', 'open', 'clear', 'help', 'help', 'quit']);
});

test('help names every key', () => {
  const text = renderKeys(createStyle(false)).join('\n');
  for (const { does, key } of KEYS) expect(text).toContain(`  ${key}  ${does}`);
});

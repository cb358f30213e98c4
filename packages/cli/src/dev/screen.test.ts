import { expect, test } from 'vitest';
import { createStyle } from '../colors.ts';
import { createScreen } from './screen.ts';

function create(columns?: number) {
  let written = '';
  const terminal = {
    out: (text: string) => void (written += text),
    ...(columns === undefined ? {} : { columns: () => columns }),
  };
  return { screen: createScreen(terminal, createStyle(false)), written: () => written };
}

const ERASED = '\r\u001b[2K';

test('lines are printed above the status, which is drawn anew', () => {
  const { screen, written } = create(80);
  screen.print(['a', 'b']);
  screen.setStatus('waiting');
  screen.print(['c']);
  screen.setStatus('');
  expect(written()).toBe(`a\nb\nwaiting${ERASED}c\nwaiting${ERASED}`);
});

test('a status is never wider than the terminal, one of unknown width included', () => {
  const { screen, written } = create(8);
  screen.setStatus('waiting for it');
  expect(written()).toBe('waiting');
  const unknown = create(0);
  unknown.screen.setStatus('waiting for it');
  expect(unknown.written()).toBe('waiting for it');
});

test('in a pipe there are lines and nothing else', () => {
  const { screen, written } = create();
  screen.setStatus('waiting');
  screen.print(['a']);
  screen.print([]);
  screen.clear();
  expect(written()).toBe('a\n');
});

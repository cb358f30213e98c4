import { expect, test } from 'vitest';
import { createTable } from './table.ts';

test('columns are as wide as what is in them, three spaces apart, without any at the end', () => {
  const table = createTable(['NAME', 'STATE', 'AGE']);
  expect(table.render([['a-long-name', '', '1s']])).toBe(
    'NAME          STATE   AGE\na-long-name           1s\n',
  );
});

test('rows that come later have no head again, and keep to the columns', () => {
  const table = createTable(['NAME', 'AGE']);
  table.render([['a-long-name', '1s']]);
  expect(table.render([['b', '2s']])).toBe('b             2s\n');
});

test('a cell has nothing in it that controls a terminal', () => {
  const table = createTable(['NAME', 'MESSAGE']);
  expect(table.render([['a', 'x\u001b[2Jy\r']])).toBe('NAME   MESSAGE\na      xy\n');
});

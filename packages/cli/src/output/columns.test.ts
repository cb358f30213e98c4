import { expect, test } from 'vitest';
import { HEADS, toRow } from './columns.ts';
import { BUILDER, EVENT, FUNCTION, INSTANCE, NOW, SERVING } from './output.fixture.ts';

test.each([
  [
    'functions',
    FUNCTION,
    ['hello', 'Succeeded', 'Failed', 'builder-1', 'serving-1', 'http://localhost:8080/', '5m'],
  ],
  ['builders', BUILDER, ['builder-1', 'Build', 'Succeeded', 'Succeeded', '12ms', '5m']],
  ['servings', SERVING, ['serving-1', 'Serving', 'Running', '', '5m']],
  [
    'instances',
    INSTANCE,
    ['hello-1-1', 'ready', 'hello', 'serving-1', '42', '127.0.0.1:4000', '5m'],
  ],
  [
    'events',
    EVENT,
    ['30s', 'Warning', 'BackOff', 'serving/serving-1', 'Back-off restarting instance: exit code 1'],
  ],
] as const)('%s have a cell below each head', (kind, object, row) => {
  expect(toRow(object, NOW)).toEqual(row);
  expect(row).toHaveLength(HEADS[kind].length);
});

test('what is not known yet is an empty cell', () => {
  const { status: _, ...bare } = FUNCTION;
  const { creationTimestamp: _created, ...metadata } = FUNCTION.metadata;
  expect(toRow({ ...bare, metadata }, NOW)).toEqual(['hello', '', '', '', '', '', '<unknown>']);
});

// The exit codes of docs/lifecycle.md against the table of error codes.
import { expect, test } from 'vitest';
import { ERROR_TABLE } from '../../packages/core/src/errors.ts';
import { readPage, tableOf } from './markdown.ts';

test('the page lists every exit code of the table, and besides them only success and signals', () => {
  const listed = tableOf(readPage('docs/lifecycle.md'), 'Code').map(([code]) => Number(code));
  const thrown = Object.values(ERROR_TABLE).flatMap((entry) =>
    'exitCode' in entry ? [entry.exitCode] : [],
  );
  expect(listed).toEqual([0, ...new Set(thrown), 130, 143].toSorted((a, b) => a - b));
});

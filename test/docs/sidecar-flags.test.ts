// docs/sidecar.md against the table of flags that the bin of the sidecar reads.
import { expect, test } from 'vitest';
import { FLAGS } from '../../packages/sidecar/src/flags.ts';
import { readPage, tableOf } from './markdown.ts';

test('the page lists every flag of the sidecar, in its order, and no other', () => {
  const rows = tableOf(readPage('docs/sidecar.md'), 'Flag');
  const expected = FLAGS.map((flag) => [
    flag.value === 'boolean' ? `\`--${flag.flag}\`` : `\`--${flag.flag} <${flag.value}>\``,
    'default' in flag ? flag.default : '',
    flag.description,
  ]);
  expect(rows).toEqual(expected);
});

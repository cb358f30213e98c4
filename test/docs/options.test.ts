// docs/configuration.md against the table of options that the parser and the help text use.
import { expect, test } from 'vitest';
import { OPTION_TABLE } from '../../packages/core/src/options.ts';
import { readPage, tableOf } from './markdown.ts';

test('the reference lists every option of the code, in its order, and no other', () => {
  const rows = tableOf(readPage('docs/configuration.md'), 'Flag');
  const expected = OPTION_TABLE.map(({ flag, value, env, default: fallback, description }) => [
    value === 'boolean' ? `\`--[no-]${flag}\`` : `\`--${flag} <${value}>\``,
    env.map((name) => `\`${name}\``).join(', '),
    fallback,
    description,
  ]);
  expect(rows).toEqual(expected);
});

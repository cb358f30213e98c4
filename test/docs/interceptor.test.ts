// docs/interceptor.md against the flags, the variables and the error codes of the interceptor, and the objects
// of all pages.
import { expect, test } from 'vitest';
import { KEDA_ERRORS } from '../../packages/keda/src/errors.ts';
import { FLAGS } from '../../packages/keda/src/flags.ts';
import { VARIABLES } from '../../packages/keda/src/interceptor/environment.ts';
import { parseObjects } from '../../packages/keda/src/objects/parse.ts';
import { readPage, readPages, snippetsOf, tableOf } from './markdown.ts';

const page = readPage('docs/interceptor.md');

test('the page lists every flag of the interceptor, in its order, and no other', () => {
  const expected = FLAGS.map((flag) => [
    flag.value === 'boolean' ? `\`--${flag.flag}\`` : `\`--${flag.flag} <${flag.value}>\``,
    'default' in flag ? flag.default : '',
    flag.description,
  ]);
  expect(tableOf(page, 'Flag')).toEqual(expected);
});

test('the page lists every variable, in its order, with the versions that read it, and no other', () => {
  const rows = tableOf(page, 'Variable').map(([name, readBy]) => [name, readBy]);
  const expected = VARIABLES.map(({ name, profiles }) => [
    `\`${name}\``,
    profiles.map((profile) => `\`${profile}\``).join(' and '),
  ]);
  expect(rows).toEqual(expected);
});

test('the page lists every error code, in its order, and no other', () => {
  const expected = Object.entries(KEDA_ERRORS).map(([code, text]) => [`\`${code}\``, text]);
  expect(tableOf(page, 'Code')).toEqual(expected);
});

const objects = readPages()
  .flatMap(snippetsOf)
  .filter(({ directives }) => directives?.includes('objects'));

test.for(objects.map((snippet) => [`${snippet.page}:${snippet.line}`, snippet] as const))(
  '%s is an object that the interceptor takes',
  ([, { code, page }]) => {
    expect(parseObjects(code, page).objects).toHaveLength(1);
  },
);

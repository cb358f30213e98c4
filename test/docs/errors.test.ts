// docs/errors.md against the table of error codes.
import { describe, expect, test } from 'vitest';
import { ERROR_TABLE } from '../../packages/core/src/errors.ts';
import { readPage, sectionsOf } from './markdown.ts';

const sections = sectionsOf(readPage('docs/errors.md'), 3);

test('the page has a section for every code of the table, in its order, and no other', () => {
  expect([...sections.keys()]).toEqual(Object.keys(ERROR_TABLE));
});

describe.for(Object.entries(ERROR_TABLE))('%s', ([code, entry]) => {
  const section = sections.get(code) ?? '';

  test('is documented with its title, and its status or exit code', () => {
    const outcome = 'status' in entry ? `Status ${entry.status}` : `Exit code ${entry.exitCode}`;
    expect(section.trim().split('\n')[0]).toBe(`${outcome}. ${entry.title}.`);
  });

  test('is documented with a cause and a remedy', () => {
    expect(section).toMatch(/^- Cause: \S.{10,}/m);
    expect(section).toMatch(/^- What to do: \S.{10,}/m);
  });
});

// The links between pages, and from pages to files of the repository.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, anchorsOf, linksOf, readPage, readPages } from './markdown.ts';

describe.for(readPages())('$path', (page) => {
  test('links to files that exist, and to headings that they have', () => {
    const broken = linksOf(page).filter((link) => {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? page.path : normalize(join(dirname(page.path), path));
      if (!existsSync(join(ROOT, file))) return true;
      if (anchor === undefined) return false;
      return statSync(join(ROOT, file)).isDirectory() || !anchorsOf(readPage(file)).has(anchor);
    });
    expect(broken).toEqual([]);
  });
});

test('the README leads to every page of docs', () => {
  const pages = readPages().filter(({ path }) => path.startsWith('docs/'));
  const links = linksOf(readPage('README.md')).map((link) => normalize(link.split('#')[0] ?? ''));
  expect(pages.map(({ path }) => path).filter((path) => !links.includes(path))).toEqual([]);
});

// The folder tree in docs/architecture.md against the files of core.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, readPage, sectionsOf } from './markdown.ts';

test('the tree names every source file of core, and no file that is not there', () => {
  const section = sectionsOf(readPage('docs/architecture.md'), 2).get('Folder tree') ?? '';
  const folders: string[] = [];
  const named = [...section.matchAll(/^( *)([\w.-]+\/?) {2,}\S/gm)].flatMap(
    ([, indent = '', name = '']) => {
      folders.length = indent.length / 2;
      if (!name.endsWith('/')) return [join(...folders, name)];
      folders.push(name);
      return [];
    },
  );
  const files = readdirSync(join(ROOT, 'packages/core/src'), { recursive: true, encoding: 'utf8' });
  const sources = files.filter(
    (file) => /\.c?[jt]s$/.test(file) && !/\.(test|fixture)\.\w+$/.test(file),
  );
  expect(named.toSorted()).toEqual(sources.toSorted());
});

// The folder trees in docs/architecture.md against the files of the packages.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, readPage, sectionsOf } from './markdown.ts';

test.for(['core', 'sidecar', 'tracing', 'keda', 'resources', 'platform', 'cli'])(
  'the tree names every source file of %s, and no other',
  (name) => {
    const section = sectionsOf(readPage('docs/architecture.md'), 2).get('Folder tree') ?? '';
    const [, after = ''] = section.split(`\`packages/${name}/src\`:`);
    const [, tree = ''] = after.split('```', 2);
    const folders: string[] = [];
    const named = [...tree.matchAll(/^( *)([\w.-]+\/?) {2,}\S/gm)].flatMap(
      ([, indent = '', entry = '']) => {
        folders.length = indent.length / 2;
        if (!entry.endsWith('/')) return [join(...folders, entry)];
        folders.push(entry);
        return [];
      },
    );
    const source = join(ROOT, 'packages', name, 'src');
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
    const sources = files.filter(
      (file) => /\.c?[jt]s$/.test(file) && !/\.(test|fixture)\.\w+$/.test(file),
    );
    expect(named.toSorted()).toEqual(sources.toSorted());
  },
);

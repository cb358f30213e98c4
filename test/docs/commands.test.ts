// The commands that README and CONTRIBUTING tell people to type.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, readPage } from './markdown.ts';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};

test.for(['README.md', 'CONTRIBUTING.md'])('%s names only scripts that exist', (path) => {
  const { text } = readPage(path);
  const named = [...text.matchAll(/(?:`|^)(?:npm run|npm|pnpm) ([a-z][\w:]*)/gm)].map(
    ([, name]) => name,
  );
  const builtIn = ['install', 'exec'];
  const scripts = named.filter((name = '') => !builtIn.includes(name));
  expect(scripts.length).toBeGreaterThan(0);
  expect(scripts.filter((name = '') => manifest.scripts[name] === undefined)).toEqual([]);
});

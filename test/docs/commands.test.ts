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

test('npm start builds only what it has installed', () => {
  const filters = [...(manifest.scripts['start'] ?? '').matchAll(/--filter "([^"]+)"/g)];
  const [installed, built] = filters.map(([, filter]) => filter);
  // `...` is with its dependencies, `^...` these without the example itself.
  expect(installed).toBe('@ofn-examples/quick-start...');
  expect(built).toBe('@ofn-examples/quick-start^...');
});

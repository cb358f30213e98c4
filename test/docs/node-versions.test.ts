// The versions of Node.js that the pages name against those that the package accepts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, readPage } from './markdown.ts';

const manifest = readFileSync(join(ROOT, 'packages/core/package.json'), 'utf8');
const { engines } = JSON.parse(manifest) as { engines: { node: string } };

test('the architecture explains the range that the package declares', () => {
  expect(readPage('docs/architecture.md').text).toContain(`\`${engines.node}\``);
});

test.for(['README.md', 'CONTRIBUTING.md', 'docs/getting-started.md'])(
  '%s names the first version of each supported line',
  (path) => {
    const { text } = readPage(path);
    const lowest = [...engines.node.matchAll(/(\d+\.\d+)\.0/g)].map(([, version]) => version);
    expect(lowest).toHaveLength(2);
    expect(lowest.filter((version) => !text.includes(`${version} or newer`))).toEqual([]);
  },
);

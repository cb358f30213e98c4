// The examples in the JSDoc of the packages: code that a reader copies must at least parse.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'rolldown/utils';
import { expect, test } from 'vitest';
import { ROOT } from './markdown.ts';

const PACKAGES = ['core', 'resources'];

function examplesOf(file: string): readonly { name: string; code: string }[] {
  const blocks = readFileSync(join(ROOT, 'packages', file), 'utf8').matchAll(/\/\*\*([^]*?)\*\//g);
  return [...blocks].flatMap(([, block = '']) => {
    const text = block.replaceAll(/^\s*\* ?/gm, '');
    const [, ...examples] = text.split(/^@example\b/m);
    return examples.map((example) => {
      const code = example.split(/^@\w/m, 1)[0] ?? '';
      return { name: `${file}: ${code.trim().split('\n', 1)[0]}`, code };
    });
  });
}

function examplesOfPackage(name: string) {
  const source = join(name, 'src');
  return readdirSync(join(ROOT, 'packages', source), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) => examplesOf(join(source, file)));
}

test.for(PACKAGES)('%s has examples in its JSDoc', (name) => {
  expect(examplesOfPackage(name).length).toBeGreaterThan(5);
});

test.for(PACKAGES.flatMap(examplesOfPackage))('$name parses', ({ code }) => {
  expect(parseSync('example.ts', code).errors.map(({ message }) => message)).toEqual([]);
});

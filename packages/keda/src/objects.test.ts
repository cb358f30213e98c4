// The ./objects export: its names, and what it loads.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import * as objects from './objects.ts';

test('exports these values', () => {
  expect(Object.keys(objects).toSorted()).toEqual([
    'KedaError',
    'parseObjects',
    'renderObjects',
    'toHttpScaledObject',
    'toInterceptorRoute',
  ]);
});

test('loads no package but for what it parses with', async () => {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = async (file: URL): Promise<void> => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    const source = await readFile(file, 'utf8');
    for (const [statement, name = ''] of source.matchAll(
      /^(?:import|export)\b[^;]*? from '([^']+)';/gm,
    )) {
      if (/^(?:import|export) type\b/.test(statement)) continue;
      if (name.startsWith('.')) await visit(new URL(name, file));
      else packages.add(name);
    }
  };
  await visit(new URL('objects.ts', import.meta.url));
  expect([...packages].toSorted()).toEqual(['valibot', 'yaml']);
});

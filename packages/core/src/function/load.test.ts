import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSource } from './load.ts';
const tryit = async (files: Record<string, string>, target?: string) => {
  const d = mkdtempSync(join(tmpdir(), 'ofn-load-'));
  for (const [k, v] of Object.entries(files)) writeFileSync(join(d, k), v);
  try {
    const r = await loadSource({ source: d, target, signatureType: 'http' });
    return r.functions.map((f) => f.name + ':' + String(f.handler));
  } catch (e) {
    return `${(e as any).code} ${(e as Error).message}`;
  }
};
test('x', async () => {
  console.log(
    await tryit({ 'index.js': 'exports.hello = (req, res) => require("node:path").sep;' }, 'hello'),
  );
  console.log(await tryit({ 'index.mjs': 'export const hello = (req, res) => {};' }, 'hello'));
  console.log(
    await tryit({ 'index.ts': 'export const hello = (req: object, res: object) => {};' }, 'hello'),
  );
  console.log(await tryit({ 'index.cjs': 'throw null' }, 'hello'));
  expect(1).toBe(1);
});

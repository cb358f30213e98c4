// Builds dist/: the library and its types.
import { readFileSync, rmSync } from 'node:fs';
import { build } from 'rolldown';
import { emitTypes } from '../emit-types.js';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
rmSync('dist', { recursive: true, force: true });
await build({
  input: { index: 'src/index.ts', preload: 'src/serving/preload.ts' },
  platform: 'node',
  external: [/^node:/, ...Object.keys(dependencies).map((name) => new RegExp(`^${name}(?:/|$)`))],
  output: { dir: 'dist', format: 'esm', chunkFileNames: '[name].js' },
});
emitTypes(['index']);

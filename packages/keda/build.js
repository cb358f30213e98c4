// Builds dist/: the library and the bin as ES modules that share their chunks, and types for
// `import` and for `require`.
import { readFileSync, rmSync } from 'node:fs';
import { build } from 'rolldown';
import { emitTypes } from '../emit-types.js';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const external = [
  /^node:/,
  ...Object.keys(dependencies).map((name) => new RegExp(`^${name}(?:/|$)`)),
];

rmSync('dist', { recursive: true, force: true });

await build({
  input: { index: 'src/index.ts', main: 'src/main.ts' },
  platform: 'node',
  external,
  output: { dir: 'dist', format: 'esm', chunkFileNames: '[name].js' },
});

emitTypes(['index']);

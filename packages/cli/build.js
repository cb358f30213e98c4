// Builds dist/: the bin. There is no library.
import { readFileSync, rmSync } from 'node:fs';
import { build } from 'rolldown';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
rmSync('dist', { recursive: true, force: true });
await build({
  input: 'src/main.ts',
  platform: 'node',
  external: [/^node:/, ...Object.keys(dependencies).map((name) => new RegExp(`^${name}(?:/|$)`))],
  output: { dir: 'dist', format: 'esm', chunkFileNames: '[name].js' },
});

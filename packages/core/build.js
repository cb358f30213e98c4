// Builds dist/: the library and the bin as ES modules that share their chunks, what is
// loaded on demand as CommonJS files, types for `import` and for `require`.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'rolldown';
import { emitTypes } from '../emit-types.js';
import { renderNotices } from '../third-party-notices.js';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
// With what is below each: messages of Dapr are imported from inside its SDK.
const external = [
  /^node:/,
  ...Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`)),
];

rmSync('dist', { recursive: true, force: true });

const bundles = [];
const { output } = await build({
  input: { index: 'src/index.ts', testing: 'src/testing.ts', main: 'src/main.ts' },
  platform: 'node',
  external,
  output: {
    dir: 'dist',
    format: 'esm',
    minify: { mangle: false, compress: true, codegen: true },
    chunkFileNames: '[name].js',
    // What all entries share is one file: each more is a file to find and open at the start.
    codeSplitting: { groups: [{ name: 'shared', minShareCount: 3 }] },
  },
});
bundles.push(...output);
for (const [source, file] of [
  ['src/http/express-parts.cjs', 'dist/express-parts.cjs'],
  ['src/pino.cjs', 'dist/pino.cjs'],
]) {
  const { output } = await build({
    input: source,
    platform: 'node',
    output: { file, format: 'cjs', minify: true },
  });
  bundles.push(...output);
}
writeFileSync('dist/THIRD-PARTY-NOTICES.txt', renderNotices(bundles));

emitTypes(['index', 'testing']);

// Builds dist/: the library and the bin as ES modules that share their chunks, Express's parts as one
// CommonJS file, types for `import` and for `require`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'rolldown';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const external = [/^node:/, ...Object.keys(dependencies)];

rmSync('dist', { recursive: true, force: true });

await build({
  input: { index: 'src/index.ts', testing: 'src/testing.ts', main: 'src/main.ts' },
  platform: 'node',
  external,
  output: { dir: 'dist', format: 'esm', minify: false, chunkFileNames: '[name].js' },
});
await build({
  input: 'src/http/express-parts.cjs',
  platform: 'node',
  output: { file: 'dist/express-parts.cjs', format: 'cjs', minify: true },
});

const emitTypes = (folder) =>
  execFileSync('pnpm', ['exec', 'tsc', '-p', 'tsconfig.build.json', '--outDir', folder], {
    stdio: 'inherit',
  });
emitTypes("dist");

// The same for `require`: every supported Node can require an ES module, so the code is one and the
// registry too; only the types must say that they are CommonJS.
mkdirSync('dist/cjs', { recursive: true });
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
emitTypes('dist/cjs');
for (const entry of ['index', 'testing']) {
  writeFileSync(`dist/cjs/${entry}.js`, `module.exports = require('../${entry}.js');\n`);
}

// Builds dist/: the library and the bin as ES modules that share their chunks, what is
// loaded on demand as CommonJS files, types for `import` and for `require`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const external = [/^node:/, ...Object.keys(dependencies)];

rmSync('dist', { recursive: true, force: true });

await build({
  input: { index: 'src/index.ts', testing: 'src/testing.ts', main: 'src/main.ts' },
  platform: 'node',
  external,
  output: {
    dir: 'dist',
    format: 'esm',
    minify: { mangle: false, compress: true, codegen: true },
    chunkFileNames: '[name].js',
  },
});
for (const [source, file] of [
  ['src/http/express-parts.cjs', 'dist/express-parts.cjs'],
  ['src/pino.cjs', 'dist/pino.cjs'],
]) {
  await build({ input: source, platform: 'node', output: { file, format: 'cjs', minify: true } });
}

/** Emits declarations. The compiler leaves the `.ts` of their imports; a package needs `.js`. */
function emitTypes(folder) {
  execFileSync('pnpm', ['exec', 'tsc', '-p', 'tsconfig.json', '--outDir', folder], {
    stdio: 'inherit',
  });
  for (const file of readdirSync(folder, { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue;
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/(from '|import\(')(\.[^']*)\.ts'/g, "$1$2.js'"));
  }
}

emitTypes('dist');

// The same for `require`: every supported Node can require an ES module, so the code is one and the
// registry too; only the types must say that they are CommonJS.
mkdirSync('dist/cjs', { recursive: true });
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
emitTypes('dist/cjs');
for (const entry of ['index', 'testing']) {
  writeFileSync(`dist/cjs/${entry}.js`, `module.exports = require('../${entry}.js');\n`);
}

// Builds dist/: the library and the bin as ES modules that share their chunks, and types for
// `import` and for `require`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

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

// The same for `require`: every supported Node can require an ES module, so the code is one; only
// the types must say that they are CommonJS.
mkdirSync('dist/cjs', { recursive: true });
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
emitTypes('dist/cjs');
writeFileSync('dist/cjs/index.js', `module.exports = require('../index.js');\n`);

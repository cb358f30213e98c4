// The last step of a package's build: its types, for `import` and for `require`, and the entries that
// `require` finds. It runs in the folder of the package.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Emits declarations to `dist` and `dist/cjs`.
 *
 * Every supported Node.js can require an ES module, so the code is one, and what is registered in it
 * too; only the types must say that they are CommonJS.
 *
 * @param entries Names of the entry files, such as `['index']`.
 */
export function emitTypes(entries) {
  emitDeclarations('dist');
  mkdirSync('dist/cjs', { recursive: true });
  writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
  emitDeclarations('dist/cjs');
  for (const entry of entries) {
    writeFileSync(`dist/cjs/${entry}.js`, `module.exports = require('../${entry}.js');\n`);
  }
}

// The compiler leaves the `.ts` of their imports; a package needs `.js`.
function emitDeclarations(folder) {
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

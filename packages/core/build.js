// Builds dist/: the library and the bin as ES modules that share their chunks, what is
// loaded on demand as CommonJS files, types for `import` and for `require`.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'rolldown';

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

/** The licences of the packages whose code is in the bundles, as they ask for. */
function renderNotices(chunks) {
  const folders = new Set(
    chunks
      .flatMap((chunk) => Object.keys(chunk.modules ?? {}))
      .filter((module) => module.includes('node_modules'))
      .map(packageFolder),
  );
  const notices = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    );
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return notices.toSorted().join(`\n${'-'.repeat(80)}\n\n`);
}

function packageFolder(module) {
  let folder = dirname(module.replace(/^\0/, '').replace(/\?.*$/, ''));
  // A folder may hold a package.json that only says which kind its modules are.
  while (!isPackage(folder)) folder = dirname(folder);
  return folder;
}

function isPackage(folder) {
  const manifest = join(folder, 'package.json');
  return existsSync(manifest) && 'version' in JSON.parse(readFileSync(manifest, 'utf8'));
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

// Builds dist/: the library and the bin as ES modules that share their chunks, what is
// loaded on demand as CommonJS files, types for `import` and for `require`.
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'rolldown';
import { emitTypes } from '../emit-types.js';

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

emitTypes(['index', 'testing']);

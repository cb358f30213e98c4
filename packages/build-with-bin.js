// The build of a package that has a library and a bin, and bundles nothing of its dependencies: ES modules
// that share their chunks, and types for `import` and for `require`. It runs in the folder of the package.
import { readFileSync, rmSync } from 'node:fs';
import { emitTypes } from './emit-types.js';

/**
 * @param build The bundler's, which is a dependency of the package.
 * @param entries Names of the library's entry files. Default: its index.
 */
export async function buildWithBin(build, entries = ['index']) {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const external = [
    /^node:/,
    ...Object.keys(dependencies).map((name) => new RegExp(`^${name}(?:/|$)`)),
  ];
  rmSync('dist', { recursive: true, force: true });
  await build({
    input: Object.fromEntries([...entries, 'main'].map((name) => [name, `src/${name}.ts`])),
    platform: 'node',
    external,
    output: { dir: 'dist', format: 'esm', chunkFileNames: '[name].js' },
  });
  emitTypes(entries);
}

// Builds dist/: the library, its types, and the JSON Schemas, which are made of the same schemas.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';
import { emitTypes } from '../emit-types.js';

const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const external = [
  /^node:/,
  ...Object.keys({ ...dependencies, ...devDependencies }).map(
    (name) => new RegExp(`^${name}(?:/|$)`),
  ),
];

rmSync('dist', { recursive: true, force: true });
await build({
  input: { index: 'src/index.ts' },
  platform: 'node',
  external,
  output: { dir: 'dist', format: 'esm', chunkFileNames: '[name].js' },
});

// What makes the schemas is needed here alone, and is no part of the package.
await build({
  input: 'src/json-schema.ts',
  platform: 'node',
  external,
  output: { file: 'dist/schemas/make.js', format: 'esm' },
});
const { toJsonSchemas } = await import(pathToFileURL('dist/schemas/make.js').href);
rmSync('dist/schemas/make.js');
mkdirSync('dist/schemas', { recursive: true });
for (const [name, schema] of Object.entries(toJsonSchemas())) {
  writeFileSync(`dist/schemas/${name}.json`, `${JSON.stringify(schema, undefined, 2)}\n`);
}

emitTypes(['index']);

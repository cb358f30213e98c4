// Builds dist/: the library as ES modules, OpenTelemetry's packages among them, and types for `import`
// and for `require`.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { emitTypes } from '../emit-types.js';
import { renderNotices } from '../third-party-notices.js';

const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const external = [
  /^node:/,
  ...Object.keys({ ...dependencies, ...peerDependencies }).map(
    (name) => new RegExp(`^${name}(?:/|$)`),
  ),
];

const require = createRequire(import.meta.url);

// Chunks stand in the stacks that users read: each is named for the first of these that is in it, one
// with none of them after its own module.
const CHUNK_NAMES = [
  ['/src/skywalking/provider.ts', 'skywalking'],
  ['/src/opentelemetry/provider.ts', 'opentelemetry'],
  ['/@opentelemetry/exporter-trace-otlp-grpc/', 'otlp-grpc'],
  ['/@opentelemetry/exporter-trace-otlp-http/', 'otlp-http-json'],
  ['/@opentelemetry/exporter-trace-otlp-proto/', 'otlp-http-protobuf'],
  ['/@opentelemetry/otlp-transformer/', 'otlp'],
  ['/@opentelemetry/context-async-hooks/', 'opentelemetry-context'],
  ['/@opentelemetry/api/', 'opentelemetry-api'],
];

function chunkFileName({ moduleIds }) {
  const named = CHUNK_NAMES.find(([part]) => moduleIds.some((id) => id.includes(part)));
  return `${named?.[1] ?? '[name]'}.js`;
}

rmSync('dist', { recursive: true, force: true });

const { output } = await build({
  input: { index: 'src/index.ts', preload: 'src/preload.ts', testing: 'src/testing.ts' },
  platform: 'node',
  external,
  resolve: {
    // Some of OpenTelemetry's packages are CommonJS and ask for the others as such: what is there as
    // ES modules is taken as that by all, so that there is one copy and only what is used of it.
    mainFields: ['module', 'main'],
    conditionNames: ['node', 'module', 'import', 'default'],
    alias: {
      '@opentelemetry/api$': fileURLToPath(import.meta.resolve('@opentelemetry/api')),
      // Two releases are asked for, which differ in nothing but their number.
      '@opentelemetry/core': dirname(require.resolve('@opentelemetry/core/package.json')),
    },
  },
  output: {
    dir: 'dist',
    format: 'esm',
    minify: { mangle: false, compress: true, codegen: true },
    chunkFileNames: chunkFileName,
  },
});
writeFileSync('dist/THIRD-PARTY-NOTICES.txt', renderNotices(output));

emitTypes(['index', 'preload', 'testing']);

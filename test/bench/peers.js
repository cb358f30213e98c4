// The servers that are compared: a name, and the arguments of `node` that start each of them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));

/** The framework's bin, found as an installed package would be. */
export const bin = join(
  dirname(require.resolve('@ofn/core/package.json')),
  require('@ofn/core/package.json').bin['functions-framework'],
);

const functionFile = (workload) => join(here, 'functions', `${workload}.cjs`);
const server = (name) => (workload, port) => [join(here, 'servers', `${name}.cjs`), workload, port];

/** Peers by key. `start` gives the arguments for a workload and a port. */
export const peers = {
  bare: { label: 'node:http, bare', start: server('bare') },
  ours: {
    label: '@ofn/core',
    start: (workload, port) => [
      bin,
      `--source=${functionFile(workload)}`,
      '--target=handler',
      `--port=${port}`,
      // Node's default, which the other servers have: the header that tells of it is the same.
      '--keep-alive-timeout=5',
    ],
  },
  fastify: { label: `Fastify ${version('fastify')}`, start: server('fastify') },
  hono: { label: `Hono ${version('hono')} on Node`, start: server('hono') },
  express: { label: `Express ${version('express')}`, start: server('express') },
  faasjs: {
    label: `faas-js-runtime ${version('faas-js-runtime')} (Knative)`,
    start: (workload, port) => [
      require.resolve('faas-js-runtime/bin/cli.js'),
      `--port=${port}`,
      functionFile(`faas-js-${workload}`),
    ],
  },
  gcf: {
    label: `GCF functions-framework ${version('@google-cloud/functions-framework')}`,
    start: (workload, port) => [
      join(dirname(require.resolve('@google-cloud/functions-framework')), 'main.js'),
      `--source=${functionFile(workload)}`,
      '--target=handler',
      `--port=${port}`,
    ],
  },
};

function version(name) {
  // By its path: not every package exports its manifest.
  const manifest = readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8');
  return JSON.parse(manifest).version;
}

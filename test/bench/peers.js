// The servers that are compared: a name, and the arguments of `node` that start each of them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EVENT_PATH } from './cloud-event.js';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));

/** The framework's bin, found as an installed package would be. */
export const bin = join(
  dirname(require.resolve('@ofn/core/package.json')),
  require('@ofn/core/package.json').bin['functions-framework'],
);

/** Files of `functions/` and `servers/` by their names. */
export const functionFile = (name) => join(here, 'functions', `${name}.cjs`);
export const serverFile = (name) => join(here, 'servers', `${name}.cjs`);

const server = (name) => (workload, port) => [serverFile(name), workload, port];

// Announces the path of DaprServer, so that both get the same bytes.
const EVENT_CONTEXT = {
  name: 'bench',
  version: 'v1.0.0',
  runtime: 'Async',
  inputs: {
    orders: {
      componentName: 'pubsub',
      componentType: 'pubsub.in-memory',
      topic: 'orders',
      metadata: { route: EVENT_PATH },
    },
  },
};

const ours = (workload, port) => [
  bin,
  `--source=${functionFile(workload)}`,
  '--target=handler',
  `--port=${port}`,
  // Node's default, which the other servers have: the header that tells of it is the same.
  '--keep-alive-timeout=5',
];

/** Peers by key. `start` gives the arguments for a workload and a port, `env` what else they need. */
export const peers = {
  bare: { label: 'node:http, bare', start: server('bare') },
  ours: { label: '@ofn/core', start: ours },
  // The same framework with a collector of SkyWalking, as it is by default and with each call recorded.
  traced: { label: '@ofn/core, traced', start: ours },
  tracedWhole: {
    label: '@ofn/core, each call traced',
    start: ours,
    env: { SW_AGENT_MAX_BUFFER_SIZE: '100000' },
  },
  // The same framework behind KEDA: its adapter on.
  keda: {
    label: '@ofn/core --keda',
    start: (workload, port) => [...ours(workload, port), '--keda', '--keda-add-on=0.5'],
  },
  // The interceptor in a process of its own, in front of the same framework in another.
  intercepted: {
    label: '@ofn/core behind ofn-interceptor',
    start: (workload, port) => [serverFile('interceptor'), port, ...ours(workload, 0)],
  },
  // The same framework, as a function that takes the events of a topic.
  events: {
    label: '@ofn/core',
    start: (workload, port) => [
      bin,
      `--source=${functionFile('on-order')}`,
      '--target=handler',
      `--app-protocol=${workload === 'event-grpc' ? 'grpc' : 'http'}`,
      `--port=${port}`,
      '--keep-alive-timeout=5',
    ],
    env: { FUNC_CONTEXT: JSON.stringify(EVENT_CONTEXT) },
  },
  fastify: { label: `Fastify ${version('fastify')}`, start: server('fastify') },
  dapr: { label: `DaprServer ${version('@dapr/dapr')}`, start: server('dapr-server') },
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

/**
 * What a server needs in its environment.
 *
 * @param {Map<string, {address: string}>} [collectors] Those of the servers that trace.
 */
export function environmentOf(key, collectors) {
  const { env } = peers[key];
  const collector = collectors?.get(key);
  if (collector === undefined) return env;
  return { ...env, SW_AGENT_COLLECTOR_BACKEND_SERVICES: collector.address };
}

function version(name) {
  // By its path: not every package exports its manifest.
  const manifest = readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8');
  return JSON.parse(manifest).version;
}

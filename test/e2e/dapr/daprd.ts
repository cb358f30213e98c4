// Starts a real daprd: the one that DAPRD names, or that is on PATH. All of it stays on loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findFreePorts } from '@ofn-test/dapr/free-ports';
import {
  PUBSUB,
  resiliencyOf,
  STORE,
  type SidecarSetup,
  type StartedSidecar,
} from './sidecar-process.ts';

/** The binary; `undefined` when there is none. */
export const DAPRD = findDaprd();

function findDaprd(): string | undefined {
  const { DAPRD: given, PATH = '' } = process.env;
  if (given !== undefined && given !== '') return given;
  return PATH.split(delimiter)
    .map((folder) => join(folder, 'daprd'))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Starts daprd; resolves when it has found the app. */
export async function startDaprd(setup: SidecarSetup): Promise<StartedSidecar> {
  const folder = mkdtempSync(join(tmpdir(), 'ofn-daprd-'));
  const { appPort, protocol, appApiToken } = setup;
  writeResources(folder, setup);
  const [freePort = 0, grpcPort, internalPort] = await findFreePorts(3);
  const { httpPort = freePort } = setup;
  const flags = {
    'app-id': 'app',
    'app-port': appPort,
    'app-protocol': protocol,
    'app-channel-address': '127.0.0.1',
    'dapr-http-port': httpPort,
    'dapr-grpc-port': grpcPort,
    'dapr-internal-grpc-port': internalPort,
    'dapr-listen-addresses': '127.0.0.1',
    'dapr-internal-grpc-listen-address': '127.0.0.1',
    'dapr-graceful-shutdown-seconds': 1,
    'resources-path': join(folder, 'resources'),
    config: join(folder, 'config.yaml'),
    'log-as-json': true,
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(DAPRD ?? 'daprd', [...args.slice(0, -1), '--enable-metrics=false'], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      DAPR_HOST_IP: '127.0.0.1',
      ...(appApiToken === undefined ? {} : { APP_API_TOKEN: appApiToken }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  const exited = once(child, 'exit');
  const found = new Promise<void>((resolve, reject) => {
    const look = (text: string): void => {
      log += text;
      // What it says last, with the app's subscriptions and bindings read.
      if (log.includes('dapr initialized. Status: Running')) resolve();
    };
    child.stdout.setEncoding('utf8').on('data', look);
    child.stderr.setEncoding('utf8').on('data', look);
    child.once('error', reject);
    exited.then(() => reject(new Error(`daprd ended:\n${log}`)), reject);
  });

  async function stop(): Promise<void> {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    await found;
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    httpPort,
    journal: undefined,
    // They tick each second, from the start.
    trigger() {},
    idle: () => Promise.resolve(),
    stop,
  };
}

function writeResources(folder: string, setup: SidecarSetup): void {
  mkdirSync(join(folder, 'resources'));
  // JSON is YAML. Multicast, which is the default for finding other apps, would leave loopback.
  const write = (path: string, kind: string, name: string, spec: object, version = 'v1alpha1') => {
    const resource = { apiVersion: `dapr.io/${version}`, kind, metadata: { name }, spec };
    writeFileSync(join(folder, path), JSON.stringify(resource));
  };
  const connectionString = `file:${join(folder, 'names.db')}`;
  write('config.yaml', 'Configuration', 'local', {
    nameResolution: { component: 'sqlite', configuration: { connectionString } },
  });
  const pubsub = { type: 'pubsub.in-memory', version: 'v1' };
  write('resources/pubsub.yaml', 'Component', PUBSUB, pubsub);
  const store = { type: 'state.in-memory', version: 'v1' };
  write('resources/store.yaml', 'Component', STORE, store);
  write('resources/resiliency.yaml', 'Resiliency', 'again', resiliencyOf(setup));
  for (const name of setup.bindings) {
    const metadata = [
      { name: 'schedule', value: '@every 1s' },
      { name: 'direction', value: 'input' },
    ];
    write(`resources/${name}.yaml`, 'Component', name, {
      type: 'bindings.cron',
      version: 'v1',
      metadata,
    });
  }
}

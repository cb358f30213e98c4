// The bin as a process with our own sidecar in front of it, both ended with the test.
import { createSidecar, type Sidecar, type SidecarOptions } from '@ofn/sidecar';
import {
  serving,
  test as base,
  type ServingFunction,
  type StartOptions,
} from '@ofn-test/system/start-function';
import { findFreePorts } from './free-ports.ts';

type Protocol = 'http' | 'grpc';
export const PROTOCOLS = ['http', 'grpc'] as const;

/** What is started. */
interface DaprOptions extends StartOptions {
  /** Default `http`. */
  readonly protocol?: Protocol;
  /** The function context. */
  readonly context?: object;
  readonly sidecar?: SidecarOptions;
}

/** A function behind its sidecar. */
interface Started {
  readonly app: ServingFunction;
  readonly sidecar: Sidecar;
}

interface Fixtures {
  /** Starts both; resolves when the sidecar knows what the function subscribes to. */
  startDapr: (options: DaprOptions) => Promise<Started>;
  /** Starts a sidecar alone. */
  startSidecar: (options: SidecarOptions) => Promise<Sidecar>;
}

/** `test`, with functions behind sidecars. */
export const test = base.extend<Fixtures>({
  startSidecar: async ({ onTestFinished }, use) => {
    await use(async (options) => {
      const sidecar = await createSidecar({ gracefulShutdownSeconds: 0.1, ...options });
      onTestFinished(() => sidecar.stop());
      return sidecar;
    });
  },
  startDapr: async ({ run, startSidecar }, use) => {
    await use(
      async ({ protocol = 'http', context, sidecar: given, env, args = [], ...options }) => {
        const [port = 0] = await findFreePorts(1);
        const sidecar = await startSidecar({
          components: COMPONENTS,
          resiliency: retrying(),
          ...given,
          appPort: port,
          appProtocol: protocol,
        });
        const command = run({
          ...options,
          args: ['--port', String(port), ...args],
          env: {
            APP_PROTOCOL: protocol,
            DAPR_HTTP_PORT: String(sidecar.httpPort),
            DAPR_GRPC_PORT: String(sidecar.grpcPort),
            ...(context === undefined ? {} : { FUNC_CONTEXT: JSON.stringify(context) }),
            ...env,
          },
        });
        const app = await serving(command);
        await sidecar.appReady();
        return { app, sidecar };
      },
    );
  },
});

/** What most functions here use. */
export const COMPONENTS = [
  { name: 'pubsub', type: 'pubsub.in-memory' },
  { name: 'store', type: 'state.in-memory' },
  { name: 'other', type: 'state.in-memory' },
  // Triggered by hand: it does not tick within a test.
  { name: 'tick', type: 'bindings.cron', metadata: { schedule: '@every 24h' } },
];

/** A policy by which what comes in to components comes again so often, each time after 20 ms. */
export function retrying(maxRetries = 2, components: readonly string[] = ['pubsub', 'tick']) {
  const inbound = { retry: 'again' };
  return {
    policies: {
      retries: { again: { policy: 'constant' as const, duration: '20ms', maxRetries } },
    },
    targets: { components: Object.fromEntries(components.map((name) => [name, { inbound }])) },
  };
}

/** What happened to what came in, in its order. */
export function outcomes({ journal }: Sidecar): string[] {
  return journal.entries.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'published');
}

/** Publishes a CloudEvent as it is. */
export function publishEvent(sidecar: Sidecar, topic: string, event: object): Promise<void> {
  const whole = { specversion: '1.0', id: 'event-1', source: 'test', type: 'test', ...event };
  return sidecar.publish('pubsub', topic, whole, { contentType: 'application/cloudevents+json' });
}

/** A module that registers functions, with everything of the package at hand. */
export function moduleOf(source: string): Record<string, string> {
  return {
    'index.mjs': `
      import * as ofn from '@ofn/core';
      const { binding, cloudEvent, definePlugin, DropError, event, openfunction, topic, use } = ofn;
      const print = (value) => console.log(JSON.stringify(value));
      ${source}
    `,
  };
}

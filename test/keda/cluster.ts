// A function as a cluster runs it, on this machine: an interceptor, a scaler and instances that are
// processes. All of it ends with the test.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import {
  DEFAULT_SCALING,
  createAutoscaler,
  createInstances,
  createInterceptor,
  toInterceptorRoute,
  toRoutes,
  type InstanceInfo,
  type Interceptor,
  type InterceptorOptions,
  type ScalingOptions,
} from '@ofn/keda';

const require = createRequire(import.meta.url);
const manifest = require.resolve('@ofn/core/package.json');
const { bin } = require(manifest) as { bin: Record<string, string> };
const functions = join(import.meta.dirname, 'functions');

/** The name that the function is reached by. */
export const HOST = 'shop.example.com';

const KEY = 'default/shop';

const routes = toRoutes([toInterceptorRoute({ name: 'shop', hosts: [HOST] }).route]);

/** What an instance is: the framework with its adapter, or Express as its README sets it up. */
export const BACKENDS = {
  framework: [
    process.execPath,
    join(dirname(manifest), bin['functions-framework'] ?? ''),
    '--source',
    join(functions, 'function.js'),
    '--keda',
    '--host',
    '127.0.0.1',
  ],
  express: [process.execPath, join(functions, 'express.js')],
} as const;

// A cluster's minutes as tenths of seconds: it is as many decisions, in less time.
const FAST: ScalingOptions = {
  ...DEFAULT_SCALING,
  maxReplicas: 3,
  metrics: [{ kind: 'concurrency', target: 20 }],
  cooldownPeriod: 500,
  syncPeriod: 200,
  scaleUp: { ...DEFAULT_SCALING.scaleUp, policies: [{ type: 'Pods', value: 4, period: 200 }] },
  scaleDown: { ...DEFAULT_SCALING.scaleDown, stabilizationWindow: 500 },
};

/** The function, with all that is around it. */
export interface Cluster {
  readonly port: number;
  readonly interceptor: Interceptor;
  /** The instances that have not exited. */
  instances(): readonly InstanceInfo[];
  /** The most instances that were ready at once since it was asked last. */
  mostReady(): number;
  /** Resolves when no instance is left. */
  atZero(): Promise<void>;
  /** Ends an instance as Kubernetes ends a pod: by SIGTERM, while it still gets requests. */
  terminateOne(): void;
  /** How many have been ended so. */
  terminated(): number;
}

/** Starts a cluster that has no instance yet. */
export async function startCluster(
  backend: keyof typeof BACKENDS,
  {
    env,
    interceptor: given,
    probePeriod = 50,
    scaling,
  }: {
    readonly env?: Readonly<Record<string, string>>;
    readonly interceptor?: Omit<InterceptorOptions, 'routes'>;
    /** Milliseconds. */
    readonly probePeriod?: number;
    readonly scaling?: Partial<ScalingOptions>;
  } = {},
): Promise<Cluster> {
  const interceptor = createInterceptor({
    routes: routes.map(({ route }) => route),
    port: 0,
    adminPort: 0,
    ...given,
  });
  let most = 0;
  const ended = new Set<number>();
  const instances = createInstances({
    command: [...BACKENDS[backend]],
    env: { FUNCTION_DRAIN_DELAY: '300ms', FUNCTION_LOG_LEVEL: 'error', ...env },
    ready: { path: '/readyz', period: probePeriod },
    onEndpoints(addresses) {
      most = Math.max(most, addresses.length);
      interceptor.setEndpoints(KEY, addresses);
    },
  });
  const autoscaler = createAutoscaler({
    counts: () => interceptor.counts()[KEY],
    onPending: (listener) => interceptor.onPending((key) => key === KEY && listener()),
    options: { ...FAST, ...scaling },
    scale: (replicas) => instances.scale(replicas),
  });
  onTestFinished(async () => {
    autoscaler.stop();
    await instances.stop();
    await interceptor.stop({ force: true });
  });
  const { port } = await interceptor.start();
  autoscaler.start();
  return {
    port,
    interceptor,
    instances: () => instances.list(),
    mostReady() {
      const answer = most;
      most = 0;
      return answer;
    },
    atZero: () => vi.waitFor(() => expect(instances.list()).toEqual([]), { timeout: 20_000 }),
    terminated: () => ended.size,
    terminateOne() {
      const instance = instances
        .list()
        .find(({ pid, state }) => state === 'ready' && pid !== undefined && !ended.has(pid));
      if (instance?.pid === undefined) return;
      // Kubernetes asks once; a second time would mean now.
      ended.add(instance.pid);
      process.kill(instance.pid, 'SIGTERM');
    },
  };
}

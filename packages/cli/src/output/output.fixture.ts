// Objects of a platform, for tests of what is printed of them.
import type { BuilderResource, FunctionResource, ServingResource } from '@ofn/resources';
import type { EventResource, InstanceResource } from '@ofn/platform';

/** When the tests are. */
export const NOW = Date.parse('2026-01-01T00:10:00Z');
const CREATED = '2026-01-01T00:05:00Z';

/** A Function over HTTP, whose latest serving has failed. */
export const FUNCTION: FunctionResource = {
  apiVersion: 'core.openfunction.io/v1beta2',
  kind: 'Function',
  metadata: {
    name: 'hello',
    namespace: 'default',
    annotations: { a: '1', b: '2' },
    creationTimestamp: CREATED,
  },
  spec: {
    workloadRuntime: 'OCIContainer',
    version: 'latest',
    image: 'example/hello:v1',
    serving: {
      timeout: '1m',
      triggers: { dapr: [{ name: 'mq', type: 'pubsub.redis', topic: 'orders' }, { name: 'cron' }] },
    },
  },
  status: {
    addresses: [{ type: 'External', value: 'http://localhost:8080/' }],
    build: {
      state: 'Succeeded',
      reason: 'Succeeded',
      message: 'Succeeded',
      resourceRef: 'builder-1',
      buildDuration: '12ms',
    },
    serving: {
      state: 'Failed',
      reason: 'CrashLoopBackOff',
      message: 'it ended:\nexit code 1',
      resourceRef: 'serving-1',
    },
  },
};

/** Its Builder. */
export const BUILDER: BuilderResource = {
  apiVersion: 'core.openfunction.io/v1beta2',
  kind: 'Builder',
  metadata: {
    name: 'builder-1',
    namespace: 'default',
    labels: { 'openfunction.io/function': 'hello' },
    creationTimestamp: CREATED,
  },
  spec: { image: 'example/hello:v1', srcRepo: { url: 'file:///hello', revision: 'abc' } },
  status: { phase: 'Build', state: 'Succeeded', reason: 'Succeeded', buildDuration: '12ms' },
};

/** Its Serving. */
export const SERVING: ServingResource = {
  apiVersion: 'core.openfunction.io/v1beta2',
  kind: 'Serving',
  metadata: { name: 'serving-1', namespace: 'default', creationTimestamp: CREATED },
  spec: { version: 'latest', image: 'example/hello:v1', triggers: {} },
  status: { phase: 'Serving', state: 'Running' },
};

/** Its process. */
export const INSTANCE: InstanceResource = {
  apiVersion: 'platform.ofn/v1',
  kind: 'Instance',
  metadata: {
    name: 'hello-1-1',
    namespace: 'default',
    labels: { 'openfunction.io/function': 'hello', 'openfunction.io/serving': 'serving-1' },
    creationTimestamp: CREATED,
  },
  status: { state: 'ready', pid: 42, address: '127.0.0.1:4000' },
};

/** What happened to its Serving, three times. */
export const EVENT: EventResource = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: 'serving-1.1', namespace: 'default', creationTimestamp: CREATED },
  type: 'Warning',
  action: 'Start',
  reason: 'BackOff',
  note: 'Back-off restarting instance: exit code 1\nat index.js',
  regarding: { kind: 'Serving', namespace: 'default', name: 'serving-1' },
  reportingController: 'openfunction',
  eventTime: '2026-01-01T00:08:00.000Z',
  series: { count: 3, lastObservedTime: '2026-01-01T00:09:30.000Z' },
};

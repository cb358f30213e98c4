// How a function reaches Dapr: through a sidecar of its pod, through a proxy of its own, or not at all.
import { portOf, type Serving } from './serving.ts';

/** What holds of Dapr. */
export interface DaprSettings {
  readonly mode: 'none' | 'standalone' | 'sidecar';
  readonly appId: string;
  readonly protocol: string;
  /** Annotations of the pods. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** What holds of Dapr for a serving. */
export function daprOf(serving: Serving): DaprSettings {
  const own = serving.spec.annotations ?? {};
  const mode = modeOf(serving);
  const annotations = {
    'dapr.io/app-id': `${serving.functionName}-${serving.namespace}`,
    'dapr.io/log-as-json': 'true',
    'dapr.io/app-protocol': 'grpc',
    'dapr.io/app-port': String(portOf(serving)),
    ...(serving.target === 'knative' ? { 'dapr.io/metrics-port': '19090' } : {}),
    ...own,
    'dapr.io/enabled': String(mode === 'sidecar'),
  };
  return {
    mode,
    appId: annotations['dapr.io/app-id'],
    protocol: annotations['dapr.io/app-protocol'],
    annotations,
  };
}

function modeOf({ spec }: Serving): DaprSettings['mode'] {
  const { annotations = {}, outputs, states, triggers } = spec;
  const enabled = annotations['openfunction.io/enable-dapr'];
  const isUsed =
    (triggers.dapr ?? []).length > 0 ||
    (triggers.inputs ?? []).length > 0 ||
    (outputs ?? []).length > 0 ||
    Object.keys(states ?? {}).length > 0;
  if (enabled === undefined ? !isUsed : enabled === 'false') return 'none';
  const mode = annotations['openfunction.io/dapr-service-mode'] ?? 'standalone';
  if (mode === 'standalone' || mode === 'sidecar') return mode;
  return 'none';
}

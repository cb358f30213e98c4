// What scales a function without HTTP: nothing, or by the events that wait for it, as KEDA would.
import { DEFAULT_SCALING, createAutoscaler, type ScalingOptions } from '@ofn/keda';
import type { FunctionResource } from '@ofn/resources';
import type { Mesh } from '../dapr/mesh.ts';

type ScaleOptions = NonNullable<NonNullable<FunctionResource['spec']['serving']>['scaleOptions']>;

/** What scales by events; times in milliseconds. */
export interface EventScaling {
  readonly appId: string;
  readonly mesh: Pick<Mesh, 'countsEvents' | 'isKnown' | 'load' | 'onPublished'>;
  readonly options: ScaleOptions | undefined;
  /** How many replicas there are to be so far. */
  readonly replicas: number;
  readonly scale: (replicas: number) => void;
}

/**
 * Begins to scale. Without triggers of KEDA, and where events are not counted, there is the least number of
 * replicas, and at least one, as in a cluster. With them, there may be none once the first one has told what the function takes.
 *
 * @returns What ends it.
 */
export function scaleByEvents({ appId, mesh, options, replicas, scale }: EventScaling): () => void {
  const triggers = options?.keda?.triggers ?? [];
  if (triggers.length === 0 || !mesh.countsEvents) {
    scale(Math.max(1, options?.minReplicas ?? 1));
    return () => {};
  }
  const scaling = toScaling(options ?? {});
  const autoscaler = createAutoscaler({
    counts() {
      const load = mesh.load(appId);
      const concurrency = mesh.isKnown(appId) ? load : Math.max(1, load);
      return { concurrency, requestCount: 0 };
    },
    onPending: (listener) =>
      mesh.onPublished(() => {
        if (mesh.load(appId) > 0) listener();
      }),
    options: scaling,
    replicas,
    scale,
  });
  autoscaler.start();
  return () => autoscaler.stop();
}

// What scalers of KEDA call the events that one replica takes, and KEDA's most usual default.
const TARGETS = [
  'lagThreshold',
  'queueLength',
  'listLength',
  'messageCount',
  'value',
  'pendingEntriesCount',
];
const TARGET = 10;

// The defaults of a ScaledObject.
function toScaling({ keda, maxReplicas = 100, minReplicas = 0 }: ScaleOptions): ScalingOptions {
  const { cooldownPeriod = 300 } = keda?.scaledObject ?? {};
  const [first] = keda?.triggers ?? [];
  const given = TARGETS.map((name) => Number(first?.metadata[name])).find((value) => value > 0);
  return {
    ...DEFAULT_SCALING,
    minReplicas,
    maxReplicas,
    metrics: [{ kind: 'concurrency', target: given ?? TARGET }],
    cooldownPeriod: cooldownPeriod * 1000,
  };
}

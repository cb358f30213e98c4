// What a user says about scaling: the metric, its target, and how fast replicas may change.

/** What is measured, and how much of it one replica takes. */
export type ScalingMetric =
  | { readonly kind: 'concurrency'; readonly target: number }
  | {
      readonly kind: 'requestRate';
      /** Requests a bucket, as the add-on counts: a second, with buckets of one. */
      readonly target: number;
      /** Milliseconds over which the rate is averaged. */
      readonly window: number;
      /** Milliseconds of one bucket of the window: whole seconds, as the add-on needs them. */
      readonly granularity: number;
    };

/** How much a policy of a HorizontalPodAutoscaler allows in its period. */
export interface ScalingPolicy {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  /** Milliseconds. */
  readonly period: number;
}

/** How a HorizontalPodAutoscaler (autoscaling/v2) changes replicas in one direction. */
export interface ScalingRules {
  /** Milliseconds that are looked back, so that replicas do not flap. */
  readonly stabilizationWindow: number;
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
  readonly policies: readonly ScalingPolicy[];
}

/** Everything scaling depends on; times in milliseconds. */
export interface ScalingOptions {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** One or two; the one that wants more replicas wins. */
  readonly metrics: readonly ScalingMetric[];
  /** How long there must be no request before the last replica goes. */
  readonly cooldownPeriod: number;
  /** How long after the start the last replica stays while there was no request yet. */
  readonly initialCooldownPeriod: number;
  /** How often the HorizontalPodAutoscaler decides. */
  readonly syncPeriod: number;
  /** Share by which the metric may miss its target without a change. */
  readonly tolerance: number;
  readonly scaleUp: ScalingRules;
  readonly scaleDown: ScalingRules;
}

/** The defaults of KEDA, the add-on and Kubernetes. */
export const DEFAULT_SCALING: ScalingOptions = Object.freeze({
  minReplicas: 0,
  maxReplicas: 100,
  metrics: [{ kind: 'concurrency', target: 100 }],
  cooldownPeriod: 300_000,
  initialCooldownPeriod: 0,
  syncPeriod: 15_000,
  tolerance: 0.1,
  scaleUp: {
    stabilizationWindow: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Percent', value: 100, period: 15_000 },
      { type: 'Pods', value: 4, period: 15_000 },
    ],
  },
  scaleDown: {
    stabilizationWindow: 300_000,
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, period: 15_000 }],
  },
} as const satisfies ScalingOptions);

// `spec.serving.scaleOptions`: how many replicas there are, and what decides it.
import * as v from 'valibot';
import { Count, Positive, Text, TextMap, intBetween } from './primitives.ts';

const ScalingRules = v.strictObject({
  stabilizationWindowSeconds: v.exactOptional(intBetween(0, 3600)),
  selectPolicy: v.exactOptional(
    v.picklist(['Max', 'Min', 'Disabled'], 'must be Max, Min or Disabled'),
  ),
  policies: v.exactOptional(
    v.array(
      v.strictObject({
        type: v.picklist(['Pods', 'Percent'], 'must be Pods or Percent'),
        value: Positive,
        periodSeconds: intBetween(1, 1800),
      }),
    ),
  ),
});

const Advanced = v.strictObject({
  horizontalPodAutoscalerConfig: v.exactOptional(
    v.strictObject({
      behavior: v.exactOptional(
        v.strictObject({
          scaleUp: v.exactOptional(ScalingRules),
          scaleDown: v.exactOptional(ScalingRules),
        }),
      ),
      name: v.exactOptional(Text),
    }),
  ),
  restoreToOriginalReplicaCount: v.exactOptional(v.boolean()),
});

const ScaledObjectOptions = v.strictObject({
  pollingInterval: v.exactOptional(Count),
  cooldownPeriod: v.exactOptional(Count),
  advanced: v.exactOptional(Advanced),
  fallback: v.exactOptional(v.strictObject({ failureThreshold: Positive, replicas: Count })),
});

const Percentage = v.pipe(
  v.string(),
  v.regex(/^[0-9.]+ *%$/, 'must be a percentage, such as "0.5%"'),
);

const ScalingStrategy = v.pipe(
  v.strictObject({
    strategy: v.exactOptional(
      v.picklist(['default', 'custom', 'accurate', ''], 'must be default, custom or accurate'),
    ),
    customScalingQueueLengthDeduction: v.exactOptional(Count),
    customScalingRunningJobPercentage: v.exactOptional(Percentage),
    pendingPodConditions: v.exactOptional(v.array(v.string())),
    multipleScalersCalculation: v.exactOptional(
      v.picklist(['max', 'min', 'avg', 'sum'], 'must be max, min, avg or sum'),
    ),
  }),
  v.forward(
    v.check(
      ({ customScalingQueueLengthDeduction: deduction, strategy }) =>
        strategy !== 'custom' || deduction !== undefined,
      'is needed by the strategy custom',
    ),
    ['customScalingQueueLengthDeduction'],
  ),
  v.forward(
    v.check(
      ({ customScalingRunningJobPercentage: percentage, strategy }) =>
        strategy !== 'custom' || percentage !== undefined,
      'is needed by the strategy custom',
    ),
    ['customScalingRunningJobPercentage'],
  ),
);

const ScaledJobOptions = v.strictObject({
  restartPolicy: v.exactOptional(
    v.picklist(['Always', 'OnFailure', 'Never'], 'must be OnFailure or Never'),
  ),
  pollingInterval: v.exactOptional(Count),
  successfulJobsHistoryLimit: v.exactOptional(Count),
  failedJobsHistoryLimit: v.exactOptional(Count),
  scalingStrategy: v.exactOptional(ScalingStrategy),
});

const Trigger = v.strictObject({
  type: Text,
  name: v.exactOptional(v.string()),
  useCachedMetrics: v.exactOptional(v.boolean()),
  metadata: TextMap,
  authenticationRef: v.exactOptional(
    v.strictObject({ name: Text, kind: v.exactOptional(v.string()) }),
  ),
  metricType: v.exactOptional(
    v.picklist(
      ['AverageValue', 'Value', 'Utilization'],
      'must be AverageValue, Value or Utilization',
    ),
  ),
});

const Keda = v.pipe(
  v.strictObject({
    httpScaledObject: v.exactOptional(
      v.strictObject({
        targetPendingRequests: v.exactOptional(Count),
        cooldownPeriod: v.exactOptional(Count),
      }),
    ),
    scaledObject: v.exactOptional(ScaledObjectOptions),
    scaledJob: v.exactOptional(ScaledJobOptions),
    triggers: v.exactOptional(v.array(Trigger)),
  }),
  v.check(
    ({ httpScaledObject, scaledJob, scaledObject }) =>
      [httpScaledObject, scaledJob, scaledObject].filter((each) => each !== undefined).length < 2,
    'takes one of httpScaledObject, scaledObject and scaledJob',
  ),
);

export const ScaleOptions = v.pipe(
  v.strictObject({
    maxReplicas: v.exactOptional(Count),
    minReplicas: v.exactOptional(Count),
    keda: v.exactOptional(Keda),
    knative: v.exactOptional(TextMap),
  }),
  v.forward(
    v.check(
      ({ maxReplicas = 10, minReplicas = 0 }) => minReplicas <= maxReplicas,
      'must not be above maxReplicas, which is 10 by default',
    ),
    ['minReplicas'],
  ),
);

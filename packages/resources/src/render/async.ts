// A function that takes events: its workload, and what KEDA scales it by.
import type { KubernetesObject } from '@ofn/keda/objects';
import { daprOf } from '../context/dapr.ts';
import { toObjectName } from '../context/names.ts';
import type { Serving } from '../context/serving.ts';
import { metadataOf } from './metadata.ts';
import { toAsyncService } from './service.ts';
import { toJobSpec, toWorkload, workloadKindOf, workloadNameOf } from './workload.ts';

/** The objects of such a function, but for those of Dapr. */
export function renderAsync(serving: Serving): readonly KubernetesObject[] {
  const kind = workloadKindOf(serving);
  const triggers = serving.spec.scaleOptions?.keda?.triggers ?? [];
  const isScaled = triggers.length > 0;
  // A ScaledJob has the job in it.
  const isScaledJob = isScaled && kind === 'Job';
  const hasService = daprOf(serving).mode === 'standalone' || kind === 'StatefulSet';
  return [
    ...(isScaledJob ? [toScaledJob(serving)] : [toWorkload(serving)]),
    ...(hasService ? [toAsyncService(serving)] : []),
    ...(isScaled && !isScaledJob ? [toScaledObject(serving)] : []),
  ];
}

function toScaledObject(serving: Serving): KubernetesObject {
  const { keda, maxReplicas, minReplicas } = serving.spec.scaleOptions ?? {};
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: metadataOf(serving, toObjectName(serving.name, 'scaler')),
    spec: {
      scaleTargetRef: {
        apiVersion: 'apps/v1',
        kind: workloadKindOf(serving),
        name: workloadNameOf(serving),
        envSourceContainerName: 'function',
      },
      ...(minReplicas === undefined ? {} : { minReplicaCount: minReplicas }),
      ...(maxReplicas === undefined ? {} : { maxReplicaCount: maxReplicas }),
      ...keda?.scaledObject,
      triggers: keda?.triggers ?? [],
    },
  };
}

function toScaledJob(serving: Serving): KubernetesObject {
  const { keda, maxReplicas } = serving.spec.scaleOptions ?? {};
  const { restartPolicy: _, scalingStrategy, ...options } = keda?.scaledJob ?? {};
  const { strategy, ...strategyOptions } = scalingStrategy ?? {};
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledJob',
    metadata: metadataOf(serving, toObjectName(serving.name, 'scaler')),
    spec: {
      jobTargetRef: toJobSpec(serving),
      envSourceContainerName: 'function',
      ...(maxReplicas === undefined ? {} : { maxReplicaCount: maxReplicas }),
      ...options,
      ...(scalingStrategy === undefined
        ? {}
        : { scalingStrategy: { ...strategyOptions, ...(strategy ? { strategy } : {}) } }),
      triggers: keda?.triggers ?? [],
    },
  };
}

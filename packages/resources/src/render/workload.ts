// What runs the pods of a function: a Deployment, a StatefulSet or a Job.
import type { KubernetesObject } from '@ofn/keda/objects';
import { daprOf } from '../context/dapr.ts';
import { renderEnvironment } from '../context/environment.ts';
import { toObjectName, toVersionPart } from '../context/names.ts';
import { portOf, type Serving } from '../context/serving.ts';
import { invalidResource } from '../errors.ts';
import { shortHash } from '../function/hash.ts';
import { SERVING_LABEL, labelsOf, metadataOf } from './metadata.ts';
import { toPodSpec } from './pod.ts';

/** The kinds of workloads. */
export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'Job';

/** The kind that the function asks for. */
export function workloadKindOf({ spec }: Serving): WorkloadKind {
  return spec.workloadType || 'Deployment';
}

/** The name of the workload. */
export function workloadNameOf(serving: Serving): string {
  const kind = workloadKindOf(serving).toLowerCase();
  return toObjectName(serving.name, kind, toVersionPart(serving.version));
}

/** The workload itself. */
export function toWorkload(serving: Serving): KubernetesObject {
  const kind = workloadKindOf(serving);
  const name = workloadNameOf(serving);
  if (kind === 'Job') {
    const spec = toJobSpec(serving);
    // A job never changes, so its name does when anything of it does.
    const metadata = metadataOf(serving, toObjectName(name, shortHash(spec)));
    return { apiVersion: 'batch/v1', kind, metadata, spec };
  }
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: metadataOf(serving, name),
    spec: {
      replicas: Math.max(1, serving.spec.scaleOptions?.minReplicas ?? 1),
      ...(kind === 'StatefulSet' ? { serviceName: serving.functionName } : {}),
      selector: { matchLabels: { [SERVING_LABEL]: serving.name } },
      template: toPodTemplate(serving),
    },
  };
}

/** The spec of a Job, which a ScaledJob has too. */
export function toJobSpec(serving: Serving): object {
  const restartPolicy = serving.spec.scaleOptions?.keda?.scaledJob?.restartPolicy ?? 'OnFailure';
  if (restartPolicy === 'Always') {
    throw invalidResource(`Function "${serving.functionName}"`, [
      {
        field: 'spec.serving.scaleOptions.keda.scaledJob.restartPolicy',
        message: 'must be OnFailure or Never: Kubernetes has no jobs that always restart',
      },
    ]);
  }
  const { metadata, spec } = toPodTemplate(serving);
  return { template: { metadata, spec: { ...spec, restartPolicy } } };
}

/** The template of the pods. */
function toPodTemplate(serving: Serving): { readonly metadata: object; readonly spec: object } {
  return {
    metadata: { annotations: daprOf(serving).annotations, labels: labelsOf(serving) },
    spec: toPodSpec(serving, {
      env: renderEnvironment(serving),
      port: portEntry(portOf(serving)),
    }),
  };
}

/** The port of a container, by the name that it has everywhere. */
export function portEntry(containerPort: number) {
  return { name: 'function-port', containerPort, protocol: 'TCP' };
}

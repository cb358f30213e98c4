// A function behind Knative: its Service, with the annotations that say how it scales.
import type { KubernetesObject } from '@ofn/keda/objects';
import { daprOf } from '../context/dapr.ts';
import { renderEnvironment } from '../context/environment.ts';
import { toObjectName, toVersionPart } from '../context/names.ts';
import { portOf, type Serving } from '../context/serving.ts';
import { invalidResource } from '../errors.ts';
import { toRevisionRoute } from './http-route.ts';
import { labelsOf, metadataOf } from './metadata.ts';
import type { RenderSettings } from './options.ts';
import { toPodSpec } from './pod.ts';
import { toGatewayService } from './service.ts';

const CONCURRENCY = 'autoscaling.knative.dev/container-concurrency';

/** The objects of such a function, but for those of Dapr. */
export function renderKnative(
  serving: Serving,
  settings: RenderSettings,
): readonly KubernetesObject[] {
  const revision = toObjectName(knativeNameOf(serving), toVersionPart(serving.version));
  return [
    toKnativeService(serving, revision),
    toRevisionRoute(serving, settings, revision),
    toGatewayService(serving, settings),
  ];
}

/** The name of the Service of Knative. */
export function knativeNameOf(serving: Serving): string {
  return toObjectName(serving.name, 'ksvc');
}

function toKnativeService(serving: Serving, revision: string): KubernetesObject {
  const { [CONCURRENCY]: concurrency, ...annotations } = scalingOf(serving);
  const { name, namespace } = metadataOf(serving, revision);
  // Knative sets the port itself, and refuses whoever says it too.
  const env = renderEnvironment(serving).filter((variable) => variable.name !== 'PORT');
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: metadataOf(serving, knativeNameOf(serving)),
    spec: {
      template: {
        metadata: {
          name,
          namespace,
          labels: labelsOf(serving),
          annotations: { ...withoutConcurrency(daprOf(serving).annotations), ...annotations },
        },
        spec: {
          ...(concurrency === undefined
            ? {}
            : { containerConcurrency: toConcurrency(serving, concurrency) }),
          ...toPodSpec(serving, {
            env,
            port: { containerPort: portOf(serving) },
            isOnlyPort: true,
          }),
        },
      },
    },
  };
}

// What Knative is told by its own options counts most, then the replicas, then annotations.
function scalingOf({ spec }: Serving): Readonly<Record<string, string>> {
  const { knative = {}, maxReplicas, minReplicas } = spec.scaleOptions ?? {};
  const concurrency = spec.annotations?.[CONCURRENCY];
  return {
    ...(concurrency === undefined ? {} : { [CONCURRENCY]: concurrency }),
    ...bound('max', maxReplicas, knative),
    ...bound('min', minReplicas, knative),
    ...knative,
  };
}

function bound(
  which: 'max' | 'min',
  replicas: number | undefined,
  knative: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  // The older spelling says the same; Knative takes one of the two.
  const isSaid = knative[`autoscaling.knative.dev/${which}Scale`] !== undefined;
  if (replicas === undefined || isSaid) return {};
  return { [`autoscaling.knative.dev/${which}-scale`]: String(replicas) };
}

function withoutConcurrency({
  [CONCURRENCY]: _,
  ...annotations
}: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return annotations;
}

function toConcurrency(serving: Serving, text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= 1000) return Number(text);
  throw invalidResource(`Function "${serving.functionName}"`, [
    {
      field: `spec.serving.scaleOptions.knative.${JSON.stringify(CONCURRENCY)}`,
      message: 'must be a whole number from 0 to 1000',
    },
  ]);
}

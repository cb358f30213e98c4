// A function behind Knative: its Service, with the annotations that say how it scales.
import type { KubernetesObject } from '@ofn/keda/objects';
import { daprOf } from '../context/dapr.ts';
import { renderEnvironment } from '../context/environment.ts';
import { toObjectName, toVersionPart } from '../context/names.ts';
import { portOf, type Serving } from '../context/serving.ts';
import { invalidResource } from '../errors.ts';
import { shortHash } from '../function/hash.ts';
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
  const name = toObjectName(serving.name, 'ksvc');
  const template = toRevisionTemplate(serving);
  // A revision never changes, so its name does when anything of it does.
  const revision = toObjectName(name, toVersionPart(serving.version), shortHash(template));
  const { namespace } = serving;
  return [
    {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: metadataOf(serving, name),
      spec: {
        template: {
          metadata: { name: revision, namespace, ...template.metadata },
          spec: template.spec,
        },
      },
    },
    toRevisionRoute(serving, settings, revision),
    toGatewayService(serving, settings),
  ];
}

function toRevisionTemplate(serving: Serving): {
  readonly metadata: object;
  readonly spec: object;
} {
  const { [CONCURRENCY]: concurrency, ...scaling } = scalingOf(serving);
  const annotations = { ...withoutConcurrency(daprOf(serving).annotations), ...scaling };
  // Knative sets the port itself, and refuses whoever says it too.
  const env = renderEnvironment(serving).filter(({ name }) => name !== 'PORT');
  const port = { containerPort: portOf(serving) };
  return {
    metadata: { labels: labelsOf(serving), annotations },
    spec: {
      ...(concurrency === undefined
        ? {}
        : { containerConcurrency: toConcurrency(serving, concurrency) }),
      ...toPodSpec(serving, { env, port, isOnlyPort: true }),
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

function withoutConcurrency(
  annotations: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== CONCURRENCY));
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

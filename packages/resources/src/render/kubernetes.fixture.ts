// What a cluster would find wrong with an object, by the published schemas of Kubernetes and of CRDs. There
// are none for Dapr's, and for the add-on's there is the parser of @ofn/keda.
import { HTTPRoute as HTTPRouteBeta } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1beta1/HTTPRoute';
import { HTTPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute';
import { ScaledJob } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledJob';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { Service as KnativeService } from '@kubernetes-models/knative/serving.knative.dev/v1/Service';
import { parseObjects, renderObjects, type KubernetesObject } from '@ofn/keda/objects';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { Service } from 'kubernetes-models/v1/Service';
import * as v from 'valibot';

type Model = new (data: never) => { validate(): void };

const MODELS: Readonly<Record<string, Model>> = {
  'v1/Service': Service,
  'apps/v1/Deployment': Deployment,
  'apps/v1/StatefulSet': StatefulSet,
  'batch/v1/Job': Job,
  'serving.knative.dev/v1/Service': KnativeService,
  'keda.sh/v1alpha1/ScaledObject': ScaledObject,
  'keda.sh/v1alpha1/ScaledJob': ScaledJob,
  'gateway.networking.k8s.io/v1/HTTPRoute': HTTPRoute,
  'gateway.networking.k8s.io/v1beta1/HTTPRoute': HTTPRouteBeta,
};

// https://docs.dapr.io/reference/resource-specs/component-schema/
const Component = v.strictObject({
  apiVersion: v.literal('dapr.io/v1alpha1'),
  kind: v.literal('Component'),
  metadata: v.looseObject({ name: v.string() }),
  spec: v.strictObject({
    type: v.string(),
    version: v.string(),
    ignoreErrors: v.optional(v.boolean()),
    initTimeout: v.optional(v.string()),
    metadata: v.array(
      v.strictObject({
        name: v.string(),
        value: v.optional(v.unknown()),
        secretKeyRef: v.optional(v.strictObject({ name: v.string(), key: v.string() })),
      }),
    ),
  }),
  scopes: v.array(v.string()),
});

/** Each thing that is wrong with the object, or that there is no schema of it. */
export function issuesOfObject(object: KubernetesObject): readonly string[] {
  const type = `${object.apiVersion}/${object.kind}`;
  const where = `${type} ${object.metadata.name}`;
  const model = MODELS[type];
  try {
    if (model !== undefined) new model(object as never).validate();
    else if (object.apiVersion.startsWith('http.keda.sh/')) parseObjects(renderObjects([object]));
    else if (object.kind === 'Component') v.parse(Component, object);
    else return [`${where}: there is no schema`];
  } catch (error) {
    return [`${where}: ${(error as Error).message}`];
  }
  return [];
}

// Function of core.openfunction.io/v1beta1, as far as it differs from v1beta2.
import * as v from 'valibot';

// Values that v1beta2 has too are checked by its schema, after the conversion.
const Same = v.any();
const Fields = v.record(v.string(), v.any());

const DaprIO = v.strictObject({
  name: v.string(),
  component: v.string(),
  topic: v.exactOptional(Same),
  params: v.exactOptional(Same),
  operation: v.exactOptional(Same),
});

const ScaledObject = v.strictObject({
  workloadType: v.exactOptional(v.string()),
  pollingInterval: v.exactOptional(Same),
  cooldownPeriod: v.exactOptional(Same),
  minReplicaCount: v.exactOptional(Same),
  maxReplicaCount: v.exactOptional(Same),
  advanced: v.exactOptional(Same),
});

const ScaledJob = v.strictObject({
  restartPolicy: v.exactOptional(Same),
  pollingInterval: v.exactOptional(Same),
  successfulJobsHistoryLimit: v.exactOptional(Same),
  failedJobsHistoryLimit: v.exactOptional(Same),
  maxReplicaCount: v.exactOptional(Same),
  scalingStrategy: v.exactOptional(Same),
});

const Serving = v.strictObject({
  runtime: v.picklist(['knative', 'async'], 'must be knative or async'),
  scaleOptions: v.exactOptional(
    v.strictObject({
      maxReplicas: v.exactOptional(Same),
      minReplicas: v.exactOptional(Same),
      keda: v.exactOptional(
        v.strictObject({
          scaledObject: v.exactOptional(ScaledObject),
          scaledJob: v.exactOptional(ScaledJob),
        }),
      ),
      knative: v.exactOptional(Same),
    }),
  ),
  inputs: v.exactOptional(v.array(DaprIO)),
  outputs: v.exactOptional(v.array(DaprIO)),
  bindings: v.exactOptional(Fields),
  pubsub: v.exactOptional(Fields),
  states: v.exactOptional(Fields),
  triggers: v.exactOptional(v.array(v.looseObject({}))),
  params: v.exactOptional(Same),
  labels: v.exactOptional(Same),
  annotations: v.exactOptional(Same),
  template: v.exactOptional(Same),
  timeout: v.exactOptional(Same),
});

const Build = v.strictObject({
  builder: v.exactOptional(Same),
  builderCredentials: v.exactOptional(Same),
  shipwright: v.exactOptional(
    v.strictObject({ strategy: v.exactOptional(Same), timeout: v.exactOptional(Same) }),
  ),
  params: v.exactOptional(v.record(v.string(), v.string())),
  env: v.exactOptional(Same),
  srcRepo: v.exactOptional(Same),
  dockerfile: v.exactOptional(Same),
  timeout: v.exactOptional(Same),
  successfulBuildsHistoryLimit: v.exactOptional(Same),
  failedBuildsHistoryLimit: v.exactOptional(Same),
  builderMaxAge: v.exactOptional(Same),
});

export const FunctionV1Beta1Schema = v.strictObject({
  apiVersion: v.literal('core.openfunction.io/v1beta1'),
  kind: v.literal('Function'),
  metadata: v.looseObject({
    annotations: v.exactOptional(v.record(v.string(), v.string())),
  }),
  spec: v.strictObject({
    workloadRuntime: v.exactOptional(Same),
    version: v.exactOptional(Same),
    image: v.exactOptional(Same),
    imageCredentials: v.exactOptional(Same),
    port: v.exactOptional(Same),
    route: v.exactOptional(Same),
    build: v.exactOptional(Build),
    serving: v.exactOptional(Serving),
  }),
  status: v.exactOptional(Same),
});

/** A Function of v1beta1. */
export type FunctionV1Beta1 = v.InferOutput<typeof FunctionV1Beta1Schema>;

// `spec.serving`: how a function runs. Entries are in the order of Go's structs.
import * as v from 'valibot';
import { Bindings, DaprTrigger, Input, Output, Pubsub, States } from './dapr-schema.ts';
import { Annotations, Duration, Labels, TextMap, Variables } from './primitives.ts';
import { HttpTrigger } from './route-schema.ts';
import { ScaleOptions } from './scale-schema.ts';

const HTTP_BY_DEFAULT = v.parse(HttpTrigger, {});

const Triggers = v.pipe(
  v.strictObject({
    http: v.exactOptional(HttpTrigger),
    dapr: v.exactOptional(v.array(DaprTrigger)),
    inputs: v.exactOptional(v.array(Input)),
  }),
  // A function without a Dapr trigger is one over HTTP.
  v.transform(({ dapr, http, inputs }) => {
    const isAsync = dapr !== undefined && dapr.length > 0;
    const trigger = http ?? (isAsync ? undefined : HTTP_BY_DEFAULT);
    return {
      ...(trigger === undefined ? {} : { http: trigger }),
      ...(isAsync ? { dapr } : {}),
      ...(inputs === undefined ? {} : { inputs }),
    };
  }),
);

const Hooks = v.strictObject({
  pre: v.exactOptional(v.array(v.string())),
  post: v.exactOptional(v.array(v.string())),
  policy: v.exactOptional(v.picklist(['Append', 'Override', ''], 'must be Append or Override')),
});

const Exporter = v.strictObject({
  name: v.optional(v.string(), ''),
  endpoint: v.optional(v.string(), ''),
  headers: v.exactOptional(v.string()),
  compression: v.exactOptional(v.string()),
  timeout: v.exactOptional(v.string()),
  protocol: v.exactOptional(v.string()),
});

/** Also what the global configuration says of tracing. */
export const Tracing = v.strictObject({
  enabled: v.optional(v.boolean(), false),
  provider: v.exactOptional(
    v.strictObject({
      name: v.optional(v.string(), ''),
      oapServer: v.exactOptional(v.string()),
      exporter: v.exactOptional(Exporter),
    }),
  ),
  tags: v.exactOptional(TextMap),
  baggage: v.exactOptional(TextMap),
});

/** What a function, or the global configuration, says of tracing. */
export type TracingSpec = v.InferOutput<typeof Tracing>;

// A PodSpec is Kubernetes' own matter: what is looked at here is checked here, the rest by the cluster.
const Template = v.looseObject({
  containers: v.optional(
    v.array(
      v.looseObject({
        name: v.string(),
        env: v.exactOptional(v.array(v.looseObject({ name: v.string() }))),
        ports: v.exactOptional(v.array(v.looseObject({}))),
      }),
    ),
    [],
  ),
  imagePullSecrets: v.exactOptional(v.array(v.looseObject({}))),
  runtimeClassName: v.exactOptional(v.string()),
});

/** What a Function and a Serving say of the serving alike. */
export const SERVING_ENTRIES = {
  triggers: v.optional(Triggers, {}),
  scaleOptions: v.exactOptional(ScaleOptions),
  outputs: v.exactOptional(v.array(Output)),
  bindings: v.exactOptional(Bindings),
  pubsub: v.exactOptional(Pubsub),
  states: v.exactOptional(States),
  params: v.exactOptional(Variables),
  labels: v.exactOptional(Labels),
  annotations: v.exactOptional(Annotations),
  template: v.exactOptional(Template),
  timeout: v.exactOptional(Duration),
  hooks: v.exactOptional(Hooks),
  tracing: v.exactOptional(Tracing),
  workloadType: v.exactOptional(
    v.picklist(['Deployment', 'StatefulSet', 'Job', ''], 'must be Deployment, StatefulSet or Job'),
  ),
};

export const ServingPart = v.strictObject(SERVING_ENTRIES);

/** `spec.serving` of a Function. */
export interface ServingSpec extends v.InferOutput<typeof ServingPart> {}

// A Function of v1beta1 becomes one of v1beta2, before defaults. OpenFunction's own conversion, less its
// slips: what it drops or takes from the wrong field is kept here.
import { parsePlugins, parseTracing } from './plugins.ts';
import type { FunctionV1Beta1 } from './v1beta1-schema.ts';

type Spec = FunctionV1Beta1['spec'];
type Serving = NonNullable<Spec['serving']>;
type Build = NonNullable<Spec['build']>;
type Annotations = Readonly<Record<string, string>>;

/** What is converted, not yet checked. */
export function convertFunction({ metadata, spec, status }: FunctionV1Beta1): unknown {
  const { build, port, route, serving, ...same } = spec;
  return {
    apiVersion: 'core.openfunction.io/v1beta2',
    kind: 'Function',
    metadata,
    spec: {
      ...same,
      ...(build === undefined ? {} : { build: convertBuild(build) }),
      ...(serving === undefined
        ? {}
        : {
            serving: convertServing(serving, defined({ port, route }), metadata.annotations ?? {}),
          }),
    },
    ...(status === undefined ? {} : { status: status as unknown }),
  };
}

function convertBuild({ params, shipwright, ...same }: Build): unknown {
  const values = Object.entries(params ?? {}).map(([name, value]) => ({ value, name }));
  if (shipwright === undefined && values.length === 0) return same;
  return {
    ...same,
    shipwright: { ...shipwright, ...(values.length === 0 ? {} : { params: values }) },
  };
}

function convertServing(serving: Serving, http: object, annotations: Annotations): unknown {
  const { inputs = [], outputs, runtime, scaleOptions, states, triggers, ...same } = serving;
  const dapr = inputs.map(({ component, name, topic }) =>
    defined({ name: component, type: typeOf(component, serving), topic, inputName: name }),
  );
  return {
    ...same,
    triggers: runtime === 'knative' ? { http } : { dapr },
    ...convertScaling(scaleOptions, triggers),
    ...(outputs === undefined
      ? {}
      : { outputs: outputs.map((output) => convertOutput(output, serving)) }),
    ...(states === undefined ? {} : { states: mapValues(states, (spec) => ({ spec })) }),
    ...convertAnnotations(annotations),
  };
}

function convertOutput(
  { component, name, operation, params, topic }: NonNullable<Serving['outputs']>[number],
  serving: Serving,
): unknown {
  return {
    dapr: defined({
      name: component,
      type: typeOf(component, serving),
      topic,
      metadata: params,
      operation,
      outputName: name,
    }),
  };
}

// Undefined for a component that exists in the cluster.
function typeOf(component: string, { bindings, pubsub }: Serving): unknown {
  return (bindings?.[component] ?? pubsub?.[component])?.type as unknown;
}

function convertScaling(options: Serving['scaleOptions'], triggers: Serving['triggers']): object {
  if (options === undefined && triggers === undefined) return {};
  const { keda, knative, maxReplicas, minReplicas } = options ?? {};
  const { scaledJob, scaledObject } = keda ?? {};
  const {
    maxReplicaCount: most,
    minReplicaCount: least,
    workloadType,
    ...object
  } = scaledObject ?? {};
  const { maxReplicaCount: mostJobs, ...job } = scaledJob ?? {};
  const kind = scaledJob === undefined ? workloadType || 'Deployment' : 'Job';
  return {
    ...(keda === undefined || (scaledObject ?? scaledJob) === undefined
      ? {}
      : { workloadType: kind }),
    scaleOptions: defined({
      maxReplicas: (mostJobs ?? most ?? maxReplicas) as unknown,
      minReplicas: (least ?? minReplicas) as unknown,
      keda:
        keda === undefined && triggers === undefined
          ? undefined
          : defined({
              scaledObject: scaledObject === undefined ? undefined : object,
              scaledJob: scaledJob === undefined ? undefined : job,
              triggers: triggers?.map(withoutTargetKind),
            }),
      knative: knative as unknown,
    }),
  };
}

function withoutTargetKind(trigger: object): object {
  return Object.fromEntries(Object.entries(trigger).filter(([key]) => key !== 'targetKind'));
}

// What v1beta1 has as annotations, v1beta2 has as fields.
function convertAnnotations(annotations: Annotations): object {
  const { plugins = '', 'plugins.tracing': tracing = '' } = annotations;
  const { post, pre } = plugins === '' ? {} : parsePlugins(plugins, 'metadata.annotations.plugins');
  return {
    ...(plugins === '' ? {} : { hooks: defined({ pre, post, policy: 'Override' }) }),
    ...(tracing === ''
      ? {}
      : { tracing: parseTracing(tracing, 'metadata.annotations["plugins.tracing"]') }),
  };
}

function defined(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function mapValues(map: Readonly<Record<string, unknown>>, convert: (value: unknown) => unknown) {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, convert(value)]));
}

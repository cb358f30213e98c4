// What both contexts, the environment and the objects have in common: one serving of a function.
import { ResourceError, invalidResource } from '../errors.ts';
import type { FunctionResource } from '../function/schema.ts';
import type { ServingSpec } from '../function/serving-schema.ts';
import { shortHash } from '../function/hash.ts';
import type { GlobalConfig } from './config.ts';
import { toObjectName } from './names.ts';

/** What runs a function: KEDA's http-add-on, Knative, or a workload that takes events. */
export type Target = 'keda-http' | 'knative' | 'async';

/** What there is besides the function itself. */
export interface ServingOptions {
  /** Default: by the triggers and the engine of the function. */
  readonly target?: Target;
  /** Name of the Serving. Default: `serving-` and a hash of the function. */
  readonly serving?: string;
  /** The image that runs, such as one with a digest. Default: that of the function. */
  readonly image?: string;
  /** Default: none. */
  readonly globalConfig?: GlobalConfig;
  /** Types of Dapr components that the function uses and does not define, by their names. Default: none. */
  readonly componentTypes?: Readonly<Record<string, string>>;
}

/** One serving of a function, with what it is known by. */
export interface Serving {
  readonly functionName: string;
  readonly namespace: string;
  /** Of the Function, which a Serving takes over. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly version: string;
  readonly image: string;
  readonly imageCredentials: FunctionResource['spec']['imageCredentials'];
  readonly name: string;
  readonly target: Target;
  readonly spec: ServingSpec;
  readonly globalConfig: GlobalConfig;
  readonly componentTypes: Readonly<Record<string, string>>;
}

/**
 * Makes a serving of a function.
 *
 * @throws ResourceError `OFN_RESOURCE_TARGET_UNFIT` for a function that the target cannot run.
 */
export function toServing(given: FunctionResource, options: ServingOptions = {}): Serving {
  const { metadata, spec } = given;
  const what = `Function "${metadata.name}"`;
  if (spec.serving === undefined)
    throw unfit(what, 'spec.serving', 'is missing: nothing is to run');
  const target = options.target ?? targetOf(spec.serving);
  const { http } = spec.serving.triggers;
  if (target !== 'async' && http === undefined) {
    throw unfit(what, 'spec.serving.triggers.http', `is missing, and ${target} serves HTTP`);
  }
  if (target === 'async' && http !== undefined) {
    throw unfit(what, 'spec.serving.triggers.http', 'is not served by async workloads');
  }
  const namespace = metadata.namespace ?? 'default';
  const image = options.image ?? spec.image;
  return {
    functionName: metadata.name,
    namespace,
    annotations: metadata.annotations ?? {},
    version: spec.version,
    image,
    imageCredentials: spec.imageCredentials,
    name:
      options.serving ??
      toObjectName('serving', shortHash([namespace, metadata.name, image, spec])),
    target,
    spec: http === undefined ? spec.serving : withEngine(spec.serving, http, target),
    globalConfig: options.globalConfig ?? {},
    componentTypes: options.componentTypes ?? {},
  };
}

function targetOf({ triggers }: ServingSpec): Target {
  if (triggers.http === undefined) return 'async';
  return triggers.http.engine === 'keda' ? 'keda-http' : 'knative';
}

// A function learns of its engine by the context, so that has to say what really runs it.
function withEngine(
  spec: ServingSpec,
  http: NonNullable<ServingSpec['triggers']['http']>,
  target: Target,
): ServingSpec {
  const engine = target === 'keda-http' ? 'keda' : 'knative';
  if ((http.engine ?? 'knative') === engine) return spec;
  return { ...spec, triggers: { ...spec.triggers, http: { ...http, engine } } };
}

function unfit(what: string, field: string, message: string): ResourceError {
  return invalidResource(what, [{ field, message }], 'OFN_RESOURCE_TARGET_UNFIT');
}

/** The port that the function listens at. */
export function portOf({ spec, target }: Serving): number {
  return target === 'async' ? 8080 : (spec.triggers.http?.port ?? 8080);
}

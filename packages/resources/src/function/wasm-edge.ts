// What `workloadRuntime: WasmEdge` says of a function elsewhere: annotations, the build strategy, the class
// of the pods.
import type { BuildSpec } from './build-schema.ts';
import type { ServingSpec } from './serving-schema.ts';

/** By this annotation, nodes run an image with WasmEdge. */
export const WASM_VARIANT = 'module.wasm.image/variant';

/** The class of the pods that run so. */
export const WASM_RUNTIME_CLASS = 'openfunction-crun';

interface WasmFunction {
  readonly metadata: { readonly annotations?: { readonly [name: string]: string } };
  readonly spec: {
    readonly workloadRuntime: string;
    readonly build?: BuildSpec;
    readonly serving?: ServingSpec;
  };
}

/** The function with what its workload runtime asks for; the same one for containers. */
export function withWasmEdge<Given extends WasmFunction>(given: Given): Given {
  const { metadata, spec } = given;
  const { build, serving, workloadRuntime } = spec;
  const isAnnotated = metadata.annotations?.[WASM_VARIANT] !== undefined;
  if (!isAnnotated && workloadRuntime.toLowerCase() !== 'wasmedge') return given;
  return {
    ...given,
    metadata: {
      ...metadata,
      annotations: { [WASM_VARIANT]: 'compat-smart', ...metadata.annotations },
    },
    spec: {
      ...spec,
      ...(build === undefined ? {} : { build: withStrategy(build) }),
      ...(serving === undefined ? {} : { serving: withRuntimeClass(serving) }),
    },
  };
}

function withStrategy(build: BuildSpec): BuildSpec {
  const strategy = { name: 'wasmedge', kind: 'ClusterBuildStrategy' } as const;
  return { ...build, shipwright: { strategy, ...build.shipwright } };
}

function withRuntimeClass(serving: ServingSpec): ServingSpec {
  const { annotations, template } = serving;
  return {
    ...serving,
    annotations: { [WASM_VARIANT]: 'compat-smart', ...annotations },
    ...(template === undefined
      ? {}
      : { template: { runtimeClassName: WASM_RUNTIME_CLASS, ...template } }),
  };
}

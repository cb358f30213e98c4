// The public names, one by one.
export { ResourceError, type ResourceErrorCode, type ResourceIssue } from './errors.ts';
export {
  parseFunction,
  parseResources,
  type ParseOptions,
  type ParsedResources,
} from './function/parse.ts';
export { toFunctionContext, type FunctionContextVariables } from './context/function-context.ts';
export { toEnvironment, type EnvironmentVariable } from './context/environment.ts';
export type { ServingOptions, Target } from './context/serving.ts';
export type { GlobalConfig } from './context/config.ts';
export type { ComponentResource } from './function/dapr-schema.ts';
export type { BuilderResource, FunctionResource, ServingResource } from './function/schema.ts';
export { render, renderYaml } from './render/render.ts';
export type { GatewayOptions, InterceptorOptions, RenderOptions } from './render/options.ts';
export { toRouteStatus } from './render/route.ts';
export type { KubernetesObject } from '@ofn/keda/objects';
export { reduceBuild } from './state/build.ts';
export {
  NO_BUILD,
  type BuildObservation,
  type BuildProgress,
  type BuildResult,
  type Step,
} from './state/build-progress.ts';
export { reduceServing } from './state/serving.ts';
export {
  NO_SERVING,
  type ServingObservation,
  type ServingProgress,
} from './state/serving-progress.ts';
export {
  NO_FUNCTION,
  reduceFunction,
  toFunctionStatus,
  type FunctionObservation,
  type FunctionProgress,
} from './state/function.ts';
export type { EventObject, ResourceEvent } from './state/events.ts';
export { parseDuration, renderDuration } from './function/duration.ts';
export type { BuildState, FunctionStatus, ServingState } from './function/status-schema.ts';

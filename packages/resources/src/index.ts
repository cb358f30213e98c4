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
export type { BuilderResource, FunctionResource, ServingResource } from './function/schema.ts';
export { render, renderYaml } from './render/render.ts';
export type { GatewayOptions, InterceptorOptions, RenderOptions } from './render/options.ts';
export { toRouteStatus } from './render/route.ts';
export type { KubernetesObject } from '@ofn/keda/objects';

// The public names, one by one.
export { KedaError, type KedaErrorCode, type KedaIssue } from './errors.ts';
export type { InterceptorSettings, ProfileName } from './profile.ts';
export type { Count, Counts } from './interceptor/counts.ts';
export {
  createInterceptor,
  type Interceptor,
  type InterceptorOptions,
} from './interceptor/interceptor.ts';
export { parseInterceptorEnvironment } from './interceptor/environment.ts';
export type {
  HeaderMatch,
  Route,
  RouteRule,
  ServiceTarget,
  StaticResponse,
  StaticRoute,
} from './routing/route.ts';
export {
  DEFAULT_SCALING,
  type ScalingMetric,
  type ScalingOptions,
  type ScalingPolicy,
  type ScalingRules,
} from './scaler/options.ts';
export { createAutoscaler, type Autoscaler, type AutoscalerOptions } from './scaler/autoscaler.ts';
export {
  createInstances,
  type InstanceEvent,
  type InstanceInfo,
  type Instances,
  type InstancesOptions,
} from './instances/instances.ts';
export type {
  InstanceExit,
  InstanceState,
  Sidecar as InstanceSidecar,
  Spawn,
} from './instances/instance.ts';
export { freePort } from './instances/instance.ts';
export { ownGroup, type ProcessGroup } from './instances/process-group.ts';
export type { Log } from './interceptor/call.ts';
export type {
  HttpScaledObject,
  HttpScaledObject05,
  InterceptorRoute,
  KubernetesObject,
  Metadata,
  Referents,
  ReplyBodies,
  ScaledObject,
  ScalingObject,
  ServicePorts,
} from './objects/objects.ts';
export { parseObjects, type ParsedObjects } from './objects/parse.ts';
export { readObjects } from './objects/read.ts';
export { toRoutes, type ScaledRoute } from './objects/to-route.ts';
export { toHttpScaledObject, toInterceptorRoute, type RouteObjects } from './objects/build.ts';
export { renderObjects } from './objects/render.ts';
export type { ScaledFunction } from './objects/scaled-function.ts';
export {
  simulate,
  type Simulation,
  type SimulationInput,
  type SimulationPoint,
} from './scaler/simulate.ts';
export { renderPlot } from './scaler/plot.ts';
export {
  createExternalScaler,
  type ExternalScaler,
  type ExternalScalerOptions,
} from './scaler/external-scaler.ts';

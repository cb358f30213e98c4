// The ./objects export: scaling objects alone, without what serves requests.
export { KedaError, type KedaErrorCode, type KedaIssue } from './errors.ts';
export type {
  HttpScaledObject,
  HttpScaledObject05,
  InterceptorRoute,
  KubernetesObject,
  Metadata,
  ScaledObject,
  ScalingObject,
} from './objects/objects.ts';
export { parseObjects, type ParsedObjects } from './objects/parse.ts';
export { toHttpScaledObject, toInterceptorRoute, type RouteObjects } from './objects/build.ts';
export { renderObjects } from './objects/render.ts';
export type { ScaledFunction } from './objects/scaled-function.ts';

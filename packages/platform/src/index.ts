// The public names, one by one.
export type { PlatformInfo } from './admin/platform-info.ts';
export { buildDeployable, type Deployable, type DeployableOptions } from './build/deployable.ts';
export { findSources, toFunctionName, type Source } from './build/source.ts';
export { PlatformError, type PlatformErrorCode } from './errors.ts';
export type { FunctionInput } from './dapr/inputs.ts';
export {
  createPlatform,
  type FunctionInfo,
  type Platform,
  type PlatformOptions,
} from './platform.ts';
export type { Trace, TraceSummary } from './traces/traces.ts';
export type { PlatformEvent } from './platform-event.ts';
export type {
  EventResource,
  InstanceResource,
  ObjectKind,
  ObjectReference,
  PlatformObject,
} from './state/objects.ts';

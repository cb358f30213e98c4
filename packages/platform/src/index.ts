// The public names, one by one.
export { buildDeployable, type Deployable, type DeployableOptions } from './build/deployable.ts';
export { findSources, toFunctionName, type Source } from './build/source.ts';
export { PlatformError, type PlatformErrorCode } from './errors.ts';
export {
  createPlatform,
  type FunctionInfo,
  type Platform,
  type PlatformOptions,
} from './platform.ts';
export type { PlatformEvent } from './platform-event.ts';
export type { InstanceResource } from './state/objects.ts';

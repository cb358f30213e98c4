// The public names, one by one.
export { PlatformError, type PlatformErrorCode } from './errors.ts';
export {
  createPlatform,
  type FunctionInfo,
  type Platform,
  type PlatformOptions,
} from './platform.ts';
export type { PlatformEvent } from './platform-event.ts';
export type { InstanceResource } from './state/objects.ts';

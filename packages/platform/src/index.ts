// The public names, one by one.
export { PlatformError, type PlatformErrorCode } from './errors.ts';
export {
  createPlatform,
  type FunctionInfo,
  type Platform,
  type PlatformEvent,
  type PlatformOptions,
} from './platform.ts';

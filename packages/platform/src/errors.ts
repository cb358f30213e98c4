// The one error of the package, and all its codes.

/** Every code, with what it means. `docs/ofn.md` lists the same. */
export const PLATFORM_ERRORS = {
  OFN_PLATFORM_SOURCE_INVALID: 'A path is neither a Function file nor a folder with code',
  OFN_PLATFORM_FUNCTION_INVALID: 'A Function cannot run here; the message says why',
  OFN_PLATFORM_BUILD_FAILED: 'The code of a function cannot be built; the message has the place',
  OFN_PLATFORM_START_FAILED:
    'The process of a function ends before it is ready, or is not ready in time; the message says why',
  OFN_PLATFORM_NO_INSTANCE:
    'An event is for a function that has no instance, and does not wait for one',
  OFN_PLATFORM_FOLDER_FOREIGN: 'A folder for a build has files in it that no build has made',
  OFN_PLATFORM_FOLDER_UNFIT:
    'A folder cannot be built into: it has files that no build has made, or is not to be written',
} as const satisfies Readonly<Record<string, string>>;

/** A code of this package. */
export type PlatformErrorCode = keyof typeof PLATFORM_ERRORS;

/**
 * An error of this package.
 *
 * @example
 * try { await createPlatform({ paths: ['nowhere'] }); }
 * catch (error) { console.log((error as PlatformError).code); } // OFN_PLATFORM_SOURCE_INVALID
 */
export class PlatformError extends Error {
  override readonly name = 'PlatformError';
  readonly code: PlatformErrorCode;

  constructor(code: PlatformErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
  }
}

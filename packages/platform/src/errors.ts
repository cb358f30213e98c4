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
  OFN_PLATFORM_FOLDER_UNFIT:
    'A folder cannot be built into: it has files that no build has made, or is not to be written',
  OFN_PLATFORM_DAPRD_UNAVAILABLE:
    'There is no daprd that runs here; the message says how to install one, and how to do without',
  OFN_PLATFORM_RUNNING: 'Another platform runs in this folder; the message says which',
  OFN_PLATFORM_PORT_UNAVAILABLE: 'The admin port cannot be listened on',
  OFN_PLATFORM_REQUEST_INVALID: 'A request to the admin API is not valid; the message says why',
  OFN_PLATFORM_FOREIGN_CALLER:
    'A request to the admin API has the Host or the Origin of another machine or port',
  OFN_PLATFORM_NOT_FOUND: 'The admin API has no such path, or the platform no such object',
  OFN_PLATFORM_METHOD_NOT_ALLOWED: 'A path of the admin API does not take this method',
  OFN_PLATFORM_BODY_TOO_LARGE: 'A body is larger than the 4 MiB that the admin API takes',
  OFN_PLATFORM_CLIENT_SLOW:
    'A client of the admin API reads slower than things happen; its stream ends',
  OFN_PLATFORM_EVENT_FAILED: 'An event was not taken; the message says why',
  OFN_PLATFORM_INTERNAL: 'The admin API has failed; the message says how',
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

// The one error of the package, and all its codes.

/** Every code, with what it means. `docs/interceptor.md` lists the same. */
export const KEDA_ERRORS = {
  OFN_KEDA_OPTION_INVALID: 'An option of the interceptor, the simulator or the bin is not valid',
  OFN_KEDA_OBJECT_INVALID:
    'A scaling object is not valid; the message names the file and the field',
  OFN_KEDA_OBJECT_UNREADABLE: 'A file of scaling objects cannot be read',
  OFN_KEDA_PORT_UNAVAILABLE: 'A port cannot be listened on',
} as const satisfies Readonly<Record<string, string>>;

/** A code of this package. */
export type KedaErrorCode = keyof typeof KEDA_ERRORS;

/** One thing that is wrong with a value. */
export interface KedaIssue {
  /** Where, from the value's root: `spec.replicas.min`. */
  readonly field: string;
  readonly message: string;
  /** The file and the line of a value that was read: `shop.yaml:12`. */
  readonly at?: string;
}

/**
 * An error of this package.
 *
 * @example
 * try { toHttpScaledObject({ name: 'hello', hosts: [] }, { addOn: 'current' }); }
 * catch (error) { console.log((error as KedaError).issues); }
 */
export class KedaError extends Error {
  override readonly name = 'KedaError';
  readonly code: KedaErrorCode;
  /** Each field that is wrong; empty when the code says it all. */
  readonly issues: readonly KedaIssue[];

  constructor(
    code: KedaErrorCode,
    message: string,
    options: { issues?: readonly KedaIssue[]; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.issues = options.issues ?? [];
  }
}

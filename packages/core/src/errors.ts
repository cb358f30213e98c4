// Every error the framework can report: one table of codes, and the one class that carries them.

/**
 * The documented error codes.
 *
 * A code with a `status` answers a call; a code with an `exitCode` ends the process. What is private
 * is told in the logs, and to callers in development only: it speaks of the code, not of the call.
 * `docs/errors.md` explains each one, and a test keeps that page and this table equal.
 */
export const ERROR_TABLE = {
  // Answers to a call.
  OFN_REQUEST_MALFORMED: { status: 400, title: 'The request is not valid HTTP' },
  OFN_BODY_MALFORMED: { status: 400, title: 'The body does not match its content type' },
  OFN_EVENT_MALFORMED: { status: 400, title: 'The request does not hold a valid event' },
  OFN_SCHEMA_FAILED: { status: 400, title: 'The data does not match the schema of the function' },
  OFN_NOT_FOUND: { status: 404, title: 'No function is served at this path' },
  OFN_METHOD_NOT_ALLOWED: { status: 405, title: 'The function does not accept this method' },
  OFN_REQUEST_TIMEOUT: { status: 408, title: 'The request did not arrive in time' },
  OFN_BODY_TOO_LARGE: { status: 413, title: 'The body is larger than the limit' },
  OFN_BODY_UNSUPPORTED: { status: 415, title: 'The encoding of the body is not supported' },
  OFN_HEADERS_TOO_LARGE: { status: 431, title: 'The headers are too large or too many' },
  OFN_FUNCTION_FAILED: { status: 500, title: 'The function failed' },
  OFN_RESULT_INVALID: {
    status: 500,
    isPrivate: true,
    title: 'The result of the function cannot be sent',
  },
  OFN_HEADERS_SENT: {
    status: 500,
    isPrivate: true,
    title: 'The headers were sent before the function answered',
  },
  OFN_OUTPUT_UNKNOWN: { status: 500, isPrivate: true, title: 'The function has no such output' },
  OFN_OUTPUT_FAILED: { status: 500, isPrivate: true, title: 'An output could not be sent' },
  OFN_STATE_UNKNOWN: {
    status: 500,
    isPrivate: true,
    title: 'The function has no such state store',
  },
  OFN_STATE_CONFLICT: {
    status: 409,
    isPrivate: true,
    title: 'The state was changed by another writer',
  },
  OFN_STATE_FAILED: { status: 500, isPrivate: true, title: 'The state store failed' },
  OFN_SIDECAR_UNAVAILABLE: {
    status: 503,
    isPrivate: true,
    title: 'The Dapr sidecar cannot be reached',
  },
  OFN_SIDECAR_TIMEOUT: {
    status: 504,
    isPrivate: true,
    title: 'The Dapr sidecar did not answer in time',
  },
  OFN_INPUT_UNKNOWN: { status: 500, title: 'No function takes this topic or binding' },
  OFN_NOT_A_DELIVERY: {
    status: 500,
    isPrivate: true,
    title: 'The call is no delivery that can be dropped or retried',
  },
  OFN_TOKEN_INVALID: { status: 401, title: 'The app API token is missing or wrong' },
  OFN_OVERLOADED: { status: 503, title: 'The function is at its concurrency limit' },
  OFN_STOPPING: { status: 503, title: 'The server stopped before the function answered' },
  OFN_TIMEOUT: { status: 504, title: 'The function did not answer in time' },

  // Reasons not to start.
  OFN_OPTION_UNKNOWN: { exitCode: 2, title: 'Unknown option' },
  OFN_OPTION_INVALID: { exitCode: 2, title: 'Invalid option value' },
  OFN_CONTEXT_MALFORMED: { exitCode: 2, title: 'Malformed function context' },
  OFN_SOURCE_NOT_FOUND: { exitCode: 1, title: 'No function source found' },
  OFN_SOURCE_FAILED: { exitCode: 1, title: 'The function source cannot be loaded' },
  OFN_TYPESCRIPT_UNSUPPORTED: { exitCode: 1, title: 'This Node.js cannot run TypeScript' },
  OFN_TARGET_NOT_FOUND: { exitCode: 1, title: 'The target function does not exist' },
  OFN_FUNCTION_INVALID: { exitCode: 1, title: 'Invalid function' },
  OFN_ROUTE_CONFLICT: { exitCode: 1, title: 'Two functions serve the same route' },
  OFN_INPUT_CONFLICT: { exitCode: 1, title: 'The inputs contradict each other' },
  OFN_SIGNATURE_UNSUPPORTED: {
    exitCode: 1,
    title: 'This kind of function cannot receive events of Dapr',
  },
  OFN_PLUGIN_INVALID: { exitCode: 1, title: 'Invalid plugin' },
  OFN_START_FAILED: { exitCode: 1, title: 'A start hook failed' },
  OFN_PORT_UNAVAILABLE: { exitCode: 1, title: 'The port cannot be listened on' },

  // Reasons to end.
  OFN_DRAIN_INCOMPLETE: { exitCode: 1, title: 'Calls were cut off at the drain deadline' },
  OFN_STOP_FAILED: { exitCode: 1, title: 'A stop hook failed' },
  OFN_UNCAUGHT: { exitCode: 16, title: 'An error was thrown outside every call' },
} as const satisfies Record<
  string,
  { title: string } & ({ status: number; isPrivate?: true } | { exitCode: number })
>;

/** One of the documented error codes, such as `OFN_BODY_MALFORMED`. */
export type ErrorCode = keyof typeof ERROR_TABLE;

/** One thing wrong with a value: what, and where in the value. */
export interface Issue {
  readonly message: string;
  readonly path?: readonly (string | number)[];
}

/**
 * An error of the framework. Its message is meant for the person who can mend it.
 *
 * @example
 * try { await createTestRuntime({ source: './missing' }); }
 * catch (error) { console.log((error as OfnError).code); } // OFN_SOURCE_NOT_FOUND
 */
export class OfnError extends Error {
  // Known by its name, so that an error of another copy of this package is one of ours too.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'OfnError' && 'code' in value;
  }

  override readonly name = 'OfnError';
  readonly code: ErrorCode;
  /** What the validator reported, for `OFN_SCHEMA_FAILED` and `OFN_CONTEXT_MALFORMED`. */
  readonly issues: readonly Issue[] | undefined;
  /** Headers the reply must carry, such as `Allow` or `Retry-After`. */
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      cause?: unknown;
      issues?: readonly Issue[];
      headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.issues = options.issues;
    this.headers = options.headers;
  }

  /** Whether the message may be shown to the caller. */
  get isPublic(): boolean {
    return this.isAnswer && !('isPrivate' in ERROR_TABLE[this.code]);
  }

  /** Whether the code is about a call. */
  get isAnswer(): boolean {
    return 'status' in ERROR_TABLE[this.code];
  }

  /** The HTTP status a call is answered with; 500 for an error that is not about a call. */
  get status(): number {
    const entry = ERROR_TABLE[this.code];
    return 'status' in entry ? entry.status : 500;
  }

  /** The exit code of the process; 1 for an error that is about a call. */
  get exitCode(): number {
    const entry = ERROR_TABLE[this.code];
    return 'exitCode' in entry ? entry.exitCode : 1;
  }
}

/**
 * Any thrown value as an Error that can be read: what was thrown stays reachable as `cause`, unless
 * it throws when it is looked at (a getter, a proxy).
 */
export function toError(thrown: unknown): Error {
  try {
    const isError = thrown instanceof Error;
    // What logs and replies are made of.
    if (isError) void [thrown.name, thrown.message, thrown.stack, thrown.cause];
    if (typeof thrown === 'object' && thrown !== null) void Object.values(thrown);
    if (isError) return thrown;
    const text = typeof thrown === 'string' ? thrown : 'a value that is not an Error was thrown';
    return new Error(text, { cause: thrown });
  } catch {
    return new Error('an error that cannot be read was thrown');
  }
}

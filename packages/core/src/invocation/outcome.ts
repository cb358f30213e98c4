// How a call ended, whatever its trigger: with a value, or with the error that a caller may see.
import { OfnError, toError } from '../errors.ts';

/** A value a handler can await. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

/** A failed call as its caller may see it. */
export interface Failure {
  readonly status: number;
  readonly error: Error;
  /** Set when the framework itself refused the call; its message is safe to show. */
  readonly refusal: OfnError | undefined;
  /** Whether the message may be shown: the http-errors convention, `expose`. */
  readonly expose: boolean;
}

/**
 * What a thrown value becomes: an error of the framework keeps its status; an error with a
 * `status` or `statusCode` from 400 to 599 keeps that, as in Express; anything else is 500.
 */
export function toFailure(thrown: unknown): Failure {
  const error = toError(thrown);
  if (error instanceof OfnError) {
    return { status: error.status, error, refusal: error, expose: error.isPublic };
  }
  const said = error as unknown as Record<string, unknown>;
  const given = [read(said, 'status'), read(said, 'statusCode')].find(isErrorStatus);
  const expose = read(said, 'expose') === true;
  return { status: given ?? 500, error, refusal: undefined, expose };
}

// A getter of user code may throw.
function read(error: Readonly<Record<string, unknown>>, field: string): unknown {
  try {
    return error[field];
  } catch {
    return undefined;
  }
}

function isErrorStatus(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 400 && (value as number) <= 599;
}

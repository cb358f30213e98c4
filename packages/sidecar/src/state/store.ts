// What the APIs ask of a state store: requests go in, values or an error come out.
import type { Query, QueryPage } from './query.ts';

/** Demands on a write, as Dapr spells them. Empty and absent mean the same. */
interface WriteOptions {
  /** `first-write` or `last-write`; the store refuses anything else. */
  readonly concurrency?: string | undefined;
  /** `strong` or `eventual`; the store refuses anything else. */
  readonly consistency?: string | undefined;
}

/** A value to store. */
export interface SetRequest {
  readonly key: string;
  readonly data: Buffer;
  /** The write fails when the stored value has another one. Empty: no condition. */
  readonly etag?: string | undefined;
  readonly options?: WriteOptions | undefined;
  /** `ttlInSeconds` is known: a whole number, 0 and below for none. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A value to remove. One that is not there is no error. */
export type DeleteRequest = Omit<SetRequest, 'data'>;

/** One step of a transaction. */
export type Operation =
  | { readonly type: 'upsert'; readonly request: SetRequest }
  | { readonly type: 'delete'; readonly request: DeleteRequest };

/** A value that is stored. */
export interface StateItem {
  readonly key: string;
  readonly data: Buffer;
  readonly etag: string;
  /** Milliseconds since 1970; `undefined` for a value that stays. */
  readonly expires: number | undefined;
}

/** A state store. Keys are those of the app; the prefix is the store's own affair. */
export interface StateStore {
  readonly name: string;
  /** `undefined` when there is no such value, or its time is over. */
  get(key: string): Promise<StateItem | undefined>;
  /** @throws EtagMismatchError, or an Error for an option that is not known. */
  set(request: SetRequest): Promise<void>;
  /** @throws EtagMismatchError, or an Error for an option that is not known. */
  delete(request: DeleteRequest): Promise<void>;
  /**
   * All of them, or none.
   *
   * @throws EtagMismatchError, or an Error for an option that is not known.
   */
  transact(operations: readonly Operation[]): Promise<void>;
  query(query: Query): Promise<QueryPage>;
}

/** A write found another version than it expected. */
export class EtagMismatchError extends Error {
  override readonly name = 'EtagMismatchError';

  constructor(reason: string) {
    super(`possible etag mismatch. error from state store: ${reason}`);
  }
}

/**
 * Runs each write by itself: one that fails keeps no other from being done.
 *
 * @throws The error of the only write; for several, one that holds every message. It is an
 * EtagMismatchError when each of them is.
 */
export async function writeEach<R>(
  requests: readonly R[],
  write: (request: R) => Promise<void>,
): Promise<void> {
  const results = await Promise.allSettled(requests.map(write));
  const errors = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as Error] : [],
  );
  if (errors.length === 0) return;
  if (requests.length === 1) throw errors[0];
  const message = errors.map((error) => error.message).join('\n');
  if (errors.every((error) => error instanceof EtagMismatchError)) {
    throw new EtagMismatchError(message);
  }
  throw new AggregateError(errors, message);
}

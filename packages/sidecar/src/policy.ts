// A policy, and the way an operation runs under one: attempts, their time, and the waits between.
import type { Clock } from './clock.ts';

/** Which statuses are worth another attempt, such as `429,500-599`. */
interface Matching {
  readonly http: readonly CodeRange[] | undefined;
  readonly grpc: readonly CodeRange[] | undefined;
}

/** From one status to another. */
export interface CodeRange {
  readonly first: number;
  readonly last: number;
}

/** When to try again. Times in milliseconds. */
export interface RetryPolicy {
  /** Attempts after the first; -1: no end. */
  readonly maxRetries: number;
  /** How long to wait before a retry, by its number from 1. */
  readonly delay: (retry: number) => number;
  /** From the first attempt on, after which none is made any more. */
  readonly maxElapsed: number;
  readonly matching: Matching;
}

/** What an operation runs under. */
export interface Policy {
  /** For one attempt, in milliseconds. `undefined`: no limit. */
  readonly timeout: number | undefined;
  /** `undefined`: one attempt. */
  readonly retry: RetryPolicy | undefined;
}

/** No limit and no second attempt: what applies without a resource. */
export const NO_POLICY: Policy = { timeout: undefined, retry: undefined };

const GRPC_CODES: CodeRange = { first: 0, last: 99 };

function mayRetry({ http, grpc }: Matching, code: number | undefined): boolean {
  if (code === undefined) return true;
  const ranges = contains(GRPC_CODES, code) ? grpc : http;
  return ranges === undefined || ranges.some((range) => contains(range, code));
}

function contains({ first, last }: CodeRange, code: number): boolean {
  return first <= code && code <= last;
}

/** An attempt that failed. */
export class AttemptError extends Error {
  override readonly name = 'AttemptError';
  /** HTTP or gRPC status, which decides whether there is another attempt. */
  readonly code: number | undefined;

  constructor(message: string, code?: number) {
    super(message);
    this.code = code;
  }
}

/** What an attempt is told. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** Aborts when the time of the attempt is over, or the sidecar stops. */
  readonly signal: AbortSignal;
}

/**
 * Runs an operation until it resolves, or the policy has no attempt left.
 *
 * @param onRetry Told of each attempt that failed and will be followed by another.
 * @throws What the last attempt threw; the reason of `stop` when it aborts meanwhile.
 */
export async function runUnder<Result>(
  policy: Policy,
  clock: Clock,
  stop: AbortSignal,
  operation: (attempt: Attempt) => Promise<Result>,
  onRetry: (error: Error, attempt: number) => void = () => undefined,
): Promise<Result> {
  const { retry } = policy;
  const started = clock.now();
  for (let number = 1; ; number++) {
    stop.throwIfAborted();
    try {
      return await runAttempt(policy.timeout, clock, stop, number, operation);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      if (stop.aborted || retry === undefined) throw error;
      if (retry.maxRetries >= 0 && number > retry.maxRetries) throw error;
      if (error instanceof AttemptError && !mayRetry(retry.matching, error.code)) throw error;
      const delay = retry.delay(number);
      if (clock.now() - started + delay > retry.maxElapsed) throw error;
      onRetry(error, number);
      await wait(delay, clock, stop);
    }
  }
}

async function runAttempt<Result>(
  timeout: number | undefined,
  clock: Clock,
  stop: AbortSignal,
  number: number,
  operation: (attempt: Attempt) => Promise<Result>,
): Promise<Result> {
  if (timeout === undefined || timeout <= 0) return operation({ number, signal: stop });
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  let cancel = (): void => undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    cancel = clock.setTimeout(() => {
      reject(new AttemptError('context deadline exceeded'));
      over.abort();
    }, timeout);
  });
  try {
    const attempt = operation({ number, signal });
    // When the deadline wins, what the attempt still throws is of no interest.
    attempt.catch(() => undefined);
    return await Promise.race([attempt, deadline]);
  } finally {
    cancel();
  }
}

/** Waits, unless the signal aborts. */
async function wait(delay: number, clock: Clock, stop: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stop.removeEventListener('abort', done);
      cancel();
      resolve();
    };
    const cancel = clock.setTimeout(done, delay);
    stop.addEventListener('abort', done, { once: true });
  });
}

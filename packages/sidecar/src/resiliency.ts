// Resiliency resources as policies, and the way an operation runs under one.
import * as v from 'valibot';
import type { Clock } from './clock.ts';
import { parseDuration } from './duration.ts';
import { SidecarError } from './errors.ts';

/** Which statuses are worth another attempt, such as `429,500-599`. */
interface Matching {
  readonly http: readonly CodeRange[] | undefined;
  readonly grpc: readonly CodeRange[] | undefined;
}

interface CodeRange {
  readonly first: number;
  readonly last: number;
}

/** When to try again. Times in milliseconds. */
interface RetryPolicy {
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

/** The kinds of component that default policies can be named for. */
type ComponentKind = 'Pubsub' | 'Binding' | 'Statestore';

/** The policies of all targets. */
export interface Policies {
  inbound(component: string, kind: ComponentKind): Policy;
  outbound(component: string, kind: ComponentKind): Policy;
  app(appId: string): Policy;
}

/** The `spec` of a Resiliency resource, as daprd reads it. */
export type ResiliencySpec = v.InferInput<typeof Spec>;

const Retry = v.object({
  policy: v.optional(v.picklist(['constant', 'exponential']), 'constant'),
  duration: v.optional(v.union([v.string(), v.number()])),
  maxInterval: v.optional(v.union([v.string(), v.number()])),
  maxRetries: v.optional(v.number(), -1),
  matching: v.optional(
    v.object({
      httpStatusCodes: v.optional(v.string()),
      gRPCStatusCodes: v.optional(v.string()),
    }),
  ),
});
const Names = v.object({
  timeout: v.optional(v.string()),
  retry: v.optional(v.string()),
  circuitBreaker: v.optional(v.string()),
});
const Spec = v.object({
  policies: v.optional(
    v.object({
      timeouts: v.optional(v.record(v.string(), v.union([v.string(), v.number()]))),
      retries: v.optional(v.record(v.string(), Retry)),
      circuitBreakers: v.optional(v.record(v.string(), v.unknown())),
    }),
  ),
  targets: v.optional(
    v.object({
      components: v.optional(
        v.record(v.string(), v.object({ inbound: v.optional(Names), outbound: v.optional(Names) })),
      ),
      apps: v.optional(v.record(v.string(), Names)),
    }),
  ),
});
type Names = v.InferOutput<typeof Names>;

/**
 * The policies of Resiliency specs; later ones win.
 *
 * @param warn Told of what is left out: circuit breakers.
 * @throws SidecarError `ERR_RESOURCE_INVALID` when a spec is not valid.
 */
export function createPolicies(
  specs: readonly unknown[],
  warn: (message: string) => void,
): Policies {
  const timeouts = new Map<string, number>();
  const retries = new Map<string, RetryPolicy>();
  const components = new Map<
    string,
    { inbound?: Names | undefined; outbound?: Names | undefined }
  >();
  const apps = new Map<string, Names>();

  for (const spec of specs) {
    const { policies, targets } = parseSpec(spec);
    for (const [name, value] of Object.entries(policies?.timeouts ?? {})) {
      timeouts.set(name, parseDuration(String(value)));
    }
    for (const [name, value] of Object.entries(policies?.retries ?? {})) {
      retries.set(name, toRetryPolicy(value));
    }
    if (Object.keys(policies?.circuitBreakers ?? {}).length > 0) {
      warn('circuit breakers are left out: this sidecar has none; run daprd to try them');
    }
    for (const [name, value] of Object.entries(targets?.components ?? {})) {
      components.set(name, value);
    }
    for (const [name, value] of Object.entries(targets?.apps ?? {})) apps.set(name, value);
  }

  function toPolicy(names: { timeout?: string | undefined; retry?: string | undefined }): Policy {
    return {
      timeout: timeouts.get(names.timeout ?? ''),
      retry: retries.get(names.retry ?? ''),
    };
  }

  // A policy whose name says so applies to all targets that have none of their own.
  function defaultPolicy(levels: readonly string[]): Policy {
    const named = (kind: 'Retry' | 'Timeout', known: ReadonlyMap<string, unknown>) =>
      [...levels, '']
        .map((level) => `Default${level}${kind}Policy`)
        .find((name) => known.has(name));
    return toPolicy({ retry: named('Retry', retries), timeout: named('Timeout', timeouts) });
  }

  function ofComponent(name: string, kind: ComponentKind, direction: 'Inbound' | 'Outbound') {
    const target = components.get(name);
    if (target !== undefined) {
      return toPolicy((direction === 'Inbound' ? target.inbound : target.outbound) ?? {});
    }
    return defaultPolicy([`${kind}Component${direction}`, `Component${direction}`, 'Component']);
  }

  return {
    inbound: (name, kind) => ofComponent(name, kind, 'Inbound'),
    outbound: (name, kind) => ofComponent(name, kind, 'Outbound'),
    app(appId) {
      const names = apps.get(appId);
      return names === undefined ? defaultPolicy(['App']) : toPolicy(names);
    },
  };
}

function parseSpec(spec: unknown): v.InferOutput<typeof Spec> {
  const parsed = v.safeParse(Spec, spec);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue) ?? 'spec';
  throw new SidecarError('ERR_RESOURCE_INVALID', `Resiliency: ${where}: ${issue.message}`);
}

const DEFAULT_DURATION = '5s';
const FIRST_INTERVAL = 500;
const MULTIPLIER = 1.5;
const DEFAULT_MAX_INTERVAL = '60s';
const MAX_ELAPSED = 15 * 60_000;

function toRetryPolicy(given: v.InferOutput<typeof Retry>): RetryPolicy {
  const { maxRetries, matching } = given;
  const shared = {
    maxRetries,
    matching: {
      http: parseCodes(matching?.httpStatusCodes),
      grpc: parseCodes(matching?.gRPCStatusCodes),
    },
  };
  if (given.policy === 'constant') {
    const duration = parseDuration(String(given.duration ?? DEFAULT_DURATION));
    return { ...shared, delay: () => duration, maxElapsed: Infinity };
  }
  const longest = parseDuration(String(given.maxInterval ?? DEFAULT_MAX_INTERVAL));
  return {
    ...shared,
    // daprd spreads these by up to half at random, so that many sidecars do not retry at once.
    // One sidecar need not, and a test can know when the retry is due.
    delay: (retry) => Math.min(FIRST_INTERVAL * MULTIPLIER ** (retry - 1), longest),
    maxElapsed: MAX_ELAPSED,
  };
}

function parseCodes(text: string | undefined): CodeRange[] | undefined {
  if (text === undefined || text === '') return undefined;
  return text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part);
      const first = Number(match?.[1]);
      const last = Number(match?.[2] ?? match?.[1]);
      if (match === null || last < first) {
        throw new SidecarError(
          'ERR_RESOURCE_INVALID',
          `Resiliency: "${part}" is not a range of codes`,
        );
      }
      return { first, last };
    });
}

/** How daprd asks an app for its subscriptions while it may still be starting. */
export const INITIALIZATION_POLICY: Policy = {
  timeout: undefined,
  retry: toRetryPolicy({ policy: 'exponential', maxInterval: '1s', maxRetries: 3 }),
};

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

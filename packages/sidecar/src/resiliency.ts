// Resiliency resources as policies, by their targets.
import * as v from 'valibot';
import { parseDuration } from './duration.ts';
import { SidecarError } from './errors.ts';
import type { CodeRange, Policy, RetryPolicy } from './policy.ts';

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
 * @param warn Told of what is left out, circuit breakers, and of policies that are named but not there.
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
  for (const [name, { inbound, outbound }] of components) {
    checkNames(`component ${name}, inbound`, inbound);
    checkNames(`component ${name}, outbound`, outbound);
  }
  for (const [name, names] of apps) checkNames(`app ${name}`, names);

  // daprd says nothing of it, and the target is left without a policy.
  function checkNames(target: string, names: Names | undefined): void {
    for (const [kind, known] of [
      ['retry', retries],
      ['timeout', timeouts],
    ] as const) {
      const name = names?.[kind];
      if (name === undefined || name === '' || known.has(name)) continue;
      warn(`resiliency of ${target}: there is no ${kind} policy "${name}"`);
    }
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

/** How a queue hands an event over again that the app did not take: without an end. */
export const REDELIVERY: RetryPolicy = {
  ...toRetryPolicy({ policy: 'exponential', maxInterval: '10s', maxRetries: -1 }),
  maxElapsed: Infinity,
};

/** How daprd asks an app for its subscriptions while it may still be starting. */
export const INITIALIZATION_POLICY: Policy = {
  timeout: undefined,
  retry: toRetryPolicy({ policy: 'exponential', maxInterval: '1s', maxRetries: 3 }),
};

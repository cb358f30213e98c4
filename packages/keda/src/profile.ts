// What differs between add-on 0.5, which OpenFunction 1.2.0 pins, and the current add-on, as data.
import { STATUS_CODES } from 'node:http';
import type { Counts } from './interceptor/counts.ts';

/** Versions of the add-on that are told apart. */
export const PROFILES = ['v0.5', 'current'] as const;

/** `v0.5`: add-on 0.5.0. `current`: add-on 0.14 and later. */
export type ProfileName = (typeof PROFILES)[number];

/** Times in milliseconds, 0 for no limit; numbers of connections. */
export interface InterceptorSettings {
  /** From the request to the end of its response. */
  readonly requestTimeout: number;
  /** From the request sent in whole to the headers of the response. */
  readonly responseHeaderTimeout: number;
  /** How long a request waits for a first ready instance. */
  readonly readinessTimeout: number;
  /** Of one attempt to connect. */
  readonly connectTimeout: number;
  /** How long a connection to an instance is kept while it is idle. */
  readonly idleConnTimeout: number;
  /** Idle connections of all services together. */
  readonly maxIdleConns: number;
  /** Idle connections of one service. */
  readonly maxIdleConnsPerHost: number;
  /** Whether responses say if their request waited for an instance. */
  readonly coldStartHeader: boolean;
  /** Whether each request is logged. */
  readonly logRequests: boolean;
  /** How long requests are still taken after the signal to stop. */
  readonly shutdownDelay: number;
  /** How long requests in flight get to end then. */
  readonly drainTimeout: number;
}

/** One version of the add-on. */
export interface Profile {
  readonly name: ProfileName;
  readonly settings: InterceptorSettings;
  /** Whether rules know wildcards, catch-alls and headers; otherwise hosts and paths alone. */
  readonly hasRules: boolean;
  /** The reply to a request that waited for an instance in vain. */
  readonly notReady: { readonly status: number; body: (service: string) => string };
  /** The status when the backend takes too long, or cannot be connected to. */
  readonly timeoutStatus: number;
  /** Milliseconds between two attempts to connect; after the last one the request fails. */
  readonly dialDelays: Iterable<number>;
  /** Milliseconds after which no further attempt is made. */
  readonly dialLimit: number;
  /** What the function gets as Host: that of the caller, or its own service. */
  readonly host: 'caller' | 'service';
  /** Whether X-Forwarded-Host and -Proto are set where they are missing, and Forwarded is dropped. */
  readonly setsForwarded: boolean;
  /** Whether the path goes on as it came; otherwise decoded and encoded again, by which %2F is lost. */
  readonly keepsPath: boolean;
  readonly hasUpgrades: boolean;
  readonly hasHttp2: boolean;
  /** Bytes of a response that are held back before they are sent; 0 to send at once. */
  readonly responseBuffer: number;
  /** Whether probes are answered on the admin port; otherwise on the proxy's, to Kubernetes alone. */
  readonly hasAdminProbes: boolean;
  /** Whether a stop lets requests end; otherwise it cuts them off. */
  readonly drains: boolean;
  /** The body of a reply that says no more than its status. */
  plainBody(status: number): string;
  /** Headers of such a reply, names and values in turns. */
  readonly plainHeaders: readonly string[];
  /** The content type of `/queue`. */
  readonly queueType: string;
  /** The body of `/queue`. */
  queue(counts: Counts): unknown;
}

// As the add-on words it, of a deployment; routes know the name of the service alone.
function tellNotReady(service: string): string {
  const what = `waiting for deployment ${service} to reach > 0 replicas`;
  return `error on backend (context marked done while ${what} (context deadline exceeded))`;
}

const PLAIN = 'text/plain; charset=utf-8';

function* everyFiftyMilliseconds(): Generator<number> {
  for (;;) yield 50;
}

const V05: Profile = {
  name: 'v0.5',
  settings: {
    requestTimeout: 0,
    responseHeaderTimeout: 500,
    readinessTimeout: 20_000,
    connectTimeout: 500,
    idleConnTimeout: 90_000,
    maxIdleConns: 100,
    maxIdleConnsPerHost: 2,
    coldStartHeader: true,
    logRequests: false,
    shutdownDelay: 0,
    drainTimeout: 0,
  },
  hasRules: false,
  notReady: { status: 502, body: tellNotReady },
  timeoutStatus: 502,
  // Five attempts; the add-on also waits after the last one, here without its random part.
  dialDelays: [500, 1000, 2000, 4000, 8000],
  dialLimit: Infinity,
  host: 'service',
  setsForwarded: false,
  keepsPath: false,
  hasUpgrades: false,
  hasHttp2: false,
  // What Go's server collects for a handler that cannot flush.
  responseBuffer: 4096,
  hasAdminProbes: false,
  drains: false,
  plainBody: (status) => STATUS_CODES[status] ?? '',
  plainHeaders: ['Content-Type', PLAIN],
  queueType: PLAIN,
  queue: (counts) =>
    Object.fromEntries(
      Object.entries(counts)
        .filter(([, { requestCount }]) => requestCount > 0)
        .map(([key, { concurrency }]) => [key, concurrency]),
    ),
};

const CURRENT: Profile = {
  name: 'current',
  settings: {
    requestTimeout: 0,
    responseHeaderTimeout: 300_000,
    readinessTimeout: 0,
    connectTimeout: 500,
    idleConnTimeout: 90_000,
    maxIdleConns: 1000,
    maxIdleConnsPerHost: 200,
    coldStartHeader: true,
    logRequests: false,
    shutdownDelay: 5000,
    drainTimeout: 30_000,
  },
  hasRules: true,
  notReady: { status: 504, body: () => 'Gateway Timeout\n' },
  timeoutStatus: 504,
  dialDelays: { [Symbol.iterator]: everyFiftyMilliseconds },
  dialLimit: 60_000,
  host: 'caller',
  setsForwarded: true,
  keepsPath: true,
  hasUpgrades: true,
  hasHttp2: true,
  responseBuffer: 0,
  hasAdminProbes: true,
  drains: true,
  plainBody: (status) => `${STATUS_CODES[status] ?? ''}\n`,
  plainHeaders: ['Content-Type', PLAIN, 'X-Content-Type-Options', 'nosniff'],
  queueType: 'application/json',
  queue: (counts) =>
    Object.fromEntries(
      Object.entries(counts).map(([key, { concurrency, requestCount }]) => [
        key,
        { Concurrency: concurrency, RequestCount: requestCount },
      ]),
    ),
};

/** The profile of a name. */
export const profiles: Readonly<Record<ProfileName, Profile>> = { 'v0.5': V05, current: CURRENT };

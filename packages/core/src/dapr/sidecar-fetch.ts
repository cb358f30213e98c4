// One request to the sidecar as one reply, within a deadline: retried where nothing can happen twice,
// with the trace of the call it is made in. What never got a reply is a typed error.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { OfnError } from '../errors.ts';
import { currentInvocation } from '../invocation/invoke.ts';
import type { SidecarAddress } from './sidecar-address.ts';

/** What a request is made of, as the SDK makes it. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
}

/** A reply that has arrived in whole. */
export interface SidecarReply {
  readonly status: number;
  readonly statusText: string;
  readonly headers: ReplyHeaders;
  readonly bytes: Buffer;
  text(): Promise<string>;
}

interface ReplyHeaders {
  get(name: string): string | null;
  forEach(visit: (value: string, name: string) => void): void;
}

/** The function that the SDK's client fetches with, as far as it is used here. */
export type SdkFetch = (
  url: string,
  init: FetchInit & { readonly agent: HttpAgent; readonly signal: AbortSignal },
) => Promise<{
  readonly status: number;
  readonly statusText: string;
  readonly headers: ReplyHeaders;
  buffer(): Promise<Buffer>;
}>;

export interface SidecarFetch {
  (url: string, init: FetchInit): Promise<SidecarReply>;
  /** Closes the connections. */
  close(): void;
}

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;
const READ_ATTEMPTS = 3;

/**
 * Makes the function that all requests to one sidecar go through.
 *
 * A connection that is refused is tried again until the deadline, since nothing was sent. After
 * something was sent, only a read is tried again: at most twice, after a reply of 500 or more or a
 * connection that broke. A request that is under way is not cut when its call is aborted: whether the
 * sidecar has taken it could not be known.
 *
 * @param timeout Milliseconds for the whole, all attempts together.
 * @throws OfnError (the function made) `OFN_SIDECAR_UNAVAILABLE`, `OFN_SIDECAR_TIMEOUT`.
 */
export function createSidecarFetch(
  sdkFetch: PromiseLike<SdkFetch>,
  address: SidecarAddress,
  timeout: number,
): SidecarFetch {
  // An agent of our own: those of the SDK are shared by all its clients, and any of them that stops
  // destroys them. Idle connections are closed early, before a server of the usual 5 s does.
  const settings = { keepAlive: true, keepAliveMsecs: 30_000, timeout: 4000 };
  const isHttps = address.http.startsWith('https:');
  const agent = isHttps ? new HttpsAgent(settings) : new HttpAgent(settings);

  const send = async (url: string, init: FetchInit): Promise<SidecarReply> => {
    const fetch = await sdkFetch;
    const deadline = performance.now() + timeout;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeout);
    const request = { ...init, headers: toHeaders(init.headers), agent, signal: abort.signal };
    let reads = isSafe(url, init.method) ? READ_ATTEMPTS : 1;
    try {
      for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
        // Half of it at random: many callers that lost one sidecar do not come back all at once.
        const wait = pause * (0.5 + Math.random() / 2);
        try {
          const reply = await fetch(url, request);
          const bytes = await reply.buffer();
          if (reply.status < 500 || --reads === 0) return toReply(reply, bytes);
        } catch (cause) {
          if (abort.signal.aborted) throw timedOut(address, url, timeout, cause);
          if (!UNSENT.includes(codeOf(cause))) {
            if (--reads === 0) throw broken(address, url, cause);
          } else if (performance.now() + wait >= deadline) {
            await delay(Math.max(0, deadline - performance.now()));
            throw refused(address, timeout, cause);
          }
        }
        await delay(wait);
        if (abort.signal.aborted) throw timedOut(address, url, timeout, undefined);
      }
    } finally {
      clearTimeout(timer);
    }
  };

  function toHeaders(own: Readonly<Record<string, string>>): Record<string, string> {
    const headers: Record<string, string> = { ...own };
    if (address.apiToken !== undefined) headers['dapr-api-token'] = address.apiToken;
    const propagation = currentInvocation()?.propagation;
    if (propagation === undefined) return headers;
    const names = Object.keys(own).map((name) => name.toLowerCase());
    for (const [name, value] of Object.entries(propagation)) {
      // The sidecar refuses the whole request for a baggage it cannot read: better without it.
      const isBad = name === 'baggage' && !isBaggage(value);
      if (!isBad && !names.includes(name)) headers[name] = value;
    }
    return headers;
  }

  return Object.assign(send, { close: () => agent.destroy() });
}

function toReply(
  { status, statusText, headers }: Omit<SidecarReply, 'bytes' | 'text'>,
  bytes: Buffer,
): SidecarReply {
  const text = (): Promise<string> => Promise.resolve(bytes.toString('utf8'));
  return { status, statusText, headers, bytes, text };
}

// Reads that change nothing. A method of another app is not one, whatever its verb.
function isSafe(url: string, method: string): boolean {
  if (method === 'GET') return !/\/v1\.0[^/]*\/(invoke|actors)\//.test(url);
  return method === 'POST' && /\/state\/[^/]+\/(bulk|query)(\?|$)/.test(url);
}

// What fails before a connection stands: nothing can have been received.
const UNSENT: readonly unknown[] = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
];

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}

const HINT =
  'start the sidecar, or say where it is with DAPR_HTTP_ENDPOINT, or DAPR_HOST and DAPR_HTTP_PORT';

function refused(address: SidecarAddress, timeout: number, cause: unknown): OfnError {
  const message = `the Dapr sidecar at ${address.http} cannot be reached: ${reasonOf(cause)}, for ${timeout} ms; ${HINT}`;
  return new OfnError('OFN_SIDECAR_UNAVAILABLE', message, { cause });
}

function broken(address: SidecarAddress, url: string, cause: unknown): OfnError {
  const message =
    `the Dapr sidecar at ${address.http} broke the connection before it answered ${pathOf(url)}: ` +
    `${reasonOf(cause)}; it may or may not have done what it was asked for`;
  return new OfnError('OFN_SIDECAR_UNAVAILABLE', message, { cause });
}

function timedOut(address: SidecarAddress, url: string, timeout: number, cause: unknown): OfnError {
  const message =
    `the Dapr sidecar at ${address.http} did not answer ${pathOf(url)} within ${timeout} ms; it may or ` +
    `may not have done what it was asked for; see its log, or raise --dapr-timeout`;
  return new OfnError('OFN_SIDECAR_TIMEOUT', message, { cause });
}

function reasonOf(cause: unknown): string {
  const code = codeOf(cause);
  return typeof code === 'string' ? code : String((cause as Error).message);
}

function pathOf(url: string): string {
  return new URL(url).pathname;
}

const BAGGAGE_ITEM =
  /^\s*[!#$%&'*+.^_`|~\w-]+\s*=\s*(?:[!#$&-+\--:<-[\]-~]|%[\da-f]{2})*\s*(?:;\s*[!#$%&'*+.^_`|~\w-]+\s*(?:=\s*(?:[!#$&-+\--:<-[\]-~]|%[\da-f]{2})*\s*)?)*$/i;

/** Whether a header is baggage as the sidecar reads it (https://www.w3.org/TR/baggage/). */
function isBaggage(value: string): boolean {
  const items = value.split(',');
  return (
    value.length <= 8192 && items.length <= 64 && items.every((item) => BAGGAGE_ITEM.test(item))
  );
}

// One request to the sidecar as one reply, within a deadline: tried again where nothing can happen
// twice, with the trace of the call it is made in. What never got a reply is a typed error.
import type { ClientRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { OfnError } from '../errors.ts';
import { currentInvocation } from '../invocation/invoke.ts';
import type { SidecarAddress } from './sidecar-address.ts';
import { createConnections, type FetchInit, type SidecarReply } from './sidecar-exchange.ts';
import { isBaggage } from './baggage.ts';

export interface SidecarFetch {
  /** @param path Below the base URL, such as `/v1.0/state/orders`. */
  (path: string, init: FetchInit): Promise<SidecarReply>;
  /** Opens a connection, when the sidecar is there, by a request that changes nothing. */
  connect(): void;
  /** Closes the connections. */
  close(): void;
}

/** Where the sidecar says whether it can send. */
export const HEALTH_PATH = '/v1.0/healthz/outbound';

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
export function createSidecarFetch(address: SidecarAddress, timeout: number): SidecarFetch {
  const connections = createConnections(address.http);

  const send = async (path: string, init: FetchInit): Promise<SidecarReply> => {
    const deadline = performance.now() + timeout;
    let current: ClientRequest | undefined;
    let isOver = false;
    let wasConnecting = false;
    const timer = setTimeout(() => {
      isOver = true;
      wasConnecting = current?.socket?.connecting === true;
      current?.destroy(new Error('the deadline is over'));
    }, timeout);
    const started = (request: ClientRequest): void => void (current = request);
    const request = { ...init, headers: toHeaders(init.headers) };
    let reads = isSafe(path, init.method) ? READ_ATTEMPTS : 1;
    try {
      for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
        // Half of it at random: many callers that lost one sidecar do not come back all at once.
        const wait = pause * (0.5 + Math.random() / 2);
        let refusal: unknown;
        try {
          const reply = await connections.exchange(path, request, started);
          if (isRedirect(path, reply)) throw redirected(address, reply);
          if (reply.status < 500 || --reads === 0) return reply;
        } catch (cause) {
          if (cause instanceof OfnError) throw cause;
          if (UNSENT.includes(codeOf(cause)) || wasConnecting) refusal = cause;
          else if (isOver) throw timedOut(address, path, timeout, cause);
          else if (--reads === 0) throw broken(address, path, cause);
        }
        // On a busy machine, the time may be over before it is looked at.
        const left = Math.max(0, deadline - performance.now());
        await delay(Math.min(wait, left));
        if (wait < left && !isOver) continue;
        if (refusal !== undefined) throw refused(address, timeout, refusal);
        throw timedOut(address, path, timeout, undefined);
      }
    } finally {
      clearTimeout(timer);
    }
  };

  function toHeaders(own: Readonly<Record<string, string>>): Record<string, string> {
    const headers: Record<string, string> = { ...own };
    if (address.apiToken !== undefined) headers['dapr-api-token'] = address.apiToken;
    const propagation = currentInvocation()?.propagation ?? {};
    for (const name in propagation) {
      const value = propagation[name] ?? '';
      // The sidecar refuses the whole request for a baggage it cannot read: better without it.
      if (name === 'baggage' && !isBaggage(value)) continue;
      if (!Object.keys(own).some((given) => given.toLowerCase() === name)) headers[name] = value;
    }
    return headers;
  }

  const connect = (): void => {
    const probe = { method: 'GET', headers: toHeaders({}) };
    // Whatever comes of it: what is sent later fails by itself.
    connections.exchange(HEALTH_PATH, probe, () => {}).catch(() => {});
  };

  return Object.assign(send, { connect, close: () => connections.close() });
}

// What another app answers, and its reply to the sidecar passed on.
const ANOTHER_APP = /^\/v1\.0[^/]*\/(invoke|actors)\//;

// Reads that change nothing. A method of another app is not one, whatever its verb.
function isSafe(path: string, method: string): boolean {
  if (method === 'GET') return !ANOTHER_APP.test(path);
  return method === 'POST' && /^\/v1\.0[^/]*\/state\/[^/]+\/(bulk|query)(\?|$)/.test(path);
}

// No sidecar redirects. A proxy in front of it may, and then nothing was done.
function isRedirect(path: string, { status }: SidecarReply): boolean {
  return status >= 300 && status < 400 && !ANOTHER_APP.test(path);
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

function refused({ http }: SidecarAddress, timeout: number, cause: unknown): OfnError {
  const message = `the Dapr sidecar at ${http} cannot be reached: ${reasonOf(cause)}, for ${timeout} ms; ${HINT}`;
  return new OfnError('OFN_SIDECAR_UNAVAILABLE', message, { cause });
}

function redirected({ http }: SidecarAddress, { status, headers }: SidecarReply): OfnError {
  const message =
    `what answers at ${http} is no Dapr sidecar: it redirects (${status}) to ` +
    `${headers.location ?? 'nowhere'}, and nothing was done; ${HINT}`;
  return new OfnError('OFN_SIDECAR_UNAVAILABLE', message);
}

function broken({ http }: SidecarAddress, path: string, cause: unknown): OfnError {
  const message =
    `the Dapr sidecar at ${http} broke the connection before it answered ${withoutQuery(path)}: ` +
    `${reasonOf(cause)}; it may or may not have done what it was asked for`;
  return new OfnError('OFN_SIDECAR_UNAVAILABLE', message, { cause });
}

function timedOut(
  { http }: SidecarAddress,
  path: string,
  timeout: number,
  cause: unknown,
): OfnError {
  const message =
    `the Dapr sidecar at ${http} did not answer ${withoutQuery(path)} within ${timeout} ms; it may or ` +
    `may not have done what it was asked for; see its log, or raise --dapr-timeout`;
  return new OfnError('OFN_SIDECAR_TIMEOUT', message, { cause });
}

function reasonOf(cause: unknown): string {
  const code = codeOf(cause);
  return typeof code === 'string' ? code : (cause as Error).message;
}

function withoutQuery(path: string): string {
  return path.replace(/\?.*$/s, '');
}

// A connection to a ready instance of a service: tried again while none can be had, as the add-on does.
import { connect, type Socket } from 'node:net';
import type { Profile } from '../profile.ts';
import type { EndpointKeys, Endpoints } from './endpoints.ts';

/** Why no connection could be had. */
export class DialError extends Error {
  override readonly name = 'DialError';
}

/** A connection, and the instance at its other end. */
interface Dialed {
  readonly socket: Socket;
  /** `host:port`. */
  readonly address: string;
}

/** What dials for all requests. */
export interface Dialer {
  /**
   * Connects, and tries again as the profile says; each attempt goes to the next instance.
   *
   * @throws DialError when no attempt is left; the reason of the signal when that aborts.
   */
  dial(service: EndpointKeys, signal: AbortSignal): Promise<Dialed>;
}

/** @param connectTimeout Milliseconds of one attempt; 0 for no limit. */
export function createDialer(
  endpoints: Endpoints,
  { dialDelays, dialLimit }: Pick<Profile, 'dialDelays' | 'dialLimit'>,
  connectTimeout: number,
): Dialer {
  return {
    async dial(service, signal) {
      const end = performance.now() + dialLimit;
      let reason = 'no instance is ready';
      for (const delay of dialDelays) {
        signal.throwIfAborted();
        const address = endpoints.next(service);
        if (address !== undefined) {
          const made = await attempt(address, connectTimeout, signal);
          if (typeof made !== 'string') return { socket: made, address };
          reason = made;
        }
        if (performance.now() + delay > end) break;
        await elapse(delay, signal);
      }
      throw new DialError(`cannot connect to ${service.servicePort}: ${reason}`);
    },
  };
}

// Resolves to the connection, or to why there is none.
function attempt(address: string, timeout: number, signal: AbortSignal): Promise<Socket | string> {
  return new Promise((resolve) => {
    const { host, port } = parseAddress(address);
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const settle = (value: Socket | string): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      if (typeof value === 'string') socket.destroy();
      resolve(value);
    };
    const onError = (error: Error): void => settle(error.message);
    const onAbort = (): void => settle('the request has ended');
    const timer =
      timeout > 0
        ? setTimeout(settle, timeout, `no connection to ${address} after ${timeout} ms`)
        : undefined;
    socket.on('error', onError);
    socket.once('connect', () => settle(socket));
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Splits `host:port`; the host may be an IPv6 address in brackets. */
export function parseAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(address.slice(colon + 1)) };
}

// Ends early when the signal aborts; the loop then sees it.
function elapse(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    const timer = setTimeout(settle, milliseconds);
    signal.addEventListener('abort', settle, { once: true });
  });
}

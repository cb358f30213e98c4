// Connections to instances: kept while they are idle, as long and as many as the settings say, and
// handed out again, the one used last first.
import type { Socket } from 'node:net';
import { Client } from 'undici';
import type { InterceptorSettings } from '../profile.ts';
import type { Dialer } from './dial.ts';
import type { EndpointKeys, Endpoints } from './endpoints.ts';

/** A connection to one instance, for one request at a time. */
export interface Connection {
  readonly client: Client;
  /** Of the instance: `host:port`. */
  readonly address: string;
  /** Whether an earlier request has been sent over it. */
  reused: boolean;
}

/** The idle connections of all services, and the way to new ones. */
export interface Pool {
  /** An idle connection to a ready instance of a service, if there is one. */
  take(service: EndpointKeys): Connection | undefined;
  /** A new connection. Rejects as `Dialer.dial` does. */
  open(service: EndpointKeys, signal: AbortSignal): Promise<Connection>;
  /** Hands a connection back whose response has ended. */
  give(service: EndpointKeys, connection: Connection): void;
  /** Closes a connection that must not be used again. */
  drop(connection: Connection): void;
  /** Resolves when no request is under way to an instance. */
  idle(address: string): Promise<void>;
  close(): void;
}

/** The error of a request that was never sent, since its connection had been closed. */
export class ConnectionClosedError extends Error {
  override readonly name = 'ConnectionClosedError';
}

// Whatever a backend says of how long it keeps a connection is not listened to, as in Go.
const IGNORED_HINT = -(2 ** 31);

/** Creates a pool without connections. */
export function createPool(
  dialer: Dialer,
  endpoints: Pick<Endpoints, 'has'>,
  settings: Pick<InterceptorSettings, 'idleConnTimeout' | 'maxIdleConns' | 'maxIdleConnsPerHost'>,
): Pool {
  const { idleConnTimeout, maxIdleConns, maxIdleConnsPerHost } = settings;
  const idleOf = new Map<string, Connection[]>();
  // In the order in which they became idle.
  const idle = new Map<Connection, string>();
  const open = new Set<Connection>();

  // Of each instance: how many connections are in use, and who waits until none is.
  const busy = new Map<string, number>();
  const waiting = new Set<{ readonly address: string; readonly resolve: () => void }>();

  function begin({ address }: Connection): void {
    busy.set(address, (busy.get(address) ?? 0) + 1);
  }

  function end({ address }: Connection): void {
    const left = (busy.get(address) ?? 1) - 1;
    if (left > 0) {
      busy.set(address, left);
      return;
    }
    busy.delete(address);
    for (const waiter of waiting) {
      if (waiter.address !== address) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  }

  function forget(connection: Connection): void {
    if (open.has(connection) && !idle.has(connection)) end(connection);
    open.delete(connection);
    const key = idle.get(connection);
    if (key === undefined) return;
    idle.delete(connection);
    const list = idleOf.get(key) ?? [];
    const index = list.indexOf(connection);
    if (index !== -1) list.splice(index, 1);
  }

  function drop(connection: Connection): void {
    forget(connection);
    void connection.client.destroy();
  }

  return {
    take(service) {
      const list = idleOf.get(service.servicePort);
      let connection = list?.pop();
      // An instance that is to end, or does not answer its probe, gets nothing more.
      while (connection !== undefined && !endpoints.has(service, connection.address)) {
        drop(connection);
        connection = list?.pop();
      }
      if (connection === undefined) return undefined;
      idle.delete(connection);
      begin(connection);
      connection.reused = true;
      return connection;
    },
    async open(service, signal) {
      let { address, socket } = await dialer.dial(service, signal);
      // It may have been told to end since it was dialled.
      while (!endpoints.has(service, address)) {
        socket.destroy();
        ({ address, socket } = await dialer.dial(service, signal));
      }
      const connection = connectionOver(socket, address);
      open.add(connection);
      begin(connection);
      // A request that is about to be sent over it learns that by itself, and is sent over another one.
      connection.client.on('disconnect', () => {
        if (idle.has(connection)) drop(connection);
        else forget(connection);
      });
      return connection;
    },
    give({ servicePort }, connection) {
      const { client } = connection;
      if (client.destroyed || client.closed || !open.has(connection)) return;
      let list = idleOf.get(servicePort);
      if (list === undefined) idleOf.set(servicePort, (list = []));
      if (list.length >= maxIdleConnsPerHost) {
        drop(connection);
        return;
      }
      list.push(connection);
      idle.set(connection, servicePort);
      end(connection);
      if (idle.size <= maxIdleConns) return;
      const [oldest] = idle.keys();
      if (oldest !== undefined) drop(oldest);
    },
    drop,
    idle(address) {
      if (!busy.has(address)) return Promise.resolve();
      return new Promise((resolve) => waiting.add({ address, resolve }));
    },
    close() {
      for (const connection of open) drop(connection);
    },
  };

  function connectionOver(socket: Socket, address: string): Connection {
    let handedOut = false;
    // Until the client listens itself.
    socket.on('error', () => {});
    const client = new Client('http://instance', {
      pipelining: 1,
      keepAliveTimeout: idleConnTimeout,
      keepAliveMaxTimeout: idleConnTimeout,
      keepAliveTimeoutThreshold: IGNORED_HINT,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: MAX_RESPONSE_HEADERS,
      // It connects again when its connection has been closed: that is for the pool to do.
      connect: (_, callback) => {
        const isClosed = handedOut || socket.destroyed;
        handedOut = true;
        // Not at once: the client is still about to ask.
        queueMicrotask(() => {
          if (isClosed) callback(new ConnectionClosedError('the connection was closed'), null);
          else callback(null, socket);
        });
      },
    });
    return { client, address, reused: false };
  }
}

// Go's own limit is 1 MB.
const MAX_RESPONSE_HEADERS = 1024 * 1024;

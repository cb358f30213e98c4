// An interceptor with a backend behind it, for one test; both end with it.
import {
  createServer,
  request as send,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { once } from 'node:events';
import { connect, createServer as createNet, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { Route } from '../routing/route.ts';
import { createInterceptor, type Interceptor, type InterceptorOptions } from './interceptor.ts';

/** The host of the route. */
export const HOST = 'shop.example.com';
export const SERVICE = 'default/shop';

/** A route with what a test says of it. */
export function routeOf(given: Partial<Route> = {}): Route {
  return {
    namespace: 'default',
    name: 'shop',
    createdAt: 0,
    rules: [{ hosts: [HOST], paths: [], headers: [] }],
    target: { service: 'shop', port: 80 },
    timeouts: { readiness: undefined, request: undefined, responseHeader: undefined },
    fallback: undefined,
    placeholder: undefined,
    staticRoutes: [],
    ...given,
  };
}

export interface Running extends Interceptor {
  readonly port: number;
  readonly adminPort: number;
  /** What it logged, in order. */
  readonly lines: readonly string[];
}

/** Starts an interceptor. */
export async function startInterceptor(
  options: Partial<InterceptorOptions> = {},
): Promise<Running> {
  const lines: string[] = [];
  const log = (_: object, message: string): void => void lines.push(message);
  const interceptor = createInterceptor({
    routes: [routeOf()],
    port: 0,
    adminPort: 0,
    log: { info: log, warn: log, error: log },
    ...options,
  });
  onTestFinished(() => interceptor.stop({ force: true }));
  return { ...interceptor, ...(await interceptor.start()), lines };
}

/** A backend, as an address and what it was asked. */
export interface Backend {
  readonly address: string;
  readonly server: Server;
  /** Requests as they came in. */
  readonly requests: readonly IncomingMessage[];
  /** Connections so far. */
  readonly connections: () => number;
}

/** Starts a backend. */
export async function startBackend(listener: RequestListener): Promise<Backend> {
  const requests: IncomingMessage[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  server.on('connection', () => (connections += 1));
  const address = await listenOn(server);
  return { address, server, requests, connections: () => connections };
}

/** Starts a backend that gets connections as they are. */
export async function startRawBackend(listener: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createNet((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    listener(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function listenOn(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address that nobody listens on. */
export async function deadAddress(): Promise<string> {
  const server = createNet().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}

/** A response, read to its end. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly trailers: Readonly<Record<string, string | undefined>>;
}

/** A request with what is not as usual. */
export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

/** Sends a request to a port, and reads its response. */
export async function ask(port: number, given: Ask = {}): Promise<Reply> {
  const { body, headers, method = 'GET', path = '/' } = given;
  const outgoing = send({
    port,
    host: '127.0.0.1',
    method,
    path,
    agent: false,
    headers: { host: HOST, ...headers } as IncomingHttpHeaders,
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const answer = await text(response);
  const { headers: got, rawHeaders, statusCode = 0, trailers } = response;
  return { status: statusCode, headers: got, rawHeaders, body: answer, trailers };
}

/** A connection that a test writes bytes to. */
export interface RawConnection {
  readonly socket: Socket;
  /** All that came back so far. */
  readonly received: () => string;
  /** Resolves with what came back once it fits, or the connection has closed. */
  readonly until: (fits: (text: string) => boolean) => Promise<string>;
  /** Resolves with all that came back when the connection is closed. */
  readonly closed: () => Promise<string>;
}

/** Opens a connection and sends bytes. */
export async function connectRaw(port: number, bytes: string | Buffer): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  let received = '';
  let isClosed = false;
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => (received += chunk));
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.on('close', () => (isClosed = true));
  await once(socket, 'connect');
  socket.write(bytes);
  async function until(fits: (text: string) => boolean): Promise<string> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (isClosed || fits(received)) resolve();
      };
      socket.on('data', look);
      socket.on('close', look);
      look();
    });
    return received;
  }
  return { socket, received: () => received, until, closed: () => until(() => false) };
}

/** The head of a request, as bytes. */
export function renderRequest(
  line: string,
  headers: readonly string[] = [],
  body = '',
  host = HOST,
): string {
  return `${[line, `Host: ${host}`, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

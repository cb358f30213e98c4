// The admin API as a server on loopback. Its routes are loaded by the first request: `ofn dev` starts without.
import { once, setMaxListeners } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PlatformError } from '../errors.ts';
import type { AppOptions } from './app.ts';
import { isForeign } from './caller.ts';
import { PROBLEM_TYPE, toProblem } from './problem.ts';

/** The admin API, listening. */
export interface AdminServer {
  readonly port: number;
  /** Ends the streams and the connections. */
  readonly close: () => Promise<void>;
}

/**
 * Listens on 127.0.0.1.
 *
 * @param port 0 picks a free one.
 * @throws PlatformError `OFN_PLATFORM_PORT_UNAVAILABLE`.
 */
export async function startAdminServer(
  port: number,
  options: Omit<AppOptions, 'stop'>,
): Promise<AdminServer> {
  const stopping = new AbortController();
  // Each stream listens to it.
  setMaxListeners(0, stopping.signal);
  let listener: Promise<RequestListener> | undefined;

  const server = createServer((request, response) => {
    if (isForeign(request.headers, listening)) return refuse(response, foreign());
    listener ??= load({ ...options, stop: stopping.signal });
    listener.then(
      (listen) => listen(request, response),
      (cause: unknown) => refuse(response, cause),
    );
  });
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (cause) {
    const message = `cannot listen on 127.0.0.1:${port} for the admin API: ${(cause as Error).message}`;
    throw new PlatformError('OFN_PLATFORM_PORT_UNAVAILABLE', message, { cause });
  }
  const { port: listening } = server.address() as AddressInfo;
  return {
    port: listening,
    async close() {
      stopping.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function load(options: AppOptions): Promise<RequestListener> {
  const [{ getRequestListener }, { createApp }] = await Promise.all([
    import('@hono/node-server'),
    import('./app.ts'),
  ]);
  const { fetch } = createApp(options);
  const listen = getRequestListener((request) => fetch(request), {
    overrideGlobalObjects: false,
    errorHandler: toResponse,
  });
  return (request, response) => void listen(request, response);
}

function toResponse(cause: unknown): Response {
  const { body, status } = render(cause);
  return new Response(body, { status, headers: { 'content-type': PROBLEM_TYPE } });
}

function refuse(response: ServerResponse, cause: unknown): void {
  const { body, status } = render(cause);
  // What is not read of the request is not waited for.
  response.writeHead(status, { 'content-type': PROBLEM_TYPE, connection: 'close' }).end(body);
}

function render(cause: unknown) {
  const problem = toProblem(cause);
  return { body: `${JSON.stringify(problem)}\n`, status: problem.status };
}

function foreign(): PlatformError {
  const message = 'only programs of this machine may ask, by http://localhost and the port';
  return new PlatformError('OFN_PLATFORM_FOREIGN_CALLER', message);
}

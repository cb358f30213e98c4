// Both APIs on their ports: starts them, and stops them when the calls in flight are answered.
import { ServerCredentials, type Server as GrpcServer } from '@grpc/grpc-js';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SidecarError, toMessage } from '../errors.ts';
import { isLocal } from './caller.ts';
import type { ApiContext } from './context.ts';
import { createGrpcApi } from './grpc.ts';
import { createHttpApi } from './http.ts';

/** Where the APIs listen, and what they check. */
export interface ApiSettings {
  /** Address to listen on. Default `127.0.0.1`. On loopback, foreign web pages are refused. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly httpPort?: number;
  /** Default 0: a free one. */
  readonly grpcPort?: number;
  /** Bytes of a body or message. Default 4 MiB, as daprd. */
  readonly maxBodySize?: number;
  /** What callers must send as `dapr-api-token`. Default: nothing. */
  readonly apiToken?: string | undefined;
}

/** The APIs, listening. */
export interface Apis {
  readonly httpPort: number;
  readonly grpcPort: number;
  /**
   * Takes no more calls, and waits for those in flight.
   *
   * @param grace Milliseconds after which they are cut off. Default 5000, as daprd.
   */
  stop(grace?: number): Promise<void>;
}

const MAX_BODY_SIZE = 4 * 1024 * 1024;

/**
 * Starts both APIs.
 *
 * @throws SidecarError `ERR_PORT_UNAVAILABLE` when a port cannot be listened on.
 */
export async function serveApis(context: ApiContext, settings: ApiSettings = {}): Promise<Apis> {
  const { host = '127.0.0.1', maxBodySize = MAX_BODY_SIZE, apiToken } = settings;
  const http = createHttpApi(context, { maxBodySize, apiToken, isLocalOnly: isLocal(host) });
  const httpPort = await listen(http, settings.httpPort ?? 0, host);
  const grpc = createGrpcApi(context, { maxBodySize, apiToken });
  const grpcPort = await bind(grpc, settings.grpcPort ?? 0, host).catch(async (thrown: unknown) => {
    await stopHttp(http, 0);
    throw thrown;
  });
  return {
    httpPort,
    grpcPort,
    async stop(grace = 5000) {
      await Promise.all([stopHttp(http, grace), stopGrpc(grpc, grace)]);
    },
  };
}

function listen(server: HttpServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(unavailable(port, host, cause)));
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function bind(server: GrpcServer, port: number, host: string): Promise<number> {
  const address = host.includes(':') ? `[${host}]` : host;
  return new Promise((resolve, reject) => {
    server.bindAsync(`${address}:${port}`, ServerCredentials.createInsecure(), (cause, bound) => {
      if (cause === null) resolve(bound);
      else reject(unavailable(port, host, cause));
    });
  });
}

function unavailable(port: number, host: string, cause: Error): SidecarError {
  const message = `${host}:${port} cannot be listened on: ${toMessage(cause)}`;
  return new SidecarError('ERR_PORT_UNAVAILABLE', message, { cause });
}

function stopHttp(server: HttpServer, grace: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), grace);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function stopGrpc(server: GrpcServer, grace: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, grace);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

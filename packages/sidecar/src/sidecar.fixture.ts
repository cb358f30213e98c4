// Apps for tests, written by hand: what daprd would find behind a port, over HTTP and over gRPC.
import { Server as GrpcServer, ServerCredentials, status as grpc } from '@grpc/grpc-js';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import {
  AppCallback,
  AppCallbackAlpha,
  AppCallbackHealthCheck,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { toServiceDefinition } from './grpc-service.ts';
import { createSidecar, type Sidecar, type SidecarOptions } from './sidecar.ts';

/** One request that an app got. */
export interface AppCall {
  readonly verb: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What an app answers; nothing: 404. */
export interface AppAnswer {
  readonly status?: number;
  readonly body?: unknown;
  /** Breaks the connection instead. */
  readonly broken?: boolean;
}

/** An app that runs. */
export interface App {
  readonly port: number;
  readonly calls: AppCall[];
  /** Calls of one path. */
  at(path: string): AppCall[];
  stop(): Promise<void>;
}

type Answer = (call: AppCall) => AppAnswer | undefined | Promise<AppAnswer | undefined>;

/** An HTTP app: subscriptions, and what it answers to the rest. */
export async function startHttpApp(subscriptions: unknown, answer: Answer, port = 0): Promise<App> {
  const calls: AppCall[] = [];
  async function reply(
    call: AppCall,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const given = await (start(call, subscriptions) ?? answer(call));
    if (given?.broken === true) {
      request.socket.destroy();
      return;
    }
    response.statusCode = given === undefined ? 404 : (given.status ?? 200);
    const { body } = given ?? {};
    response.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const call: AppCall = {
        verb: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      calls.push(call);
      void reply(call, request, response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const app: App = {
    port: (server.address() as AddressInfo).port,
    calls,
    at: (path) => calls.filter((call) => call.path === path),
    stop: () => stopServer(server),
  };
  onTestFinished(() => app.stop());
  return app;
}

// What an app is asked at the start is no matter of its handlers.
function start({ path }: AppCall, subscriptions: unknown): AppAnswer | undefined {
  if (path === '/dapr/config') return { status: 404 };
  if (path === '/dapr/subscribe') return { body: subscriptions };
  return undefined;
}

function stopServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** A gRPC method of an app: what it answers, or an error with its `code`. */
export type GrpcMethod = (request: never, metadata: Readonly<Record<string, unknown>>) => unknown;

/** A gRPC app: methods of AppCallback and the services beside it by their names. */
export async function startGrpcApp(
  methods: Readonly<Record<string, GrpcMethod>>,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const server = new GrpcServer();
  const [bulk] = AppCallbackAlpha.methods;
  const services = [
    toServiceDefinition(AppCallback, bulk && { onBulkTopicEvent: bulk }),
    toServiceDefinition(AppCallbackAlpha),
    toServiceDefinition(AppCallbackHealthCheck),
  ];
  for (const service of services) {
    const handlers = Object.keys(service)
      .filter((name) => name in methods)
      .map((name) => [name, toHandler(methods[name] as GrpcMethod)] as const);
    if (handlers.length > 0) server.addService(service, Object.fromEntries(handlers));
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const stop = (): Promise<void> => {
    server.forceShutdown();
    return Promise.resolve();
  };
  onTestFinished(stop);
  return { port, stop };
}

function toHandler(method: GrpcMethod) {
  return (call: ServerUnaryCall<object, object>, callback: sendUnaryData<object>): void => {
    void answerCall(method, call, callback);
  };
}

async function answerCall(
  method: GrpcMethod,
  call: ServerUnaryCall<object, object>,
  callback: sendUnaryData<object>,
): Promise<void> {
  let reply: object | undefined;
  let failure: { code?: grpc; message?: string } | undefined;
  try {
    reply = (await method(call.request as never, call.metadata.getMap())) as object;
  } catch (error) {
    failure = error as { code?: grpc; message?: string };
  }
  if (failure === undefined) callback(null, reply);
  else callback({ code: failure.code ?? grpc.UNKNOWN, details: failure.message ?? '' });
}

/** An error that a gRPC method answers with. */
export function grpcError(code: grpc, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** A sidecar that stops when the test is over. */
export async function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  const sidecar = await createSidecar({ gracefulShutdownSeconds: 0.05, ...options });
  onTestFinished(() => sidecar.stop());
  return sidecar;
}

/** The one component that most tests need. */
export const PUBSUB = { name: 'pubsub', type: 'pubsub.in-memory' };

/** A retry policy for its events: constant, in milliseconds. */
export function retrying(maxRetries: number, duration: number, component = 'pubsub') {
  return {
    policies: { retries: { again: { duration: `${duration}ms`, maxRetries } } },
    targets: { components: { [component]: { inbound: { retry: 'again' } } } },
  };
}

/** What happened to events, without that they were published. */
export function outcomes({ journal }: Sidecar): string[] {
  return journal.entries.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'published');
}

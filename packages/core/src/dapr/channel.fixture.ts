// A runtime that takes events on a port of loopback, and the sidecar's side of both protocols.
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import {
  BindingEventRequestSchema,
  BindingEventResponseSchema,
  HealthCheckResponseSchema,
  ListInputBindingsResponseSchema,
  ListTopicSubscriptionsResponseSchema,
  TopicEventBulkRequestSchema,
  TopicEventBulkResponseSchema,
  TopicEventRequestSchema,
  TopicEventResponseSchema,
  TopicEventResponse_TopicEventResponseStatus as TopicEventStatus,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';
import {
  InvokeRequestSchema,
  InvokeResponseSchema,
} from '@dapr/dapr/proto/dapr/proto/common/v1/common_pb.js';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { Client, Metadata, credentials } from '@grpc/grpc-js';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { onTestFinished } from 'vitest';
import type { LoadedSource } from '../function/load.ts';
import { registry } from '../function/registry.ts';
import type { FunctionDefinition } from '../function/signature.ts';
import type { Tracing } from '../invocation/trace.ts';
import type { Logger, LogLevel } from '../logger.ts';
import type { Metrics } from '../http/metrics.ts';
import { parseOptions, type Environment } from '../options.ts';
import { createRuntime, type Runtime } from '../runtime.ts';

export { TopicEventStatus };

/** One line of a log. */
export interface Line {
  readonly level: LogLevel;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps its lines. */
export function createLines(): { log: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const toLogger = (base: Readonly<Record<string, unknown>>): Logger => {
    const at =
      (level: LogLevel) =>
      (first: string | object, message = ''): void => {
        const isText = typeof first === 'string';
        const fields = isText ? base : { ...base, ...first };
        lines.push({ level, fields, message: isText ? first : message });
      };
    return {
      trace: at('trace'),
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      fatal: at('fatal'),
      child: (fields) => toLogger({ ...base, ...fields }),
    };
  };
  return { log: toLogger({}), lines };
}

/** How an app is started. */
export interface AppOptions {
  readonly flags?: readonly string[];
  readonly env?: Environment;
  /** The function context. */
  readonly context?: object;
  readonly source?: Partial<LoadedSource>;
  readonly metrics?: Metrics;
  readonly tracing?: Tracing;
}

/** An app that takes events. */
export interface App {
  readonly runtime: Runtime;
  readonly port: number;
  readonly lines: readonly Line[];
  readonly log: Logger;
  /** Sends a request as a sidecar does. */
  readonly send: (request: SidecarRequest) => Promise<SidecarReply>;
  /** Posts an event of a topic, or anything else as JSON. */
  readonly post: (
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ) => Promise<SidecarReply>;
}

interface SidecarRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | undefined;
}

interface SidecarReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; `undefined` when it is none. */
  readonly json: any;
}

/** Starts functions on a free port of loopback, until the end of the test. */
export async function startApp(
  functions: readonly FunctionDefinition[],
  { flags = [], env = {}, context, source = {}, metrics, tracing }: AppOptions = {},
): Promise<App> {
  for (const { name } of functions) registry.functions.delete(name);
  const all = ['--port=0', '--host=127.0.0.1', '--drain-timeout=100ms', ...flags];
  const given = context === undefined ? env : { ...env, FUNC_CONTEXT: JSON.stringify(context) };
  const command = parseOptions(all, given);
  if (command.kind !== 'serve') throw new Error(`${all.join(' ')} does not serve`);
  const { log, lines } = createLines();
  const loaded = { functions, plugins: [], hookPlugins: [], ...source };
  const runtime = createRuntime(command.options, log, loaded, metrics, tracing);
  const { port } = await runtime.start();
  const agent = new Agent({ keepAlive: true });
  onTestFinished(async () => {
    agent.destroy();
    await runtime.stop({ skipDelay: true }).catch(() => {});
  });

  function send({ method = 'GET', path, headers = {}, body }: SidecarRequest) {
    return new Promise<SidecarReply>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, method, path, headers, agent };
      const outgoing = httpRequest(options, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode: status = 0, headers: received } = incoming;
          resolve({ status, headers: received, text, json: parse(text) });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
  return {
    runtime,
    port,
    lines,
    log,
    send,
    post: (path, body, headers = {}) =>
      send({
        method: 'POST',
        path,
        headers: { 'content-type': EVENT_TYPE, ...headers },
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      }),
  };
}

const EVENT_TYPE = 'application/cloudevents+json';

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A CloudEvent as a sidecar posts it. */
export function eventOf(data: unknown, attributes: Readonly<Record<string, unknown>> = {}): object {
  return {
    specversion: '1.0',
    id: 'e1',
    source: 'shop',
    type: 'com.dapr.event.sent',
    datacontenttype: 'application/json',
    pubsubname: 'mq',
    topic: 'orders',
    data,
    ...attributes,
  };
}

type Name =
  | 'onTopicEvent'
  | 'onBulkTopicEvent'
  | 'onBulkTopicEventAlpha1'
  | 'onBindingEvent'
  | 'onInvoke'
  | 'listTopicSubscriptions'
  | 'listInputBindings'
  | 'healthCheck';

/** How a method is called. */
interface Method {
  readonly path: string;
  readonly write: (message: object) => Buffer;
  readonly read: (bytes: Buffer) => object;
}

function method(path: string, given: object, answered: object): Method {
  const [input, output] = [given as DescMessage, answered as DescMessage];
  return {
    path: `/dapr.proto.runtime.v1.${path}`,
    write: (message) =>
      Buffer.from(toBinary(input, create(input, message as MessageInitShape<DescMessage>))),
    read: (bytes) => fromBinary(output, bytes),
  };
}

const METHODS: Readonly<Record<Name, Method>> = {
  onTopicEvent: method(
    'AppCallback/OnTopicEvent',
    TopicEventRequestSchema,
    TopicEventResponseSchema,
  ),
  onBulkTopicEvent: method(
    'AppCallback/OnBulkTopicEvent',
    TopicEventBulkRequestSchema,
    TopicEventBulkResponseSchema,
  ),
  onBulkTopicEventAlpha1: method(
    'AppCallbackAlpha/OnBulkTopicEventAlpha1',
    TopicEventBulkRequestSchema,
    TopicEventBulkResponseSchema,
  ),
  onBindingEvent: method(
    'AppCallback/OnBindingEvent',
    BindingEventRequestSchema,
    BindingEventResponseSchema,
  ),
  onInvoke: method('AppCallback/OnInvoke', InvokeRequestSchema, InvokeResponseSchema),
  listTopicSubscriptions: method(
    'AppCallback/ListTopicSubscriptions',
    EmptySchema,
    ListTopicSubscriptionsResponseSchema,
  ),
  listInputBindings: method(
    'AppCallback/ListInputBindings',
    EmptySchema,
    ListInputBindingsResponseSchema,
  ),
  healthCheck: method('AppCallbackHealthCheck/HealthCheck', EmptySchema, HealthCheckResponseSchema),
};

/** A sidecar's connection to an app over gRPC. */
export interface GrpcSidecar {
  readonly client: Client;
  /** Calls a method. Rejects with the status of the app. */
  readonly call: (
    name: Name,
    message: object,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<any>;
  /** Sends bytes as they are to a method by its path. */
  readonly raw: (path: string, bytes: Uint8Array) => Promise<Buffer>;
}

/** Connects over gRPC until the end of the test. */
export function connectGrpc({ port }: { port: number }): GrpcSidecar {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
  });
  onTestFinished(() => client.close());
  return {
    client,
    call: (name, message, headers = {}) => {
      const { path, write, read } = METHODS[name];
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, write, read, message, metadata, (error, reply) =>
          error ? reject(error) : resolve(reply),
        );
      });
    },
    raw: (path, bytes) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest<Uint8Array, Buffer>(
          path,
          (value) => Buffer.from(value),
          (value) => value,
          bytes,
          (error, reply) => (error ? reject(error) : resolve(reply ?? Buffer.alloc(0))),
        );
      }),
  };
}

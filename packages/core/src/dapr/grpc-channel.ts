// The app channel over gRPC: what a Dapr sidecar asks of an app, and the events that it sends.
import {
  Server,
  ServerCredentials,
  status,
  type Metadata,
  type ServerUnaryCall,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { OfnError, toError } from '../errors.ts';
import { invokeInProcess, type InProcessRequest } from '../http/in-process.ts';
import type { LifecycleState } from '../lifecycle.ts';
import type { Logger } from '../logger.ts';
import {
  BindingEventResponseSchema,
  HealthCheckResponseSchema,
  InvokeResponseSchema,
  ListInputBindingsResponseSchema,
  ListTopicSubscriptionsResponseSchema,
  TopicEventBulkResponseSchema,
  TopicEventResponseSchema,
  TopicEventStatus,
  Verb,
  appCallback,
  appCallbackAlpha,
  appCallbackHealthCheck,
  create,
  type BindingEventRequest,
  type InvokeRequest,
  type TopicEventBulkRequest,
  type TopicEventRequest,
} from './app-callback.ts';
import { assertToken } from './app-token.ts';
import type { Acknowledgement, Deliveries, OpenDelivery } from './delivery.ts';
import { createInputFinder } from './input-finder.ts';
import type { Input } from './input.ts';
import {
  fromBinaryEvent,
  fromBinding,
  fromRawEvent,
  type Envelope,
  type Message,
} from './message.ts';
import { toSubscriptions } from './subscription.ts';

/** What the channel needs. */
export interface GrpcChannelSettings {
  readonly inputs: readonly Input[];
  readonly deliveries: Deliveries;
  /** Bytes of a message that are accepted. */
  readonly bodyLimit: number;
  /** What each call must carry as `dapr-api-token`; `undefined` for nothing. */
  readonly token: string | undefined;
  readonly log: Logger;
  readonly state: () => LifecycleState;
  /** Answers what is invoked, as it answers requests. */
  readonly server: HttpServer;
}

/** The app channel over gRPC. */
export interface GrpcChannel {
  /** Takes a connection whose client speaks HTTP/2. */
  accept(socket: Socket): void;
  /** Closes the connections when their calls are answered, or after a time, in milliseconds. */
  drain(milliseconds: number): void;
  /** Resolves when no connection is open: after `drain`, when the last answer is on its way. */
  drained(): Promise<void>;
  close(): void;
}

type Strings = Readonly<Record<string, string>>;

/** Creates the app channel over gRPC; it listens on no port of its own. */
export function createGrpcChannel(settings: GrpcChannelSettings): GrpcChannel {
  const { inputs, deliveries, bodyLimit, token, log, state, server: http } = settings;
  const find = createInputFinder(inputs);
  const subscriptions = toSubscriptionsReply(inputs);
  const bindings = inputs.filter(({ kind }) => kind === 'binding');

  // Checks the token; what the method throws, the sidecar gets as a status, and the log whole.
  function method<Request, Reply extends object>(
    handle: (
      request: Request,
      headers: Strings,
      done: (reply: Reply) => void,
      fail: (error: ServiceError) => void,
    ) => OpenDelivery | undefined | void,
  ) {
    return (call: ServerUnaryCall<Request, Reply>, reply: sendUnaryData<Reply>): void => {
      try {
        assertToken(token, call.metadata.get('dapr-api-token')[0]);
        const delivery = handle(
          call.request,
          toStrings(call.metadata),
          (value) => reply(null, value),
          (error) => reply(error),
        );
        if (delivery) call.on('cancelled', () => delivery.abandon());
      } catch (thrown) {
        const error = toError(thrown);
        log.error({ err: error, method: call.getPath() }, 'a call of the sidecar was refused');
        reply(toServiceError(error));
      }
    };
  }

  const onTopicEvent = method<TopicEventRequest, object>((request, headers, done) => {
    const { topic, pubsubName, path } = request;
    const input = topicInput(path, topic, pubsubName);
    const message = fromTopicEvent(input, request, { headers, metadata: {} });
    return deliveries.deliver(input, message, (acknowledgement) => {
      done(create(TopicEventResponseSchema, { status: TopicEventStatus[acknowledgement] }));
    });
  });

  const onBulkTopicEvent = method<TopicEventBulkRequest, object>((request, headers, done) => {
    const { entries, topic, pubsubName, path } = request;
    const input = topicInput(path, topic, pubsubName);
    const statuses: { entryId: string; status: TopicEventStatus }[] = [];
    const open: (OpenDelivery | undefined)[] = [];
    const settle = (entryId: string, acknowledgement: Acknowledgement): void => {
      statuses.push({ entryId, status: TopicEventStatus[acknowledgement] });
      if (statuses.length === entries.length) {
        done(create(TopicEventBulkResponseSchema, { statuses }));
      }
    };
    if (entries.length === 0) done(create(TopicEventBulkResponseSchema, {}));
    for (const { entryId, event, metadata } of entries) {
      let message: Message;
      try {
        const envelope = { headers, metadata };
        message =
          event.case === 'cloudEvent'
            ? fromTopicEvent(input, event.value, envelope)
            : fromRawEvent(input, toBuffer(event.value ?? NO_BYTES), envelope);
      } catch (error) {
        // The others are not held up by one that cannot be read.
        log.error({ err: error, input: input.name, entryId }, 'an event of a bulk is not valid');
        settle(entryId, 'RETRY');
        continue;
      }
      open.push(
        deliveries.deliver(input, message, (acknowledgement) => settle(entryId, acknowledgement)),
      );
    }
    return { abandon: () => open.forEach((delivery) => delivery?.abandon()) };
  });

  const onBindingEvent = method<BindingEventRequest, object>((request, headers, done, fail) => {
    const { name, data, metadata } = request;
    const input = find.named(name, { kind: 'binding' });
    if (input === undefined) {
      throw new OfnError('OFN_INPUT_UNKNOWN', `no function takes the binding "${name}"`);
    }
    const message = fromBinding(input, toBuffer(data), { headers, metadata });
    return deliveries.deliver(input, message, (acknowledgement) => {
      if (acknowledgement !== 'RETRY') done(create(BindingEventResponseSchema, {}));
      else fail({ code: status.UNKNOWN, details: 'the event has to be delivered again' });
    });
  });

  const onInvoke = method<InvokeRequest, object>((request, headers, done, fail) => {
    void answerInvocation(toHttpRequest(request, headers), done, fail);
  });

  async function answerInvocation(
    request: InProcessRequest,
    done: (reply: object) => void,
    fail: (error: ServiceError) => void,
  ): Promise<void> {
    try {
      const { statusCode, contentType, body } = await invokeInProcess(http, request);
      if (statusCode >= 400) fail({ code: fromHttpStatus(statusCode), details: body.toString() });
      else done(create(InvokeResponseSchema, { contentType, data: { value: body } }));
    } catch (error) {
      fail({ code: status.INTERNAL, details: toError(error).message });
    }
  }

  function topicInput(path: string, topic: string, component: string): Input {
    const input =
      find.atPath(path) ?? find.named(topic, { component: component || undefined, kind: 'topic' });
    if (input !== undefined) return input;
    const message = `no function takes the topic "${topic}" of "${component}"`;
    throw new OfnError('OFN_INPUT_UNKNOWN', message);
  }

  const server = new Server({
    'grpc.max_receive_message_length': bodyLimit,
    'grpc.max_send_message_length': -1,
  });
  server.addService(appCallback, {
    onTopicEvent,
    onBulkTopicEvent,
    onBindingEvent,
    onInvoke,
    // These and the health check without the token: daprd shows it with events and invocations alone.
    listTopicSubscriptions: (_: unknown, reply: sendUnaryData<object>) => {
      reply(null, subscriptions);
    },
    listInputBindings: (_: unknown, reply: sendUnaryData<object>) => {
      const names = bindings.map(({ component }) => component);
      reply(null, create(ListInputBindingsResponseSchema, { bindings: names }));
    },
  });
  server.addService(appCallbackAlpha, { onBulkTopicEventAlpha1: onBulkTopicEvent });
  server.addService(appCallbackHealthCheck, {
    // Any error is unhealthy.
    healthCheck: (_: unknown, reply: sendUnaryData<object>) => {
      if (state() === 'running') reply(null, create(HealthCheckResponseSchema, {}));
      else reply({ code: status.UNAVAILABLE, details: `the app is ${state()}` });
    },
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  let waiting: (() => void)[] = [];
  return {
    accept(socket) {
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        if (sockets.size > 0) return;
        for (const resolve of waiting) resolve();
        waiting = [];
      });
      injector.injectConnection(socket);
    },
    drained() {
      if (sockets.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    drain: (milliseconds) => injector.drain(milliseconds),
    close: () => {
      injector.destroy();
      server.forceShutdown();
    },
  };
}

type ServiceError = Pick<StatusObject, 'code' | 'details'>;

const NO_BYTES = new Uint8Array();

// Without a copy.
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toStrings(metadata: Metadata): Strings {
  const strings: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata.getMap())) {
    if (typeof value === 'string' && name !== 'dapr-api-token') strings[name] = value;
  }
  return strings;
}

type EventFields = Pick<
  TopicEventRequest,
  'id' | 'source' | 'type' | 'specVersion' | 'dataContentType' | 'data' | 'extensions'
>;

function fromTopicEvent(input: Input, event: EventFields, envelope: Envelope): Message {
  const { id, source, type, specVersion, dataContentType, data, extensions } = event;
  const attributes = {
    ...extensions,
    id,
    source,
    type,
    specversion: specVersion || '1.0',
    ...(dataContentType === '' ? {} : { datacontenttype: dataContentType }),
  };
  return fromBinaryEvent(input, attributes, toBuffer(data), envelope);
}

function toSubscriptionsReply(inputs: readonly Input[]): object {
  return create(ListTopicSubscriptionsResponseSchema, {
    subscriptions: toSubscriptions(inputs).map((subscription) => ({
      pubsubName: subscription.pubsubname,
      topic: subscription.topic,
      metadata: { ...subscription.metadata },
      deadLetterTopic: subscription.deadLetterTopic ?? '',
      routes: {
        rules: [...(subscription.routes.rules ?? [])],
        default: subscription.routes.default ?? '',
      },
      ...(subscription.bulkSubscribe && { bulkSubscribe: { ...subscription.bulkSubscribe } }),
    })),
  });
}

// UNIMPLEMENTED would have the sidecar drop the event; every other status has it delivered again.
function toServiceError(error: Error): ServiceError {
  const details = error instanceof OfnError ? error.message : 'the event cannot be taken';
  if (!(error instanceof OfnError)) return { code: status.INTERNAL, details };
  return { code: fromHttpStatus(error.status), details: `${error.code}: ${details}` };
}

const STATUSES: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  409: status.ABORTED,
  413: status.RESOURCE_EXHAUSTED,
  429: status.RESOURCE_EXHAUSTED,
  501: status.UNIMPLEMENTED,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
};

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
function fromHttpStatus(code: number): status {
  return STATUSES[code] ?? (code < 500 ? status.INVALID_ARGUMENT : status.INTERNAL);
}

// The content type of the invocation is that of the request; the rest of its metadata is headers.
function toHttpRequest(request: InvokeRequest, headers: Strings): InProcessRequest {
  const { method, data, contentType, httpExtension } = request;
  const { verb = Verb.POST, querystring = '' } = httpExtension ?? {};
  const path = `/${method.replace(/^\//, '')}`;
  const passed = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.test(name));
  return {
    method: verb === Verb.NONE ? 'POST' : Verb[verb],
    path: querystring === '' ? path : `${path}?${querystring}`,
    headers: {
      ...Object.fromEntries(passed),
      ...(contentType === '' ? {} : { 'content-type': contentType }),
    },
    body: data === undefined || data.value.length === 0 ? undefined : toBuffer(data.value),
  };
}

const HOP_BY_HOP =
  /^(?:connection|content-length|content-type|grpc-.*|host|te|transfer-encoding|:.*)$/;

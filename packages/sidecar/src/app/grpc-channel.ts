// The app channel over gRPC: each question a call of AppCallback, each reply a verdict.
import type { JsonObject } from '@bufbuild/protobuf';
import {
  Client,
  Metadata,
  credentials,
  makeClientConstructor,
  status as grpc,
  type ServiceError,
} from '@grpc/grpc-js';
// Deep imports: the package has no public path to its descriptors. Its version is pinned.
import {
  AppCallback,
  AppCallbackAlpha,
  AppCallbackHealthCheck,
  BindingEventResponse_BindingEventConcurrency as Concurrency,
  TopicEventResponse_TopicEventResponseStatus as Status,
  type BindingEventRequest,
  type BindingEventResponse,
  type ListInputBindingsResponse,
  type ListTopicSubscriptionsResponse,
  type TopicEventBulkRequest,
  type TopicEventBulkResponse,
  type TopicEventRequest,
  type TopicEventResponse,
  type TopicSubscription,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';
import {
  HTTPExtension_Verb as Verb,
  type InvokeRequest,
  type InvokeResponse,
} from '@dapr/dapr/proto/dapr/proto/common/v1/common_pb.js';
import { SidecarError, toMessage } from '../errors.ts';
import { toServiceDefinition } from '../grpc-service.ts';
import { compileRule } from '../pubsub/route.ts';
import { toBulkSubscribe, type Subscription } from '../resources/subscription.ts';
import {
  ACK,
  type AppAddress,
  type AppChannel,
  invalidSubscriptions,
  type BulkDelivery,
  type CloudEventFields,
  type DeliveryEntry,
  type Verdict,
} from './channel.ts';
import { createGate } from './gate.ts';

/** Creates the channel to an app that serves gRPC. */
export function createGrpcChannel(address: AppAddress): AppChannel {
  const [bulk] = AppCallbackAlpha.methods;
  // The descriptors know the bulk call by its alpha name only; daprd tries the stable one first.
  const callbacks = toServiceDefinition(AppCallback, bulk && { onBulkTopicEvent: bulk });
  const alpha = toServiceDefinition(AppCallbackAlpha);
  const health = toServiceDefinition(AppCallbackHealthCheck);
  const client = new (makeClientConstructor({}, 'App'))(
    `${address.host}:${address.port}`,
    credentials.createInsecure(),
    {
      'grpc.max_receive_message_length': address.maxBodySize,
      'grpc.max_send_message_length': -1,
      // An app that comes back is found at once.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 500,
      'grpc.use_local_subchannel_pool': 1,
    },
  );
  const enter = createGate(address.maxConcurrency);

  function call<Response>(
    service: typeof callbacks,
    method: string,
    request: object,
    options: { signal?: AbortSignal; metadata?: Readonly<Record<string, string>> } = {},
  ): Promise<Response> {
    return unary(client, service, method, request, {
      metadata: toMetadata(options.metadata ?? {}, address.apiToken),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    }) as Promise<Response>;
  }

  let bindings: Promise<readonly string[]> | undefined;

  return {
    // Nothing to ask: over gRPC, daprd gets what it needs from streams for actors.
    readConfig: () => Promise.resolve(),

    async listSubscriptions() {
      const listed = await call<ListTopicSubscriptionsResponse>(
        callbacks,
        'listTopicSubscriptions',
        {},
      ).catch((error: unknown) => {
        if (codeOf(error) === grpc.UNIMPLEMENTED) return { subscriptions: [] };
        throw error;
      });
      try {
        return listed.subscriptions.map(fromTopicSubscription);
      } catch (cause) {
        throw invalidSubscriptions(cause);
      }
    },

    async takesBinding(name) {
      bindings ??= call<ListInputBindingsResponse>(callbacks, 'listInputBindings', {}).then(
        (listed) => listed.bindings,
        () => [],
      );
      return (await bindings).includes(name);
    },

    async probe(_path, signal) {
      try {
        await call(health, 'healthCheck', {}, { signal });
        return true;
      } catch {
        return false;
      }
    },

    async deliver(delivery, signal) {
      const { event, topic, pubsub, path, metadata } = delivery;
      const request: Omit<TopicEventRequest, '$typeName'> = {
        ...toAttributes(event),
        data: toData(event),
        extensions: toExtensions(event),
        topic,
        pubsubName: pubsub,
        path,
      };
      try {
        const reply = await call<TopicEventResponse>(callbacks, 'onTopicEvent', request, {
          signal,
          metadata,
        });
        return toStatusVerdict(reply.status);
      } catch (error) {
        return toFailedVerdict(error);
      }
    },

    async deliverBulk(delivery, signal) {
      const { id, topic, pubsub, path, metadata, entries } = delivery;
      const request: Omit<TopicEventBulkRequest, '$typeName'> = {
        id,
        topic,
        pubsubName: pubsub,
        path,
        metadata: { ...metadata },
        type: 'com.dapr.event.sent.bulk',
        entries: entries.map(toBulkEntry),
      };
      const options = { signal, metadata: { ...metadata, ...delivery.trace } };
      try {
        const reply = await call<TopicEventBulkResponse>(
          callbacks,
          'onBulkTopicEvent',
          request,
          options,
        ).catch((error: unknown) => {
          if (codeOf(error) !== grpc.UNIMPLEMENTED) throw error;
          return call<TopicEventBulkResponse>(alpha, 'onBulkTopicEventAlpha1', request, options);
        });
        return toVerdicts(delivery, reply);
      } catch (error) {
        const verdict = toFailedVerdict(error);
        return new Map(entries.map(({ entryId }) => [entryId, verdict]));
      }
    },

    async deliverBinding(event, signal) {
      const request: Omit<BindingEventRequest, '$typeName'> = {
        name: event.name,
        data: event.data,
        metadata: { ...event.metadata },
      };
      try {
        const reply = await call<BindingEventResponse>(callbacks, 'onBindingEvent', request, {
          signal,
          metadata: event.trace,
        });
        return {
          accepted: true,
          final: true,
          reason: '',
          data: Buffer.from(reply.data),
          to: reply.to,
          parallel: reply.concurrency === Concurrency.PARALLEL,
        };
      } catch (error) {
        const code = codeOf(error);
        return {
          accepted: false,
          final: false,
          reason: `error invoking app: ${toMessage(error)}`,
          ...(code === undefined ? {} : { code }),
          data: Buffer.alloc(0),
          to: [],
          parallel: false,
        };
      }
    },

    async invoke(request, signal) {
      const leave = await enter();
      const message = {
        method: request.method,
        data: { typeUrl: '', value: request.body },
        contentType: request.headers['content-type'] ?? '',
        httpExtension: { verb: toVerb(request.verb), querystring: request.query },
      } as unknown as Omit<InvokeRequest, '$typeName'>;
      try {
        const reply = await call<InvokeResponse>(callbacks, 'onInvoke', message, {
          signal,
          metadata: request.headers,
        });
        return {
          status: 200,
          headers: reply.contentType === '' ? {} : { 'content-type': reply.contentType },
          body: Buffer.from(reply.data?.value ?? []),
        };
      } catch (cause) {
        const code = codeOf(cause) ?? grpc.INTERNAL;
        const message = (cause as Partial<ServiceError>).details ?? toMessage(cause);
        throw new SidecarError('ERR_DIRECT_INVOKE', message, {
          httpStatus: HTTP_STATUS[code] ?? 500,
          grpcStatus: code,
          cause,
        });
      } finally {
        leave();
      }
    },

    close() {
      client.close();
    },
  };
}

// How a gRPC status is told to an HTTP client, as Google's API guide maps them.
const HTTP_STATUS: Readonly<Record<number, number>> = {
  [grpc.CANCELLED]: 408,
  [grpc.INVALID_ARGUMENT]: 400,
  [grpc.DEADLINE_EXCEEDED]: 504,
  [grpc.NOT_FOUND]: 404,
  [grpc.ALREADY_EXISTS]: 409,
  [grpc.PERMISSION_DENIED]: 403,
  [grpc.UNAUTHENTICATED]: 401,
  [grpc.RESOURCE_EXHAUSTED]: 429,
  [grpc.FAILED_PRECONDITION]: 400,
  [grpc.ABORTED]: 409,
  [grpc.OUT_OF_RANGE]: 400,
  [grpc.UNIMPLEMENTED]: 501,
  [grpc.UNAVAILABLE]: 503,
};

function unary(
  client: Client,
  service: ReturnType<typeof toServiceDefinition>,
  name: string,
  request: object,
  options: { metadata: Metadata; signal?: AbortSignal },
): Promise<unknown> {
  const method = service[name];
  if (method === undefined) throw new TypeError(`there is no method ${name}`);
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted === true) {
      reject(new Error('context canceled'));
      return;
    }
    const cancel = (): void => ongoing.cancel();
    const ongoing = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      options.metadata,
      (error: ServiceError | null, response?: unknown) => {
        options.signal?.removeEventListener('abort', cancel);
        if (error === null) resolve(response);
        else reject(error);
      },
    );
    options.signal?.addEventListener('abort', cancel, { once: true });
  });
}

function toMetadata(
  fields: Readonly<Record<string, string>>,
  apiToken: string | undefined,
): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) {
    const key = name.toLowerCase();
    // gRPC's own, and what speaks of the original payload.
    if (/^(?:content-type|content-length|te|host|connection|:.*|grpc-.*|.*-bin)$/.test(key))
      continue;
    if (/^[0-9a-z_.-]+$/.test(key) && /^[\x20-\x7e]*$/.test(value)) metadata.set(key, value);
  }
  if (apiToken !== undefined) metadata.set('dapr-api-token', apiToken);
  return metadata;
}

function fromTopicSubscription(listed: TopicSubscription): Subscription {
  const { routes } = listed;
  const rules = (routes?.rules ?? []).map(({ match, path }) => compileRule(match, path));
  if ((routes?.default ?? '') !== '') rules.push(compileRule('', routes?.default ?? ''));
  // Unlike over HTTP, no route at all is a route: the app has one method for all events.
  if (rules.length === 0) rules.push(compileRule('', ''));
  return {
    pubsub: listed.pubsubName,
    topic: listed.topic,
    deadLetterTopic: listed.deadLetterTopic === '' ? undefined : listed.deadLetterTopic,
    metadata: listed.metadata,
    rules,
    bulk: toBulkSubscribe(listed.bulkSubscribe),
    type: 'PROGRAMMATIC',
  };
}

function toVerb(method: string): Verb {
  return Verb[method.toUpperCase() as keyof typeof Verb] ?? Verb.NONE;
}

function codeOf(error: unknown): grpc | undefined {
  const code = (error as Partial<ServiceError> | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
}

function toFailedVerdict(error: unknown): Verdict {
  const code = codeOf(error);
  if (code === grpc.UNIMPLEMENTED) {
    return { kind: 'drop', reason: toMessage(error), deadLetter: false };
  }
  return { kind: 'retry', reason: toMessage(error), ...(code === undefined ? {} : { code }) };
}

function toStatusVerdict(status: Status): Verdict {
  switch (status) {
    case Status.SUCCESS:
      return ACK;
    case Status.RETRY:
      return { kind: 'retry', reason: 'RETRY' };
    case Status.DROP:
      return { kind: 'drop', reason: 'DROP', deadLetter: true };
    default:
      return { kind: 'retry', reason: `unknown status ${String(status)}` };
  }
}

function toVerdicts(
  delivery: BulkDelivery,
  reply: TopicEventBulkResponse,
): ReadonlyMap<string, Verdict> {
  const statuses = new Map(reply.statuses.map(({ entryId, status }) => [entryId, status]));
  return new Map(
    delivery.entries.map(({ entryId }) => {
      const status = statuses.get(entryId);
      const missing: Verdict = { kind: 'retry', reason: 'no status' };
      return [entryId, status === undefined ? missing : toStatusVerdict(status)];
    }),
  );
}

function toBulkEntry(entry: DeliveryEntry): TopicEventBulkRequest['entries'][number] {
  const { entryId, event, data, contentType, metadata } = entry;
  const message = {
    entryId,
    contentType,
    metadata: { ...metadata },
    event:
      event === undefined
        ? { case: 'bytes', value: data }
        : {
            case: 'cloudEvent',
            value: { ...toAttributes(event), data: toData(event), extensions: toExtensions(event) },
          },
  };
  // An init object, which the serializer completes.
  return message as unknown as TopicEventBulkRequest['entries'][number];
}

function toAttributes(event: CloudEventFields) {
  return {
    id: textOf(event['id']),
    source: textOf(event['source']),
    type: textOf(event['type']),
    specVersion: textOf(event['specversion']),
    dataContentType: textOf(event['datacontenttype']),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

// As daprd does it: base64 decoded, text as it is, JSON as JSON, and nothing of any other type.
function toData(event: CloudEventFields): Uint8Array {
  const { data, data_base64: base64, datacontenttype: type } = event;
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
  if (data === undefined || data === null) return new Uint8Array();
  if (data instanceof Uint8Array) return data;
  const mediaType = textOf(type).toLowerCase().split(';')[0] ?? '';
  if (mediaType.startsWith('text/') || mediaType === 'application/xml') {
    return Buffer.from(typeof data === 'string' ? data : JSON.stringify(data));
  }
  if (mediaType === 'application/json' || mediaType === 'application/cloudevents+json') {
    return Buffer.from(JSON.stringify(data));
  }
  return new Uint8Array();
}

const NO_EXTENSIONS = new Set([
  'id',
  'source',
  'datacontenttype',
  'type',
  'specversion',
  'data',
  'data_base64',
]);

function toExtensions(event: CloudEventFields): JsonObject {
  const extensions: JsonObject = {};
  for (const [name, value] of Object.entries(event)) {
    if (!NO_EXTENSIONS.has(name)) extensions[name] = value as JsonObject[string];
  }
  return extensions;
}

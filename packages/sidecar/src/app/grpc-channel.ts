// The app channel over gRPC: each question a call of AppCallback, each reply a verdict.
import {
  Client,
  credentials,
  status as grpc,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
// Deep imports: the package has no public path to its descriptors. Its version is pinned.
import {
  AppCallback,
  AppCallbackAlpha,
  AppCallbackHealthCheck,
  BindingEventResponse_BindingEventConcurrency as Concurrency,
  type BindingEventRequest,
  type BindingEventResponse,
  type ListInputBindingsResponse,
  type ListTopicSubscriptionsResponse,
  type TopicEventBulkRequest,
  type TopicEventBulkResponse,
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
import { invalidSubscriptions, type AppAddress, type AppChannel } from './channel.ts';
import { createGate } from './gate.ts';
import { toInvokeMetadata, toMetadata, unary } from './grpc-call.ts';
import { toBulkEntry, toTopicEvent } from './grpc-event.ts';
import { codeOf, toFailedVerdict, toStatusVerdict, toVerdicts } from './grpc-reply.ts';

/** Creates the channel to an app that serves gRPC. */
export function createGrpcChannel(address: AppAddress): AppChannel {
  const [bulk] = AppCallbackAlpha.methods;
  // The descriptors know the bulk call by its alpha name only; daprd tries the stable one first.
  const callbacks = toServiceDefinition(AppCallback, bulk && { onBulkTopicEvent: bulk });
  const alpha = toServiceDefinition(AppCallbackAlpha);
  const health = toServiceDefinition(AppCallbackHealthCheck);
  const client = new Client(`${address.host}:${address.port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': address.maxBodySize,
    'grpc.max_send_message_length': -1,
    // An app that comes back is found at once.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 500,
    'grpc.use_local_subchannel_pool': 1,
  });
  const enter = createGate(address.maxConcurrency);

  function call<Response>(
    service: ServiceDefinition,
    method: string,
    request: object,
    options: { signal?: AbortSignal; metadata?: Readonly<Record<string, string>> } = {},
  ): Promise<Response> {
    // As daprd does it: events and invocations have the token; questions about the app have not.
    const token = /^(?:list|healthCheck)/.test(method) ? undefined : address.apiToken;
    return unary(client, service, method, request, {
      metadata: toMetadata(options.metadata ?? {}, token),
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
        (error: unknown) => {
          if (codeOf(error) === grpc.UNIMPLEMENTED) return [];
          throw error;
        },
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
      try {
        const reply = await call<TopicEventResponse>(
          callbacks,
          'onTopicEvent',
          toTopicEvent(delivery),
          {
            signal,
            metadata: delivery.metadata,
          },
        );
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
          metadata: toInvokeMetadata(request.headers),
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

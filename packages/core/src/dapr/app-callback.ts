// Dapr's app callback as gRPC services of grpc-js: the messages are those that Dapr's own SDK carries.
// https://github.com/dapr/dapr/blob/v1.18.3/dapr/proto/runtime/v1/appcallback.proto
//
// The SDK has no public entry for its messages, and its own entry loads all of it. Its version is
// pinned; this file, and the types of grpc-channel.ts, are all that reach inside.
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  AppCallback,
  AppCallbackAlpha,
  AppCallbackHealthCheck,
  TopicEventBulkRequestSchema,
  TopicEventBulkResponseSchema,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';
import type { MethodDefinition } from '@grpc/grpc-js';

export {
  BindingEventResponseSchema,
  HealthCheckResponseSchema,
  ListInputBindingsResponseSchema,
  ListTopicSubscriptionsResponseSchema,
  TopicEventBulkResponseSchema,
  TopicEventResponseSchema,
  TopicEventResponse_TopicEventResponseStatus as TopicEventStatus,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';
export type {
  BindingEventRequest,
  TopicEventBulkRequest,
  TopicEventRequest,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';
export {
  HTTPExtension_Verb as Verb,
  InvokeResponseSchema,
} from '@dapr/dapr/proto/dapr/proto/common/v1/common_pb.js';
export type { InvokeRequest } from '@dapr/dapr/proto/dapr/proto/common/v1/common_pb.js';
export { create };

// Not the descriptors' own type: they are CommonJS, whose types the compiler holds for others than
// those of ES modules.
interface ServiceShape {
  readonly typeName: string;
  readonly methods: readonly {
    readonly name: string;
    readonly localName: string;
    readonly input: object;
    readonly output: object;
  }[];
}

type Methods = Readonly<Record<string, MethodDefinition<MessageShape<DescMessage>, object>>>;

function unary(path: string, given: object, answered: object): Methods[string] {
  const [input, output] = [given as DescMessage, answered as DescMessage];
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) =>
      Buffer.from(toBinary(output, message as MessageShape<DescMessage>)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

function toMethods({ typeName, methods }: ServiceShape): Methods {
  return Object.fromEntries(
    methods.map(({ name, localName, input, output }) => [
      localName,
      unary(`/${typeName}/${name}`, input, output),
    ]),
  );
}

/** The service of events, bindings and invocation. */
export const appCallback: Methods = {
  ...toMethods(AppCallback),
  // Stable since Dapr 1.16; the messages of this SDK know it by its alpha name alone.
  onBulkTopicEvent: unary(
    `/${AppCallback.typeName}/OnBulkTopicEvent`,
    TopicEventBulkRequestSchema,
    TopicEventBulkResponseSchema,
  ),
};

/** The service of bulk events, for sidecars before 1.16. */
export const appCallbackAlpha: Methods = toMethods(AppCallbackAlpha);

/** The service that tells whether the app is healthy. */
export const appCallbackHealthCheck: Methods = toMethods(AppCallbackHealthCheck);

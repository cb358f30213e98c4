// The messages of Dapr's app callback, as bytes of gRPC and back. The SDK has no public entry for
// them; its version is pinned.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import {
  AppCallback,
  AppCallbackAlpha,
  AppCallbackHealthCheck,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';

/** One method of the callback. */
export interface AppMethod {
  /** As the client asks for it. */
  readonly path: string;
  readonly toRequest: (init: object) => Buffer;
  readonly fromRequest: (bytes: Uint8Array) => object;
  readonly fromReply: (bytes: Uint8Array) => object;
}

interface ServiceShape {
  readonly typeName: string;
  readonly methods: readonly { name: string; input: object; output: object }[];
}

const [bulk] = (AppCallbackAlpha as unknown as ServiceShape).methods;

/** Every method, by its name on the wire. */
export const APP_METHODS: ReadonlyMap<string, AppMethod> = new Map([
  ...[AppCallback, AppCallbackAlpha, AppCallbackHealthCheck].flatMap((service) => {
    const { typeName, methods } = service as unknown as ServiceShape;
    return methods.map((method) => toEntry(typeName, method.name, method));
  }),
  // Stable since Dapr 1.16; these messages know it by its alpha name alone.
  ...(bulk === undefined ? [] : [toEntry(AppCallback.typeName, 'OnBulkTopicEvent', bulk)]),
]);

function toEntry(
  service: string,
  name: string,
  { input, output }: { input: object; output: object },
): [string, AppMethod] {
  // The descriptors are CommonJS, whose types the compiler holds for others than those imported here.
  const [request, reply] = [input as DescMessage, output as DescMessage];
  return [
    name,
    {
      path: `/${service}/${name}`,
      toRequest: (init) =>
        Buffer.from(toBinary(request, create(request, init as MessageInitShape<DescMessage>))),
      fromRequest: (bytes) => fromBinary(request, bytes),
      fromReply: (bytes) => fromBinary(reply, bytes),
    },
  ];
}

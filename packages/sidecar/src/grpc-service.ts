// Dapr's service descriptors as what grpc-js serves and calls.
import { fromBinary, toBinary, create } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/**
 * A service of protobuf-es, as far as it is of concern here. Not its own type: the descriptors are
 * CommonJS, whose types the compiler holds for others than those of ES modules.
 */
export interface ServiceDescriptor {
  readonly typeName: string;
  readonly methods: readonly MethodDescriptor[];
}

/** A method of such a service. */
export interface MethodDescriptor {
  readonly name: string;
  readonly localName: string;
  readonly methodKind: string;
  readonly input: object;
  readonly output: object;
}

/**
 * A service as grpc-js knows it. A method is named as its descriptor names it locally
 * (`onTopicEvent`); messages are those of protobuf-es.
 *
 * @param aliases Methods that have another name on the wire: `{ onBulkTopicEvent: method }` adds
 *   one that is the same as `method` but for its name.
 */
export function toServiceDefinition(
  service: ServiceDescriptor,
  aliases: Readonly<Record<string, MethodDescriptor>> = {},
): ServiceDefinition {
  const methods: Record<string, MethodDefinition<object, object>> = {};
  for (const method of service.methods) {
    methods[method.localName] = toMethodDefinition(service, method, method.name);
  }
  for (const [localName, method] of Object.entries(aliases)) {
    const name = `${localName.charAt(0).toUpperCase()}${localName.slice(1)}`;
    methods[localName] = toMethodDefinition(service, method, name);
  }
  return methods;
}

function toMethodDefinition(
  service: ServiceDescriptor,
  method: MethodDescriptor,
  name: string,
): MethodDefinition<object, object> {
  const { input, output, methodKind } = method;
  return {
    path: `/${service.typeName}/${name}`,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    ...toSerializers('request', input),
    ...toSerializers('response', output),
  };
}

function toSerializers<Side extends 'request' | 'response'>(side: Side, descriptor: object) {
  const schema = descriptor as DescMessage;
  const serialize = (message: object): Buffer => {
    // An init object is taken as well, so that a handler may answer with a plain one.
    const whole =
      '$typeName' in message ? message : create(schema, message as MessageInitShape<DescMessage>);
    const bytes = toBinary(schema, whole as MessageShape<DescMessage>);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const deserialize = (bytes: Buffer): object => fromBinary(schema, bytes);
  return { [`${side}Serialize`]: serialize, [`${side}Deserialize`]: deserialize } as Record<
    `${Side}Serialize`,
    typeof serialize
  > &
    Record<`${Side}Deserialize`, typeof deserialize>;
}

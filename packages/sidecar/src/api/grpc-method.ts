// One method of the gRPC API: a message goes in, a message comes out, typed by Dapr's descriptor.
import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
// Deep, since the package has no export of its messages alone, and the whole of it takes 200 ms to
// load. Its version is pinned.
import { Dapr } from '@dapr/dapr/proto/dapr/proto/runtime/v1/dapr_pb.js';

export { Dapr };

type Methods = typeof Dapr.method;

/** The methods that take one message and answer with one. */
type UnaryName = {
  [N in keyof Methods]: Methods[N]['methodKind'] extends 'unary' ? N : never;
}[keyof Methods];

/** A call of a method. */
export interface GrpcCall<N extends UnaryName> {
  readonly request: MessageShape<Methods[N]['input']>;
  /** Metadata of the call that is text. */
  readonly headers: Readonly<Record<string, string>>;
  /** Sets metadata that goes before the answer. */
  readonly setHeader: (name: string, value: string) => void;
}

/** What answers each method. */
export type GrpcMethods = {
  readonly [N in UnaryName]: (
    call: GrpcCall<N>,
  ) => Promise<MessageInitShape<Methods[N]['output']>> | MessageInitShape<Methods[N]['output']>;
};

// Dapr's gRPC API: a message becomes a call of the method it is for, what that returns the answer.
import {
  Metadata,
  Server,
  status as grpc,
  type UntypedServiceImplementation,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { SidecarError } from '../errors.ts';
import { toServiceDefinition } from '../grpc-service.ts';
import { bindingMethods } from './bindings.ts';
import type { ApiContext } from './context.ts';
import { toFault } from './fault.ts';
import { Dapr, type GrpcCall } from './grpc-method.ts';
import { invokeMethods } from './invoke.ts';
import { metadataMethods } from './metadata.ts';
import { publishMethods } from './publish.ts';
import { isSameSecret } from './secret.ts';
import { toStreamHandler } from './stream.ts';
import { shutdownMethods } from './shutdown.ts';
import { stateMethods } from './state-grpc.ts';

/** What the gRPC API bounds and checks. */
export interface GrpcSettings {
  /** Bytes of a message; a larger one is `RESOURCE_EXHAUSTED`. */
  readonly maxBodySize: number;
  /** What callers must send as `dapr-api-token`; `undefined` for no check. */
  readonly apiToken: string | undefined;
}

/** Creates the server of the gRPC API. It does not listen yet. Other methods are `UNIMPLEMENTED`. */
export function createGrpcApi(context: ApiContext, settings: GrpcSettings): Server {
  const server = new Server({ 'grpc.max_receive_message_length': settings.maxBodySize });
  const methods = {
    ...publishMethods(context),
    ...bindingMethods(context),
    ...stateMethods(context),
    ...invokeMethods(context),
    ...metadataMethods(context),
    ...shutdownMethods(context),
  };
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(methods)) {
    implementation[name] = toHandler(method, settings.apiToken);
  }
  // The stable name of the method; the descriptor knows the older one only.
  const bulkPublishEvent = Dapr.method.bulkPublishEventAlpha1;
  implementation['bulkPublishEvent'] = toHandler(methods.bulkPublishEventAlpha1, settings.apiToken);
  implementation['subscribeTopicEventsAlpha1'] = toStreamHandler(context.engine, (metadata) =>
    checkToken(metadata, settings.apiToken),
  );
  server.addService(toServiceDefinition(Dapr, { bulkPublishEvent }), implementation);
  return server;
}

type AnyMethod = (call: GrpcCall<never>) => Promise<object> | object;

function toHandler(method: AnyMethod, token: string | undefined): handleUnaryCall<object, object> {
  async function answer(
    call: ServerUnaryCall<object, object>,
    callback: sendUnaryData<object>,
  ): Promise<void> {
    const header = new Metadata();
    let message: object | undefined;
    let fault: SidecarError | undefined;
    try {
      checkToken(call.metadata, token);
      message = await method({
        request: call.request as never,
        headers: toHeaders(call.metadata),
        setHeader: (name, value) => setHeader(header, name, value),
      });
    } catch (thrown) {
      fault = toFault(thrown);
    }
    call.sendMetadata(header);
    if (fault === undefined) callback(null, message);
    else callback({ code: fault.grpcStatus, details: fault.message });
  }
  return (call, callback) => {
    void answer(call, callback);
  };
}

function checkToken(metadata: Metadata, token: string | undefined): void {
  if (token === undefined) return;
  const [given] = metadata.get('dapr-api-token');
  if (typeof given === 'string' && isSameSecret(given, token)) return;
  const reason =
    given === undefined ? 'missing api token in request metadata' : 'invalid api token';
  throw new SidecarError('ERR_UNAUTHENTICATED', reason, {
    httpStatus: 401,
    grpcStatus: grpc.UNAUTHENTICATED,
  });
}

function toHeaders(metadata: Metadata): Readonly<Record<string, string>> {
  const entries = Object.entries(metadata.getMap()).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(entries);
}

// What an app or a binding answered may be no header of gRPC; the answer is more than that.
function setHeader(metadata: Metadata, name: string, value: string): void {
  try {
    metadata.set(name, value);
  } catch {
    metadata.remove(name);
  }
}

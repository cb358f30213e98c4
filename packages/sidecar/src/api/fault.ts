// Dapr's errors, one function for each: what went wrong becomes code, message and statuses.
import { status as grpc } from '@grpc/grpc-js';
import { SidecarError, toMessage } from '../errors.ts';
import { EtagMismatchError } from '../state/store.ts';

type Statuses = readonly [httpStatus: number, grpcStatus: grpc];

function fault(code: string, statuses: Statuses, message: string, cause?: unknown): SidecarError {
  const [httpStatus, grpcStatus] = statuses;
  return new SidecarError(code, message, {
    httpStatus,
    grpcStatus,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Any thrown value as an error that an API can answer. */
export function toFault(thrown: unknown): SidecarError {
  if (thrown instanceof SidecarError) return thrown;
  return fault('ERROR', [500, grpc.UNKNOWN], toMessage(thrown), thrown);
}

// Requests

const MALFORMED: Statuses = [400, grpc.INVALID_ARGUMENT];

export function malformedBody(thrown: unknown): SidecarError {
  const message = `failed deserializing HTTP body: ${toMessage(thrown)}`;
  return fault('ERR_MALFORMED_REQUEST', MALFORMED, message, thrown);
}

export function malformedRequest(message: string, cause?: unknown): SidecarError {
  return fault('ERR_MALFORMED_REQUEST', MALFORMED, message, cause);
}

export function unreadableBody(thrown: unknown): SidecarError {
  const message = `failed to read request body: ${toMessage(thrown)}`;
  return fault('ERR_BODY_READ', MALFORMED, message, thrown);
}

// Pub/sub

export function pubsubNotFound(pubsub: string): SidecarError {
  const message = `pubsub ${pubsub} is not found`;
  return fault('ERR_PUBSUB_NOT_FOUND', [404, grpc.INVALID_ARGUMENT], message);
}

export function pubsubNameEmpty(): SidecarError {
  return fault('ERR_PUBSUB_EMPTY', [404, grpc.INVALID_ARGUMENT], 'pubsub name is empty');
}

export function topicEmpty(pubsub: string): SidecarError {
  const message = `topic is empty in pubsub ${pubsub}`;
  return fault('ERR_TOPIC_NAME_EMPTY', [404, grpc.INVALID_ARGUMENT], message);
}

export function pubsubMetadata(reason: string): SidecarError {
  const message = `failed deserializing metadata. Error: ${reason}`;
  return fault('ERR_PUBSUB_REQUEST_METADATA', MALFORMED, message);
}

/** One of several things that can be wrong with the events of a bulk publish. */
export function badEvents(what: string, topic: string, pubsub: string, why: string): SidecarError {
  const message = `${what} for topic ${topic} pubsub ${pubsub}${why}`;
  return fault('ERR_PUBSUB_EVENTS_SER', MALFORMED, message);
}

export function publishFailed(topic: string, pubsub: string, thrown: unknown): SidecarError {
  const message = `error when publishing to topic ${topic} in pubsub ${pubsub}: ${toMessage(thrown)}`;
  return fault('ERR_PUBSUB_PUBLISH_MESSAGE', [500, grpc.INTERNAL], message, thrown);
}

// Bindings

export function bindingFailed(name: string, thrown: unknown): SidecarError {
  const message = `error invoking output binding ${name}: ${toMessage(thrown)}`;
  return fault('ERR_INVOKE_OUTPUT_BINDING', [500, grpc.INTERNAL], message, thrown);
}

// State

export function storesNotConfigured(store: string): SidecarError {
  const message = `state store ${store} is not configured`;
  return fault('ERR_STATE_STORE_NOT_CONFIGURED', [500, grpc.FAILED_PRECONDITION], message);
}

export function storeNotFound(store: string): SidecarError {
  return fault('ERR_STATE_STORE_NOT_FOUND', MALFORMED, `state store ${store} is not found`);
}

export function stateSaveFailed(store: string, thrown: unknown): SidecarError {
  const message = `failed saving state in state store ${store}: ${toMessage(thrown)}`;
  return writeFault('ERR_STATE_SAVE', message, thrown);
}

export function stateDeleteFailed(key: string, thrown: unknown): SidecarError {
  const message = `failed deleting state with key ${key}: ${toMessage(thrown)}`;
  return writeFault('ERR_STATE_DELETE', message, thrown);
}

export function stateBulkDeleteFailed(store: string, thrown: unknown): SidecarError {
  const message = `failed deleting state in state store ${store}: ${toMessage(thrown)}`;
  return writeFault('ERR_STATE_BULK_DELETE', message, thrown);
}

function writeFault(code: string, message: string, thrown: unknown): SidecarError {
  // A key that cannot be one has its own code, whatever was to be done with it.
  if (thrown instanceof SidecarError) return thrown;
  const statuses: Statuses =
    thrown instanceof EtagMismatchError ? [409, grpc.ABORTED] : [500, grpc.INTERNAL];
  return fault(code, statuses, message, thrown);
}

export function stateKeyEmpty(): SidecarError {
  return fault('ERR_STATE_SAVE', MALFORMED, 'state key cannot be empty');
}

export function transactionFailed(thrown: unknown): SidecarError {
  if (thrown instanceof SidecarError) return thrown;
  // Dapr has no status of its own for an etag that did not match in a transaction.
  const message = `error while executing state transaction: ${toMessage(thrown)}`;
  return fault('ERR_STATE_TRANSACTION', [500, grpc.INTERNAL], message, thrown);
}

export function operationUnknown(operation: string): SidecarError {
  const message = `operation type ${operation} not supported`;
  return fault('ERR_NOT_SUPPORTED_STATE_OPERATION', [400, grpc.UNIMPLEMENTED], message);
}

export function queryFailed(store: string, reason: string): SidecarError {
  const message = `state store ${store} query failed: ${reason}`;
  return fault('ERR_STATE_QUERY', [500, grpc.INTERNAL], message);
}

// Invocation and health

export function unimplemented(): SidecarError {
  const message = 'this API is currently not implemented; run daprd for it';
  return fault('ERR_API_UNIMPLEMENTED', [501, grpc.UNIMPLEMENTED], message);
}

export function appIdMissing(): SidecarError {
  const message = 'failed getting app id either from the URL path or the header dapr-app-id';
  return fault('ERR_DIRECT_INVOKE', [404, grpc.NOT_FOUND], message);
}

export function invokeFailed(appId: string, thrown: unknown): SidecarError {
  const message = `failed to invoke, id: ${appId}, err: ${toMessage(thrown)}`;
  return fault('ERR_DIRECT_INVOKE', [500, grpc.INTERNAL], message, thrown);
}

export function notReady(): SidecarError {
  const message = 'dapr is not ready: [app]';
  return fault('ERR_HEALTH_NOT_READY', [500, grpc.INTERNAL], message);
}

export function appIdMismatch(): SidecarError {
  const message = 'dapr app-id does not match';
  return fault('ERR_HEALTH_APPID_NOT_MATCH', [500, grpc.INTERNAL], message);
}

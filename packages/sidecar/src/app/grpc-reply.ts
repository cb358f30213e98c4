// What a gRPC app replied, as verdicts.
import { status as grpc, type ServiceError } from '@grpc/grpc-js';
import {
  TopicEventResponse_TopicEventResponseStatus as Status,
  type TopicEventBulkResponse,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';
import { toMessage } from '../errors.ts';
import { ACK, type BulkDelivery, type Verdict } from './channel.ts';

/** The gRPC status of an error; `undefined` when it is none of gRPC. */
export function codeOf(error: unknown): grpc | undefined {
  const code = (error as Partial<ServiceError> | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
}

/** The verdict when the call failed. */
export function toFailedVerdict(error: unknown): Verdict {
  const code = codeOf(error);
  if (code === grpc.UNIMPLEMENTED) {
    return { kind: 'drop', reason: toMessage(error), deadLetter: false };
  }
  return { kind: 'retry', reason: toMessage(error), ...(code === undefined ? {} : { code }) };
}

/** The verdict on a single event. */
export function toStatusVerdict(status: Status): Verdict {
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

/** The verdicts on the entries of a bulk delivery. */
export function toVerdicts(
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

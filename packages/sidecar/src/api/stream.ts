// The streaming subscription over gRPC: the app dials the sidecar, and gets events on its stream.
import { status as grpc, type Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
// Deep, for the reason that `grpc-method.ts` gives.
import {
  TopicEventResponse_TopicEventResponseStatus as Status,
  type TopicEventRequest,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';
import type {
  SubscribeTopicEventsRequestAlpha1,
  SubscribeTopicEventsRequestInitialAlpha1,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/dapr_pb.js';
import type { Verdict } from '../app/channel.ts';
import { toTopicEvent } from '../app/grpc-event.ts';
import { toStatusVerdict } from '../app/grpc-reply.ts';
import type { Engine, StreamDelivery } from '../contract.ts';
import { SidecarError } from '../errors.ts';
import { toFault } from './fault.ts';

type Stream = ServerDuplexStream<object, object>;

/**
 * What answers `SubscribeTopicEventsAlpha1`. The first message says what to subscribe to; each later
 * one settles an event by its id. The subscription ends with the stream.
 *
 * @param check Throws a SidecarError when the caller may not call.
 */
export function toStreamHandler(
  engine: Engine,
  check: (metadata: Metadata) => void,
): (stream: Stream) => void {
  return (stream) => {
    const waiting = new Map<string, (verdict: Verdict) => void>();
    let end: (() => void) | undefined;
    let over = false;

    const deliver: StreamDelivery = (delivery, signal) =>
      new Promise((resolve) => {
        const message = toTopicEvent(delivery);
        const settle = (verdict: Verdict): void => {
          waiting.delete(message.id);
          signal.removeEventListener('abort', cancel);
          resolve(verdict);
        };
        const cancel = (): void => settle({ kind: 'retry', reason: 'context canceled' });
        if (over) {
          settle(CLOSED);
          return;
        }
        // Two events of one id: the stream cannot tell their verdicts apart.
        waiting.get(message.id)?.({ kind: 'retry', reason: 'its id came again' });
        waiting.set(message.id, settle);
        signal.addEventListener('abort', cancel, { once: true });
        send(stream, { case: 'eventMessage', value: message });
      });

    function receive({ subscribeTopicEventsRequestType: part }: SubscribeTopicEventsRequestAlpha1) {
      if (end === undefined) {
        if (part.case !== 'initialRequest') throw malformed('initial request is required');
        end = subscribe(engine, part.value, deliver);
        send(stream, { case: 'initialResponse', value: {} });
      } else if (part.case !== 'eventProcessed') {
        throw malformed('duplicate initial request received');
      } else {
        const { id, status } = part.value;
        waiting.get(id)?.(toStatusVerdict(status?.status ?? Status.SUCCESS));
      }
    }

    function close(): void {
      over = true;
      end?.();
      for (const settle of waiting.values()) settle(CLOSED);
    }

    function fail(thrown: unknown): void {
      const { grpcStatus, message } = toFault(thrown);
      close();
      stream.emit('error', { code: grpcStatus, details: message });
    }

    stream.on('data', (message: SubscribeTopicEventsRequestAlpha1) => {
      if (over) return;
      try {
        check(stream.metadata);
        receive(message);
      } catch (thrown) {
        fail(thrown);
      }
    });
    stream.on('end', () => {
      close();
      stream.end();
    });
    stream.on('cancelled', close);
    stream.on('error', close);
  };
}

const CLOSED: Verdict = { kind: 'retry', reason: 'stream closed' };

function subscribe(
  engine: Engine,
  request: SubscribeTopicEventsRequestInitialAlpha1,
  deliver: StreamDelivery,
): () => void {
  const { pubsubName, topic, metadata, deadLetterTopic } = request;
  if (pubsubName === '') throw malformed('pubsubName is required');
  if (topic === '') throw malformed('topic is required');
  return engine.subscribeStream(
    {
      pubsub: pubsubName,
      topic,
      metadata,
      deadLetterTopic: deadLetterTopic === '' ? undefined : deadLetterTopic,
    },
    deliver,
  );
}

function send(
  stream: Stream,
  part:
    | { case: 'initialResponse'; value: object }
    | { case: 'eventMessage'; value: Omit<TopicEventRequest, '$typeName'> },
): void {
  stream.write({ subscribeTopicEventsResponseType: part });
}

function malformed(message: string): SidecarError {
  return new SidecarError('ERR_MALFORMED_REQUEST', message, {
    httpStatus: 400,
    grpcStatus: grpc.UNKNOWN,
  });
}

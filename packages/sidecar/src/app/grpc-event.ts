// A CloudEvent as the messages that a gRPC app gets.
import type { JsonObject } from '@bufbuild/protobuf';
import type {
  TopicEventBulkRequest,
  TopicEventRequest,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';
import type { CloudEventFields, Delivery, DeliveryEntry } from './channel.ts';

/** The message of a single event, but for its type's name. */
export function toTopicEvent(delivery: Delivery): Omit<TopicEventRequest, '$typeName'> {
  const { event, topic, pubsub, path } = delivery;
  return {
    ...toAttributes(event),
    data: toData(event),
    extensions: toExtensions(event),
    topic,
    pubsubName: pubsub,
    path,
  };
}

/** An entry of a bulk message. */
export function toBulkEntry(entry: DeliveryEntry): TopicEventBulkRequest['entries'][number] {
  const { entryId, event, data, metadata } = entry;
  const message = {
    entryId,
    // Over gRPC daprd tells the broker's own content type, of which an in-memory one has none.
    contentType: '',
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

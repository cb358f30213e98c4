// An order as the event of a topic, byte by byte as a sidecar of Dapr 1.18 delivers it.
import { create, toBinary } from '@bufbuild/protobuf';
// The SDK has no public entry for its messages; its version is pinned.
import { TopicEventRequestSchema } from '@dapr/dapr/proto/dapr/proto/runtime/v1/appcallback_pb.js';

/** The path that DaprServer announces for the topic `orders`. */
export const EVENT_PATH = '/pubsub--orders--default';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const attributes = {
  datacontenttype: 'application/json',
  id: 'e21f2b76-ae00-42eb-8802-626db910c851',
  pubsubname: 'pubsub',
  source: 'shop',
  specversion: '1.0',
  topic: 'orders',
  type: 'com.dapr.event.sent',
};

const extensions = {
  time: '2026-11-24T23:36:06Z',
  traceid: TRACE,
  traceparent: TRACE,
  tracestate: '',
};

/** The body and the headers of a delivery over HTTP; `json` is the data of the event. */
export function toHttpEvent(json) {
  // A sidecar writes the fields in the order of their names; `data` is the first.
  const fields = Object.entries({ ...attributes, ...extensions }).toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  );
  const body = `{"data":${json},${JSON.stringify(Object.fromEntries(fields)).slice(1)}`;
  const headers = [
    'User-Agent: Go-http-client/1.1',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Content-Type: application/cloudevents+json',
    'Pubsubname: pubsub',
    `Traceparent: ${TRACE}`,
    'Accept-Encoding: gzip',
  ];
  return { body, headers };
}

/** The message and the headers of a delivery over gRPC; the message as base64. */
export function toGrpcEvent(json) {
  const { datacontenttype, id, pubsubname, source, specversion, topic, type } = attributes;
  const event = create(TopicEventRequestSchema, {
    id,
    source,
    type,
    specVersion: specversion,
    dataContentType: datacontenttype,
    data: Buffer.from(json),
    topic,
    pubsubName: pubsubname,
    path: EVENT_PATH,
    extensions,
  });
  const headers = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/dapr.proto.runtime.v1.AppCallback/OnTopicEvent'],
    [':authority', '127.0.0.1'],
    ['content-type', 'application/grpc'],
    ['user-agent', 'grpc-go/1.79.0'],
    ['te', 'trailers'],
    ['pubsubname', pubsubname],
    ['traceparent', TRACE],
  ];
  return {
    headers,
    message: Buffer.from(toBinary(TopicEventRequestSchema, event)).toString('base64'),
  };
}

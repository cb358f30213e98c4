// What an HTTP app gets: the body of a bulk delivery, and metadata as headers.
import type { BulkDelivery, DeliveryEntry } from './channel.ts';

// Of one connection, not of the message; and those that a rebuilt message has its own of.
const NOT_FORWARDED = new Set([
  'connection',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The body of `POST` to a route with bulk. */
export function renderBulk(delivery: BulkDelivery): Buffer {
  const { id, topic, pubsub, metadata, entries } = delivery;
  const head = JSON.stringify({
    id,
    type: 'com.dapr.event.sent.bulk',
    topic,
    pubsubname: pubsub,
    metadata,
  });
  return Buffer.from(`${head.slice(0, -1)},"entries":[${entries.map(renderEntry).join(',')}]}`);
}

function renderEntry({ entryId, event, data, contentType, metadata }: DeliveryEntry): string {
  // An event goes as the text it is: numbers that JavaScript cannot hold stay what they are.
  const value =
    event === undefined ? JSON.stringify(data.toString('base64')) : data.toString('utf8');
  const rest = JSON.stringify({ entryId, contentType, metadata });
  return `${rest.slice(0, -1)},"event":${value}}`;
}

/** Metadata as headers, as far as HTTP can carry them. */
export function toForwarded(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    const header = name.toLowerCase();
    if (NOT_FORWARDED.has(header) || header.endsWith('-bin')) continue;
    // What HTTP cannot carry is left out, as one bad field must not keep the event from the app.
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(header) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      continue;
    }
    headers[header.startsWith('grpc-') ? `dapr-${header}` : header] = value;
  }
  return headers;
}

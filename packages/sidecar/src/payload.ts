// A value of JavaScript as what is published or sent: bytes, and what they are.
import type { PublishRequest } from './contract.ts';

/** How an event is published. */
export interface PublishOptions {
  /** Default: `application/json`, `text/plain` for a string, `application/octet-stream` for bytes. */
  contentType?: string;
  /** Such as `{ rawPayload: 'true' }`, `{ ttlInSeconds: '10' }`, `{ 'cloudevent.id': '1' }`. */
  metadata?: Readonly<Record<string, string>>;
  traceparent?: string;
  tracestate?: string;
}

/** Bytes, and their content type. */
export interface Payload {
  readonly data: Buffer;
  readonly contentType: string;
}

/** Bytes as they are, text as UTF-8, anything else as JSON. */
export function toPayload(value: unknown): Payload {
  if (value instanceof Uint8Array) {
    return { data: Buffer.from(value), contentType: 'application/octet-stream' };
  }
  if (typeof value === 'string') return { data: Buffer.from(value), contentType: 'text/plain' };
  return { data: Buffer.from(JSON.stringify(value) ?? 'null'), contentType: 'application/json' };
}

/** What the engine is asked when a value is published. */
export function toPublishRequest(
  pubsub: string,
  topic: string,
  value: unknown,
  { metadata = {}, ...rest }: PublishOptions = {},
): PublishRequest {
  return { ...toPayload(value), ...rest, pubsub, topic, metadata };
}

// A value that a function sends, as the bytes or the text of a message and its content type.
import { OfnError } from '../errors.ts';
import { encodeEvents, toReturnedEvents } from '../http/cloud-event.ts';

/** Content and its type. */
export interface Payload {
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

export const CLOUD_EVENT = 'application/cloudevents+json';
export const BYTES = 'application/octet-stream';

/**
 * A value as a message: bytes as they are, text as it is, CloudEvents as structured events with all
 * their attributes, anything else as JSON.
 *
 * @param contentType In place of the type that follows from the value. Text and bytes stay as they are.
 * @throws OfnError `OFN_RESULT_INVALID` for nothing at all, and for what JSON cannot express.
 */
export function toPayload(data: unknown, contentType?: string): Payload {
  if (typeof data === 'string') return { contentType: contentType ?? 'text/plain', body: data };
  const bytes = toBytes(data);
  if (bytes !== undefined) return { contentType: contentType ?? BYTES, body: bytes };
  if (contentType === undefined && isEvent(data)) {
    return { contentType: CLOUD_EVENT, body: toEventJson(data) };
  }
  return { contentType: contentType ?? 'application/json', body: toDataJson(data) };
}

/** The bytes of a buffer or a view of one; `undefined` for anything else. */
export function toBytes(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (!ArrayBuffer.isView(data)) return undefined;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Whether a value is a CloudEvent, of the SDK's class or written as a plain object. */
export function isEvent(data: unknown): data is Readonly<Record<string, unknown>> {
  if (typeof data !== 'object' || data === null) return false;
  return 'specversion' in data && 'type' in data && 'source' in data;
}

/** A CloudEvent in the JSON format. */
export function toEventJson(event: Readonly<Record<string, unknown>>): string {
  const { traceparent, traceid, data, datacontenttype } = event;
  const whole = {
    ...event,
    // The sidecar puts its own traceparent over that of an event that has no traceid.
    ...(traceparent === undefined || traceid !== undefined ? {} : { traceid: traceparent }),
    // What it is without a type (CloudEvents, JSON format, 3.1); over gRPC the sidecar drops the data
    // of an event that does not say so. Bytes have base64 in place of a type.
    ...(datacontenttype !== undefined || data === undefined || toBytes(data) !== undefined
      ? {}
      : { datacontenttype: 'application/json' }),
  };
  return encodeEvents(toReturnedEvents(whole) ?? [], 'structured').body as string;
}

// What JSON would turn into {}.
const EMPTIED = /^\[object (Map|Set|WeakMap|WeakSet|Promise|Blob|File|FormData|ReadableStream)\]$/;

/**
 * Data as JSON.
 *
 * @throws OfnError `OFN_RESULT_INVALID`, saying why it cannot be.
 */
export function toDataJson(data: unknown): string {
  const tag = Object.prototype.toString.call(data);
  if (EMPTIED.test(tag)) throw inexpressible(`a ${tag.slice(8, -1)} would become {}`);
  if (data === undefined) throw inexpressible('undefined is no value; null is one');
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    throw inexpressible((cause as Error).message.split('\n', 1)[0] ?? '', cause);
  }
  if (json === undefined) throw inexpressible(`a ${typeof data}`);
  return json;
}

function inexpressible(reason: string, cause?: unknown): OfnError {
  const message = `the data cannot be sent, because JSON cannot express it: ${reason}`;
  return new OfnError('OFN_RESULT_INVALID', message, cause === undefined ? {} : { cause });
}

// CloudEvents 1.0 over HTTP: a request as events, and returned events as a reply.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
//
// The SDK's CloudEvent class holds and validates each event. Its HTTP decoder is not used: it
// invents a missing id, drops data that is 0, false or "", rejects a structured content type with
// a charset, and turns base64 data into an array of 32-bit numbers.
import type { IncomingHttpHeaders } from 'node:http';
import type { CloudEvent } from 'cloudevents';
import { OfnError } from '../errors.ts';
import { decodeText, isJson, parseContentType } from './body.ts';
import { toJson } from './result.ts';
import { cloudEventClass } from './cloud-events-sdk.ts';

/** How events travel in a request, and so in its reply. */
export type EventMode = 'binary' | 'structured' | 'batched';

/** The events of one request; only `batched` may hold more or less than one. */
export interface ReceivedEvents {
  readonly mode: EventMode;
  readonly events: readonly CloudEvent<unknown>[];
}

/** A reply that carries events. */
export interface EventReply {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

const STRUCTURED = 'application/cloudevents+json';
const BATCHED = 'application/cloudevents-batch+json';
const REQUIRED = ['id', 'source', 'type', 'specversion'] as const;

/** The mode of a request; `undefined` when it is no CloudEvent. */
export function eventMode(headers: IncomingHttpHeaders): EventMode | undefined {
  const { type } = parseContentType(headers['content-type']);
  if (type === BATCHED) return 'batched';
  if (type.startsWith('application/cloudevents')) return 'structured';
  return headers['ce-specversion'] !== undefined || headers['ce-id'] !== undefined
    ? 'binary'
    : undefined;
}

/**
 * Decodes the events of a request.
 *
 * @throws OfnError `OFN_EVENT_MALFORMED`, naming the attribute; `OFN_BODY_MALFORMED` for bad JSON.
 */
export function decodeEvents(
  headers: IncomingHttpHeaders,
  bytes: Buffer | undefined,
): ReceivedEvents {
  const mode = eventMode(headers);
  switch (mode) {
    case 'binary':
      return { mode, events: [toEvent(binaryAttributes(headers, bytes))] };
    case 'structured': {
      const { type } = parseContentType(headers['content-type']);
      if (type !== STRUCTURED) throw malformed(`the event format "${type}" is not ${STRUCTURED}`);
      return { mode, events: [fromJson(parseJson(bytes))] };
    }
    case 'batched': {
      const batch = parseJson(bytes);
      if (!Array.isArray(batch)) throw malformed(`a ${BATCHED} body must be an array`);
      return { mode, events: batch.map((item) => fromJson(item)) };
    }
    case undefined:
      throw malformed(
        `the request is no CloudEvent: send ce-id, ce-source, ce-type and ce-specversion headers, ` +
          `or content-type ${STRUCTURED}`,
      );
  }
}

function malformed(message: string, cause?: unknown): OfnError {
  return new OfnError('OFN_EVENT_MALFORMED', message, cause === undefined ? {} : { cause });
}

function parseJson(bytes: Buffer | undefined, charset?: string): unknown {
  try {
    return JSON.parse(bytes === undefined ? '' : decodeText(bytes, charset)) as unknown;
  } catch (cause) {
    const message = `the event is not valid JSON: ${(cause as Error).message}`;
    throw new OfnError('OFN_EVENT_MALFORMED', message, { cause });
  }
}

type Attributes = Record<string, unknown>;

// In binary mode the body is the data, and Content-Type is its type.
const RESERVED = ['data', 'data_base64', 'datacontenttype'];

function binaryAttributes(headers: IncomingHttpHeaders, bytes: Buffer | undefined): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(headers)) {
    const attribute = name.startsWith('ce-') ? name.slice(3) : '';
    if (attribute !== '' && !RESERVED.includes(attribute)) {
      attributes[attribute] = percentDecode(String(value));
    }
  }
  const contentType = headers['content-type'];
  if (contentType !== undefined) attributes['datacontenttype'] = contentType;
  if (bytes !== undefined && bytes.length > 0) {
    attributes['data'] = decodeData(bytes, contentType);
  }
  return attributes;
}

// HTTP binding, 3.1.3.2: attribute values are percent-encoded UTF-8.
function percentDecode(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function decodeData(bytes: Buffer, contentType: string | undefined): unknown {
  const { type, charset } = parseContentType(contentType);
  if (isJson(type)) return parseJson(bytes, charset);
  return type.startsWith('text/') ? decodeText(bytes, charset) : bytes;
}

const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;

function fromJson(value: unknown): CloudEvent<unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('an event must be a JSON object');
  }
  const { data_base64: base64, ...attributes } = value as Attributes;
  if (base64 !== undefined) {
    if (typeof base64 !== 'string' || !BASE64.test(base64)) {
      throw malformed('data_base64 must be a string of base64 (RFC 4648, 4)');
    }
    if (attributes['data'] !== undefined)
      throw malformed('data and data_base64 exclude each other');
    attributes['data'] = Buffer.from(base64, 'base64');
  }
  return toEvent(attributes);
}

/**
 * Attributes and data as an event.
 *
 * @throws OfnError `OFN_EVENT_MALFORMED`, naming the attribute.
 */
export function toEvent(attributes: Readonly<Attributes>): CloudEvent<unknown> {
  for (const name of REQUIRED) {
    const value = attributes[name];
    if (value === undefined) throw malformed(`the required attribute "${name}" is missing`);
    if (typeof value !== 'string' || value === '') {
      throw malformed(`the attribute "${name}" must be a string that is not empty`);
    }
  }
  const version = attributes['specversion'] as string;
  if (version !== '1.0') throw malformed(`specversion "${version}" is not supported; send 1.0`);
  const time = attributes['time'];
  if (time !== undefined && (typeof time !== 'string' || Number.isNaN(Date.parse(time)))) {
    throw malformed(`the attribute "time" is not a timestamp of RFC 3339`);
  }
  // A null attribute is an absent one (JSON format, 2.2).
  const present = Object.entries(attributes).filter(
    ([name, value]) => name === 'data' || value !== null,
  );
  try {
    return new (cloudEventClass())(Object.fromEntries(present));
  } catch (cause) {
    throw malformed(`the event is not valid: ${reasons(cause)}`, cause);
  }
}

function reasons(cause: unknown): string {
  const { errors } = cause as { errors?: readonly { message?: string; instancePath?: string }[] };
  if (!Array.isArray(errors) || errors.length === 0)
    return (cause as Error).message.split('\n', 1)[0] ?? '';
  return errors
    .map((error) => `${error.instancePath ?? ''} ${error.message ?? String(error)}`.trim())
    .join('; ');
}

/**
 * The events a handler returned; `undefined` when the value holds none.
 *
 * A plain object with `specversion`, `type` and `source` counts as an event; its id is made up
 * when it has none.
 *
 * @throws OfnError `OFN_RESULT_INVALID` when something that should be an event is not a valid one.
 */
export function toReturnedEvents(value: unknown): CloudEvent<unknown>[] | undefined {
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  if (values.length === 0 || !values.every(looksLikeEvent)) return undefined;
  return values.map((item) => {
    if (item instanceof cloudEventClass()) return item;
    try {
      return new (cloudEventClass())(item as Attributes);
    } catch (cause) {
      const message = `a returned event is not valid: ${reasons(cause)}`;
      throw new OfnError('OFN_RESULT_INVALID', message, { cause });
    }
  });
}

function looksLikeEvent(value: unknown): boolean {
  if (value instanceof cloudEventClass()) return true;
  if (typeof value !== 'object' || value === null) return false;
  return 'specversion' in value && 'type' in value && 'source' in value;
}

/** Encodes events as a reply. Several events cannot travel in binary or structured mode: batched. */
export function encodeEvents(events: readonly CloudEvent<unknown>[], mode: EventMode): EventReply {
  const [first] = events;
  if (mode === 'batched' || first === undefined || events.length > 1) {
    const body = `[${events.map((event) => toStructuredJson(event)).join(',')}]`;
    return { headers: { 'content-type': `${BATCHED}; charset=utf-8` }, body };
  }
  if (mode === 'structured') {
    const headers = { 'content-type': `${STRUCTURED}; charset=utf-8` };
    return { headers, body: toStructuredJson(first) };
  }
  return toBinary(first);
}

function toStructuredJson(event: CloudEvent<unknown>): string {
  const { data, data_base64: base64, ...attributes } = event as unknown as Attributes;
  if (base64 !== undefined) return toJson({ ...attributes, data_base64: base64 });
  return toJson({ ...attributes, data });
}

function toBinary(event: CloudEvent<unknown>): EventReply {
  const { data, data_base64: _, datacontenttype, ...attributes } = event as unknown as Attributes;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) headers[`ce-${name}`] = percentEncode(text(value));
  }
  const isBytes = data instanceof Uint8Array;
  const fallback = isBytes ? 'application/octet-stream' : 'application/json; charset=utf-8';
  const type = typeof datacontenttype === 'string' ? datacontenttype : fallback;
  if (data === undefined) return { headers, body: undefined };
  headers['content-type'] = type;
  if (isBytes) return { headers, body: data };
  const isText = typeof data === 'string' && !isJson(parseContentType(type).type);
  return { headers, body: isText ? data : toJson(data) };
}

function text(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

// HTTP binding, 3.1.3.2: space, double quote, percent, and all outside printable ASCII.
function percentEncode(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]+/gu, (run) => encodeURIComponent(run));
}

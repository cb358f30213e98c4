// What a sidecar delivers, over either protocol, as one message: the CloudEvent or the binding's
// payload, what the handler gets as data, and the bytes behind both.
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { CloudEvent } from 'cloudevents';
import { OfnError } from '../errors.ts';
import { isJson, parseContentType } from '../http/body.ts';
import { cloudEventClass } from '../http/cloud-events-sdk.ts';
import type { CallInput, InvocationOrigin } from '../invocation/invocation.ts';
import { propagationOf, withHeaderNames, type Propagation } from '../invocation/propagation.ts';
import { openGoEnvelope, type OpenedEnvelope } from './go-envelope.ts';
import type { Input } from './input.ts';

type Strings = Readonly<Record<string, string>>;
type Attributes = Readonly<Record<string, unknown>>;

/** How a message came. */
export interface Envelope {
  readonly headers: Strings;
  readonly metadata: Strings;
}

/** One message for one input. */
export interface Message extends InvocationOrigin {
  readonly input: CallInput;
  /** The CloudEvent; of a binding's event, one that is made up of what is known. */
  readonly event: CloudEvent<unknown>;
  /** What the handler gets, as OpenFunction's framework gives it. */
  readonly data: unknown;
}

/**
 * The message of a CloudEvent in JSON form, as it comes over HTTP.
 *
 * @throws OfnError `OFN_EVENT_MALFORMED`, naming the attribute.
 */
export function fromJsonEvent(input: Input, value: unknown, envelope: Envelope): Message {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('the body must be a CloudEvent, a JSON object');
  }
  const { data, data_base64: base64, ...attributes } = value as Attributes;
  if (base64 === undefined || base64 === null) {
    const bytes = (): Buffer => Buffer.from(typeof data === 'string' ? data : toText(data));
    return toMessage(input, { attributes, eventData: data, data, bytes, envelope });
  }
  if (typeof base64 !== 'string') throw malformed('data_base64 must be a string of base64');
  const bytes = Buffer.from(base64, 'base64');
  return toMessage(input, {
    attributes,
    eventData: bytes,
    data: toData(bytes),
    bytes: () => bytes,
    envelope,
  });
}

/**
 * The message of attributes and bytes, as they come over gRPC.
 *
 * @throws OfnError `OFN_EVENT_MALFORMED`, naming the attribute.
 */
export function fromBinaryEvent(
  input: Input,
  attributes: Attributes,
  bytes: Buffer,
  envelope: Envelope,
): Message {
  const { datacontenttype: said } = attributes;
  const { type } = parseContentType(typeof said === 'string' ? said : undefined);
  const given = { attributes, bytes: () => bytes, envelope };
  if (bytes.length === 0)
    return toMessage(input, { ...given, eventData: undefined, data: undefined });
  if (isJson(type)) {
    const data = toData(bytes);
    return toMessage(input, { ...given, eventData: data, data });
  }
  if (IS_TEXT.test(type) && isUtf8(bytes)) {
    // Text is text, also where it looks like JSON.
    const data = bytes.toString();
    return toMessage(input, { ...given, eventData: data, data });
  }
  return toMessage(input, { ...given, eventData: bytes, data: toData(bytes) });
}

const IS_TEXT = /^text\/|[/+]xml$/;

/** The message of a payload that is no CloudEvent, of a topic with raw payloads. Its id is random. */
export function fromRawEvent(input: Input, bytes: Buffer, envelope: Envelope): Message {
  const attributes = {
    id: randomUUID(),
    source: input.component,
    type: 'com.dapr.event.sent',
    specversion: '1.0',
    datacontenttype: 'application/octet-stream',
  };
  return fromBinaryEvent(input, attributes, bytes, envelope);
}

/** The message of a binding's event. An empty payload is an empty object, as in OpenFunction. */
export function fromBinding(input: Input, bytes: Buffer, envelope: Envelope): Message {
  const data = toPayloadData(input, bytes);
  const attributes = {
    id: randomUUID(),
    source: `/bindings/${input.component}`,
    type: 'io.dapr.binding',
    specversion: '1.0',
    ...(typeof data === 'string' ? { datacontenttype: 'text/plain' } : {}),
  };
  return toMessage(input, { attributes, eventData: data, data, bytes: () => bytes, envelope });
}

const REQUIRED = ['id', 'source', 'type'];

interface Given {
  readonly attributes: Attributes;
  readonly eventData: unknown;
  readonly data: unknown;
  readonly bytes: () => Buffer;
  readonly envelope: Envelope;
  /** The trace in an envelope of Go's functions. */
  readonly propagation?: Propagation | undefined;
}

function toMessage(input: Input, given: Given): Message {
  const { attributes } = given;
  for (const name of REQUIRED) {
    const value = attributes[name];
    if (typeof value !== 'string' || value === '') {
      throw malformed(`the attribute "${name}" must be a string that is not empty`);
    }
  }
  const opened = openGoEnvelope(attributes, given.data);
  return new InputMessage(input, opened === undefined ? given : toOpened(input, given, opened));
}

// As if its sender had sent it without an envelope.
function toOpened(input: Input, given: Given, { bytes, propagation }: OpenedEnvelope): Given {
  const data = toPayloadData(input, bytes);
  return {
    attributes: { ...given.attributes, datacontenttype: toType(data) },
    eventData: data,
    data,
    bytes: () => bytes,
    envelope: given.envelope,
    propagation,
  };
}

function toPayloadData({ kind }: Input, bytes: Buffer): unknown {
  if (bytes.length > 0) return toData(bytes);
  return kind === 'binding' ? {} : undefined;
}

function toType(data: unknown): string {
  if (data instanceof Buffer) return 'application/octet-stream';
  return typeof data === 'string' ? 'text/plain' : 'application/json';
}

// Both are classes for their getters: V8 gives each object literal with a getter a hidden class of its
// own, which would keep the message until the next full garbage collection.
class InputMessage implements Message {
  readonly callerId: string | undefined;
  readonly data: unknown;
  readonly input: CallInput;
  readonly #given: Given;
  #event: CloudEvent<unknown> | undefined = undefined;

  constructor(input: Input, given: Given) {
    const { attributes, data } = given;
    this.callerId = input.kind === 'topic' ? (attributes['id'] as string) : undefined;
    this.data = data;
    this.input = new MessageInput(input, given);
    this.#given = given;
  }

  get propagation(): Propagation | undefined {
    const { attributes, propagation } = this.#given;
    const published = withHeaderNames(attributes);
    return propagationFrom(
      this.input.headers,
      propagation === undefined ? published : { ...published, ...propagation },
    );
  }

  // Made for who asks: it takes as long as parsing the body, and most handlers read the data alone.
  get event(): CloudEvent<unknown> {
    return (this.#event ??= toCloudEvent(this.#given.attributes, this.#given.eventData));
  }
}

class MessageInput implements CallInput {
  readonly name: string;
  readonly kind: 'topic' | 'binding';
  readonly component: string;
  readonly topic: string | undefined;
  readonly headers: Strings;
  readonly metadata: Strings;
  readonly #bytes: () => Buffer;

  constructor({ name, kind, component, topic }: Input, { envelope, bytes }: Given) {
    this.name = name;
    this.kind = kind;
    this.component = component;
    this.topic = topic;
    this.headers = envelope.headers;
    this.metadata = envelope.metadata;
    this.#bytes = bytes;
  }

  get bytes(): Buffer {
    return this.#bytes();
  }
}

// What an extension cannot be named: the data, and what would become the prototype of the event, to
// which the SDK assigns each attribute.
const NO_ATTRIBUTE = new Set(['data', 'data_base64', '__proto__']);

// Not checked by the SDK: the sidecar has accepted the event, and a name that CloudEvents does not
// allow is no reason to lose it.
function toCloudEvent(attributes: Attributes, data: unknown): CloudEvent<unknown> {
  // Each version has its own name of the schema, and the SDK throws for that of the other.
  const foreign = attributes['specversion'] === '0.3' ? 'dataschema' : 'schemaurl';
  const present = Object.entries(attributes).filter(
    ([name, value]) =>
      value !== null && value !== undefined && name !== foreign && !NO_ATTRIBUTE.has(name),
  );
  const whole = { specversion: '1.0', ...Object.fromEntries(present) };
  const withData = data === undefined ? whole : { ...whole, data };
  return new (cloudEventClass())(withData, false);
}

// The delivery's own headers are closer to this call than what the publisher wrote into the event.
function propagationFrom(headers: Strings, attributes: Attributes): Propagation | undefined {
  const own = tracedBy(headers);
  const published = tracedBy(attributes);
  if (own === undefined || published === undefined) return own ?? published;
  // A sidecar hands on the traceparent alone: what else goes with its trace is in the event.
  const { traceparent, tracestate, ...rest } = published;
  const isSame = own['traceparent']?.split('-')[1] === traceparent?.split('-')[1];
  if (own['traceparent'] === undefined) return { ...published, ...own };
  return { ...rest, ...(isSame && tracestate !== undefined ? { tracestate } : {}), ...own };
}

// Without a trace, a sidecar sends a traceparent of zeros all the same.
const NO_TRACE = /^00-0{32}-/;

function tracedBy(from: Attributes): Propagation | undefined {
  const known = propagationOf(from);
  // Most events have none.
  if (known === undefined) return undefined;
  const { traceparent, tracestate, ...rest } = known;
  const isTrace = traceparent !== undefined && !NO_TRACE.test(traceparent);
  const found = {
    ...rest,
    ...(isTrace ? { traceparent } : {}),
    ...(isTrace && tracestate !== undefined ? { tracestate } : {}),
  };
  return Object.keys(found).length === 0 ? undefined : found;
}

function malformed(message: string): OfnError {
  return new OfnError('OFN_EVENT_MALFORMED', message);
}

function toText(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value);
}

/** JSON as its value, other text as a string, and what is no text as the bytes. */
function toData(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) return bytes;
  const text = bytes.toString();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Headers of a delivery: those of an HTTP request, each as one string. */
export function toHeaders(headers: IncomingHttpHeaders): Strings {
  const strings: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    // A token is for the framework, not for the function or its logs.
    if (value === undefined || name === 'dapr-api-token') continue;
    strings[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return strings;
}

// What every request has, and what says nothing of the event.
const NO_METADATA = new Set([
  'accept',
  'accept-encoding',
  'baggage',
  'connection',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'sw8',
  'sw8-correlation',
  'sw8-x',
  'te',
  'traceparent',
  'tracestate',
  'transfer-encoding',
  'user-agent',
]);

/** A binding's metadata, which comes as headers over HTTP. */
export function toMetadata(headers: Strings): Strings {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NO_METADATA.has(name)));
}

// The body of an export by OTLP, as protobuf or JSON → its spans as plain objects. It knows the messages
// by their numbers in the specification, not by the code that writes them.

/** Values of attributes. A whole number is a number, whatever size it has. */
type Attributes = Readonly<Record<string, unknown>>;

/** A span as a collector has it. Ids are hexadecimal. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: Attributes;
  }[];
  /** Code 0 is unset, 1 ok, 2 an error. */
  readonly status: { readonly code: number; readonly message: string };
  /** Name of the tracer. */
  readonly scope: string;
  readonly resource: Attributes;
}

/** The spans of an `ExportTraceServiceRequest` in protobuf. */
export function fromProtobuf(bytes: Uint8Array): CollectedSpan[] {
  return toSpans(readMessage(bytes, REQUEST));
}

/** The spans of an `ExportTraceServiceRequest` in JSON. */
export function fromJson(text: string): CollectedSpan[] {
  return toSpans(toMessage(JSON.parse(text)));
}

type Message = { readonly [name: string]: unknown };

/** Number of a field → its name, and what it holds. One of several is marked by `many`. */
interface Field {
  readonly name: string;
  readonly type: 'text' | 'hex' | 'number' | 'int64' | 'double' | 'bool' | Fields;
  readonly many?: true;
}
interface Fields {
  readonly [number: number]: Field;
}

// By https://github.com/open-telemetry/opentelemetry-proto, trace.proto and common.proto.
const ANY_VALUE: Record<number, Field> = {
  1: { name: 'stringValue', type: 'text' },
  2: { name: 'boolValue', type: 'bool' },
  3: { name: 'intValue', type: 'int64' },
  4: { name: 'doubleValue', type: 'double' },
};
ANY_VALUE[5] = {
  name: 'arrayValue',
  type: { 1: { name: 'values', type: ANY_VALUE, many: true } },
};
const ATTRIBUTES = {
  name: 'attributes',
  type: { 1: { name: 'key', type: 'text' }, 2: { name: 'value', type: ANY_VALUE } },
  many: true,
} satisfies Field;
const EVENT: Fields = { 2: { name: 'name', type: 'text' }, 3: ATTRIBUTES };
const LINK: Fields = {
  1: { name: 'traceId', type: 'hex' },
  2: { name: 'spanId', type: 'hex' },
  4: ATTRIBUTES,
};
const SPAN: Fields = {
  1: { name: 'traceId', type: 'hex' },
  2: { name: 'spanId', type: 'hex' },
  4: { name: 'parentSpanId', type: 'hex' },
  5: { name: 'name', type: 'text' },
  6: { name: 'kind', type: 'number' },
  7: { name: 'startTimeUnixNano', type: 'int64' },
  8: { name: 'endTimeUnixNano', type: 'int64' },
  9: ATTRIBUTES,
  11: { name: 'events', type: EVENT, many: true },
  13: { name: 'links', type: LINK, many: true },
  15: {
    name: 'status',
    type: { 2: { name: 'message', type: 'text' }, 3: { name: 'code', type: 'number' } },
  },
};
const SCOPE_SPANS: Fields = {
  1: { name: 'scope', type: { 1: { name: 'name', type: 'text' } } },
  2: { name: 'spans', type: SPAN, many: true },
};
const RESOURCE_SPANS: Fields = {
  1: { name: 'resource', type: { 1: ATTRIBUTES } },
  2: { name: 'scopeSpans', type: SCOPE_SPANS, many: true },
};
const REQUEST: Fields = { 1: { name: 'resourceSpans', type: RESOURCE_SPANS, many: true } };

function readMessage(bytes: Uint8Array, fields: Fields): Message {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const message: Record<string, unknown> = {};
  let at = 0;

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  }

  function readWire(wire: number): bigint | number | Uint8Array {
    if (wire === 0) return varint();
    const length = wire === 2 ? Number(varint()) : wire === 1 ? 8 : 4;
    at += length;
    return bytes.subarray(at - length, at);
  }

  while (at < bytes.length) {
    const tag = Number(varint());
    const value = readWire(tag & 7);
    const field = fields[tag >>> 3];
    if (field === undefined) continue;
    const read = readValue(value, field.type);
    const { name } = field;
    message[name] = field.many === true ? [...listOf(message[name]), read] : read;
  }
  return message;
}

function readValue(value: bigint | number | Uint8Array, type: Field['type']): unknown {
  if (!(value instanceof Uint8Array)) return type === 'bool' ? value !== 0n : Number(value);
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (type === 'text') return bytes.toString('utf8');
  if (type === 'hex') return bytes.toString('hex');
  if (type === 'double') return bytes.readDoubleLE();
  if (type === 'int64') return bytes.readBigUInt64LE();
  return typeof type === 'object' ? readMessage(value, type) : undefined;
}

function toSpans(request: Message): CollectedSpan[] {
  return messagesIn(request['resourceSpans']).flatMap((ofResource) => {
    const resource = toAttributes(toMessage(ofResource['resource'])['attributes']);
    return messagesIn(ofResource['scopeSpans']).flatMap((ofScope) => {
      const scope = textIn(toMessage(ofScope['scope']), 'name');
      return messagesIn(ofScope['spans']).map((span) => toSpan(span, scope, resource));
    });
  });
}

function toSpan(span: Message, scope: string, resource: Attributes): CollectedSpan {
  const status = toMessage(span['status']);
  return {
    traceId: textIn(span, 'traceId'),
    spanId: textIn(span, 'spanId'),
    parentSpanId: textIn(span, 'parentSpanId'),
    name: textIn(span, 'name'),
    kind: Number(span['kind'] ?? 0),
    start: BigInt(textIn(span, 'startTimeUnixNano')),
    end: BigInt(textIn(span, 'endTimeUnixNano')),
    attributes: toAttributes(span['attributes']),
    events: messagesIn(span['events']).map((event) => ({
      name: textIn(event, 'name'),
      attributes: toAttributes(event['attributes']),
    })),
    links: messagesIn(span['links']).map((link) => ({
      traceId: textIn(link, 'traceId'),
      spanId: textIn(link, 'spanId'),
      attributes: toAttributes(link['attributes']),
    })),
    status: { code: Number(status['code'] ?? 0), message: textIn(status, 'message') },
    scope,
    resource,
  };
}

function toAttributes(pairs: unknown): Attributes {
  return Object.fromEntries(
    messagesIn(pairs).map((pair) => [textIn(pair, 'key'), toValue(toMessage(pair['value']))]),
  );
}

function toValue(value: Message): unknown {
  const { stringValue, boolValue, intValue, doubleValue, arrayValue } = value;
  if (arrayValue !== undefined) return messagesIn(toMessage(arrayValue)['values']).map(toValue);
  // JSON has whole numbers as text.
  if (intValue !== undefined) return Number(intValue);
  return stringValue ?? boolValue ?? doubleValue;
}

function toMessage(value: unknown): Message {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function messagesIn(value: unknown): Message[] {
  return listOf(value).map(toMessage);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textIn(message: Message, name: string): string {
  const value = message[name];
  return typeof value === 'string' || typeof value === 'bigint' ? String(value) : '';
}

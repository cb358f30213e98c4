// What an OpenTelemetry span means to SkyWalking: its operation, layer, component, peer and tags.
import { inspect } from 'node:util';
import { SpanKind, type Attributes } from '@opentelemetry/api';
import { SCOPE } from '../scope.ts';

/** Layers of spans, by their numbers in SkyWalking's protocol. */
const LAYERS = { unknown: 0, database: 1, rpc: 2, http: 3, mq: 4, faas: 6 } as const;

// https://github.com/apache/skywalking/blob/master/oap-server/server-starter/src/main/resources/component-libraries.yml
const COMPONENTS = { unknown: 0, http: 2, openFunction: 5013 } as const;

/** A span as SkyWalking shows it. */
export interface Meaning {
  readonly operation: string;
  readonly layer: number;
  readonly component: number;
  /** Who is at the other end; empty for what does not leave the process, or says not where to. */
  readonly peer: string;
}

/** @param scope Name of the tracer that makes the span. */
export function toMeaning(
  scope: string,
  name: string,
  kind: SpanKind,
  attributes: Attributes,
): Meaning {
  const url = kind === SpanKind.CLIENT ? urlOf(attributes) : undefined;
  const isOwn = scope === SCOPE;
  const component = isOwn
    ? COMPONENTS.openFunction
    : url === undefined
      ? COMPONENTS.unknown
      : COMPONENTS.http;
  return {
    // OpenTelemetry names a request by its method; SkyWalking, by its path.
    operation: url !== undefined && !isOwn ? url.pathname : name,
    layer: toLayer(isOwn, attributes),
    component,
    peer: kind === SpanKind.CLIENT || kind === SpanKind.PRODUCER ? toPeer(attributes, url) : '',
  };
}

function toLayer(isOwn: boolean, attributes: Attributes): number {
  if ('db.system' in attributes || 'db.system.name' in attributes) return LAYERS.database;
  if (isOwn) return LAYERS.faas;
  if ('messaging.system' in attributes) return LAYERS.mq;
  if ('rpc.system' in attributes || 'rpc.system.name' in attributes) return LAYERS.rpc;
  if ('http.method' in attributes || 'http.request.method' in attributes) return LAYERS.http;
  return LAYERS.unknown;
}

/** Who is at the other end, by the attributes that say it; empty when none does. */
export function toPeer(attributes: Attributes, url = urlOf(attributes)): string {
  const { 'peer.service': service } = attributes;
  if (typeof service === 'string' && service !== '') return service;
  const host = attributes['server.address'] ?? attributes['net.peer.name'];
  const port = attributes['server.port'] ?? attributes['net.peer.port'];
  if (url !== undefined) return url.port === '' ? `${url.hostname}:${portOf(url)}` : url.host;
  if (typeof host !== 'string') return '';
  return typeof port === 'number' || typeof port === 'string' ? `${host}:${port}` : host;
}

function portOf({ protocol }: URL): number {
  return protocol === 'https:' ? 443 : 80;
}

function urlOf(attributes: Attributes): URL | undefined {
  const text = attributes['url.full'] ?? attributes['http.url'];
  return typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
}

// What SkyWalking searches and shows by, under the names that OpenTelemetry has for it, now or before.
const TAGS = new Map(
  Object.entries({
    'http.request.method': 'http.method',
    'http.response.status_code': 'http.status_code',
    'url.full': 'http.url',
    'db.system': 'db.type',
    'db.system.name': 'db.type',
    'db.name': 'db.instance',
    'db.namespace': 'db.instance',
    'db.query.text': 'db.statement',
    'messaging.destination.name': 'mq.topic',
    'messaging.destination': 'mq.topic',
  }),
);

// Shown in another way, or a part of what is; a query may hold what no one but the two ends should see. The
// agent has a tag of its own for a cold start.
const HIDDEN = new Set(['faas.coldstart', 'peer.service', 'url.path', 'url.query']);

/** The tag of an attribute; `undefined` for one that is shown in another way. */
export function toTag(
  name: string,
  value: unknown,
): { readonly key: string; readonly val: string } | undefined {
  if (HIDDEN.has(name)) return undefined;
  const key = TAGS.get(name) ?? name;
  const text = toText(value);
  return { key, val: key === 'http.url' ? text.replace(/[?#].*$/s, '') : text };
}

// Bytes are what a collector counts; this many characters are enough to find something by.
const LONGEST = 4096;

/** Anything as text of a span, bounded. User code hands over more than the types ask for. */
export function toText(value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : typeof value === 'object' && value !== null
        ? toJson(value)
        : String(value);
  const bounded = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  // The protocol has no room for half of a character.
  return SURROGATE.test(bounded) ? Buffer.from(bounded).toString() : bounded;
}

const SURROGATE = /[\ud800-\udfff]/;

function toJson(value: object): string {
  try {
    const json: string | undefined = JSON.stringify(value);
    return json ?? '';
  } catch {
    // A cycle, a bigint, or a `toJSON` that throws.
    return inspect(value, { breakLength: Infinity });
  }
}

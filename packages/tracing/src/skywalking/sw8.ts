// SkyWalking's propagation headers, as text and as values.
// https://skywalking.apache.org/docs/main/latest/en/api/x-process-propagation-headers-v3/

/** The header `sw8`: who calls, and in which span. */
export interface Sw8 {
  /** Whether the trace is to be recorded. */
  readonly sampled: boolean;
  readonly traceId: string;
  readonly segmentId: string;
  readonly spanId: number;
  readonly service: string;
  readonly instance: string;
  /** The operation that the caller's segment began with. */
  readonly endpoint: string;
  /** The address by which the caller knows whom it calls. */
  readonly peer: string;
}

// Ids of the agents are hexadecimal, or numbers joined by dots.
const ID = /^[\x21-\x7e]{1,256}$/;
const BASE64 = /^[\w+/]*={0,2}$/;

/** The value of `sw8`; `undefined` for one that does not follow the protocol. */
export function parseSw8(header: string): Sw8 | undefined {
  const parts = header.split('-');
  const [sample, trace, segment, span, ...rest] = parts;
  if (parts.length !== 8 || (sample !== '0' && sample !== '1')) return undefined;
  const [traceId, segmentId, service, instance, endpoint, peer] = [trace, segment, ...rest].map(
    fromBase64,
  );
  if (traceId === undefined || !ID.test(traceId)) return undefined;
  if (segmentId === undefined || !ID.test(segmentId)) return undefined;
  if (span === undefined || !/^\d{1,9}$/.test(span) || !service) return undefined;
  if (instance === undefined || endpoint === undefined || peer === undefined) return undefined;
  const spanId = Number(span);
  return { sampled: sample === '1', traceId, segmentId, spanId, service, instance, endpoint, peer };
}

/** The header `sw8` of a value. */
export function renderSw8(value: Sw8): string {
  const { traceId, segmentId, spanId, service, instance, endpoint, peer } = value;
  const [trace, segment, ...rest] = [traceId, segmentId, service, instance, endpoint, peer].map(
    toBase64,
  );
  return [value.sampled ? '1' : '0', trace, segment, String(spanId), ...rest].join('-');
}

// The protocol asks for at most three values, each below 128 bytes.
const MOST = 3;
const LONGEST = 128;

/** The values of `sw8-correlation`; pairs that do not follow the protocol are left out. */
export function parseCorrelation(header: string): [name: string, value: string][] {
  return header.split(',').flatMap((pair) => {
    const [name, value, ...more] = pair.trim().split(':').map(fromBase64);
    if (!name || value === undefined || more.length > 0) return [];
    return [[name, value] satisfies [string, string]];
  });
}

/** The header `sw8-correlation` of the first values that it can hold; `undefined` of none. */
export function renderCorrelation(
  values: Iterable<readonly [name: string, value: string]>,
): string | undefined {
  const pairs: string[] = [];
  for (const [name, value] of values) {
    if (pairs.length === MOST) break;
    if (Buffer.byteLength(name) < LONGEST && Buffer.byteLength(value) < LONGEST)
      pairs.push(`${toBase64(name)}:${toBase64(value)}`);
  }
  return pairs.length === 0 ? undefined : pairs.join(',');
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function fromBase64(text: string | undefined): string | undefined {
  return text === undefined || !BASE64.test(text)
    ? undefined
    : Buffer.from(text, 'base64').toString();
}

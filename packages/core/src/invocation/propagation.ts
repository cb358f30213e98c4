// The headers by which a trace goes on from call to call, picked from all those of a call, and what
// they say of the trace.

/** Headers by which a trace goes on in the next call, by their lower-case names. */
export type Propagation = Readonly<Record<string, string>>;

/** No trace that goes on. */
export const NO_PROPAGATION: Propagation = Object.freeze({});

// With the longest that is handed on: what is longer would have the next server refuse the whole request.
// https://www.w3.org/TR/trace-context/#tracestate-limits, https://www.w3.org/TR/baggage/#limits
const PROPAGATED: Readonly<Record<string, number>> = {
  traceparent: 256,
  tracestate: 512,
  baggage: 8192,
  sw8: 2048,
  'sw8-correlation': 1024,
  'sw8-x': 64,
};

// What the value of a header may hold. What comes as an attribute of an event is not bound to it, and
// would have whatever sends it on throw.
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** The trace headers among others, whose names are lower-case; `undefined` when no trace goes on. */
export function propagationOf(headers: Readonly<Record<string, unknown>>): Propagation | undefined {
  const { traceparent, sw8, baggage } = headers;
  // Most calls have none, and this is asked at the end of each.
  if (traceparent === undefined && sw8 === undefined && baggage === undefined) return undefined;
  const found: Record<string, string> = {};
  for (const name in PROPAGATED) {
    const value = headers[name];
    if (typeof value !== 'string' || value.length > (PROPAGATED[name] ?? 0)) continue;
    if (SENDABLE.test(value)) found[name] = value;
  }
  return found;
}

/**
 * Attributes of a CloudEvent under the names of headers. Those of attributes are letters and digits only.
 *
 * @see https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/distributed-tracing.md
 */
export function withHeaderNames(
  attributes: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (attributes['sw8'] === undefined) return attributes;
  const { sw8correlation, sw8x } = attributes;
  return { ...attributes, 'sw8-correlation': sw8correlation, 'sw8-x': sw8x };
}

// Version 00 ends after its four fields; a later version may go on; version ff is invalid.
const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:$|(?<!^00-.{52})-)/;

/**
 * The trace id of a valid `traceparent`, 32 hexadecimal digits; `undefined` without one.
 *
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function traceIdOf({ traceparent }: Propagation): string | undefined {
  return traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1];
}

// How a trace comes in and goes on: SkyWalking's headers and those of W3C Trace Context and Baggage,
// together. Baggage and correlation are the same values under two names.
import {
  TraceFlags,
  createContextKey,
  propagation,
  trace,
  type Baggage,
  type Context,
  type SpanContext,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
} from '@opentelemetry/api';
import { W3CBaggagePropagator, parseTraceParent } from '@opentelemetry/core';
import { SkyWalkingSpan, endpointOf, traceIdOf } from './span.ts';
import { parseCorrelation, parseSw8, renderCorrelation, renderSw8, type Sw8 } from './sw8.ts';
import { UnsampledSpan } from './unsampled-span.ts';

/** What the caller of this process sent. */
export interface Remote {
  /** Its headers, for what is not recorded here. */
  readonly headers: Readonly<Record<string, string>>;
  /** `undefined` when there was none, or a malformed one. */
  readonly sw8: Sw8 | undefined;
  /** Of `traceparent`; `undefined` when there was none, or a malformed one. */
  readonly parent: SpanContext | undefined;
}

const REMOTE = createContextKey('What the caller of this process sent');

/** What the caller sent of the trace that goes on in a context. */
export function remoteOf(context: Context): Remote | undefined {
  const span = trace.getSpan(context);
  if (span instanceof SkyWalkingSpan || span instanceof UnsampledSpan) return span.remote;
  return context.getValue(REMOTE) as Remote | undefined;
}

const TRACE_HEADERS = ['sw8', 'sw8-x', 'traceparent', 'tracestate'];
const CORRELATION = 'sw8-correlation';

/** @param service Who this process is, once it is known. */
export function createPropagator(
  service: () => { readonly name: string; readonly instance: string },
): TextMapPropagator {
  const w3cBaggage = new W3CBaggagePropagator();

  return {
    fields: () => [...TRACE_HEADERS, CORRELATION, ...w3cBaggage.fields()],

    extract(context, carrier, getter) {
      const headers: Record<string, string> = {};
      for (const name of TRACE_HEADERS) {
        const value = first(carrier, getter, name);
        if (value !== undefined) headers[name] = value;
      }
      const withBaggage = extractBaggage(context, carrier, getter);
      const { sw8, traceparent } = headers;
      if (sw8 === undefined && traceparent === undefined) return withBaggage;
      const parent = parseTraceParent(traceparent ?? '') ?? undefined;
      const remote: Remote = {
        headers,
        sw8: sw8 === undefined ? undefined : parseSw8(sw8),
        parent: parent && { ...parent, isRemote: true },
      };
      // What is made next goes on from there, not from the span that is active here.
      const detached = trace.deleteSpan(withBaggage).setValue(REMOTE, remote);
      return parent === undefined ? detached : trace.setSpanContext(detached, parent);
    },

    inject(context, carrier, setter) {
      injectTrace(context, carrier, setter);
      injectBaggage(context, carrier, setter);
      const correlation = renderCorrelation(valuesOf(propagation.getBaggage(context)));
      if (correlation !== undefined) setter.set(carrier, CORRELATION, correlation);
    },
  };

  function injectBaggage<Carrier>(
    context: Context,
    carrier: Carrier,
    setter: TextMapSetter<Carrier>,
  ): void {
    try {
      w3cBaggage.inject(context, carrier, setter);
    } catch {
      // A value with half of a character cannot be encoded, and whoever sends it cannot be told.
    }
  }

  function injectTrace<Carrier>(
    context: Context,
    carrier: Carrier,
    setter: TextMapSetter<Carrier>,
  ): void {
    const span = trace.getSpan(context);
    const remote = remoteOf(context);
    if (!(span instanceof SkyWalkingSpan)) {
      for (const [name, value] of Object.entries(remote?.headers ?? {})) {
        setter.set(carrier, name, value);
      }
      return;
    }
    const { traceId, spanId } = span.spanContext();
    setter.set(carrier, 'sw8', renderSw8(toSw8(span, service())));
    setter.set(carrier, 'traceparent', `00-${traceId}-${spanId}-0${TraceFlags.SAMPLED}`);
    const { tracestate, 'sw8-x': extension } = remote?.headers ?? {};
    // Each belongs to the header that it came with, and means nothing beside a malformed one.
    if (tracestate !== undefined && remote?.parent !== undefined)
      setter.set(carrier, 'tracestate', tracestate);
    // The tracing mode goes with the trace. The time of sending, its second field, is that of a caller.
    const mode = remote?.sw8 === undefined ? undefined : extension?.split('-')[0];
    if (mode === '1') setter.set(carrier, 'sw8-x', mode);
  }

  function extractBaggage<Carrier>(
    context: Context,
    carrier: Carrier,
    getter: TextMapGetter<Carrier>,
  ): Context {
    const correlation = first(carrier, getter, CORRELATION);
    const received = propagation.getBaggage(w3cBaggage.extract(context, carrier, getter));
    // Own values first: they count, and SkyWalking's header has room for three.
    const values = new Map<string, { value: string }>();
    for (const [name, value] of [
      ...valuesOf(propagation.getBaggage(context)),
      ...(correlation === undefined ? [] : parseCorrelation(correlation)),
      ...valuesOf(received),
    ]) {
      if (!values.has(name)) values.set(name, { value });
    }
    if (values.size === 0) return context;
    return propagation.setBaggage(context, propagation.createBaggage(Object.fromEntries(values)));
  }
}

function valuesOf(baggage: Baggage | undefined): [name: string, value: string][] {
  return (baggage?.getAllEntries() ?? []).map(([name, { value }]) => [name, value]);
}

function first<Carrier>(
  carrier: Carrier,
  getter: TextMapGetter<Carrier>,
  name: string,
): string | undefined {
  const value = getter.get(carrier, name);
  return Array.isArray(value) ? value[0] : value;
}

function toSw8(
  { agentSpan }: SkyWalkingSpan,
  { name, instance }: { readonly name: string; readonly instance: string },
): Sw8 {
  return {
    sampled: true,
    traceId: traceIdOf(agentSpan),
    segmentId: agentSpan.context.segment.segmentId.toString(),
    spanId: agentSpan.id,
    service: name,
    instance,
    endpoint: endpointOf(agentSpan),
    peer: agentSpan.peer,
  };
}

// OpenTelemetry's tracer over the agent: decides what is recorded, and which span of the agent a span is.
import {
  SpanKind,
  trace,
  type Context,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import type { Agent, AgentSpan } from './agent.ts';
import type { SkyWalkingContextManager } from './context-manager.ts';
import type { OpenSpans } from './open-spans.ts';
import { remoteOf, type Remote } from './propagator.ts';
import { toMeaning, toText } from './semantics.ts';
import { SkyWalkingSpan, isExit, beginSegment, toMilliseconds } from './span.ts';
import { UnsampledSpan } from './unsampled-span.ts';

/** What the tracers of one provider share. */
export interface TracerSettings {
  readonly agent: Agent;
  readonly openSpans: OpenSpans;
  /** Whether a trace may begin that nobody asked for; `false` while it could not be reported. */
  readonly mayBegin: () => boolean;
  readonly contextManager: SkyWalkingContextManager;
}

// The agent's patterns take the square of the length, or more, for what they do not match.
const LONGEST_MATCHED = 2000;

// As many as SkyWalking's agent for Java keeps of a segment.
const MOST_SPANS = 300;

/** @param scope Name of the library or the function that asks for the tracer. */
export function createTracer(scope: string, settings: TracerSettings): Tracer {
  const { agent, contextManager, mayBegin, openSpans } = settings;

  // Whatever comes in, nothing is thrown into user code, as OpenTelemetry asks of its API.
  function startSpan(name: string, given?: SpanOptions | null, into?: Context | null): Span {
    const options = given ?? {};
    const context = into ?? contextManager.active();
    const { kind = SpanKind.INTERNAL, startTime } = options;
    const attributes = options.attributes ?? {};
    const around = options.root === true ? undefined : trace.getSpan(context);
    const remote = options.root === true ? undefined : remoteOf(context);
    if (around instanceof UnsampledSpan) return around;
    if (isTracingSuppressed(context)) return new UnsampledSpan(remote);
    const meaning = toMeaning(scope, toText(name), kind, attributes);
    const outer = around instanceof SkyWalkingSpan ? around : undefined;
    if (outer === undefined && !isRecorded(meaning.operation, options, remote)) {
      return new UnsampledSpan(remote);
    }
    const leaves = kind === SpanKind.CLIENT || kind === SpanKind.PRODUCER;
    if (
      outer !== undefined &&
      (isFull(outer.agentSpan) || (leaves && isSending(outer.agentSpan)))
    ) {
      return new SkyWalkingSpan(outer.agentSpan, outer.stack, outer.remote);
    }
    const type = leaves
      ? agent.ExitSpan
      : outer === undefined && kind !== SpanKind.INTERNAL
        ? agent.EntrySpan
        : agent.LocalSpan;
    const agentSpan = create(type, meaning.operation, outer?.agentSpan);
    const { layer, peer } = meaning;
    Object.assign(agentSpan, { layer, peer, component: new agent.Component(meaning.component) });
    if (outer === undefined && remote !== undefined) refer(agentSpan, remote);
    // The agent takes a span for the current one as soon as it starts; here that is said by `with`.
    contextManager.detached(() => agentSpan.start());
    if (startTime !== undefined && startTime !== null)
      agentSpan.startTime = toMilliseconds(startTime);
    const span = new SkyWalkingSpan(agentSpan, outer?.stack ?? [], remote, stop);
    openSpans.begun(span);
    return span.setAttributes(attributes);
  }

  function stop(span: SkyWalkingSpan): void {
    contextManager.detached(() => span.agentSpan.stop());
    openSpans.ended(span);
  }

  // What a higher library sends by a lower one leaves the process once, to where the higher one says.
  function isSending(span: AgentSpan): boolean {
    return isExit(span) && span.endTime === 0 && span.peer !== '';
  }

  // A segment is one message, and a collector takes some megabytes. What does not fit in is told to
  // nobody, and the trace goes on from the span around it.
  function isFull({ context }: AgentSpan): boolean {
    return (
      context instanceof agent.SpanContext && !context.finished && context.spanId >= MOST_SPANS
    );
  }

  function isRecorded(
    operation: string,
    options: SpanOptions,
    remote: Remote | undefined,
  ): boolean {
    if (remote?.sw8?.sampled === false) return false;
    return mayBegin() && !isIgnored(operation, options);
  }

  // A function is known to the agent's patterns by its name, by the path, and by method and path.
  function isIgnored(operation: string, { kind, attributes = {} }: SpanOptions): boolean {
    const { reIgnoreOperation, reHttpIgnoreMethod } = agent.config;
    const matches = (text: string): boolean =>
      text.length <= LONGEST_MATCHED && reIgnoreOperation.test(text);
    if (matches(operation)) return true;
    const method = attributes['http.request.method'] ?? attributes['http.method'];
    if (typeof method !== 'string') return false;
    if (reHttpIgnoreMethod.test(method)) return true;
    if (kind !== SpanKind.SERVER) return false;
    const { 'url.path': path } = attributes;
    if (typeof path !== 'string') return false;
    return matches(path) || matches(`${method}:${path}`);
  }

  function create(
    type: Agent['ExitSpan' | 'EntrySpan' | 'LocalSpan'],
    operation: string,
    outer: AgentSpan | undefined,
  ): AgentSpan {
    const { segment } = outer?.context ?? {};
    const context =
      outer?.context instanceof agent.SpanContext ? outer.context : new agent.SpanContext();
    // The agent's types ask for an outer span that its code does not need.
    const span = context.newSpan(type, outer as AgentSpan, operation);
    // After the end of a segment, what still happens goes into another, which refers to it.
    if (span.context.segment !== segment) beginSegment(span);
    return span;
  }

  function refer(span: AgentSpan, { sw8, parent }: Remote): void {
    const { segment } = span.context;
    if (sw8 !== undefined) {
      const { endpoint, instance, peer, segmentId, service, spanId, traceId } = sw8;
      const id = new agent.ID(traceId);
      const carrier = new agent.ContextCarrier(
        id,
        new agent.ID(segmentId),
        spanId,
        service,
        instance,
        endpoint,
        peer,
      );
      segment.relate(id);
      span.refer(agent.SegmentRef.fromCarrier(carrier));
    } else if (parent !== undefined) segment.relate(new agent.ID(parent.traceId));
  }

  // The options and the context may be left out, each with what follows it but the code.
  function startActiveSpan(name: string, ...args: unknown[]): unknown {
    const code = args.at(-1) as (span: Span) => unknown;
    const options = args.length > 1 ? (args[0] as SpanOptions | undefined) : undefined;
    const given = args.length > 2 ? (args[1] as Context | undefined) : undefined;
    const context = given ?? contextManager.active();
    const span = startSpan(name, options, context);
    return contextManager.with(trace.setSpan(context, span), code, undefined, span);
  }

  return { startSpan, startActiveSpan };
}

// One span of OpenTelemetry as one span of SkyWalking's agent.
import {
  SpanStatusCode,
  TraceFlags,
  type Attributes,
  type AttributeValue,
  type Exception,
  type Link,
  type Span,
  type SpanContext,
  type SpanStatus,
  type TimeInput,
} from '@opentelemetry/api';
import { hrTimeToMilliseconds, timeInputToHrTime } from '@opentelemetry/core';
import type { AgentSpan } from './agent.ts';
import { toPeer, toTag, toText } from './semantics.ts';
import { toW3cSpanId, toW3cTraceId } from './ids.ts';
import type { Remote } from './propagator.ts';

// What is kept of one span at most.
const MOST_TAGS = 128;
const MOST_LOGS = 128;

/** A span that is recorded. */
export class SkyWalkingSpan implements Span {
  readonly agentSpan: AgentSpan;
  /** What code inside of the span runs in: the spans around it, then the span itself. */
  readonly stack: AgentSpan[];
  /** What came from the caller of this process. */
  readonly remote: Remote | undefined;
  readonly #stop: ((span: SkyWalkingSpan) => void) | undefined;
  #context: SpanContext | undefined = undefined;
  #ended = false;

  /**
   * @param around The spans that it is made in.
   * @param stop Stops the span of the agent; `undefined` for one that somebody else stops.
   */
  constructor(
    agentSpan: AgentSpan,
    around: readonly AgentSpan[],
    remote: Remote | undefined,
    stop?: (span: SkyWalkingSpan) => void,
  ) {
    this.agentSpan = agentSpan;
    // Those that have ended would be kept by all that come after them.
    const open = around.filter((span) => span.endTime === 0 && span !== agentSpan);
    this.stack = [...open, agentSpan];
    this.remote = remote;
    this.#stop = stop;
    this.#ended = stop === undefined;
  }

  spanContext(): SpanContext {
    return (this.#context ??= {
      // A caller's W3C trace goes on, also where SkyWalking's own trace has another id.
      traceId: this.remote?.parent?.traceId ?? toW3cTraceId(traceIdOf(this.agentSpan)),
      spanId: toW3cSpanId(this.agentSpan),
      traceFlags: TraceFlags.SAMPLED,
    });
  }

  setAttribute(name: string, value: AttributeValue): this {
    const { tags } = this.agentSpan;
    if (this.#ended || value === undefined || value === null) return this;
    const tag = toTag(toText(name), value);
    // As many as OpenTelemetry's SDK takes: the agent looks through all of them for each.
    if (tag !== undefined && tags.length < MOST_TAGS) {
      this.agentSpan.tag({ ...tag, overridable: true });
    }
    if (this.agentSpan.peer === '') this.agentSpan.peer = this.#peerOf({ [name]: value });
    return this;
  }

  #peerOf(attributes: Attributes): string {
    return isExit(this.agentSpan) ? toPeer(attributes) : '';
  }

  setAttributes(attributes: Attributes): this {
    if (!isAttributes(attributes)) return this;
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined) this.setAttribute(name, value);
    }
    return this;
  }

  addEvent(name: string, attributes?: Attributes | TimeInput, time?: TimeInput): this {
    if (this.#ended) return this;
    if (this.agentSpan.logs.length >= MOST_LOGS) return this;
    const hasFields = isAttributes(attributes);
    const fields = hasFields ? Object.entries(attributes).slice(0, MOST_TAGS) : [];
    this.agentSpan.logs.push({
      timestamp: toMilliseconds(time ?? (hasFields ? undefined : attributes)),
      items: [
        { key: 'event', val: toText(name) },
        ...fields.map(([key, value]) => ({ key, val: toText(value) })),
      ],
    });
    return this;
  }

  addLink(_link: Link): this {
    return this;
  }

  addLinks(_links: Link[]): this {
    return this;
  }

  setStatus(status: SpanStatus): this {
    const { code, message } = status ?? {};
    if (this.#ended || code !== SpanStatusCode.ERROR) return this;
    this.agentSpan.errored = true;
    if (typeof message === 'string' && message !== '' && this.agentSpan.lastError === null) {
      this.addEvent('error', { message });
    }
    return this;
  }

  updateName(name: string): this {
    if (!this.#ended) this.agentSpan.operation = toText(name);
    return this;
  }

  recordException(exception: Exception, _time?: TimeInput): void {
    if (this.#ended || this.agentSpan.logs.length >= MOST_LOGS) return;
    const { errored } = this.agentSpan;
    this.agentSpan.error(toError(exception));
    // An exception that was dealt with is no error of the span; its status says whether it is one.
    this.agentSpan.errored = errored;
  }

  end(time?: TimeInput): void {
    if (this.#ended) return;
    this.#ended = true;
    const { agentSpan } = this;
    if (agentSpan.peer === '' && isExit(agentSpan)) {
      // The collector passes over an exit that leads nowhere.
      agentSpan.peer = agentSpan.operation;
    }
    if (time !== undefined && time !== null) finishAt(agentSpan, toMilliseconds(time));
    this.#stop?.(this);
  }

  isRecording(): boolean {
    return !this.#ended;
  }
}

// The number of the type in SkyWalking's protocol.
const EXIT = 1;

/** Whether a span leads out of the process. */
export function isExit(span: AgentSpan): boolean {
  const type: number = span.type;
  return type === EXIT;
}

/** The trace id as SkyWalking has it. */
export function traceIdOf({ context }: AgentSpan): string {
  return context.segment.relatedTraces[0]?.toString() ?? '';
}

// The span that a segment began with stands on the segment: a map of all would cost as much as the rest.
const FIRST = Symbol('first span');
type Begun = { [FIRST]?: AgentSpan };

/** Says that a segment begins with this span. */
export function beginSegment(span: AgentSpan): void {
  (span.context.segment as Begun)[FIRST] = span;
}

/** Whether its segment begins with this span. */
export function isFirstOfSegment(span: AgentSpan): boolean {
  return (span.context.segment as Begun)[FIRST] === span;
}

/** The operation that the segment of a span began with. */
export function endpointOf(span: AgentSpan): string {
  return ((span.context.segment as Begun)[FIRST] ?? span).operation;
}

// The agent takes the time at which it is told.
function finishAt(span: AgentSpan, time: number): void {
  const finish = span.finish.bind(span);
  span.finish = (segment) => {
    const result = finish(segment);
    span.endTime = time;
    return result;
  };
}

function isAttributes(value: unknown): value is Attributes {
  return (
    typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date) && value !== null
  );
}

/** Milliseconds since 1970; now for what is no time. */
export function toMilliseconds(time: TimeInput | null | undefined): number {
  if (time === undefined || time === null) return Date.now();
  try {
    // The protocol has whole milliseconds.
    return Math.round(hrTimeToMilliseconds(timeInputToHrTime(time)));
  } catch {
    return Date.now();
  }
}

/** Anything that was thrown, or said to be, as an error whose text can be sent. */
function toError(exception: unknown): Error {
  if (typeof exception !== 'object' || exception === null) return new Error(toText(exception));
  const { message, name, stack } = exception as Partial<Record<keyof Error, unknown>>;
  const error = new Error(toText(message ?? ''));
  if (typeof name === 'string') error.name = name;
  error.stack = toText(stack ?? `${error.name}: ${error.message}`);
  return error;
}

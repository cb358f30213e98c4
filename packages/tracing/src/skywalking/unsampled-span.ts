// The span of what is not recorded. What its caller sent goes on as it came.
import {
  INVALID_SPANID,
  INVALID_TRACEID,
  TraceFlags,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { toW3cTraceId } from './ids.ts';
import type { Remote } from './propagator.ts';

/** A span that records nothing; all that is made below it is this one again. */
export class UnsampledSpan implements Span {
  readonly remote: Remote | undefined;
  #context: SpanContext | undefined = undefined;

  constructor(remote: Remote | undefined) {
    this.remote = remote;
  }

  // Of the caller's trace. Without one there is no trace that an id could lead to.
  spanContext(): SpanContext {
    return (this.#context ??= toSpanContext(this.remote));
  }

  setAttribute(): this {
    return this;
  }
  setAttributes(): this {
    return this;
  }
  addEvent(): this {
    return this;
  }
  addLink(): this {
    return this;
  }
  addLinks(): this {
    return this;
  }
  setStatus(): this {
    return this;
  }
  updateName(): this {
    return this;
  }
  recordException(): void {}
  end(): void {}
  isRecording(): boolean {
    return false;
  }
}

function toSpanContext(remote: Remote | undefined): SpanContext {
  const { parent, sw8 } = remote ?? {};
  const traceId = sw8 === undefined ? INVALID_TRACEID : toW3cTraceId(sw8.traceId);
  return {
    traceId: parent?.traceId ?? traceId,
    spanId: parent?.spanId ?? INVALID_SPANID,
    traceFlags: TraceFlags.NONE,
  };
}

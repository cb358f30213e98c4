// The span of what is not recorded. What its caller sent goes on as it came.
import { TraceFlags, type Span, type SpanContext } from '@opentelemetry/api';
import { randomBytes } from 'node:crypto';
import type { Remote } from './propagator.ts';

/** A span that records nothing; all that is made below it is this one again. */
export class UnsampledSpan implements Span {
  readonly remote: Remote | undefined;
  #context: SpanContext | undefined = undefined;

  constructor(remote: Remote | undefined) {
    this.remote = remote;
  }

  // Ids are made for who asks.
  spanContext(): SpanContext {
    return (this.#context ??= {
      traceId: this.remote?.parent?.traceId ?? randomBytes(16).toString('hex'),
      spanId: this.remote?.parent?.spanId ?? randomBytes(8).toString('hex'),
      traceFlags: TraceFlags.NONE,
    });
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

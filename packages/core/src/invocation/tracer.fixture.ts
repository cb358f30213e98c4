// A tracer that keeps what it is asked, with spans that know the one they are in.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Invocation } from './invocation.ts';
import { traceIdOf } from './propagation.ts';
import type { CallOutcome, CallTrace, ExitTarget, Tracing } from './trace.ts';

/** A span as it was made. */
interface RecordedSpan {
  readonly name: string;
  readonly kind: 'call' | 'exit' | 'inner';
  readonly spanId: string;
  /** `undefined` for that of a call. */
  readonly parentId: string | undefined;
  readonly traceId: string;
  readonly target?: ExitTarget;
  /** What the code inside of it threw; of a call, what it failed with. */
  error?: unknown;
  hasEnded: boolean;
}

/** One call as its trace saw it. */
export interface RecordedCall {
  readonly span: RecordedSpan;
  readonly invocation: Invocation;
  /** How often its handler ran. */
  runs: number;
  readonly ends: CallOutcome[];
}

/** A tracer, and what it was asked. */
export interface Recorder {
  readonly tracing: Tracing;
  readonly calls: RecordedCall[];
  /** Of all calls, in the order of their begin. */
  readonly spans: RecordedSpan[];
  /** The spans of one kind. */
  readonly of: (kind: RecordedSpan['kind']) => RecordedSpan[];
  /** The span that the running code is inside of, as hooks of libraries know it. */
  readonly current: () => RecordedSpan | undefined;
}

/** Makes a tracer. A caller's `traceparent` and its `sw8` go on from the span that runs. */
export function createRecorder(): Recorder {
  const current = new AsyncLocalStorage<RecordedSpan>();
  const calls: RecordedCall[] = [];
  const spans: RecordedSpan[] = [];

  function open(of: Pick<RecordedSpan, 'name' | 'kind' | 'parentId' | 'traceId' | 'target'>) {
    const spanId = (spans.length + 1).toString(16).padStart(16, '0');
    const span: RecordedSpan = { ...of, spanId, hasEnded: false };
    spans.push(span);
    return span;
  }

  function inside<T>(span: RecordedSpan, code: () => T): T {
    const close = (error?: unknown): void => {
      span.hasEnded = true;
      if (error !== undefined) span.error = error;
    };
    try {
      const value = current.run(span, code);
      if (value instanceof Promise) value.then(() => close(), close);
      else close();
      return value;
    } catch (error) {
      close(error);
      throw error;
    }
  }

  const tracing: Tracing = {
    name: 'recorder',
    begin(invocation): CallTrace {
      const received = invocation.received ?? {};
      const traceId = traceIdOf(received) ?? calls.length.toString(16).padStart(32, 'a');
      const name = invocation.function.name;
      const span = open({ name, kind: 'call', parentId: undefined, traceId });
      const call: RecordedCall = { span, invocation, runs: 0, ends: [] };
      calls.push(call);
      let first: unknown;
      const running = (): RecordedSpan => {
        const found = current.getStore();
        return found?.traceId === traceId ? found : span;
      };
      const below = (name: string, kind: 'exit' | 'inner', target?: ExitTarget): RecordedSpan =>
        open({ name, kind, parentId: running().spanId, traceId, ...(target && { target }) });
      return {
        traceId,
        callSpanId: span.spanId,
        get spanId() {
          return running().spanId;
        },
        get propagation() {
          const traceparent = `00-${traceId}-${running().spanId}-01`;
          return { ...received, traceparent, sw8: `1-${running().spanId}` };
        },
        span: (name, code) => inside(below(name, 'inner'), code),
        exit: (target, send) => inside(below(target.operation, 'exit', target), send),
        run(handler, of) {
          // The first is the handler; what comes after it are listeners.
          first ??= handler;
          if (handler === first) call.runs += 1;
          return current.run(span, () => handler(of));
        },
        end(of, outcome) {
          call.ends.push(outcome);
          span.hasEnded = true;
          span.error = of.error;
        },
      };
    },
  };
  return {
    tracing,
    calls,
    spans,
    of: (kind) => spans.filter((span) => span.kind === kind),
    current: () => current.getStore(),
  };
}

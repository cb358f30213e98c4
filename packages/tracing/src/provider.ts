// What a provider of traces is: where the spans go that are made with OpenTelemetry's API.
import type { CallTrace, Invocation } from '@ofn/core';
import type {
  Context,
  ContextManager,
  Span,
  TextMapPropagator,
  TracerProvider,
} from '@opentelemetry/api';

/** Who the spans are of, as far as it is known once the functions are loaded. */
export interface Service {
  readonly name: string;
  readonly instance: string;
}

/** Runs a call inside the context of its span. */
export type RunCall = (
  context: Context,
  call: Parameters<CallTrace['run']>[0],
  invocation: Invocation,
) => unknown;

/** Where spans go, and by which headers a trace goes on. */
export interface TraceProvider {
  /** Who gets the spans, for people: such as `SkyWalking at oap:11800`. */
  readonly target: string;
  readonly tracerProvider: TracerProvider;
  readonly contextManager: ContextManager;
  readonly propagator: TextMapPropagator;
  /** Default: that of the context manager. */
  readonly runCall?: RunCall;
  /**
   * The span of a call that came without a trace and will not be recorded, always the same one;
   * `undefined` when it may be. Default: it may.
   */
  unrecorded?(): Span | undefined;
  /** The trace id by which its users look for a trace. Default: that of the span's context. */
  traceIdOf?(span: Span): string;
  /** Called once, when the functions are known and before the first call. Does not wait for anybody. */
  start(service: Service): void;
  /**
   * Sends what has not been sent, in bounded time, and lets go of connections and timers.
   * Never rejects: what could not be sent is logged.
   */
  close(): Promise<void>;
}

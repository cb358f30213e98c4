// What a provider of traces is: where the spans go that are made with OpenTelemetry's API.
import type { ContextManager, Span, TextMapPropagator, TracerProvider } from '@opentelemetry/api';

/** Who the spans are of, as far as it is known once the functions are loaded. */
export interface Service {
  readonly name: string;
  readonly instance: string;
}

/** Where spans go, and by which headers a trace goes on. */
export interface TraceProvider {
  readonly tracerProvider: TracerProvider;
  readonly contextManager: ContextManager;
  readonly propagator: TextMapPropagator;
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

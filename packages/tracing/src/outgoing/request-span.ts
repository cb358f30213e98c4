// One outgoing request as a client span, with the names of OpenTelemetry's conventions.
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client
import {
  SpanKind,
  SpanStatusCode,
  defaultTextMapSetter,
  trace,
  type Span,
} from '@opentelemetry/api';
import { toException } from '../exception.ts';
import type { TraceProvider } from '../provider.ts';

/** What spans of requests are made with. */
export type RequestTracer = Pick<TraceProvider, 'contextManager' | 'propagator' | 'tracerProvider'>;

/** A request that has been begun. */
export interface RequestSpan {
  /** Headers by which the trace goes on from it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly answered: (status: number) => void;
  readonly failed: (error: unknown) => void;
  /** Further calls do nothing. */
  readonly end: () => void;
}

/** @param scope Name of the client. */
export function beginRequest(
  { contextManager, propagator, tracerProvider }: RequestTracer,
  scope: string,
  method: string,
  url: URL,
): RequestSpan {
  const around = contextManager.active();
  const span = tracerProvider.getTracer(scope).startSpan(
    method,
    {
      kind: SpanKind.CLIENT,
      attributes: {
        'http.request.method': method,
        'url.full': withoutSecrets(url),
        'server.address': url.hostname,
        'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
      },
    },
    around,
  );
  const headers: Record<string, string> = {};
  propagator.inject(trace.setSpan(around, span), headers, defaultTextMapSetter);
  return {
    headers,
    answered(status) {
      span.setAttribute('http.response.status_code', status);
      if (status >= 400) span.setStatus({ code: SpanStatusCode.ERROR });
    },
    failed: (error) => fail(span, error),
    end: () => span.end(),
  };
}

function fail(span: Span, thrown: unknown): void {
  const exception = toException(thrown);
  span.recordException(exception);
  span.setStatus({ code: SpanStatusCode.ERROR, message: exception.message });
}

// User, password and query are for the other end alone.
function withoutSecrets({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

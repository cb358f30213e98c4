// The calls of functions, and what they send to through Dapr, as spans of OpenTelemetry's API.
import { inspect } from 'node:util';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
} from '@opentelemetry/api';
import type {
  CallOutcome,
  CallTrace,
  ExitTarget,
  Invocation,
  Propagation,
  Tracer,
} from '@ofn/core';
import type { TracingConfiguration } from './configuration.ts';
import type { TraceProvider } from './provider.ts';
import { SCOPE } from './scope.ts';

/** Makes what core asks of a tracer. */
export function createCallTracer(
  provider: TraceProvider,
  configuration: Pick<TracingConfiguration, 'baggage' | 'namespace' | 'pod' | 'tags'>,
): Tracer {
  const { baggage, namespace, pod, tags } = configuration;
  const base = toContext(baggage);
  const always: Attributes = {
    ...(pod === undefined ? {} : { pod }),
    ...(namespace === undefined ? {} : { namespace }),
    ...tags,
  };
  const tracer = provider.tracerProvider.getTracer(SCOPE);
  const settings: CallSettings = { provider, tracer, always };

  return {
    begin(invocation) {
      const headers = invocation.received;
      const parent =
        headers === undefined
          ? base
          : provider.propagator.extract(base, headers, defaultTextMapGetter);
      const span = tracer.startSpan(invocation.function.name, toOptions(invocation), parent);
      return new TracedCall(settings, span, trace.setSpan(parent, span));
    },
  };
}

function toContext(baggage: Readonly<Record<string, string>>): Context {
  const entries = Object.entries(baggage).map(([name, value]) => [name, { value }] as const);
  if (entries.length === 0) return ROOT_CONTEXT;
  return propagation.setBaggage(
    ROOT_CONTEXT,
    propagation.createBaggage(Object.fromEntries(entries)),
  );
}

function toOptions(invocation: Invocation): SpanOptions {
  const runtime = invocation.runtime ?? 'knative';
  const { input, req } = invocation.origin;
  if (input !== undefined) {
    const { name, topic } = input;
    const attributes = { runtime, input: name, ...(topic === undefined ? {} : { topic }) };
    return { kind: SpanKind.CONSUMER, attributes };
  }
  if (req === undefined) return { kind: SpanKind.SERVER, attributes: { runtime } };
  const path = req.originalUrl.replace(/[?#].*$/s, '');
  const { host = 'localhost', 'x-forwarded-proto': forwarded } = req.headers;
  const scheme = String(forwarded).startsWith('https') ? 'https' : 'http';
  const attributes = {
    runtime,
    'http.request.method': req.method,
    'url.full': `${scheme}://${host}${path}`,
    'url.path': path,
  };
  return { kind: SpanKind.SERVER, attributes };
}

interface CallSettings {
  readonly provider: TraceProvider;
  readonly tracer: ReturnType<TraceProvider['tracerProvider']['getTracer']>;
  /** Of every call; told at its end, after what is of this one. */
  readonly always: Attributes;
}

class TracedCall implements CallTrace {
  readonly #settings: CallSettings;
  readonly #span: Span;
  readonly #context: Context;

  constructor(settings: CallSettings, span: Span, context: Context) {
    this.#settings = settings;
    this.#span = span;
    this.#context = context;
  }

  get traceId(): string {
    const { provider } = this.#settings;
    return provider.traceIdOf?.(this.#span) ?? this.#span.spanContext().traceId;
  }

  get spanId(): string {
    return (trace.getSpan(this.#active()) ?? this.#span).spanContext().spanId;
  }

  get callSpanId(): string {
    return this.#span.spanContext().spanId;
  }

  get propagation(): Propagation {
    const headers: Record<string, string> = {};
    this.#settings.provider.propagator.inject(this.#active(), headers, defaultTextMapSetter);
    return headers;
  }

  run(call: Parameters<CallTrace['run']>[0], invocation: Invocation): unknown {
    return this.#settings.provider.contextManager.with(this.#context, call, undefined, invocation);
  }

  span<T>(name: string, code: () => T): T {
    return this.#inside(name, {}, code);
  }

  exit<T>(target: ExitTarget, send: () => Promise<T>): Promise<T> {
    return this.#inside(target.operation, toExitOptions(target), send);
  }

  end({ error }: Invocation, { acknowledgement, status }: CallOutcome): void {
    const span = this.#span;
    if (status !== undefined) span.setAttribute('http.response.status_code', status);
    if (acknowledgement !== undefined && acknowledgement !== 'SUCCESS') {
      span.setAttribute('acknowledgement', acknowledgement);
    }
    span.setAttributes(this.#settings.always);
    const isAsked = isNamed(error, 'DropError') || isNamed(error, 'RetryError');
    const isFailure = status === undefined ? error !== undefined && !isAsked : status >= 500;
    if (isFailure) fail(span, error);
    span.end();
  }

  #inside<T>(name: string, options: SpanOptions, code: () => T): T {
    const { provider, tracer } = this.#settings;
    const around = this.#active();
    const span = tracer.startSpan(name, options, around);
    const ended = <R>(result: R): R => {
      span.end();
      return result;
    };
    const failed = (error: unknown): never => {
      fail(span, error);
      span.end();
      throw error;
    };
    let result: T;
    try {
      result = provider.contextManager.with(trace.setSpan(around, span), code);
    } catch (error) {
      return failed(error);
    }
    // Its own `then`: what is started by it, such as a query, must not be started twice.
    return isThenable(result) ? (result.then(ended, failed) as T) : ended(result);
  }

  // Code that has lost its context, or is run in none on purpose, is still code of this call.
  #active(): Context {
    const active = this.#settings.provider.contextManager.active();
    return trace.getSpan(active) === undefined ? this.#context : active;
  }
}

function toExitOptions({ kind, peer, componentType = '' }: ExitTarget): SpanOptions {
  const type = componentType === '' ? {} : { 'component.type': componentType };
  if (kind === 'state') {
    const system = componentType.replace(/^state\./, '') || 'dapr';
    return {
      kind: SpanKind.CLIENT,
      attributes: { 'peer.service': peer, 'db.system': system, ...type },
    };
  }
  return {
    kind: kind === 'sidecar' ? SpanKind.CLIENT : SpanKind.PRODUCER,
    attributes: { 'peer.service': peer, ...type },
  };
}

function fail(span: Span, error: unknown): void {
  if (error === undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    return;
  }
  const exception = error instanceof Error ? error : new Error(inspect(error));
  span.recordException(exception);
  const { message } = exception;
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function isThenable(value: unknown): value is { then(...args: unknown[]): unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

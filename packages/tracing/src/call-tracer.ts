// The calls of functions, and what they send to through Dapr, as spans of OpenTelemetry's API.
import {
  INVALID_SPANID,
  INVALID_TRACEID,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  createContextKey,
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
import type { RunCall, TraceProvider } from './provider.ts';
import { toException } from './exception.ts';
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
  let unrecorded: CallTrace | undefined;

  return {
    begin(invocation) {
      const headers = invocation.received;
      // Under load that is most calls: nothing is put together for them.
      const shared = headers === undefined ? provider.unrecorded?.() : undefined;
      if (shared !== undefined) return (unrecorded ??= toUnrecordedCall(provider, shared, base));
      const parent =
        headers === undefined
          ? base
          : provider.propagator.extract(base, headers, defaultTextMapGetter);
      const span = tracer.startSpan(invocation.function.name, toOptions(invocation), parent);
      return new TracedCall(settings, span, parent);
    },
  };
}

// The trace of all calls that are not recorded, and came without one: it has no id.
function toUnrecordedCall(
  provider: TraceProvider,
  span: Span,
  base: Context,
): CallTrace & ContextOfCall {
  const { propagator } = provider;
  const context = trace.setSpan(base, span);
  const baggage: Record<string, string> = {};
  propagator.inject(context, baggage, defaultTextMapSetter);
  return {
    traceId: undefined,
    spanId: undefined,
    callSpanId: undefined,
    propagation: baggage,
    context,
    run: (call, invocation) => runCall(provider, context, call, invocation),
    span: (_, code) => code(),
    exit: (_, send) => send(),
    end() {},
  };
}

/** The context of a call that is traced here; `undefined` of any other. */
export function contextOfCall(trace: object | undefined): Context | undefined {
  const { context } = (trace ?? {}) as { context?: Context };
  return context;
}

interface ContextOfCall {
  readonly context: Context;
}

const runCall = (provider: TraceProvider, ...args: Parameters<RunCall>): unknown => {
  if (provider.runCall !== undefined) return provider.runCall(...args);
  const [context, call, invocation] = args;
  return provider.contextManager.with(context, call, undefined, invocation);
};

function toContext(baggage: Readonly<Record<string, string>>): Context {
  const entries = Object.entries(baggage).map(([name, value]) => [name, { value }] as const);
  if (entries.length === 0) return ROOT_CONTEXT;
  return propagation.setBaggage(
    ROOT_CONTEXT,
    propagation.createBaggage(Object.fromEntries(entries)),
  );
}

function toOptions(invocation: Invocation): SpanOptions {
  const { input, req } = invocation.origin;
  const common: Attributes = {
    runtime: invocation.runtime ?? 'knative',
    ...(invocation.coldStart ? { 'faas.coldstart': true } : {}),
  };
  if (input !== undefined) {
    const { name, topic } = input;
    const attributes = { ...common, input: name, ...(topic === undefined ? {} : { topic }) };
    return { kind: SpanKind.CONSUMER, attributes };
  }
  if (req === undefined) return { kind: SpanKind.SERVER, attributes: common };
  const path = req.originalUrl.replace(/[?#].*$/s, '');
  const attributes = {
    ...common,
    'http.request.method': req.method,
    'url.full': `${req.protocol}://${req.originalHost ?? 'localhost'}${path}`,
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

const CALL = createContextKey('The call that code belongs to');

class TracedCall implements CallTrace, ContextOfCall {
  readonly #settings: CallSettings;
  readonly #span: Span;
  readonly context: Context;

  constructor(settings: CallSettings, span: Span, parent: Context) {
    this.#settings = settings;
    this.#span = span;
    this.context = trace.setSpan(parent, span).setValue(CALL, this);
  }

  get traceId(): string | undefined {
    const { provider } = this.#settings;
    const traceId = provider.traceIdOf?.(this.#span) ?? this.#span.spanContext().traceId;
    return traceId === INVALID_TRACEID ? undefined : traceId;
  }

  get spanId(): string | undefined {
    return spanIdOf(trace.getSpan(this.#active()) ?? this.#span);
  }

  get callSpanId(): string | undefined {
    return spanIdOf(this.#span);
  }

  get propagation(): Propagation {
    const headers: Record<string, string> = {};
    this.#settings.provider.propagator.inject(this.#active(), headers, defaultTextMapSetter);
    return headers;
  }

  run(call: Parameters<CallTrace['run']>[0], invocation: Invocation): unknown {
    return runCall(this.#settings.provider, this.context, call, invocation);
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
    if (isFailure(error, status)) fail(span, error);
    span.end();
  }

  #inside<T>(name: string, options: SpanOptions, code: () => T): T {
    const { provider, tracer } = this.#settings;
    const around = this.#active();
    const span = tracer.startSpan(name, options, around);
    const failed = (error: unknown): void => {
      fail(span, error);
      span.end();
    };
    let result: T;
    try {
      result = provider.contextManager.with(trace.setSpan(around, span), code);
    } catch (error) {
      failed(error);
      throw error;
    }
    // What only has a `then` may be a query that its first call starts: it is the caller's to call it.
    if (!isPlainPromise(result)) {
      span.end();
      return result;
    }
    // A promise of its own: to look at one takes it for handled, and an error that nobody handles would
    // be lost.
    return result.then(
      (value: unknown) => {
        span.end();
        return value;
      },
      (error: unknown) => {
        failed(error);
        throw error;
      },
    ) as T;
  }

  // Code that has lost its context, or runs in that of another call, is still code of this one.
  #active(): Context {
    const active = this.#settings.provider.contextManager.active();
    return active.getValue(CALL) === this ? active : this.context;
  }
}

// Of the language itself: another may do anything when it is asked for its value.
function isPlainPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise && value.constructor === Promise && !Object.hasOwn(value, 'then');
}

function spanIdOf(span: Span): string | undefined {
  const { spanId } = span.spanContext();
  return spanId === INVALID_SPANID ? undefined : spanId;
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

// A failure of the call as its span shows it. Of a call over HTTP it is an error of the server, or one
// that came when the head of the answer had gone.
function isFailure(error: unknown, status: number | undefined): boolean {
  if (status === undefined) return error !== undefined && !isAsked(error);
  return status >= 500 || (error !== undefined && status < 400);
}

function isAsked(error: unknown): boolean {
  const { name } = toException(error);
  return name === 'DropError' || name === 'RetryError';
}

function fail(span: Span, error: unknown): void {
  const exception = error === undefined ? undefined : toException(error);
  if (exception !== undefined) span.recordException(exception);
  span.setStatus({
    code: SpanStatusCode.ERROR,
    ...(exception === undefined ? {} : { message: exception.message }),
  });
}

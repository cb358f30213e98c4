// What user code has registered with OpenTelemetry's API before us, by whichever version of it.
//
// The API answers only for a registration of its own version or a later one: to ours, an SDK that was
// registered through an older API looks like none. So the place where all versions keep it is read.
import type { ContextManager, TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator } from '@opentelemetry/core';
import type { TraceProvider } from '../provider.ts';
import { carriedHeaders } from './carried-headers.ts';
import { CLOSE_TIMEOUT, settlesWithin } from './deadline.ts';

type Registration = Readonly<Record<'trace' | 'context' | 'propagation' | 'diag', unknown>>;

/**
 * The provider that is registered in this process, such as by OpenTelemetry's own SDK through
 * `NODE_OPTIONS`; `undefined` when there is none. Its spans go where its owner sends them: closing
 * flushes it and does not shut it down.
 */
export function registeredProvider(): TraceProvider | undefined {
  const { trace, context, propagation } = registered();
  if (!isTracerProvider(trace)) return undefined;
  const theirs = isPropagator(propagation) ? [propagation] : [];
  return {
    target: 'the SDK that was started before',
    tracerProvider: trace,
    contextManager: isContextManager(context) ? context : new AsyncLocalStorageContextManager(),
    propagator: new CompositePropagator({ propagators: [...theirs, carriedHeaders] }),
    start() {},
    async close() {
      await settlesWithin(CLOSE_TIMEOUT, flush(trace));
    },
  };
}

/** What is registered for the API's own diagnostics; `undefined` when nothing is. */
export function registeredDiagnostics(): unknown {
  return registered().diag;
}

async function flush(provider: TracerProvider): Promise<void> {
  // What is registered stands before what was given to it.
  const delegate = has(provider, 'getDelegate') ? provider.getDelegate() : provider;
  if (has(delegate, 'forceFlush')) await delegate.forceFlush();
}

const NOTHING: Registration = {
  trace: undefined,
  context: undefined,
  propagation: undefined,
  diag: undefined,
};

function registered(): Registration {
  const found: unknown = Reflect.get(globalThis, Symbol.for('opentelemetry.js.api.1'));
  return typeof found === 'object' && found !== null ? { ...NOTHING, ...found } : NOTHING;
}

function has<Name extends string>(
  value: unknown,
  ...names: readonly Name[]
): value is Record<Name, () => unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === 'function')
  );
}

function isTracerProvider(value: unknown): value is TracerProvider {
  return has(value, 'getTracer');
}

function isContextManager(value: unknown): value is ContextManager {
  return has(value, 'active', 'with', 'bind', 'enable', 'disable');
}

function isPropagator(value: unknown): value is TextMapPropagator {
  return has(value, 'inject', 'extract', 'fields');
}

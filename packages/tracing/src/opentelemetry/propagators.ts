// OTEL_PROPAGATORS → the one propagator that reads and writes the headers of a trace.
import type { Environment } from '@ofn/core';
import type { TextMapPropagator } from '@opentelemetry/api';
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core';
import { carriedHeaders } from './carried-headers.ts';
import { parseNames } from './names.ts';

/**
 * The propagators that `OTEL_PROPAGATORS` lists, in its order, and SkyWalking's headers of the caller.
 * `none` passes nothing on. A name that is not known is warned of; without any other the default holds:
 * `tracecontext,baggage`.
 */
export function parsePropagators(
  env: Environment,
  warn: (message: string) => void,
): TextMapPropagator {
  const names = parseNames(env, 'OTEL_PROPAGATORS', ['tracecontext', 'baggage', 'none'], warn);
  if (names.includes('none')) return new CompositePropagator();
  const chosen = names.length === 0 ? ['tracecontext', 'baggage'] : names;
  const propagators = chosen.map((name) =>
    name === 'baggage' ? new W3CBaggagePropagator() : new W3CTraceContextPropagator(),
  );
  return new CompositePropagator({ propagators: [...propagators, carriedHeaders] });
}

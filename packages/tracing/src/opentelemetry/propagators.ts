// OTEL_PROPAGATORS → the one propagator that reads and writes the headers of a trace.
import type { Environment } from '@ofn/core';
import type { TextMapPropagator } from '@opentelemetry/api';
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core';
import type { Warn } from '../setting.ts';
import { carriedHeaders } from './carried-headers.ts';
import { parseNames, type KnownNames } from './names.ts';

const NAMES: KnownNames<'tracecontext' | 'baggage' | 'none'> = {
  known: ['tracecontext', 'baggage', 'none'],
  fallback: ['tracecontext', 'baggage'],
};

/**
 * The propagators that `OTEL_PROPAGATORS` lists, in its order, and SkyWalking's headers of the caller.
 * `none` passes nothing on. A name that is not known is warned of; without any other the default holds:
 * `tracecontext,baggage`.
 */
export function parsePropagators(env: Environment, warn: Warn): TextMapPropagator {
  const names = parseNames(env, 'OTEL_PROPAGATORS', NAMES, warn);
  if (names.includes('none')) return new CompositePropagator();
  const propagators = names.map((name) =>
    name === 'baggage' ? new W3CBaggagePropagator() : new W3CTraceContextPropagator(),
  );
  return new CompositePropagator({ propagators: [...propagators, carriedHeaders] });
}

// What tests ask of the configuration: a request in few words → the configuration and its warnings.
import type { FunctionContext, TracingRequest } from '@ofn/core';
import {
  parseConfiguration,
  type Environment,
  type TracingConfiguration,
} from './configuration.ts';

export type ContextTracing = NonNullable<FunctionContext['tracing']>;
export type ContextProvider = NonNullable<ContextTracing['provider']>;

export interface Given {
  readonly provider?: 'skywalking' | 'opentelemetry';
  readonly env?: Environment;
  readonly name?: string;
  readonly target?: string;
  readonly tracing?: ContextTracing;
}

export interface Parsed {
  readonly configuration: TracingConfiguration | undefined;
  readonly warnings: readonly string[];
}

const log: TracingRequest['log'] = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
  child: () => log,
};

function toContext({ name, tracing }: Given): FunctionContext | undefined {
  if (name === undefined && tracing === undefined) return undefined;
  return {
    name,
    version: undefined,
    runtime: 'knative',
    engine: 'knative',
    port: undefined,
    inputs: {},
    outputs: {},
    states: {},
    preHooks: undefined,
    postHooks: undefined,
    tracing,
  };
}

/** Parses, and keeps the warnings. */
export function parse(given: Given): Parsed {
  const warnings: string[] = [];
  const { provider, env = {}, target } = given;
  const context = toContext(given);
  const configuration = parseConfiguration(
    { provider, env, context, source: '.', target, log },
    (message) => warnings.push(message),
  );
  return { configuration, warnings };
}

/** The configuration, of which no warning was to be given. */
export function accepted(given: Given): TracingConfiguration {
  const { configuration, warnings } = parse(given);
  if (warnings.length > 0) throw new Error(`there are warnings: ${warnings.join('; ')}`);
  if (configuration === undefined) throw new Error('tracing is off');
  return configuration;
}

/** A request for SkyWalking. */
export const skywalking = (env: Environment, tracing?: ContextTracing): Given => ({
  provider: 'skywalking',
  env,
  ...(tracing === undefined ? {} : { tracing }),
});

/** A request for OpenTelemetry, with the exporter of a context. */
export const opentelemetry = (env: Environment, exporter?: Record<string, unknown>): Given => ({
  provider: 'opentelemetry',
  env,
  ...(exporter === undefined ? {} : { tracing: { provider: { exporter } } }),
});

// Tracing of a function: its own words, filled from the global configuration, in Go's shapes.
import type { TracingSpec } from '../function/serving-schema.ts';
import { globalTracing } from './config.ts';
import { goMap, goText, type GoValue } from './go-json.ts';
import type { Serving } from './serving.ts';

type Provider = NonNullable<TracingSpec['provider']>;
type Exporter = NonNullable<Provider['exporter']>;

/** What holds of tracing; `undefined` for none. */
export function mergedTracing({ globalConfig, spec }: Serving): TracingSpec | undefined {
  const own = spec.tracing;
  if (own !== undefined && !own.enabled) return undefined;
  const common = globalTracing(globalConfig);
  if (own === undefined || common === undefined) return own ?? common;
  const provider = mergeProviders(own.provider, common.provider);
  return {
    enabled: own.enabled,
    ...(provider === undefined ? {} : { provider }),
    tags: { ...common.tags, ...own.tags },
    baggage: { ...common.baggage, ...own.baggage },
  };
}

function mergeProviders(own: Provider | undefined, common: Provider | undefined) {
  if (own === undefined || common === undefined) return own ?? common;
  const exporter = mergeExporters(own.exporter, common.exporter);
  const oapServer = own.oapServer || common.oapServer;
  return {
    name: own.name || common.name,
    ...(oapServer === undefined ? {} : { oapServer }),
    ...(exporter === undefined ? {} : { exporter }),
  };
}

function mergeExporters(own: Exporter | undefined, common: Exporter | undefined) {
  if (own === undefined || common === undefined) return own ?? common;
  const said = Object.entries(own).filter(([, value]) => value !== '');
  return { ...common, ...Object.fromEntries(said) };
}

/** Tracing as FUNC_CONTEXT_V1BETA2 has it. */
export function toGoTracing({ baggage, enabled, provider, tags }: TracingSpec): GoValue {
  return {
    enabled,
    provider: provider === undefined ? null : toGoProvider(provider),
    tags: goMap(tags),
    baggage: goMap(baggage),
  };
}

/** Tracing as FUNC_CONTEXT has it, which writes baggage that is not there. */
export function toGoPluginsTracing({ baggage, enabled, provider, tags }: TracingSpec): GoValue {
  return {
    enabled,
    provider: provider === undefined ? null : toGoProvider(provider),
    tags: goMap(tags),
    baggage: baggage === undefined ? null : new Map<string, GoValue>(Object.entries(baggage)),
  };
}

function toGoProvider({ exporter, name, oapServer }: Provider): GoValue {
  return {
    name,
    oapServer: goText(oapServer),
    exporter: exporter === undefined ? undefined : toGoExporter(exporter),
  };
}

function toGoExporter(exporter: Exporter): GoValue {
  const { compression, endpoint, headers, name, protocol, timeout } = exporter;
  return {
    name,
    endpoint,
    headers: goText(headers),
    compression: goText(compression),
    timeout: goText(timeout),
    protocol: goText(protocol),
  };
}

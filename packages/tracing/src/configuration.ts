// Environment and function context become one frozen configuration, with a warning for each value
// that cannot be used. Precedence: option, SW_* or OTEL_*, FUNC_CONTEXT_V1BETA2, FUNC_CONTEXT.
import { hostname } from 'node:os';
import type { TracingProvider, TracingRequest } from '@ofn/core';
import { parseExporterSettings, type ContextExporter } from './opentelemetry/exporter-settings.ts';
import { parseResourceAttributes } from './opentelemetry/resource-attributes.ts';
import { BOOLEAN, TEXT, firstOf, isSet, quote, variable, type Warn } from './setting.ts';
import { parseSkyWalkingSettings } from './skywalking/settings.ts';
import type { VariableName } from './variables.ts';

export type { Environment } from '@ofn/core';

/** What the agent's variables say; sizes in segments, times in milliseconds. */
export interface SkyWalkingSettings {
  /** Collectors as `host:port`; the first that can be reached is used. */
  readonly addresses: readonly string[];
  readonly secure: boolean;
  /** Sent as the header `Authentication`; `undefined` for none. */
  readonly authentication: string | undefined;
  /** Segments begun in a second, and kept for a collector that cannot be reached. */
  readonly maxBufferSize: number;
  /** Deadline of one report. */
  readonly traceTimeout: number;
  /** Whether new traces begin while no collector is connected. */
  readonly keepTracing: boolean;
  readonly disabledPlugins: readonly string[];
  /** SW_TRACE_IGNORE_PATH, as the agent takes it. */
  readonly traceIgnorePath: string;
  /** SW_IGNORE_SUFFIX, as the agent takes it. */
  readonly ignoreSuffix: string;
  /** SW_HTTP_IGNORE_METHOD, as the agent takes it. */
  readonly httpIgnoreMethod: string;
  readonly coldEndpoint: boolean;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** The exporter of provider `opentelemetry`: fields of the context, where no OTEL_* variable says it. */
export interface ExporterSettings {
  readonly protocol: 'grpc' | 'http/protobuf' | 'http/json';
  /**
   * The whole URL for http; scheme, host and port for grpc, where `http` is without TLS; `undefined`
   * for the default of the protocol.
   */
  readonly endpoint: string | undefined;
  /** By name, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  /** Milliseconds. */
  readonly timeout: number;
}

/** What tracing runs on. */
export interface TracingConfiguration {
  readonly provider: 'skywalking' | 'opentelemetry';
  /** What the spans have for the service; `undefined`: the name of the only function, once it is known. */
  readonly service: string | undefined;
  readonly instance: string;
  readonly pod: string | undefined;
  readonly namespace: string | undefined;
  /** Of the function context; on each entry span. */
  readonly tags: Readonly<Record<string, string>>;
  /** Of the function context; reaches the next functions. */
  readonly baggage: Readonly<Record<string, string>>;
  readonly skywalking: SkyWalkingSettings;
  readonly exporter: ExporterSettings;
}

/**
 * Decides whether there is tracing, and on what it runs.
 *
 * @param warn Takes one sentence for each value that cannot be used; its default holds. No sentence
 * has a token, a header or an endpoint in it.
 * @returns `undefined` when nothing asks for tracing, or it is turned off.
 * @example
 * const configuration = parseConfiguration(request, (message) => request.log.warn(message));
 */
export function parseConfiguration(
  request: TracingRequest,
  warn: Warn,
): TracingConfiguration | undefined {
  const provider = chooseProvider(request, warn);
  if (provider === undefined) return undefined;
  const { env, context } = request;
  const { tags = {}, baggage = {}, provider: ofContext } = context?.tracing ?? {};
  // What the other provider would have run on is nobody's concern.
  const warnOf = (concerned: TracingProvider): Warn => (concerned === provider ? warn : () => {});
  const text = (name: VariableName): string | undefined =>
    firstOf([variable(env, name, TEXT)], undefined, warn);
  return Object.freeze({
    provider,
    service:
      (provider === 'skywalking' ? text('SW_AGENT_NAME') : serviceOfVariables(env, text)) ??
      said(context?.name) ??
      said(tags['func']) ??
      text('K_SERVICE') ??
      said(request.target),
    instance: text('SW_AGENT_INSTANCE') ?? said(tags['instance']) ?? hostname(),
    pod: text('POD_NAME') ?? (isSet(env, 'KUBERNETES_SERVICE_HOST') ? hostname() : undefined),
    namespace: text('SW_AGENT_NAMESPACE') ?? text('POD_NAMESPACE'),
    tags: Object.freeze({ ...tags }),
    baggage: Object.freeze({ ...baggage }),
    skywalking: parseSkyWalkingSettings(env, ofContext?.oapServer, warnOf('skywalking')),
    exporter: parseExporterSettings(env, ofContext?.exporter, warnOf('opentelemetry')),
  });
}

function serviceOfVariables(
  env: TracingRequest['env'],
  text: (name: VariableName) => string | undefined,
): string | undefined {
  // What is wrong with the attributes is said where they are used.
  const attributes = parseResourceAttributes(env, () => {});
  return text('OTEL_SERVICE_NAME') ?? said(attributes.get('service.name'));
}

// The controller writes an empty string for what nobody has said.
function said(text: string | undefined): string | undefined {
  return text?.trim() || undefined;
}

const PROVIDERS = ['skywalking', 'opentelemetry'] as const satisfies readonly TracingProvider[];
const SWITCHES = { skywalking: 'SW_DISABLE', opentelemetry: 'OTEL_SDK_DISABLED' } as const;

function chooseProvider(
  { provider, env, context }: TracingRequest,
  warn: Warn,
): TracingProvider | undefined {
  const isOff = (candidate: TracingProvider): boolean =>
    firstOf([variable(env, SWITCHES[candidate], BOOLEAN)], false, warn);
  if (provider !== undefined) {
    if (!isOff(provider)) return provider;
    warn(
      `There is no tracing with ${provider}, though it was asked for: ${SWITCHES[provider]} is true`,
    );
    return undefined;
  }
  if (isSet(env, 'SW_AGENT_COLLECTOR_BACKEND_SERVICES') && !isOff('skywalking'))
    return 'skywalking';
  if (context?.tracing?.enabled === true) {
    const named = providerOf(context.tracing.provider, warn);
    if (named === undefined || !isOff(named)) return named;
  }
  const hasEndpoint =
    isSet(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') || isSet(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  return hasEndpoint && !isOff('opentelemetry') ? 'opentelemetry' : undefined;
}

interface ContextProvider {
  readonly name?: string | undefined;
  readonly oapServer?: string | undefined;
  readonly exporter?: ContextExporter;
}

function providerOf(
  { name, oapServer, exporter }: ContextProvider = {},
  warn: Warn,
): TracingProvider | undefined {
  const given = said(name);
  if (given === undefined) {
    return said(oapServer) === undefined && exporter !== undefined ? 'opentelemetry' : 'skywalking';
  }
  const known = PROVIDERS.find((provider) => provider === given.toLowerCase());
  if (known === undefined) {
    const names = PROVIDERS.join(', ');
    warn(
      `Function context, tracing.provider.name: ${quote(given)} is not known, there is no tracing; known are ${names}`,
    );
  }
  return known;
}

// The exporter's settings → an exporter of OTLP by the protocol they name. Each protocol is loaded
// only when it is used.
import type { Environment } from '@ofn/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { ExporterSettings } from '../configuration.ts';
import type { Warn } from '../setting.ts';
import type { VariableName } from '../variables.ts';
import { createConnections } from './connections.ts';
import { whyUnreachable } from './reachability.ts';

/** An exporter, and what there is to know about it. */
export interface OtlpExporter {
  readonly exporter: SpanExporter;
  /**
   * Where it sends to, as a log may show it: scheme, host and port. User, password, path or query may
   * be a secret.
   */
  readonly target: string;
  /** Why nobody listens there, within a second; `undefined` when somebody does, or cannot be asked. */
  readonly whyUnreachable: () => Promise<Error | undefined>;
  /** Lets go of connections, and of requests that are still under way. */
  readonly release: () => void;
}

const DEFAULT_ENDPOINTS = {
  grpc: 'http://localhost:4317',
  'http/protobuf': 'http://localhost:4318/v1/traces',
  'http/json': 'http://localhost:4318/v1/traces',
} as const;

/** Creates the exporter of OTLP. It connects with its first export. */
export async function createOtlpExporter(
  settings: ExporterSettings,
  env: Environment,
  warn: Warn,
): Promise<OtlpExporter> {
  const { protocol, endpoint = DEFAULT_ENDPOINTS[protocol], headers, timeout } = settings;
  const options = {
    headers,
    timeoutMillis: timeout,
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the exporters keep the enum of these texts to themselves
    compression: settings.compression as NonNullable<HttpOptions['compression']>,
  };
  const url = new URL(endpoint);
  const target = url.origin;
  if (protocol === 'grpc') {
    const { createGrpcExporter } = await import('./grpc-exporter.ts');
    const exporter = withoutVariables(() => createGrpcExporter(url, options));
    // Only the proxy knows then.
    const isProxied = PROXY_VARIABLES.some((name) => (process.env[name] ?? '') !== '');
    return {
      exporter,
      target,
      whyUnreachable: async () => (isProxied ? undefined : whyUnreachable(url)),
      release() {},
    };
  }
  const connections = createConnections(env, warn);
  const { OTLPTraceExporter } = await loadHttpExporter(protocol);
  const exporter = withoutVariables(
    () =>
      new OTLPTraceExporter({
        ...options,
        headers: { ...headers },
        url: url.href,
        httpAgentOptions: connections.agentFor,
      }),
  );
  return {
    exporter,
    target,
    whyUnreachable: () => whyUnreachable(url),
    release: connections.destroy,
  };
}

// Those of the gRPC client, by rising generality. The agents of the others use no proxy.
const PROXY_VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy'];

const READ_BY_EXPORTERS = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
] as const satisfies readonly VariableName[];

// The exporters read these as well when they are made: they fail for headers that were left out with a
// warning, and show an endpoint as it is when it is no URL.
function withoutVariables<T>(create: () => T): T {
  const hidden = READ_BY_EXPORTERS.map((name) => [name, process.env[name]] as const);
  for (const name of READ_BY_EXPORTERS) Reflect.deleteProperty(process.env, name);
  try {
    return create();
  } finally {
    for (const [name, value] of hidden) if (value !== undefined) process.env[name] = value;
  }
}

type HttpExporterModule = typeof import('@opentelemetry/exporter-trace-otlp-proto');
type HttpOptions = NonNullable<ConstructorParameters<HttpExporterModule['OTLPTraceExporter']>[0]>;

function loadHttpExporter(
  protocol: 'http/protobuf' | 'http/json',
): Promise<Pick<HttpExporterModule, 'OTLPTraceExporter'>> {
  return protocol === 'http/json'
    ? import('@opentelemetry/exporter-trace-otlp-http')
    : import('@opentelemetry/exporter-trace-otlp-proto');
}

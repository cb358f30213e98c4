// The exporter's settings → an exporter of OTLP by the protocol they name. Each protocol is loaded
// only when it is used.
import type { Environment } from '@ofn/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { ExporterSettings } from '../configuration.ts';
import { createAgents } from './agents.ts';

/** An exporter, and what there is to know about it. */
export interface OtlpExporter {
  readonly exporter: SpanExporter;
  /** Where it sends to, as a log may show it. */
  readonly target: string;
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
  warn: (message: string) => void,
): Promise<OtlpExporter> {
  const { protocol, endpoint = DEFAULT_ENDPOINTS[protocol], headers, timeout } = settings;
  const options = {
    headers,
    timeoutMillis: timeout,
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the exporters keep the enum of these texts to themselves
    compression: settings.compression as NonNullable<HttpOptions['compression']>,
  };
  const url = new URL(endpoint);
  if (protocol === 'grpc') {
    const { createGrpcExporter } = await import('./grpc-exporter.ts');
    const exporter = withoutHeaderVariables(() => createGrpcExporter(url, options));
    return { exporter, target: url.origin, release() {} };
  }
  const agents = createAgents(env, warn);
  const { OTLPTraceExporter } = await loadHttpExporter(protocol);
  const exporter = withoutHeaderVariables(
    () =>
      new OTLPTraceExporter({
        ...options,
        headers: { ...headers },
        url: url.href,
        httpAgentOptions: agents.forProtocol,
      }),
  );
  // Without user and password, and without a query, which may hold a key.
  return { exporter, target: url.origin + url.pathname, release: agents.destroy };
}

const HEADER_VARIABLES = ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'];

// The exporters read these as well when they are made, and fail for what was left out with a warning.
function withoutHeaderVariables<T>(create: () => T): T {
  const hidden = HEADER_VARIABLES.map((name) => [name, process.env[name]] as const);
  for (const name of HEADER_VARIABLES) Reflect.deleteProperty(process.env, name);
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

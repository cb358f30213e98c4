// The exporter of OTLP over gRPC, apart from the others: it alone needs a gRPC client.
import { Metadata } from '@grpc/grpc-js';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';

type GrpcOptions = NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>;

/** What goes with each export. */
export interface GrpcExportOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMillis: number;
  readonly compression: NonNullable<GrpcOptions['compression']>;
}

/** Creates the exporter; `https` is over TLS, with the certificates that the OTEL_* variables name. */
export function createGrpcExporter(
  url: URL,
  { headers, timeoutMillis, compression }: GrpcExportOptions,
): SpanExporter {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new OTLPTraceExporter({
    url: withPort(url),
    metadata,
    compression,
    timeoutMillis,
  });
}

// gRPC takes 443 for the port of every scheme.
function withPort({ protocol, hostname, port }: URL): string {
  return `${protocol}//${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}

// Configuration and OTEL_* variables → OpenTelemetry's SDK as the provider of traces: spans in batches
// to a collector by OTLP.
import type { Environment, Logger } from '@ofn/core';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ConsoleSpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { TracingConfiguration } from '../configuration.ts';
import type { Service, TraceProvider } from '../provider.ts';
import { CLOSE_TIMEOUT, settlesWithin } from './deadline.ts';
import { routeDiagnostics } from './diagnostics.ts';
import { createOtlpExporter } from './exporter.ts';
import { parseLimits } from './limits.ts';
import { parseNames, type KnownNames } from './names.ts';
import { parsePropagators } from './propagators.ts';
import { registeredProvider } from './registration.ts';
import { createReportedExporter, type ReportedExporter } from './reported-exporter.ts';
import { createResource } from './resource.ts';
import { parseSampler } from './sampler.ts';

/** Milliseconds that closing takes at most while the collector is gone. */
const LAST_TRY_TIMEOUT = 1000;

/** What the provider takes of the configuration. */
export type OpenTelemetryConfiguration = Pick<
  TracingConfiguration,
  'service' | 'instance' | 'pod' | 'namespace' | 'exporter'
>;

/**
 * Creates the provider. It registers nothing: that is for its caller, and not to be done where
 * `registeredProvider()` is one, which is then the provider that this returns.
 *
 * A variable that cannot be used is a warning that names it, and its default holds.
 *
 * @example
 * const provider = await createOpenTelemetry(configuration, process.env, log);
 * trace.setGlobalTracerProvider(provider.tracerProvider);
 * provider.start({ name: 'orders', instance: hostname() });
 */
export async function createOpenTelemetry(
  configuration: OpenTelemetryConfiguration,
  env: Environment,
  log: Logger,
): Promise<TraceProvider> {
  const warn = (message: string): void => log.warn(message);
  const registered = registeredProvider();
  if (registered !== undefined) return registered;

  let name: (service: Service) => void = () => {};
  const service = new Promise<Service>((resolve) => (name = resolve));
  const { span: spanLimits, batch } = parseLimits(env, warn);
  const exporters = await createExporters(configuration, env, log);
  const provider = new BasicTracerProvider({
    sampler: parseSampler(env, warn),
    spanLimits,
    resource: createResource({ configuration, env, service, warn }),
    spanProcessors: exporters.map(({ exporter }) => new BatchSpanProcessor(exporter, batch)),
  });
  // After the SDK is made: what it has to say of the variables has been said above.
  const unrouteDiagnostics = routeDiagnostics(env, log, warn);

  const targets = exporters.map(({ target }) => target);
  return {
    target: targets.join(' and ') || 'nobody (OTEL_TRACES_EXPORTER=none)',
    tracerProvider: provider,
    contextManager: new AsyncLocalStorageContextManager(),
    propagator: parsePropagators(env, warn),
    start: name,
    async close() {
      // A start that failed has told no service, and the spans of the functions' loading wait for it.
      name({
        name: configuration.service ?? 'unknown_service',
        instance: configuration.instance,
      });
      for (const { beginStop } of exporters) beginStop();
      // Nobody is kept waiting for a collector that is known to be gone.
      const isGone = exporters.some(({ isFailing }) => isFailing());
      await settlesWithin(isGone ? LAST_TRY_TIMEOUT : CLOSE_TIMEOUT, provider.shutdown());
      for (const { release } of exporters) release();
      unrouteDiagnostics();
    },
  };
}

const EXPORTERS: KnownNames<'otlp' | 'console' | 'none'> = {
  known: ['otlp', 'console', 'none'],
  fallback: ['otlp'],
};

/** The exporters that `OTEL_TRACES_EXPORTER` lists; by default the one of OTLP. */
async function createExporters(
  { exporter: settings }: OpenTelemetryConfiguration,
  env: Environment,
  log: Logger,
): Promise<readonly ReportedExporter[]> {
  const warn = (message: string): void => log.warn(message);
  const names = parseNames(env, 'OTEL_TRACES_EXPORTER', EXPORTERS, warn);
  if (names.includes('none')) return [];
  const exporters: ReportedExporter[] = [];
  if (names.includes('console')) {
    exporters.push({
      target: 'the console',
      exporter: new ConsoleSpanExporter(),
      isFailing: () => false,
      beginStop() {},
      release() {},
    });
  }
  if (names.includes('otlp')) {
    exporters.push(createReportedExporter(await createOtlpExporter(settings, env, warn), log));
  }
  return exporters;
}

// Provider `skywalking`: spans of OpenTelemetry's API become those of SkyWalking's agent, in one trace
// with what the agent's own hooks see.
import type { Tracer } from '@opentelemetry/api';
import type { Logger } from '@ofn/core';
import type { TracingConfiguration } from '../configuration.ts';
import type { Service, TraceProvider } from '../provider.ts';
import { correctAgent } from './agent-corrections.ts';
import { loadAgent, type Agent } from './agent.ts';
import { SkyWalkingContextManager, type CurrentContext } from './context-manager.ts';
import { hookLibraries } from './libraries.ts';
import { createOpenSpans } from './open-spans.ts';
import { createPropagator } from './propagator.ts';
import { createReporter } from './reporter/reporter.ts';
import { createSilentSpan } from './silent-span.ts';
import { SkyWalkingSpan, traceIdOf } from './span.ts';
import { createTracer } from './tracer.ts';
import { UnsampledSpan } from './unsampled-span.ts';

const SWEEP = 1000;

/**
 * Makes the provider. Nothing is sent, and no connection made, before it is started.
 *
 * @param source Folder or file of the functions, from where libraries are looked up.
 * @param currentContext Of the call that the running code belongs to.
 */
export function createSkyWalking(
  configuration: TracingConfiguration,
  source: string,
  log: Logger,
  currentContext?: CurrentContext,
): TraceProvider {
  const settings = configuration.skywalking;
  const agent = loadAgent(log, settings.logLevel);
  configure(agent, configuration);
  let service: Service = { name: configuration.service ?? '', instance: configuration.instance };
  const propagator = createPropagator(() => service);
  const contextManager = new SkyWalkingContextManager(
    agent,
    createSilentSpan(agent),
    currentContext,
  );
  const reporter = createReporter(agent, settings, log);
  const openSpans = createOpenSpans(agent, settings.traceTimeout);
  const unrecorded = new UnsampledSpan(undefined);
  // The agent begins so many segments a second; what is more would wait in memory for a collector.
  const mayBegin = (): boolean =>
    agent.SpanContext.nActiveSegments < settings.maxBufferSize &&
    (settings.keepTracing || reporter.connected);
  const tracerSettings = { agent, openSpans, contextManager, mayBegin };
  correctAgent(agent, contextManager, propagator);
  hookLibraries(agent, source, settings.disabledPlugins);
  let sweeping: NodeJS.Timeout | undefined;

  return {
    contextManager,
    propagator,
    tracerProvider: {
      getTracer: (scope): Tracer => createTracer(scope, tracerSettings),
    },
    target: `SkyWalking at ${settings.addresses.join(', ')}`,
    runCall: (context, call, invocation) => contextManager.runCall(context, call, invocation),
    unrecorded: () => (mayBegin() ? undefined : unrecorded),
    traceIdOf(span) {
      if (span instanceof SkyWalkingSpan) return traceIdOf(span.agentSpan);
      const sw8 = span instanceof UnsampledSpan ? span.remote?.sw8 : undefined;
      return sw8?.traceId ?? span.spanContext().traceId;
    },
    start(known) {
      service = known;
      const { namespace, pod } = configuration;
      reporter.start(known, {
        ...(pod === undefined ? {} : { pod }),
        ...(namespace === undefined ? {} : { namespace }),
      });
      sweeping = setInterval(openSpans.sweep, SWEEP).unref();
    },
    close() {
      clearInterval(sweeping);
      openSpans.endAll();
      return reporter.close();
    },
  };
}

function configure({ config, finalizeConfig }: Agent, { skywalking }: TracingConfiguration): void {
  const { coldEndpoint, httpIgnoreMethod, ignoreSuffix, maxBufferSize, traceIgnorePath } =
    skywalking;
  Object.assign(config, {
    coldEndpoint,
    httpIgnoreMethod,
    ignoreSuffix,
    maxBufferSize,
    traceIgnorePath,
  });
  finalizeConfig(config);
}

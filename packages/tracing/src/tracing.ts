// What core wants traced becomes the tracer that it asks, before any user code is loaded.
import { context, propagation, trace } from '@opentelemetry/api';
import type { FunctionDefinition, Tracing, TracingRequest } from '@ofn/core';
import { contextOfCall, createCallTracer } from './call-tracer.ts';
import { parseConfiguration, type TracingConfiguration } from './configuration.ts';
import { traceOutgoingRequests } from './outgoing/requests.ts';
import { registeredProvider } from './opentelemetry/registration.ts';
import type { TraceProvider } from './provider.ts';

/**
 * Turns tracing on: as the environment and the function context say, or as `--tracing` does.
 *
 * Its provider becomes that of OpenTelemetry's API for the whole process, so that spans of user code
 * and of its libraries belong to the trace of the call that they are made in.
 *
 * @returns `undefined` when it turns out to be off; a warning has said why.
 * @example
 * const tracing = await createTracing({ provider: 'skywalking', env: process.env, context, source, target, log });
 */
export async function createTracing(request: TracingRequest): Promise<Tracing | undefined> {
  const { log } = request;
  const configuration = parseConfiguration(request, (message) => log.warn(message));
  if (configuration === undefined) return undefined;
  if (inUse !== undefined) {
    log.warn(`tracing is on in this process already, by ${inUse}; calls are traced by that alone`);
    return undefined;
  }
  const isTaken = registeredProvider() !== undefined;
  const provider = await createProvider(configuration, request);
  if (isTaken && configuration.provider === 'skywalking') log.warn(TAKEN);
  const release = isTaken ? () => {} : register(provider, configuration);
  const tracer = createCallTracer(provider, configuration);
  inUse = provider.target;
  // Runtimes of one test may share it.
  let users = 0;
  let announcing: NodeJS.Timeout | undefined;
  return {
    name: 'tracing',
    begin: (invocation) => tracer.begin(invocation),
    setup({ functions }) {
      users += 1;
      if (users > 1) return;
      const name = configuration.service ?? toServiceName(functions);
      provider.start({ name, instance: configuration.instance });
      // After the answer to the call that a cold start was for: the first line loads the logger.
      const line = `tracing calls as the service ${name}, by ${provider.target}`;
      announcing = setTimeout(() => log.info(line), AFTER_START).unref();
    },
    async close() {
      users -= 1;
      if (users > 0) return;
      clearTimeout(announcing);
      await provider.close();
      release();
      inUse = undefined;
    },
  };
}

// Who gets the spans of this process: what is hooked, and OpenTelemetry's API, are of the process too.
let inUse: string | undefined;

// Milliseconds.
const AFTER_START = 100;

async function createProvider(
  configuration: TracingConfiguration,
  { current, env, log, source }: TracingRequest,
): Promise<TraceProvider> {
  if (configuration.provider === 'skywalking') {
    const { createSkyWalking } = await import('./skywalking/provider.ts');
    const currentContext = current && (() => contextOfCall(current()?.trace));
    return createSkyWalking(configuration, source, log, currentContext);
  }
  const { createOpenTelemetry } = await import('./opentelemetry/provider.ts');
  return createOpenTelemetry(configuration, env, log);
}

const TAKEN =
  'an SDK of OpenTelemetry was started before: spans of user code, and requests that it makes, are ' +
  'traced by that one and not by SkyWalking';

// Whoever has registered before us keeps what is registered, and traces what goes out as well.
function register(
  traceProvider: TraceProvider,
  { provider, skywalking }: TracingConfiguration,
): () => void {
  const { contextManager, propagator, tracerProvider } = traceProvider;
  trace.setGlobalTracerProvider(tracerProvider);
  context.setGlobalContextManager(contextManager.enable());
  propagation.setGlobalPropagator(propagator);
  const disabled = provider === 'skywalking' ? skywalking.disabledPlugins : [];
  const isDisabled = (plugin: string): boolean =>
    disabled.some((name) => name.toLowerCase() === plugin);
  const unhook = traceOutgoingRequests(traceProvider, {
    withoutHttp: isDisabled('http'),
    withoutFetch: isDisabled('fetch'),
  });
  return () => {
    unhook();
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

// A process of many functions is one service too.
function toServiceName(functions: readonly FunctionDefinition[]): string {
  return functions[0]?.name ?? 'function';
}

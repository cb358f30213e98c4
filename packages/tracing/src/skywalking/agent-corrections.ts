// What the agent does wrong with the headers of a trace, for the hooks of libraries that rely on it.
import { defaultTextMapSetter, trace, type TextMapPropagator } from '@opentelemetry/api';
import type { Agent, AgentSpan } from './agent.ts';
import type { SkyWalkingContextManager } from './context-manager.ts';
import { SkyWalkingSpan } from './span.ts';

// Of the process, as the agent is: corrected once, and by the headers of whoever traces now.
let current:
  { contextManager: SkyWalkingContextManager; propagator: TextMapPropagator } | undefined;

/** Corrects it for the whole process, user code that uses the agent's API included. */
export function correctAgent(
  { ExitSpan, SpanContext }: Agent,
  contextManager: SkyWalkingContextManager,
  propagator: TextMapPropagator,
): void {
  const isCorrected = current !== undefined;
  current = { contextManager, propagator };
  if (isCorrected) return;

  // It takes the exit's own name for the endpoint, and sends neither correlation nor W3C's headers.
  // oxlint-disable-next-line typescript/unbound-method -- called with the span below
  const { inject } = ExitSpan.prototype;
  ExitSpan.prototype.inject = function (this: AgentSpan) {
    const carrier = inject.call(this);
    if (current === undefined) return carrier;
    const { contextManager, propagator } = current;
    const headers: Record<string, string> = {};
    const active = contextManager.active();
    const around = trace.getSpan(active);
    const remote = around instanceof SkyWalkingSpan ? around.remote : undefined;
    const span = new SkyWalkingSpan(this, [], remote);
    propagator.inject(trace.setSpan(active, span), headers, defaultTextMapSetter);
    const { sw8 = '', ...others } = headers;
    carrier.value = sw8;
    carrier.items.push(...Object.entries(others).map(([key, value]) => ({ key, value })));
    return carrier;
  };

  // It records nothing of a call whose sw8 is malformed; a new trace begins instead. The third argument,
  // by which it finds that out, is left out.
  // oxlint-disable-next-line typescript/unbound-method -- called with the context below
  const { ignoreCheck } = SpanContext.prototype;
  SpanContext.prototype.ignoreCheck = function (operation, type) {
    return ignoreCheck.call(this, operation, type);
  };
}

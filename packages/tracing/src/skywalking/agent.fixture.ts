// The agent with what this package puts on top of it, and the segments that it finishes, without a
// reporter.
import type { Logger } from '@ofn/core';
import { loadAgent, type Agent, type AgentSpan, type Segment } from './agent.ts';
import { SkyWalkingContextManager, type CurrentContext } from './context-manager.ts';
import { createOpenSpans, type OpenSpans } from './open-spans.ts';
import { createPropagator } from './propagator.ts';
import { createSilentSpan } from './silent-span.ts';
import { createTracer } from './tracer.ts';

/** A logger that writes nothing. */
export const silentLog: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
  child: () => silentLog,
};

export const SERVICE = { name: 'orders', instance: 'orders-1' };

/** What a test works with. */
export interface AgentFixture {
  readonly agent: Agent;
  readonly contextManager: SkyWalkingContextManager;
  readonly propagator: ReturnType<typeof createPropagator>;
  readonly openSpans: OpenSpans;
  readonly segments: Segment[];
  readonly tracer: (scope?: string) => ReturnType<typeof createTracer>;
  /** Whether traces may begin. */
  mayBegin: boolean;
  /** The clock of unfinished spans, in milliseconds. */
  now: number;
}

/** Loads the agent as the provider does. One for a test file: its parts are those of the process. */
export function createAgent(currentContext?: CurrentContext): AgentFixture {
  const agent = loadAgent(silentLog, 'error');
  agent.finalizeConfig(agent.config);
  const segments: Segment[] = [];
  agent.emitter.on('segment-finished', (segment) => segments.push(segment));
  const contextManager = new SkyWalkingContextManager(
    agent,
    createSilentSpan(agent),
    currentContext,
  );
  const propagator = createPropagator(() => SERVICE);
  const fixture: AgentFixture = {
    agent,
    contextManager,
    propagator,
    openSpans: createOpenSpans(agent, 1000, () => fixture.now),
    segments,
    tracer: (scope = 'test') =>
      createTracer(scope, {
        agent,
        contextManager,
        openSpans: fixture.openSpans,
        mayBegin: () =>
          fixture.mayBegin && agent.SpanContext.nActiveSegments < agent.config.maxBufferSize,
      }),
    mayBegin: true,
    now: 0,
  };
  return fixture;
}

/** What the tests look at of a span. */
export function toSummary(span: AgentSpan): Record<string, unknown> {
  const { component, errored, id, layer, operation, parentId, peer, tags } = span;
  return {
    id,
    parentId,
    operation,
    type: ['Entry', 'Exit', 'Local'][span.type],
    layer,
    component: component.id,
    ...(peer === '' ? {} : { peer }),
    ...(errored ? { errored } : {}),
    tags: Object.fromEntries(tags.map(({ key, val }) => [key, val])),
  };
}

// The agent's span for what is not recorded. One for all: it keeps nothing of what it is told.
import type { Agent, AgentSpan } from './agent.ts';

/** Makes the span below which hooks of the agent record nothing. */
export function createSilentSpan({ DummySpan }: Agent): AgentSpan {
  const span: AgentSpan = DummySpan.create();
  const same = (): AgentSpan => span;
  // What is made below it is the same span.
  Object.assign(span.context, {
    newEntrySpan: same,
    newExitSpan: same,
    newLocalSpan: same,
  });
  return Object.assign(span, {
    start() {},
    stop() {},
    async() {},
    resync() {},
    tag: same,
    log: same,
    error: same,
    refer: same,
    extract: same,
  });
}

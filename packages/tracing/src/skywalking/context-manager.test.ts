import { ROOT_CONTEXT, SpanKind, trace, type Context } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import type { Invocation } from '@ofn/core';
import { createAgent } from './agent.fixture.ts';

// The call that core knows to run.
let current: Context | undefined;
const { agent, contextManager: manager, tracer } = createAgent(() => current);

function contextOf(name: string): Context {
  const span = tracer('@ofn/core').startSpan(name, { kind: SpanKind.SERVER }, ROOT_CONTEXT);
  return trace.setSpan(ROOT_CONTEXT, span);
}

/** Runs a handler as core does: the call is known, and nothing is left of it when it returns. */
function runCall(context: Context, handler: () => void): void {
  const before = current;
  current = context;
  try {
    manager.runCall(context, handler, {} as Invocation);
  } finally {
    current = before;
  }
}

const activeOperation = (): string | undefined => agent.contextManager.currentSpan?.operation;

test('the span of a call is active in it, for both APIs, and in nothing else', () => {
  const context = contextOf('call');
  runCall(context, () => {
    expect(manager.active()).toBe(context);
    expect(activeOperation()).toBe('call');
  });
  expect(manager.active()).toBe(ROOT_CONTEXT);
  expect(activeOperation()).toBeUndefined();
});

test('what a hook enters in a call is not seen by the next, nor outside of any', () => {
  const [first, second] = [contextOf('first'), contextOf('second')];
  runCall(first, () => {
    agent.contextManager.current.newLocalSpan('hook').start();
    expect(activeOperation()).toBe('hook');
  });
  expect(activeOperation()).toBeUndefined();
  expect(manager.active()).toBe(ROOT_CONTEXT);
  runCall(second, () => {
    expect(activeOperation()).toBe('second');
    expect(manager.active()).toBe(second);
  });
});

test('a call that runs inside of a span of another is in its own', () => {
  const [first, second] = [contextOf('first'), contextOf('second')];
  runCall(first, () => {
    const inner = tracer().startSpan('inner', {}, first);
    manager.with(trace.setSpan(first, inner), () => {
      runCall(second, () => expect(activeOperation()).toBe('second'));
      expect(activeOperation()).toBe('inner');
    });
    expect(activeOperation()).toBe('first');
  });
});

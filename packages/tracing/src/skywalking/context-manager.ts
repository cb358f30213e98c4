// OpenTelemetry's context and the agent's, kept as one: the span that is active for one is the span that
// the other makes its next span below.
import { AsyncLocalStorage } from 'node:async_hooks';
import { ROOT_CONTEXT, trace, type Context, type Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { Invocation } from '@ofn/core';
import type { Agent, AgentSpan } from './agent.ts';
import { SkyWalkingSpan } from './span.ts';
import { UnsampledSpan } from './unsampled-span.ts';

/** What code runs in. The agent reads and replaces `spans`; what it has been given it does not change. */
interface Scope {
  readonly context: Context;
  /** The agent's spans around the code, the innermost last. */
  readonly spans: AgentSpan[];
  /** The context of the call that it was made in. In another call, or in none, it means nothing. */
  readonly call: Context | undefined;
}

const OUTSIDE: Scope = { context: ROOT_CONTEXT, spans: [], call: undefined };

/** The context of the call that the running code belongs to; `undefined` outside of any. */
export type CurrentContext = () => Context | undefined;

/**
 * The context manager. It takes the place of the agent's own storage: two of them would be copied with
 * each promise and timer of a call, and would have to be kept in step.
 */
export class SkyWalkingContextManager extends AsyncLocalStorageContextManager {
  readonly #storage = new AsyncLocalStorage<Scope>();
  readonly #silent: AgentSpan;
  readonly #unsampled: AgentSpan[];
  readonly #DummySpan: Agent['DummySpan'];
  // Spans that hooks of the agent have made, as OpenTelemetry's.
  readonly #spans = new WeakMap<AgentSpan, Span>();
  readonly #currentContext: CurrentContext | undefined;
  #isDetached = false;

  /**
   * @param silent The agent's span that records nothing, nor anything below it.
   * @param currentContext Of the call that core knows to run: most calls then need no storage at all.
   */
  constructor(
    { contextManager, DummySpan }: Agent,
    silent: AgentSpan,
    currentContext?: CurrentContext,
  ) {
    super();
    this.#currentContext = currentContext;
    this.#silent = silent;
    this.#unsampled = [silent];
    this.#DummySpan = DummySpan;
    const scope = (): Scope => this.#scope();
    Object.defineProperties(contextManager, {
      asyncState: { configurable: true, get: scope },
      currentSpan: { configurable: true, get: () => scope().spans.at(-1) },
      hasContext: { configurable: true, get: () => scope().spans.length > 0 },
      spansDup: { configurable: true, value: () => this.#renew(scope()) },
    });
  }

  override active(): Context {
    const { context, spans } = this.#scope();
    const current = spans.at(-1);
    // One of the agent's own that has ended is not told to those who were started inside of it.
    if (current === undefined || current === this.#silent || current.endTime !== 0) return context;
    const span = trace.getSpan(context);
    const around = span instanceof SkyWalkingSpan ? span : undefined;
    if (around?.stack.includes(current) === true) return context;
    return trace.setSpan(context, this.#toSpan(current, around));
  }

  override with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    code: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const scope = { context, spans: this.#stackOf(context), call: this.#currentContext?.() };
    const bound = thisArg === undefined ? code : (code.bind(thisArg) as F);
    return this.#storage.run(scope, bound, ...args);
  }

  /** Runs a call inside the context of its span, which is the one that `currentContext` knows. */
  runCall(
    context: Context,
    call: (invocation: Invocation) => unknown,
    invocation: Invocation,
  ): unknown {
    // A listener may be called from inside a span.
    const isElsewhere = this.#currentContext === undefined || this.#inner() !== undefined;
    return isElsewhere ? this.with(context, call, undefined, invocation) : call(invocation);
  }

  /** Runs code of the agent that would change which span is the current one, and does not let it. */
  detached(code: () => void): void {
    this.#isDetached = true;
    try {
      code();
    } finally {
      this.#isDetached = false;
    }
  }

  override disable(): this {
    this.#storage.disable();
    return this;
  }

  #scope(): Scope {
    const inner = this.#inner();
    if (inner !== undefined) return inner;
    const context = this.#currentContext?.();
    return context === undefined
      ? OUTSIDE
      : { context, spans: this.#stackOf(context), call: context };
  }

  // What a hook of the agent enters in the synchronous part of a call stays in the async resource that
  // called it, and the next call may come by the same.
  #inner(): Scope | undefined {
    const inner = this.#storage.getStore();
    return inner !== undefined && inner.call === this.#currentContext?.() ? inner : undefined;
  }

  // The agent's way to change the spans of the code that runs, and of none that was started before.
  #renew({ call, context, spans }: Scope): AgentSpan[] {
    const copy = [...spans];
    if (!this.#isDetached) this.#storage.enterWith({ context, spans: copy, call });
    return copy;
  }

  #stackOf(context: Context): AgentSpan[] {
    const span = trace.getSpan(context);
    if (span instanceof SkyWalkingSpan) return span.stack;
    return span instanceof UnsampledSpan ? this.#unsampled : OUTSIDE.spans;
  }

  #toSpan(agentSpan: AgentSpan, around: SkyWalkingSpan | undefined): Span {
    const known = this.#spans.get(agentSpan);
    if (known !== undefined) return known;
    const created =
      agentSpan instanceof this.#DummySpan
        ? new UnsampledSpan(around?.remote)
        : new SkyWalkingSpan(agentSpan, around?.stack ?? [], around?.remote);
    this.#spans.set(agentSpan, created);
    return created;
  }
}

// OpenTelemetry's context, kept together with the agent's: the span that is active for one is the span
// that the other makes its next span below.
import { trace, type Context, type Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { Agent, AgentSpan } from './agent.ts';
import { SkyWalkingSpan } from './span.ts';
import { UnsampledSpan } from './unsampled-span.ts';

const NONE: readonly AgentSpan[] = [];

export class SkyWalkingContextManager extends AsyncLocalStorageContextManager {
  readonly #agent: Agent['contextManager'];
  readonly #silent: AgentSpan;
  readonly #unsampled: readonly AgentSpan[];
  // Spans that hooks of the agent have made, as OpenTelemetry's.
  readonly #spans = new WeakMap<AgentSpan, Span>();
  readonly #DummySpan: Agent['DummySpan'];

  /** @param silent The agent's span that records nothing, nor anything below it. */
  constructor({ contextManager, DummySpan }: Agent, silent: AgentSpan) {
    super();
    this.#agent = contextManager;
    this.#silent = silent;
    this.#DummySpan = DummySpan;
    this.#unsampled = [silent];
  }

  override active(): Context {
    const context = super.active();
    const { currentSpan } = this.#agent;
    if (currentSpan === undefined || currentSpan === this.#silent) return context;
    const span = trace.getSpan(context);
    const around = span instanceof SkyWalkingSpan ? span : undefined;
    // Spans that have ended are no longer the agent's current ones, and still OpenTelemetry's.
    if (around?.stack.includes(currentSpan) === true) return context;
    return trace.setSpan(context, this.#toSpan(currentSpan, around));
  }

  override with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    code: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const before = this.#agent.hasContext ? this.#agent.spans : NONE;
    this.#enter(this.#stackOf(context));
    try {
      return super.with(context, code, thisArg, ...args);
    } finally {
      this.#enter(before);
    }
  }

  #stackOf(context: Context): readonly AgentSpan[] {
    const span = trace.getSpan(context);
    if (span instanceof SkyWalkingSpan) return span.stack;
    return span instanceof UnsampledSpan ? this.#unsampled : NONE;
  }

  #toSpan(agentSpan: AgentSpan, around: SkyWalkingSpan | undefined): Span {
    const known = this.#spans.get(agentSpan);
    if (known !== undefined) return known;
    const created =
      agentSpan instanceof this.#DummySpan
        ? new UnsampledSpan(around?.remote)
        : new SkyWalkingSpan(agentSpan, around?.stack ?? NONE, around?.remote);
    this.#spans.set(agentSpan, created);
    return created;
  }

  // The agent's context belongs to the async resource in which it is set. Nothing is set on the
  // arrays it has: code that was started before still sees them.
  #enter(stack: readonly AgentSpan[]): void {
    if (stack.length === 0 && !this.#agent.hasContext) return;
    const spans = this.#agent.spansDup();
    spans.length = 0;
    spans.push(...stack);
  }
}

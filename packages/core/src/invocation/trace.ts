// The trace of one call: what core asks of a tracer, and what a call has without one.
import type { Environment } from '../options.ts';
import type { FunctionContext } from '../function/context.ts';
import type { Logger } from '../logger.ts';
import type { Call, Plugin } from './plugin.ts';
import type { Invocation } from './invocation.ts';
import { NO_PROPAGATION, traceIdOf, type Propagation } from './propagation.ts';

/**
 * The trace of a call, as handlers see it.
 *
 * @example
 * const price = await ctx.trace.span('price', () => lookUp(order));
 * ctx.log.info({ trace: ctx.trace.traceId }, 'priced');
 */
export interface Trace {
  /** 32 hexadecimal digits, or what SkyWalking's agents have as one; `undefined` outside of any trace. */
  readonly traceId: string | undefined;
  /** The span that the running code is in, 16 hexadecimal digits; `undefined` without tracing. */
  readonly spanId: string | undefined;
  /** Headers by which the trace goes on from the span that the running code is in. */
  readonly propagation: Propagation;
  /**
   * Runs code as a span of its own, below the one it is called in. Without tracing it only runs it.
   *
   * @returns What the code returns. A promise ends the span when it settles; with tracing, it is
   *   another one that settles in the same way.
   */
  span<T>(name: string, code: () => T): T;
}

/** What a call sends to, as its exit span names it. */
export interface ExitTarget {
  /** `topic` and `binding` are sent to; `state` is a store; `sidecar` is any other call of Dapr's API. */
  readonly kind: 'topic' | 'binding' | 'state' | 'sidecar';
  /** Such as `publish orders`. */
  readonly operation: string;
  /** Who is at the other end: component and topic, or the component. */
  readonly peer: string;
  /** Dapr's type of the component, such as `state.redis`; `undefined` when the context has none. */
  readonly componentType: string | undefined;
}

/** How a call ended. */
export interface CallOutcome {
  /** Status of the HTTP response, 499 when the client had gone; `undefined` for an event of Dapr. */
  readonly status?: number;
  /** What a sidecar was told of an event; `undefined` for a call over HTTP. */
  readonly acknowledgement?: 'SUCCESS' | 'RETRY' | 'DROP';
}

/** The trace of a call, as the framework drives it. */
export interface CallTrace extends Trace {
  /** The span of the call itself, whichever runs; `undefined` without tracing. */
  readonly callSpanId: string | undefined;
  /** Runs code of the call inside its span: the handler, or a listener that is called from outside. */
  run(call: Call, invocation: Invocation): unknown;
  /** Sends something inside an exit span. What is read from `propagation` meanwhile is that span's. */
  exit<T>(target: ExitTarget, send: () => Promise<T>): Promise<T>;
  /** The call is over: `invocation.error` is what it failed with. */
  end(invocation: Invocation, outcome: CallOutcome): void;
}

/**
 * Traces calls. None of its methods, and none of those of a trace but for what the code inside of it
 * throws, ever throws or waits for anybody.
 */
export interface Tracer {
  /**
   * Begins the trace of a call that has all its handler gets. Where no span of the call runs, `spanId`
   * and `propagation` of the trace are those of the call itself.
   */
  begin(invocation: Invocation): CallTrace;
}

/** What `createTracing` of `@ofn/tracing` makes: a tracer that starts and stops with the runtime. */
export type Tracing = Plugin & Tracer;

/**
 * `createTracing`: makes tracing before user code is loaded.
 *
 * @returns `undefined` when something turns it off that core does not know of, such as `SW_DISABLE`.
 */
export type CreateTracing = (
  request: TracingRequest,
) => Tracing | undefined | Promise<Tracing | undefined>;

/** What tracing is made from, before user code is loaded. */
export interface TracingRequest {
  /** The provider that `--tracing` names; `undefined` when environment and context decide. */
  readonly provider?: TracingProvider | undefined;
  readonly env: Environment;
  readonly context?: FunctionContext | undefined;
  /** Folder or file of the functions: libraries are looked up from there. */
  readonly source: string;
  /** Name of the function that is served; `undefined` for all. */
  readonly target?: string | undefined;
  readonly log: Logger;
  /**
   * The call that the running code belongs to, or `undefined`. With it, a tracer needs no async context
   * of its own for the span of a call.
   */
  readonly current?: () => Invocation | undefined;
}

/** Who the spans go to. */
export const TRACING_PROVIDERS = ['skywalking', 'opentelemetry'] as const;
export type TracingProvider = (typeof TRACING_PROVIDERS)[number];

/** The trace of a call without tracing: what its caller sent goes on as it came. */
export function untraced(propagation: Propagation = NO_PROPAGATION): CallTrace {
  return {
    traceId: traceIdOf(propagation),
    spanId: undefined,
    callSpanId: undefined,
    propagation,
    span: (_, code) => code(),
    run: (call, invocation) => call(invocation),
    exit: (_, send) => send(),
    end() {},
  };
}

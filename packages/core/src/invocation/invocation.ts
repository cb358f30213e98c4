// One call: everything that belongs to it and to no other. Handlers know it as `ctx`.
import { randomUUID } from 'node:crypto';
import type { DaprClient } from '@dapr/dapr';
import type { CloudEvent } from 'cloudevents';
import type { Outgoing } from '../outgoing/outgoing.ts';
import type { Output } from '../outgoing/outputs.ts';
import type { StateOperations, StateStore } from '../outgoing/state.ts';
import { DropError, RetryError } from '../function/acknowledgement.ts';
import type { ContextComponent, FunctionContext } from '../function/context.ts';
import type { EventContext, FunctionDefinition, Request, Response } from '../function/signature.ts';
import { OfnError, toError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Instance, StoppingSignal } from './instance.ts';
import { runInside } from './invoke.ts';
import type { HookPlugin } from './openfunction-plugin.ts';
import type { Call } from './plugin.ts';
import { propagationOf, withHeaderNames, type Propagation } from './propagation.ts';
import {
  untraced,
  type CallOutcome,
  type CallTrace,
  type ExitTarget,
  type Trace,
  type Tracer,
} from './trace.ts';

/** One function, ready to be called: resolved once at start, shared by all its calls, frozen. */
export interface ServedFunction {
  readonly definition: FunctionDefinition;
  readonly context: FunctionContext | undefined;
  readonly log: Logger;
  readonly hookPlugins: Readonly<Record<string, HookPlugin>>;
  /** The handler with its plugins around it. */
  readonly call: Call;
  /** Traces each call; `undefined` without tracing. */
  readonly tracer: Tracer | undefined;
  /** The running instance that serves it. */
  readonly instance: Instance;
  /** The way out, through Dapr. */
  readonly outgoing: Outgoing;
  /** Milliseconds a call may take; 0 for no limit. */
  readonly timeout: number;
}

/** The way a call came in, and the way its failure goes back when nobody awaits it. */
export interface Channel {
  /** Ends the call with this error, now. Not called after `end`. */
  fail(invocation: Invocation, error: unknown): void;
}

/** The Dapr input that delivered an event, and how it came. */
export interface CallInput {
  /** Name in the function context, or of the function that was registered for it. */
  readonly name: string;
  readonly kind: 'topic' | 'binding';
  /** Name of the Dapr component. */
  readonly component: string;
  /** The topic; `undefined` for a binding. */
  readonly topic: string | undefined;
  /** Headers of the delivery, by their lower-case names; over gRPC its metadata. */
  readonly headers: Readonly<Record<string, string>>;
  /** Metadata of the component for this event, such as a file name or a partition. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The payload, byte by byte. Of an event whose data came as JSON, its text. */
  readonly bytes: Buffer;
}

/** What a channel knows of a call when it begins; read only when somebody asks. */
export interface InvocationOrigin {
  /** Id that the caller gave. */
  readonly callerId?: string | undefined;
  /** Trace context that the caller sent: `traceparent`, `sw8` and the headers that go with them. */
  readonly propagation?: Propagation | undefined;
  /** The Dapr input that the call came from. */
  readonly input?: CallInput | undefined;
  /** The CloudEvent that a Dapr input delivered. */
  readonly event?: CloudEvent<unknown>;
  readonly req?: Request;
  readonly res?: Response;
}

/**
 * One call of one function. It is made anew for each call and never reused.
 *
 * @example
 * openfunction('greet', (ctx, data) => {
 *   ctx.log.info('greeting');
 *   return { hello: data.name, via: ctx.req?.method };
 * });
 */
export class Invocation<Data = any> {
  /** The data the handler gets: the body of a request, or the data of an event. */
  data: Data = undefined as Data;
  /** The context of a legacy background event; `undefined` for any other call. */
  eventContext: EventContext | undefined = undefined;
  /** What the handler or a plugin threw, for post-hooks to see. */
  error: unknown = undefined;

  /** Whether it is the first call that this instance serves, of any of its functions. */
  readonly coldStart: boolean;

  /** What the handler asked for with `drop` or `retry`; errors thrown later count more. For channels. */
  asked: DropError | RetryError | undefined = undefined;

  readonly #served: ServedFunction;
  readonly #channel: Channel;
  #origin: InvocationOrigin;
  #event: CloudEvent<unknown> | undefined = undefined;
  #input: CallInput | undefined = undefined;
  #req: Request | undefined = undefined;
  #res: Response | undefined = undefined;
  #id: string | undefined = undefined;
  #locals: Record<string, unknown> | undefined = undefined;
  #log: Logger | undefined = undefined;
  /** The trace that a tracer has begun. */
  #traced: CallTrace | undefined = undefined;
  #untraced: CallTrace | undefined = undefined;
  /** What failed the call from outside of its handler. */
  #failure: unknown = undefined;
  #stopping: StoppingSignal | undefined = undefined;
  #isReleased = false;
  #abort: AbortController | undefined = undefined;
  #abortReason: unknown = undefined;
  #ended = false;

  constructor(
    served: ServedFunction,
    channel: Channel,
    origin: InvocationOrigin,
    coldStart = served.instance.takeColdStart(),
  ) {
    this.#served = served;
    this.#channel = channel;
    this.#origin = origin;
    this.coldStart = coldStart;
  }

  /** The CloudEvent that was received; `undefined` for a plain request. */
  get event(): CloudEvent<unknown> | undefined {
    return (this.#event ??= this.#origin.event);
  }
  set event(event: CloudEvent<unknown> | undefined) {
    this.#event = event;
  }

  /** Id of this call: the one the caller gave, else a new UUID. */
  get id(): string {
    return (this.#id ??= this.#origin.callerId ?? randomUUID());
  }

  /** What the channel knows of this call, until it ends. For channels. */
  get origin(): InvocationOrigin {
    return this.#origin;
  }

  /** The function that is called. */
  get function(): FunctionDefinition {
    return this.#served.definition;
  }

  /** The HTTP request, when the call came as one. */
  get req(): Request | undefined {
    return (this.#req ??= this.#origin.req);
  }

  /** The HTTP response, when the call came as a request. */
  get res(): Response | undefined {
    return (this.#res ??= this.#origin.res);
  }

  /** Aborts when the client disconnects, at the timeout, and at the drain deadline. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  /**
   * Aborts when the instance stops, after the drain delay: what would not end by itself, such as a stream
   * of events or a WebSocket, should end then. What is still open at the drain deadline is cut off.
   *
   * @example
   * ctx.stopping.addEventListener('abort', () => socket.close(1001));
   */
  get stopping(): AbortSignal {
    this.#stopping ??= this.#served.instance.follow((code) => runInside(this, code));
    // Asked for only now, nobody would release it.
    if (this.#isReleased) this.#stopping.release();
    return this.#stopping.signal;
  }

  /** A logger whose lines carry the id of this call, the function, the trace id and the span. */
  get log(): Logger {
    if (this.#log !== undefined) return this.#log;
    const { traceId } = this;
    const spanId = this.#traced?.callSpanId;
    this.#log = this.#served.log.child({
      invocation: this.id,
      function: this.#served.definition.name,
      ...(traceId === undefined ? {} : { traceId }),
      ...(spanId === undefined ? {} : { spanId }),
    });
    return this.#log;
  }

  /**
   * The trace of this call. It answers after the end of the call, too.
   *
   * @example
   * const price = await ctx.trace.span('price', () => lookUp(order));
   */
  get trace(): Trace {
    return this.#traced ?? (this.#untraced ??= untraced(this.received));
  }

  /**
   * Trace headers that came with this call: of its request or delivery, else of its CloudEvent;
   * `undefined` when none did. For tracers.
   */
  get received(): Propagation | undefined {
    const { propagation } = this.#origin;
    if (propagation !== undefined || this.#event === undefined) return propagation;
    return propagationOf(withHeaderNames(this.#event));
  }

  /**
   * Id of the trace: 32 hexadecimal digits, or what SkyWalking's agents have as one. Without tracing it
   * is that of the caller's `traceparent`, and `undefined` when there is none.
   */
  get traceId(): string | undefined {
    return this.trace.traceId;
  }

  /** Trace headers for what this call sends on. Without tracing they are the caller's, or none. */
  get propagation(): Propagation {
    return this.trace.propagation;
  }

  /** Begins the trace of the call. For `invoke`. */
  begin(tracer: Tracer): CallTrace {
    let trace: CallTrace;
    try {
      trace = tracer.begin(this);
    } catch (err) {
      this.log.warn({ err: toError(err) }, NOT_TRACED);
      return untraced(this.received);
    }
    this.#traced = trace;
    // What has been logged before, by a schema, could not name the span.
    this.#log = undefined;
    return trace;
  }

  /** Runs code of the call that is called from outside inside its span, when it is traced. */
  runTraced<T>(code: () => T): T {
    return this.#traced === undefined ? code() : (this.#traced.run(code, this) as T);
  }

  /** Sends something inside an exit span, when the call is traced. For the way out. */
  exit<T>(target: ExitTarget, send: () => Promise<T>): Promise<T> {
    return this.#traced === undefined ? send() : this.#traced.exit(target, send);
  }

  /** The Dapr input that delivered the event; `undefined` for a call over HTTP. */
  get input(): CallInput | undefined {
    return (this.#input ??= this.#origin.input);
  }

  /**
   * Has the event dropped when the handler ends: it is not delivered again, and goes to the
   * dead-letter topic when there is one. The same as throwing a `DropError`.
   *
   * @throws OfnError `OFN_NOT_A_DELIVERY` for a call that no Dapr input delivered.
   * @example
   * if (order.total < 0) ctx.drop('a total cannot be negative');
   */
  drop(reason = 'the handler asked for it'): void {
    this.#assertDelivery('drop');
    this.asked = new DropError(reason);
  }

  /**
   * Has the event delivered again when the handler ends, without being logged as a failure.
   *
   * @throws OfnError `OFN_NOT_A_DELIVERY` for a call that no Dapr input delivered.
   */
  retry(reason = 'the handler asked for it'): void {
    this.#assertDelivery('retry');
    this.asked = new RetryError(reason);
  }

  #assertDelivery(verb: string): void {
    if (!this.#ended && this.input !== undefined) return;
    const reason = this.#ended ? 'the call has ended' : 'this call came over HTTP';
    const message = `ctx.${verb}() needs an event that a Dapr input delivered; ${reason}`;
    throw new OfnError('OFN_NOT_A_DELIVERY', message);
  }

  /** Values of plugins and handler for each other, for the length of this call. */
  get locals(): Record<string, unknown> {
    return (this.#locals ??= {});
  }

  /** A plugin of the `plugins` folder by its name; `undefined` when there is none. */
  getPlugin(name: string): HookPlugin | undefined {
    return this.#served.hookPlugins[name];
  }

  /** What the controller says of this function; `undefined` without a function context. */
  get context(): FunctionContext | undefined {
    return this.#served.context;
  }

  /**
   * Sends data to an output, or to all of them when none is named. Without outputs it resolves.
   *
   * @throws OfnError `OFN_OUTPUT_UNKNOWN`; `OFN_OUTPUT_FAILED`, naming each output that failed.
   * @example
   * await ctx.send({ orderId: 7 }, 'shipments');
   */
  send(data: unknown, output?: string): Promise<void> {
    return this.#served.outgoing.send(data, output);
  }

  /** State, in OpenFunction's shape; the second argument of each method names the store. */
  get state(): StateOperations {
    return this.#served.outgoing.state;
  }

  /**
   * Dapr's own client, for all that has no name here: secrets, configuration, invocation, locks.
   * It is loaded when it is first used, and each of its calls has the deadline of `--dapr-timeout`.
   *
   * @see https://docs.dapr.io/developing-applications/sdks/js/js-client/
   */
  get dapr(): DaprClient {
    return this.#served.outgoing.client;
  }

  // The context's own fields, under the names OpenFunction's handlers know.

  get name(): string {
    return this.#served.context?.name ?? this.#served.definition.name;
  }
  get version(): string | undefined {
    return this.#served.context?.version;
  }
  get runtime(): string | undefined {
    return this.#served.context?.runtime;
  }
  get inputs(): Readonly<Record<string, ContextComponent>> {
    return this.#served.context?.inputs ?? {};
  }
  /** The outputs by their names, each with `send` and `publishBulk`. */
  get outputs(): Readonly<Record<string, Output>> {
    return this.#served.outgoing.outputs;
  }
  /** The state stores by their names. */
  get states(): Readonly<Record<string, StateStore>> {
    return this.#served.outgoing.states;
  }

  /** Whether the call is over; nothing can be answered any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the signal has aborted; asking does not create it. */
  get aborted(): boolean {
    return this.#abortReason !== undefined;
  }

  /** Aborts the signal. For channels. */
  abort(reason: unknown): void {
    if (this.#ended || this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    // Listeners of the signal are code of this call, whoever aborts it.
    if (this.#abort !== undefined) runInside(this, () => this.#abort?.abort(reason));
  }

  /** Fails the call with an error that no promise of the handler carries. For channels. */
  fail(error: unknown): void {
    if (this.#ended) {
      this.logLate(error);
      return;
    }
    this.error = error ?? toError(error);
    this.#failure = this.error;
    this.#channel.fail(this, error);
  }

  /** Logs an error that came when the caller had its answer. For channels. */
  logLate(thrown: unknown): void {
    const err = toError(thrown);
    if (!this.isOwnAbort(err)) {
      this.log.error({ err }, 'the function failed after its call had ended');
    }
  }

  /** Whether an error only says that the call was aborted: a handler that stops then has not failed. */
  isOwnAbort(error: unknown): boolean {
    if (this.#abortReason === undefined) return false;
    if (error === this.#abortReason) return true;
    const { name, code } = toError(error) as { name?: unknown; code?: unknown };
    return name === 'AbortError' || ABORT_CODES.includes(code);
  }

  /** The call is over, and so is its handler: its `stopping` aborts no more. For channels. */
  release(): void {
    this.#isReleased = true;
    this.#stopping?.release();
  }

  /** Marks the call as over, and ends its trace. For channels. */
  end(outcome: CallOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    // What failed the call from outside counts more than what its handler made of that.
    if (this.#failure !== undefined) this.error = this.#failure;
    try {
      this.#traced?.end(this, outcome);
    } catch (err) {
      this.log.warn({ err: toError(err) }, NOT_TRACED);
    }
    if (this.#origin.req === undefined) return;
    // Node's async resources hold on to the call they were made in, long after its end on Node 20
    // and 22. What a late log line needs stays; the request and the response do not.
    const { callerId, propagation } = this.#origin;
    this.#origin = { callerId, propagation };
  }
}

const NOT_TRACED = 'the tracer failed; the call goes on without its trace';

// What Node's streams say when the other end has gone.
const ABORT_CODES: readonly unknown[] = ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'];

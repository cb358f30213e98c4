// One call: everything that belongs to it and to no other. Handlers know it as `ctx`.
import { randomUUID } from 'node:crypto';
import type { CloudEvent } from 'cloudevents';
import type { ContextComponent, FunctionContext } from '../function/context.ts';
import type { EventContext, FunctionDefinition, Request, Response } from '../function/signature.ts';
import { OfnError, toError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { runInside } from './invoke.ts';
import type { HookPlugin } from './openfunction-plugin.ts';
import type { Call } from './plugin.ts';

/** One function, ready to be called: resolved once at start, shared by all its calls, frozen. */
export interface ServedFunction {
  readonly definition: FunctionDefinition;
  readonly context: FunctionContext | undefined;
  readonly log: Logger;
  readonly hookPlugins: Readonly<Record<string, HookPlugin>>;
  /** The handler with its plugins around it. */
  readonly call: Call;
  /** Milliseconds a call may take; 0 for no limit. */
  readonly timeout: number;
}

/** The way a call came in, and the way its failure goes back when nobody awaits it. */
export interface Channel {
  /** Ends the call with this error, now. Not called after `end`. */
  fail(invocation: Invocation, error: unknown): void;
}

/** What a channel knows of a call when it begins; read only when somebody asks. */
export interface InvocationInput {
  /** Id that the caller gave. */
  readonly callerId?: string | undefined;
  /** W3C trace context that the caller sent. */
  readonly traceparent?: string | undefined;
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
  /** The CloudEvent that was received; `undefined` for a plain request. */
  event: CloudEvent<unknown> | undefined = undefined;
  /** The context of a legacy background event; `undefined` for any other call. */
  eventContext: EventContext | undefined = undefined;
  /** What the handler or a plugin threw, for post-hooks to see. */
  error: unknown = undefined;

  readonly #served: ServedFunction;
  readonly #channel: Channel;
  #input: InvocationInput;
  #req: Request | undefined = undefined;
  #res: Response | undefined = undefined;
  #id: string | undefined = undefined;
  #locals: Record<string, unknown> | undefined = undefined;
  #log: Logger | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #abortReason: unknown = undefined;
  #ended = false;

  constructor(served: ServedFunction, channel: Channel, input: InvocationInput) {
    this.#served = served;
    this.#channel = channel;
    this.#input = input;
  }

  /** Id of this call: the one the caller gave, else a new UUID. */
  get id(): string {
    return (this.#id ??= this.#input.callerId ?? randomUUID());
  }

  /** What the channel knows of this call, until it ends. For channels. */
  get input(): InvocationInput {
    return this.#input;
  }

  /** The function that is called. */
  get function(): FunctionDefinition {
    return this.#served.definition;
  }

  /** The HTTP request, when the call came as one. */
  get req(): Request | undefined {
    return (this.#req ??= this.#input.req);
  }

  /** The HTTP response, when the call came as a request. */
  get res(): Response | undefined {
    return (this.#res ??= this.#input.res);
  }

  /** Aborts when the client disconnects, at the timeout, and at the drain deadline. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  /** A logger whose lines carry the id of this call, the function and the trace id. */
  get log(): Logger {
    return (this.#log ??= this.#served.log.child({
      invocation: this.id,
      function: this.#served.definition.name,
      ...(this.traceId === undefined ? {} : { traceId: this.traceId }),
    }));
  }

  /**
   * Trace id of the caller, 32 hexadecimal digits; `undefined` without a valid `traceparent`.
   *
   * @see https://www.w3.org/TR/trace-context/#traceparent-header
   */
  get traceId(): string | undefined {
    return TRACEPARENT.exec(this.#input.traceparent ?? '')?.[1];
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
   * Sends data to an output, or to all of them when none is named.
   *
   * Outputs need Dapr, which this version does not have: without outputs in the function context
   * there is nothing to send, and it resolves; with them it rejects.
   *
   * @throws OfnError `OFN_OUTPUT_UNKNOWN`, `OFN_OUTPUT_UNSUPPORTED`.
   */
  async send(_data: unknown, output?: string): Promise<void> {
    const names = Object.keys(this.outputs);
    if (output !== undefined && !names.includes(output)) {
      const there = names.length === 0 ? 'none' : names.join(', ');
      throw new OfnError('OFN_OUTPUT_UNKNOWN', `there is no output "${output}"; there is ${there}`);
    }
    if (names.length === 0) return;
    const message = `sending to ${output ?? names.join(', ')} needs Dapr, which this version has not`;
    throw new OfnError('OFN_OUTPUT_UNSUPPORTED', message);
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
  get outputs(): Readonly<Record<string, ContextComponent>> {
    return this.#served.context?.outputs ?? {};
  }
  get states(): Readonly<Record<string, ContextComponent>> {
    return this.#served.context?.states ?? {};
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
    this.error = error;
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

  /** Marks the call as over. For channels. */
  end(): void {
    const { callerId, traceparent } = this.#input;
    this.#ended = true;
    // Node's async resources hold on to the call they were made in, long after its end on Node 20
    // and 22. What a late log line needs stays; the request and the response do not.
    this.#input = { callerId, traceparent };
  }
}

// What Node's streams say when the other end has gone.
const ABORT_CODES: readonly unknown[] = ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'];

// Version 00 ends after its four fields; a later version may go on; version ff is invalid.
const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:$|(?<!^00-.{52})-)/;

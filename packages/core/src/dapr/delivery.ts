// One delivery: a message for an input becomes an invocation, and what comes of it becomes the
// acknowledgement. At least once: only what a handler has finished is acknowledged.
import { OfnError, toError } from '../errors.ts';
import { DropError, RetryError } from '../function/acknowledgement.ts';
import type { FunctionDefinition } from '../function/signature.ts';
import { toBackgroundEvent } from '../http/background-event.ts';
import { validate } from '../http/schema.ts';
import { Invocation, type Channel, type ServedFunction } from '../invocation/invocation.ts';
import { invoke, runInside, type Settle } from '../invocation/invoke.ts';
import { isThenable } from '../invocation/outcome.ts';
import { chainGates, createGate, type Gate } from './gate.ts';
import type { Input } from './input.ts';
import type { Message } from './message.ts';

/** What the sidecar is told of an event: done, deliver it again, or do not. */
export type Acknowledgement = 'SUCCESS' | 'RETRY' | 'DROP';

/** What is told of each delivery; metrics listen here. */
export interface DeliveryObserver {
  /** @param isColdStart Whether it is the first call of the instance. */
  began(definition: FunctionDefinition, isColdStart: boolean): void;
  ended(definition: FunctionDefinition, outcome: Acknowledgement, seconds: number): void;
}

/** Delivers messages, and knows those that are not acknowledged yet. */
export interface Deliveries {
  /**
   * Calls `acknowledge` once, when the handler has settled or is not waited for any more.
   *
   * @returns What is open; `undefined` when nothing is.
   */
  deliver(input: Input, message: Message, acknowledge: Acknowledge): OpenDelivery | undefined;
  /** Resolves when no delivery is open and no handler is running. */
  drained(): Promise<void>;
  /** Has every open delivery, and every one that still comes, delivered again. Returns their number. */
  cutOff(error: OfnError): number;
}

export type Acknowledge = (acknowledgement: Acknowledgement) => void;

/** A delivery that is not acknowledged yet. */
export interface OpenDelivery {
  /**
   * The sidecar has gone, or given up, and delivers the event again: an event that waits for its turn
   * is not handled, and the signal of one that is being handled aborts.
   */
  abandon(): void;
}

/** How messages are delivered. */
export interface DeliverySettings {
  /** The function of an input, with its plugins around it. */
  readonly servedOf: (input: Input) => ServedFunction;
  readonly inputs: readonly Input[];
  /** Deliveries at a time, of all inputs together; others wait. 0 for no limit. */
  readonly maxConcurrency: number;
  readonly observer: DeliveryObserver | undefined;
}

/** Creates the deliveries of a runtime. */
export function createDeliveries(settings: DeliverySettings): Deliveries {
  const { inputs, maxConcurrency, observer, servedOf } = settings;
  const everywhere = maxConcurrency > 0 ? createGate(maxConcurrency) : undefined;
  const gates = new Map(inputs.map((input) => [input, gateOf(input, everywhere)]));
  // Open deliveries, by the call that each is waiting for, once it has one.
  const open = new Set<Delivery>();
  let waiting: (() => void)[] = [];
  let stopped: OfnError | undefined;

  function close(delivery: Delivery): void {
    open.delete(delivery);
    if (open.size > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  return {
    deliver(input, message, acknowledge) {
      if (stopped !== undefined) {
        acknowledge('RETRY');
        return undefined;
      }
      const delivery = new Delivery(servedOf(input), message, acknowledge, close, observer);
      open.add(delivery);
      const gate = gates.get(input);
      if (gate === undefined) {
        delivery.run(ignore);
        return delivery;
      }
      const key = delivery.keyOf(input);
      if (delivery.isAcknowledged) return undefined;
      gate(key, (release) => {
        // What is let in by those that are cut off is given back as well, or was already.
        if (stopped === undefined && !delivery.isAcknowledged) delivery.run(release);
        else release();
      });
      return delivery;
    },
    drained() {
      if (open.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    cutOff(error) {
      stopped = error;
      const cut = [...open].filter(({ isAcknowledged }) => !isAcknowledged);
      for (const delivery of cut) delivery.giveBack(error);
      // Nobody waits for a handler whose event is given back.
      for (const delivery of open) delivery.leave();
      return cut.length;
    },
  };
}

// An input without limits has no gate, and pays nothing for it.
function gateOf(input: Input, everywhere: Gate | undefined): Gate | undefined {
  const isLimited = input.concurrency > 0 || input.order !== undefined;
  const own = isLimited ? createGate(input.concurrency) : undefined;
  if (own === undefined || everywhere === undefined) return own ?? everywhere;
  return chainGates(own, everywhere);
}

function ignore(): void {}

/** One message on its way through one function. */
class Delivery implements Channel, OpenDelivery {
  isAcknowledged = false;
  readonly #served: ServedFunction;
  readonly #message: Message;
  readonly #invocation: Invocation;
  readonly #acknowledge: Acknowledge;
  readonly #close: (delivery: Delivery) => void;
  readonly #observer: DeliveryObserver | undefined;
  #release: () => void = ignore;
  #isRunning = false;
  #timer: NodeJS.Timeout | undefined = undefined;
  #start = 0;

  constructor(
    served: ServedFunction,
    message: Message,
    acknowledge: Acknowledge,
    close: (delivery: Delivery) => void,
    observer: DeliveryObserver | undefined,
  ) {
    this.#served = served;
    this.#message = message;
    this.#acknowledge = acknowledge;
    this.#close = close;
    this.#observer = observer;
    this.#invocation = new Invocation(served, this, message);
  }

  /** The key that orders the event. A function of user code that throws fails this event alone. */
  keyOf(input: Input): string | undefined {
    try {
      if (input.order === undefined) return undefined;
      const { event, data, input: origin } = this.#message;
      // A key that is null is none.
      return input.order({ event, data, metadata: origin.metadata }) ?? undefined;
    } catch (error) {
      this.fail(this.#invocation, error);
      this.leave();
      return undefined;
    }
  }

  run(release: () => void): void {
    this.#release = release;
    this.#isRunning = true;
    const { definition, timeout } = this.#served;
    if (this.#observer !== undefined) {
      this.#start = performance.now();
      this.#observer.began(definition, this.#invocation.coldStart);
    }
    if (timeout > 0) this.#timer = setTimeout(() => this.#onTimeout(timeout), timeout);
    try {
      this.#fill();
    } catch (error) {
      this.#settled(error ?? nothing());
    }
  }

  // What the handler gets; then calls it.
  #fill(): void {
    const message = this.#message;
    const { schema, signature } = this.#served.definition;
    const invocation = this.#invocation;
    invocation.data = message.data;
    if (signature === 'event') {
      const legacy = toBackgroundEvent(message.event);
      invocation.data = legacy.data;
      invocation.eventContext = legacy.context;
    } else if (signature === 'cloudevent') invocation.data = message.event.data;
    if (schema === undefined) {
      invoke(this.#served, invocation, this.#settle);
      return;
    }
    const call = (valid: unknown): void => {
      if (signature === 'cloudevent' && valid !== message.event.data) {
        invocation.event = message.event.cloneWith({ data: valid }, false);
      }
      invocation.data = valid;
      if (!this.isAcknowledged) invoke(this.#served, invocation, this.#settle);
      else this.#settled(undefined);
    };
    // What a schema throws outside of its promise is an error of this call, too.
    const valid = runInside(invocation, () => validate(schema, invocation.data));
    if (isThenable(valid)) valid.then(call, (error: unknown) => this.#settled(error ?? nothing()));
    else call(valid);
  }

  readonly #settle: Settle = {
    resolved: () => this.#settled(undefined),
    rejected: (_, error) => this.#settled(error ?? nothing()),
  };

  // The handler has ended, whether or not somebody still waits for it.
  #settled(error: unknown): void {
    if (this.isAcknowledged) {
      if (error !== undefined) this.#invocation.logLate(error);
    } else this.#end(error);
    this.leave();
  }

  #onTimeout(timeout: number): void {
    const { name } = this.#served.definition;
    const message = `function "${name}" did not finish the event within ${timeout / 1000} s`;
    this.#invocation.abort(new DOMException(message, 'TimeoutError'));
    this.fail(this.#invocation, new OfnError('OFN_TIMEOUT', message));
    // Whether the handler heeds its signal is its own affair: nobody waits for it any more.
    this.leave();
  }

  abandon(): void {
    if (this.isAcknowledged) return;
    this.#invocation.abort(new DOMException('The sidecar no longer waits', 'AbortError'));
    // A handler that runs may have done its work: those behind it still wait for its end.
    if (this.#isRunning) return;
    this.isAcknowledged = true;
    logFailure(this.#invocation, this.#message, new RetryError('the sidecar no longer waits'));
    this.#invocation.end({ acknowledgement: 'RETRY' });
    this.#close(this);
  }

  /** Has the event delivered again, though its handler goes on. */
  giveBack(error: OfnError): void {
    this.#invocation.abort(error);
    this.fail(this.#invocation, error);
  }

  /** Lets the next one in. */
  leave(): void {
    this.#invocation.release();
    this.#release();
    this.#close(this);
  }

  fail(_: Invocation, error: unknown): void {
    if (this.isAcknowledged) return;
    this.#end(error ?? nothing());
    // What the handler waits for may never come now: that must not hold up those behind it.
    this.#release();
  }

  #end(thrown: unknown): void {
    const invocation = this.#invocation;
    this.isAcknowledged = true;
    clearTimeout(this.#timer);
    const error = thrown ?? invocation.asked;
    invocation.error = error;
    // Whatever was thrown, even what cannot be looked at: the event is acknowledged.
    const readable = error === undefined ? undefined : toError(error);
    const acknowledgement = toAcknowledgement(readable);
    if (readable !== undefined) logFailure(invocation, this.#message, readable);
    const { definition } = this.#served;
    const seconds = (performance.now() - this.#start) / 1000;
    if (this.#start > 0) this.#observer?.ended(definition, acknowledgement, seconds);
    invocation.end({ acknowledgement });
    this.#acknowledge(acknowledgement);
  }
}

// `throw undefined` is a failure too.
function nothing(): Error {
  return new Error('the handler threw nothing');
}

function toAcknowledgement(error: Error | undefined): Acknowledgement {
  if (error === undefined) return 'SUCCESS';
  return error instanceof DropError ? 'DROP' : 'RETRY';
}

function logFailure({ log }: Invocation, { input, event }: Message, err: Error): void {
  const { name, topic, component } = input;
  const fields = {
    input: name,
    component,
    ...(topic === undefined ? {} : { topic }),
    event: event.id,
  };
  if (err instanceof RetryError) log.info(fields, `to be delivered again: ${err.message}`);
  else if (err instanceof DropError) log.warn(fields, `dropped: ${err.message}`);
  else log.error({ ...fields, err }, 'the function failed; the event is to be delivered again');
}

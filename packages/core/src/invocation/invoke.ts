// Runs one call inside its own async context, and hands on what came of it.
import { AsyncLocalStorage } from 'node:async_hooks';
import { processWide } from '../process-wide.ts';
import type { Invocation, InvocationOrigin, ServedFunction } from './invocation.ts';
import { isThenable } from './outcome.ts';

const storage = processWide('calls', () => new AsyncLocalStorage<Invocation>());

/**
 * The call that the running code belongs to; `undefined` outside of any.
 *
 * It is how an error in a timer, or a rejection that nobody handles, finds the call it came from,
 * and how code far from the handler finds its logger and signal.
 *
 * @example
 * cloudEvent('onOrder', async () => { currentInvocation()?.log.info('received'); });
 */
export function currentInvocation(): Invocation | undefined {
  return storage.getStore();
}

/** What is done with the value or the error of a call. Called once, with what the call came with. */
export interface Settle {
  resolved(invocation: Invocation, value: unknown, origin: InvocationOrigin): void;
  rejected(invocation: Invocation, error: unknown, origin: InvocationOrigin): void;
}

/** Calls the function. A handler that returns without a promise costs none. */
export function invoke(served: ServedFunction, invocation: Invocation, settle: Settle): void {
  storage.run(invocation, run, served, invocation, settle);
}

/**
 * Runs code of a call that was started from outside of its context: a listener of its request, its
 * response or its signal. What it throws fails the call, and nothing else.
 */
export function runInside<T>(invocation: Invocation, code: () => T): T | undefined {
  // The reply is sent in the call's own context, but outside of its span.
  if (storage.getStore() === invocation) return invocation.runTraced(code);
  return storage.run(invocation, () => {
    try {
      return invocation.runTraced(code);
    } catch (error) {
      invocation.fail(error);
      return undefined;
    }
  });
}

function run(served: ServedFunction, invocation: Invocation, settle: Settle): void {
  const { origin } = invocation;
  const { tracer } = served;
  let value: unknown;
  let pending: Promise<unknown> | undefined;
  try {
    value =
      tracer === undefined
        ? served.call(invocation)
        : invocation.begin(tracer).run(served.call, invocation);
    // A foreign thenable may call back twice, or throw: a promise made of it does neither.
    if (isThenable(value)) pending = Promise.resolve(value);
  } catch (error) {
    settle.rejected(invocation, error, origin);
    return;
  }
  if (pending === undefined) settle.resolved(invocation, value, origin);
  else {
    pending.then(
      (resolved) => settle.resolved(invocation, resolved, origin),
      (error: unknown) => settle.rejected(invocation, error, origin),
    );
  }
}

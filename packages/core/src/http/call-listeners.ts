// Listeners that a handler adds to its request or response are code of its call, though Node's
// parser and socket run them: what they throw must find that call.
import type { EventEmitter } from 'node:events';
import { currentInvocation, runInside } from '../invocation/invoke.ts';
import type { Exchange } from './exchange.ts';

/**
 * Called when a listener is added. From the first one that the code of a call adds, every event is
 * emitted inside that call; an exchange whose handler adds none pays nothing.
 */
export function followCall(emitter: EventEmitter & { exchange: Exchange | undefined }): void {
  const { exchange } = emitter;
  if (exchange === undefined || Object.hasOwn(emitter, 'emit')) return;
  // Node itself listens, in the context of the call, when it is done with the exchange.
  if (exchange.response.writableFinished) return;
  const invocation = currentInvocation();
  if (invocation === undefined || exchange.invocation !== invocation) return;
  const emit = emitter.emit.bind(emitter);
  const emitInside = (event: string, ...args: unknown[]): boolean =>
    runInside(invocation, () => emit(event, ...args)) ?? true;
  Object.defineProperty(emitter, 'emit', { configurable: true, writable: true, value: emitInside });
}

// What is sent to a sidecar becomes an exit span of the call that sends it.
import { currentInvocation } from '../invocation/invoke.ts';
import type { ExitTarget } from '../invocation/trace.ts';

/**
 * Sends inside an exit span of the running call; without a call or without tracing, it only sends. The
 * trace headers are to be read inside: they are those of the span then.
 */
export function exitThrough<T>(target: ExitTarget, send: () => Promise<T>): Promise<T> {
  const invocation = currentInvocation();
  return invocation === undefined ? send() : invocation.exit(target, send);
}

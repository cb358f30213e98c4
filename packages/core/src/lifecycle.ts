// The life of a process that serves: its states, the signals that move it, and its exit code.
import { OfnError, toError } from './errors.ts';
import { currentInvocation } from './invocation/invoke.ts';
import type { Logger } from './logger.ts';

/** `idle → starting → running → draining → stopped`; a start that fails goes to `stopped`. */
export type LifecycleState = 'idle' | 'starting' | 'running' | 'draining' | 'stopped';

/** What a lifecycle ends. */
export interface Stoppable {
  stop(options: { skipDelay: boolean }): Promise<void>;
}

/** The process as a lifecycle needs it; tests hand in their own. */
export interface ProcessLike {
  on(event: string, listener: (...args: any[]) => void): unknown;
  exit(code: number): void;
}

const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Ties a runtime to its process:
 *
 * - The first SIGTERM or SIGINT drains and exits 0, or 1 when calls were cut off; SIGINT skips the
 *   drain delay. A second signal exits at once, with 128 and the signal's number.
 * - An error thrown outside of every promise of a call (in a timer, in an event listener), or a
 *   rejection that nobody handles, fails the call it came from and no other.
 * - One that came from no call leaves the process in an unknown state: the calls in flight finish,
 *   then it exits 16.
 */
export function supervise(runtime: Stoppable, log: Logger, target: ProcessLike = process): void {
  let signalled = false;
  let stopping = false;
  let exitCode = 0;

  function stop(options: { skipDelay: boolean }): void {
    if (stopping) return;
    stopping = true;
    runtime.stop(options).then(
      () => target.exit(exitCode),
      (error: unknown) => {
        log.error({ err: error }, toError(error).message);
        target.exit(exitCode || (error instanceof OfnError ? error.exitCode : 1));
      },
    );
  }

  function onSignal(signal: keyof typeof SIGNAL_NUMBERS): void {
    if (signalled) {
      target.exit(128 + SIGNAL_NUMBERS[signal]);
      return;
    }
    signalled = true;
    log.info({ signal }, 'stopping: calls in flight finish first');
    stop({ skipDelay: signal === 'SIGINT' });
  }

  function onStray(thrown: unknown): void {
    const invocation = currentInvocation();
    if (invocation !== undefined) {
      invocation.fail(thrown);
      return;
    }
    const { message } = toError(thrown);
    const stray = new OfnError('OFN_UNCAUGHT', `an error outside every call: ${message}`, {
      cause: thrown,
    });
    log.fatal({ err: stray }, stray.message);
    exitCode = stray.exitCode;
    stop({ skipDelay: true });
  }

  target.on('SIGTERM', () => onSignal('SIGTERM'));
  target.on('SIGINT', () => onSignal('SIGINT'));
  target.on('uncaughtException', onStray);
  target.on('unhandledRejection', onStray);
}

// Keys of a person at the terminal, each without Enter; the terminal is as it was, whichever way that ends.
import { emitKeypressEvents, type Key } from 'node:readline';
import type { ReadStream } from 'node:tty';

/** The keys of a terminal. */
export interface Keyboard {
  /** Calls back with each key, such as `r`, from now on. Returns what ends that. */
  readonly read: (listener: (key: string) => void) => () => void;
  /** Does what Ctrl-C does. */
  readonly interrupt: () => void;
}

/** What is read from: the standard input, when it is a terminal. */
export type KeyInput = Pick<
  ReadStream,
  'off' | 'on' | 'pause' | 'resume' | 'setRawMode' | 'listenerCount'
>;

/**
 * Creates it; nothing is read yet. The keys that a terminal knows itself do what they always do: Ctrl-C and
 * Ctrl-\ end, Ctrl-Z suspends.
 */
export function createKeyboard(input: KeyInput, interrupt: () => void): Keyboard {
  return {
    interrupt,
    read(listener) {
      const setRaw = (): void => void input.setRawMode(true);
      const restore = (): void => void input.setRawMode(false);

      function onKey(_: string | undefined, { ctrl = false, meta = false, name, sequence }: Key) {
        if (ctrl && name === 'c') interrupt();
        else if (ctrl && name === 'z') suspend(restore);
        else if (sequence === '\u001c') process.kill(process.pid, 'SIGQUIT');
        else if (!ctrl && !meta && sequence?.length === 1) listener(sequence);
      }

      emitKeypressEvents(input as ReadStream);
      input.on('keypress', onKey);
      setRaw();
      input.resume();
      // Node.js restores it for most ends itself; this is for those of process.exit.
      process.on('exit', restore);
      process.on('SIGCONT', setRaw);
      return () => {
        process.off('exit', restore);
        process.off('SIGCONT', setRaw);
        input.off('keypress', onKey);
        restore();
        input.pause();
      };
    },
  };
}

function suspend(restore: () => void): void {
  restore();
  process.kill(process.pid, 'SIGTSTP');
}

// What a command has of its process, and the error that ends it.
import type { Keyboard } from './keyboard.ts';

/** What a command reads and writes. */
export interface Terminal {
  readonly out: (text: string | Uint8Array) => void;
  readonly err: (text: string) => void;
  /** All of the standard input, byte by byte. */
  readonly stdin: () => Promise<Buffer>;
  /** Asks whoever sits there, and resolves to the answer; absent where nobody does. */
  readonly ask?: (question: string) => Promise<string>;
  /** Ends what runs until it is told to. */
  readonly stop: AbortSignal;
  /** Whether what it writes has colours. Default: it has none. */
  readonly hasColors?: boolean;
  /** How wide it is; absent where what was written cannot be changed, as in a pipe or a file. */
  readonly columns?: () => number;
  /** Absent where nobody presses keys. */
  readonly keyboard?: Keyboard;
  /** Opens a URL in a browser; rejects when there is none. */
  readonly openUrl?: (url: string) => Promise<void>;
}

/** Why a command failed, in words for its user: exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

// What a command has of its process, and the error that ends it.

/** What a command reads and writes. */
export interface Terminal {
  readonly out: (text: string | Uint8Array) => void;
  readonly err: (text: string) => void;
  /** All of the standard input. */
  readonly stdin: () => Promise<string>;
  /** Asks whoever sits there, and resolves to the answer; absent where nobody does. */
  readonly ask?: (question: string) => Promise<string>;
  /** Whether a person reads what is written. */
  readonly isInteractive: boolean;
  /** Ends what runs until it is told to. */
  readonly stop: AbortSignal;
}

/** Why a command failed, in words for its user: exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

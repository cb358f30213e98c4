// Whatever was thrown as what a span records of it: text, bounded. Nothing that can be thrown makes it fail.
import { inspect } from 'node:util';

/** What a span records of an error. */
export interface RecordedException {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

// A stack is as long as ten frames and the message; the message may be the body of a request.
const LONGEST_MESSAGE = 4096;
const LONGEST_STACK = 16_384;

/** @example span.recordException(toException(error)); */
export function toException(thrown: unknown): RecordedException {
  try {
    if (!(thrown instanceof Error)) return of('Error', inspect(thrown, { depth: 2 }), '');
    return of(thrown.name, thrown.message, thrown.stack ?? '');
  } catch {
    return of('Error', 'an error that cannot be read', '');
  }
}

// What user code made of an error may be of any type.
function of(name: unknown, message: unknown, stack: unknown): RecordedException {
  const text = cut(String(message), LONGEST_MESSAGE);
  return {
    name: cut(String(name), LONGEST_MESSAGE),
    message: text,
    stack: cut(String(stack), LONGEST_STACK) || `${String(name)}: ${text}`,
  };
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

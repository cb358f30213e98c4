// What is sent: given as text, as a file or on the standard input, with the media type that it looks like.
import { readFile } from 'node:fs/promises';
import { CommandError, type Terminal } from '../terminal.ts';

/** What is sent. */
export interface Data {
  readonly bytes: Buffer;
  /** Guessed from the bytes; absent when there are none. */
  readonly contentType?: string;
}

/**
 * Reads it.
 *
 * @param given Text, `@file`, or `-` for the standard input.
 * @throws CommandError for a file that cannot be read.
 */
export async function readData(given: string | undefined, terminal: Terminal): Promise<Data> {
  if (given === undefined) return { bytes: Buffer.alloc(0) };
  const bytes = await bytesOf(given, terminal);
  return { bytes, contentType: guessType(bytes) };
}

async function bytesOf(given: string, terminal: Terminal): Promise<Buffer> {
  if (given === '-') return terminal.stdin();
  if (!given.startsWith('@')) return Buffer.from(given);
  const file = given.slice(1);
  try {
    return await readFile(file);
  } catch (cause) {
    throw new CommandError(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** The media type of bytes: JSON, or else text, if they are that. */
export function guessType(bytes: Buffer): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return isJson(text) ? 'application/json' : 'text/plain; charset=utf-8';
  } catch {
    return 'application/octet-stream';
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

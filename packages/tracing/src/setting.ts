// The places that may say a setting → its value: the first that can be used, with a warning for each
// before it that cannot.
import type { Environment } from '@ofn/core';
import type { VariableName } from './variables.ts';

/** How a text becomes a value. */
export interface Format<T> {
  /** What a warning says that it must be. */
  readonly expected: string;
  /** Warnings must not show it. */
  readonly isSecret?: boolean;
  /** `undefined`: the text cannot be used. */
  readonly parse: (text: string) => T | undefined;
}

/** A place that may say a setting. */
export interface Source<T> {
  /** What a warning calls it. */
  readonly name: string;
  /** Absent or blank: it says nothing. */
  readonly text: string | undefined;
  readonly format: Format<T>;
}

/** What a setting can be. */
export type Scalar = string | number | boolean;

/** Takes one sentence on a value that cannot be used. */
export type Warn = (message: string) => void;

/** A variable as a source. */
export function variable<T>(env: Environment, name: VariableName, format: Format<T>): Source<T> {
  return { name, text: env[name], format };
}

/** Whether a variable says anything. */
export function isSet(env: Environment, name: VariableName): boolean {
  return (env[name] ?? '').trim() !== '';
}

/**
 * The value that the first usable source says, else the fallback.
 *
 * @example
 * firstOf([variable(env, 'SW_AGENT_SECURE', BOOLEAN)], false, warn);
 */
export function firstOf<T extends Scalar, F extends Scalar | undefined>(
  sources: readonly Source<T>[],
  fallback: F,
  warn: Warn,
): T | F {
  const unusable: Source<T>[] = [];
  let value: T | F = fallback;
  for (const source of sources) {
    if (source.text === undefined || source.text.trim() === '') continue;
    const parsed = source.format.parse(source.text);
    if (parsed !== undefined) {
      value = parsed;
      break;
    }
    unusable.push(source);
  }
  for (const { name, text = '', format } of unusable) {
    const { expected, isSecret = false } = format;
    warn(
      isSecret
        ? complaint(name, 'the value', expected)
        : complaint(name, quote(text), expected, value),
    );
  }
  return value;
}

/**
 * What a warning says of a value that cannot be used.
 *
 * @param shown The value as it may be shown, or where it stands.
 * @param used What is used instead; `undefined` when the value is left out.
 */
export function complaint(name: string, shown: string, expected: string, used?: Scalar): string {
  const instead = used === undefined ? 'and is left out' : `${String(used)} is used`;
  return `${name}: ${shown} is not ${expected}, ${instead}`;
}

const LONGEST_QUOTE = 100;

/** A text as a warning shows it: on one line, not too long, and without user and password of a URL. */
export function quote(text: string): string {
  const shown = text.trim().replace(/^.*@/s, '…@');
  return JSON.stringify(shown.length > LONGEST_QUOTE ? `${shown.slice(0, LONGEST_QUOTE)}…` : shown);
}

export const TEXT: Format<string> = { expected: 'a text', parse: (text) => text.trim() };

export const BOOLEAN: Format<boolean> = {
  expected: 'true or false',
  parse(text) {
    const word = text.trim().toLowerCase();
    return word === 'true' || word === 'false' ? word === 'true' : undefined;
  },
};

/** What may stand in a header of HTTP and of gRPC. */
export const PRINTABLE = /^[\x20-\x7e]*$/;

export const TOKEN: Format<string> = {
  expected: 'one line of printable ASCII',
  isSecret: true,
  parse(text) {
    const token = text.trim();
    return PRINTABLE.test(token) ? token : undefined;
  },
};

/** What a Node timer can wait for, in milliseconds. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** A whole number within bounds. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): Format<number> {
  const upTo = most < Number.MAX_SAFE_INTEGER ? `to ${most}` : 'up';
  return {
    expected: `a whole number from ${least} ${upTo}`,
    parse(text) {
      const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
      return value >= least && value <= most ? value : undefined;
    },
  };
}

/**
 * One of some words, in any letter case.
 *
 * @param others Further words, and what they stand for.
 */
export function oneOf<T extends string>(
  words: readonly T[],
  others: Readonly<Record<string, T>> = {},
): Format<T> {
  const known = new Map<string, T>([
    ...words.map((word) => [word, word] as const),
    ...Object.entries(others),
  ]);
  return {
    expected: `one of ${words.join(', ')}`,
    parse: (text) => known.get(text.trim().toLowerCase()),
  };
}

// `key=value` pairs between commas, percent-encoded → each pair, and where in the text it stands.
// https://www.w3.org/TR/baggage/#baggage-http-header-format

/** One entry of the list. */
export interface Entry {
  /** Counted from 1, as a warning shows it: what stands there may be a secret. */
  readonly position: number;
  /** `undefined`: the entry is no such pair. */
  readonly pair: readonly [key: string, value: string] | undefined;
}

/** What a warning says that an entry must be. */
export const PAIR = 'key=value, percent-encoded';

/** The entries of a list, without those that are blank. */
export function parsePairs(text: string): readonly Entry[] {
  return text
    .split(',')
    .map((entry, index) => ({ entry, position: index + 1 }))
    .filter(({ entry }) => entry.trim() !== '')
    .map(({ entry, position }) => ({ position, pair: toPair(entry) }));
}

function toPair(entry: string): readonly [string, string] | undefined {
  const end = entry.indexOf('=');
  if (end === -1) return undefined;
  const key = decode(entry.slice(0, end));
  const value = decode(entry.slice(end + 1));
  return key === undefined || key === '' || value === undefined ? undefined : [key, value];
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}

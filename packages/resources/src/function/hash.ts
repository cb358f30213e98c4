// Hashes of values: the same for values whose fields are the same, in whichever order they stand.
import { createHash } from 'node:crypto';

/** Sixteen hexadecimal digits. */
export function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value, sortFields) ?? '')
    .digest('hex')
    .slice(0, 16);
}

/** The first eight of them, as a part of a name. */
export function shortHash(value: unknown): string {
  return hashOf(value).slice(0, 8);
}

// Integer-like keys come first in any object; the others follow in order.
function sortFields(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}

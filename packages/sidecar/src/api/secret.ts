// A token that was sent, compared with the one that is expected.
import { timingSafeEqual } from 'node:crypto';

/** Compares two secrets, in a time that tells nothing of them but their length. */
export function isSameSecret(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

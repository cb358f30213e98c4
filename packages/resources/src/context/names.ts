// Names of objects: derived, never random, and never longer than a DNS label.
import { shortHash } from '../function/hash.ts';

const MOST = 63;

/** Parts as one name. What is too long ends with a hash of the whole. */
export function toObjectName(...parts: readonly string[]): string {
  const whole = parts
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  if (whole.length <= MOST) return whole;
  const hash = shortHash(whole);
  return `${whole.slice(0, MOST - hash.length - 1).replace(/-+$/, '')}-${hash}`;
}

/** A version as a part of a name: `v1.0.0` as `v100`. */
export function toVersionPart(version: string): string {
  return version.replaceAll('.', '');
}

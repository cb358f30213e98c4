// The token that a sidecar shows to the app, so that nobody else can post events to it.
// https://docs.dapr.io/operations/security/app-api-token/
import { createHash, timingSafeEqual } from 'node:crypto';
import { OfnError } from '../errors.ts';

/**
 * Passes when the given token is the expected one, or none is expected.
 *
 * @throws OfnError `OFN_TOKEN_INVALID`.
 */
export function assertToken(expected: string | undefined, given: unknown): void {
  if (expected === undefined) return;
  if (typeof given === 'string' && isEqual(expected, given)) return;
  throw new OfnError(
    'OFN_TOKEN_INVALID',
    `the header dapr-api-token is ${given === undefined ? 'missing' : 'wrong'}: give the sidecar the ` +
      `APP_API_TOKEN of the function`,
  );
}

// In a time that tells nothing of where they differ, or of their lengths.
function isEqual(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

// A reply of the sidecar about a state store as the error it means.
import { OfnError } from '../errors.ts';
import { renderSidecarFailure, toSidecarFailure } from './sidecar-failure.ts';
import type { SidecarReply } from './sidecar-exchange.ts';

// A transaction that meets another version fails with a 500 which says so in its text only.
const MISMATCH = /etag mismatch/i;
// Redis, which refuses by a script that says this, inside a sentence of its component that says it too.
const REFUSED_BY_SCRIPT = /failed to (set|delete)[\s\S]*failed to (set|delete)/;

/**
 * The error; `undefined` for a success.
 *
 * @param isConditional Whether the request demanded that nobody else wrote first.
 */
export function toStateError(
  name: string,
  component: string,
  reply: SidecarReply,
  isConditional: boolean,
): OfnError | undefined {
  const failure = toSidecarFailure(reply);
  if (failure === undefined) return undefined;
  const reason = renderSidecarFailure(failure);
  const isConflict =
    failure.status === 409 ||
    MISMATCH.test(failure.message) ||
    (isConditional && REFUSED_BY_SCRIPT.test(failure.message));
  if (!isConflict) {
    return new OfnError('OFN_STATE_FAILED', `state store ${name} (${component}) failed: ${reason}`);
  }
  const message =
    `state store ${name} (${component}): another writer was first; ` +
    `read the key again and repeat what depends on it: ${reason}`;
  return new OfnError('OFN_STATE_CONFLICT', message);
}

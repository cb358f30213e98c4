// The trace of a request, by its header of W3C Trace Context.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Gives a request that is of no trace one of its own, which is recorded. */
export function startTrace({ headers, rawHeaders }: IncomingMessage): void {
  if (headers['traceparent'] !== undefined) return;
  const value = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
  headers['traceparent'] = value;
  rawHeaders.push('Traceparent', value);
}

/** The id of its trace; `undefined` when it is of none. */
export function traceIdOf({ headers }: IncomingMessage): string | undefined {
  const { traceparent } = headers;
  const [, id] = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(String(traceparent ?? '')) ?? [];
  return id;
}

// The calls of this instance in the shape in which the add-on's interceptor tells of its own.
import type { AddOn } from './adapter.ts';

/** How many calls there are. */
export interface CallCounts {
  /** Calls that are open now, held sockets among them. */
  readonly open: number;
  /** Calls since the start. */
  readonly total: number;
}

/**
 * The value of `/queue`.
 *
 * @param key `namespace/name`.
 */
export function toQueue(addOn: AddOn, key: string, { open, total }: CallCounts): unknown {
  if (addOn === 'current') return { [key]: { Concurrency: open, RequestCount: total } };
  // Known there from its first request on.
  return total === 0 ? {} : { [key]: open };
}

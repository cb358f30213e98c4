// The queues of several interceptors, poll by poll, as what is pending and the rate of requests of each
// route, as the add-on's scaler sums them up.
import type { Queue } from './queue.ts';
import { createRequestRate, type RequestRate } from './rate.ts';

/** Of all interceptors together. */
interface QueueTotal {
  readonly concurrency: number;
  /** Requests a bucket of the route's window, on average; a second, with the default buckets. */
  readonly requestRate: number;
}

/** Milliseconds. */
export interface RateBuckets {
  readonly window: number;
  readonly granularity: number;
}

/** What is added up over the polls. */
export interface QueueTotals {
  /**
   * Takes one poll in.
   *
   * An interceptor that did not answer keeps the concurrency that it had; a rate is not made up for it. What
   * an interceptor had counted before it was first seen is no new request. A counter that fell began anew.
   *
   * @param queues By endpoint; `undefined` for one that did not answer.
   */
  update(now: number, queues: ReadonlyMap<string, Queue | undefined>): void;
  /** Of one route; zeros for one that no interceptor knows. */
  get(key: string): QueueTotal;
  /** Pending requests of all routes. */
  concurrency(): number;
}

/** Creates totals; there are none yet. */
export function createQueueTotals(bucketsOf: (key: string) => RateBuckets): QueueTotals {
  let known = new Map<string, Queue>();
  let rates = new Map<string, RequestRate>();
  let totals = new Map<string, QueueTotal>();

  function update(now: number, queues: ReadonlyMap<string, Queue | undefined>): void {
    // With none that answers, nothing is known anew.
    if ([...queues.values()].every((queue) => queue === undefined)) return;
    const sums = new Map<string, { concurrency: number; requests: number; rate: number }>();
    const next = new Map<string, Queue>();
    for (const [endpoint, queue] of queues) {
      const before = known.get(endpoint);
      const current = queue ?? before;
      if (current === undefined) continue;
      next.set(endpoint, current);
      for (const [key, count] of current) {
        const sum = sums.get(key) ?? { concurrency: 0, requests: 0, rate: 0 };
        sum.concurrency += count.concurrency;
        if (queue !== undefined) {
          sum.requests += added(before?.get(key)?.requestCount, count.requestCount);
          sum.rate += count.requestRate ?? 0;
        }
        sums.set(key, sum);
      }
    }
    known = next;
    const kept = new Map<string, RequestRate>();
    totals = new Map();
    for (const [key, { concurrency, rate, requests }] of sums) {
      const { granularity, window } = bucketsOf(key);
      const counted = rates.get(key) ?? createRequestRate(window, granularity);
      counted.record(now, requests);
      kept.set(key, counted);
      totals.set(key, { concurrency, requestRate: rate + counted.average(now) });
    }
    rates = kept;
  }

  return {
    update,
    get: (key) => totals.get(key) ?? { concurrency: 0, requestRate: 0 },
    concurrency: () => [...totals.values()].reduce((sum, total) => sum + total.concurrency, 0),
  };
}

function added(before: number | undefined, now: number | undefined): number {
  if (before === undefined || now === undefined) return 0;
  return now >= before ? now - before : now;
}

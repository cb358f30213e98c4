// Requests a second over a window of time, from counters that only rise, as the add-on's scaler does it.

/** A rate that is told of new requests, and asked. */
export interface RequestRate {
  /** Adds requests that came since the last time; time in milliseconds, on any clock. */
  record(now: number, requests: number): void;
  /** Requests a bucket of time, on average; with buckets of a second, requests a second. */
  average(now: number): number;
}

/**
 * Creates a rate.
 *
 * Until the window has passed since the first request, it averages over the part that has. A window
 * without any request starts it anew.
 *
 * @param window Milliseconds.
 * @param granularity Milliseconds of one bucket.
 */
export function createRequestRate(window: number, granularity: number): RequestRate {
  const size = Math.max(1, Math.ceil(window / granularity));
  const buckets = new Float64Array(size);
  let first: number | undefined;
  let last: number | undefined;
  let total = 0;

  function clear(from: number, to: number): void {
    for (let index = from; index <= Math.min(to, from + size - 1); index += 1) {
      total -= buckets[index % size] ?? 0;
      buckets[index % size] = 0;
    }
  }

  return {
    record(now, requests) {
      const index = Math.floor(now / granularity);
      if (first === undefined || last === undefined || index - last >= size) {
        buckets.fill(0);
        total = 0;
        first = index;
        last = index;
      } else if (index > last) {
        clear(last + 1, index);
        last = index;
      } else if (last - index >= size) return;
      buckets[index % size] = (buckets[index % size] ?? 0) + requests;
      total += requests;
    },
    average(now) {
      if (first === undefined || last === undefined) return 0;
      const index = Math.floor(now / granularity);
      if (index - last >= size) return 0;
      let sum = total;
      for (let passed = last + 1; passed <= index; passed += 1) sum -= buckets[passed % size] ?? 0;
      const average = sum / Math.min(last - first + 1, size);
      return Math.round(average * 1000) / 1000;
    },
  };
}

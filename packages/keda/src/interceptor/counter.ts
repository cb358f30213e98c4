// Counts the requests of each route, and says when a route that had none gets one.
import type { Counts } from './counts.ts';

/** What is counted of one route; the same object for all its requests. */
export interface RouteCounter {
  readonly key: string;
  begin(): void;
  end(): void;
}

/** The counters of all routes. */
export interface Counter {
  /** The counter of a route; made at first use, and from then on in the counts. */
  of(key: string): RouteCounter;
  /** Forgets the routes that are not among these. */
  keep(keys: readonly string[]): void;
  counts(): Counts;
  /** Calls back with the key of a route whose pending requests rise from 0. Returns what ends it. */
  onPending(listener: (key: string) => void): () => void;
}

/** Creates counters that start at 0. */
export function createCounter(): Counter {
  const routes = new Map<string, { concurrency: number; requestCount: number } & RouteCounter>();
  const listeners = new Set<(key: string) => void>();

  function create(key: string): ReturnType<typeof routes.get> & object {
    const route = {
      key,
      concurrency: 0,
      requestCount: 0,
      begin() {
        route.requestCount += 1;
        route.concurrency += 1;
        if (route.concurrency > 1) return;
        for (const listener of listeners) listener(key);
      },
      end() {
        route.concurrency -= 1;
      },
    };
    routes.set(key, route);
    return route;
  }

  return {
    of: (key) => routes.get(key) ?? create(key),
    keep(keys) {
      for (const key of routes.keys()) if (!keys.includes(key)) routes.delete(key);
    },
    counts: () =>
      Object.fromEntries(
        [...routes.values()].map(({ key, concurrency, requestCount }) => [
          key,
          { concurrency, requestCount },
        ]),
      ),
    onPending(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

// The requests of each route: how many are pending now, and how many came in all.

/** The counts of one route. */
export interface Count {
  /** Requests between the match of their route and the end of their response, the hold included. */
  readonly concurrency: number;
  /** Requests since the start; it never falls. */
  readonly requestCount: number;
}

/** Counts by route key (`namespace/name`). */
export type Counts = Readonly<Record<string, Count>>;

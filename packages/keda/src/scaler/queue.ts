// The body of an interceptor's `/queue`, in each of the shapes that add-ons have had, as counts.

/** What one interceptor says of one route. */
interface QueueCount {
  readonly concurrency: number;
  /** Requests since its start; `undefined` where its version does not count them. */
  readonly requestCount: number | undefined;
  /** Requests a second, where its version tells that instead. */
  readonly requestRate: number | undefined;
}

/** What one interceptor says, by route key. */
export type Queue = ReadonlyMap<string, QueueCount>;

/**
 * Parses a body: `{"ns/name":3}` (0.5), `{"ns/name":{"Concurrency":3,"RPS":1.5}}` (0.8 to 0.13) or
 * `{"ns/name":{"Concurrency":3,"RequestCount":120}}`.
 *
 * @throws TypeError that says what is no count; SyntaxError for what is no JSON.
 */
export function parseQueue(text: string): Queue {
  const body: unknown = JSON.parse(text);
  if (!isRecord(body)) throw new TypeError('the queue is not an object');
  return new Map(Object.entries(body).map(([key, value]) => [key, parseCount(key, value)]));
}

function parseCount(key: string, value: unknown): QueueCount {
  const fields = isRecord(value) ? value : { Concurrency: value };
  const read = (name: string): number | undefined => {
    const found = fields[name];
    if (found === undefined) return undefined;
    if (typeof found === 'number' && found >= 0) return found;
    throw new TypeError(`${name} of ${key} is not a number from 0 up`);
  };
  return {
    concurrency: read('Concurrency') ?? 0,
    requestCount: read('RequestCount'),
    requestRate: read('RPS'),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

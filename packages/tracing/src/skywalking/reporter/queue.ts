// Finished segments wait here for the next report, as bytes: a bounded number, and a bounded size, the
// oldest dropped first.
import type { Segment } from '../agent.ts';

/** Segments that wait. */
export interface SegmentQueue {
  readonly length: number;
  /** Of them, those that are not encoded yet. */
  readonly fresh: number;
  /** Adds a segment. Returns how many were dropped for it. */
  add(segment: Segment): number;
  /** Encodes a few of the oldest. Returns how many were left out. */
  encodeSome(encode: (segment: Segment) => Buffer): {
    /** They could not be encoded, or are larger than a collector takes. */
    readonly unfit: number;
    /** Older ones, for which there is no room any more. */
    readonly dropped: number;
  };
  /** Takes out the oldest that are encoded, as many as one report holds. */
  take(): readonly Buffer[];
  /**
   * Puts back what a report did not deliver, before what has come since; each segment once.
   * Returns how many were dropped.
   */
  putBack(segments: readonly Buffer[]): number;
}

// A span takes about 7 µs, so that no call waits for more than a fraction of a millisecond.
const SEGMENTS_AT_ONCE = 10;
const SPANS_AT_ONCE = 30;

// A report has a deadline, however many wait.
const SEGMENTS_A_REPORT = 1000;

// gRPC refuses a message above 4 MiB, and with it the stream that it comes by.
const LARGEST_SEGMENT = 3 * 1024 * 1024;
const LARGEST_QUEUE = 64 * 1024 * 1024;

/** Creates an empty queue for so many segments. */
export function createSegmentQueue(limit: number, largest = LARGEST_QUEUE): SegmentQueue {
  // Spans are many small objects, and a second is long enough for each of them to cost the garbage
  // collector more than it costs to encode them right away.
  const fresh: Segment[] = [];
  let encoded: Buffer[] = [];
  let bytes = 0;
  const putBackBefore = new WeakSet<Buffer>();

  function dropOldest(): boolean {
    const oldest = encoded.shift();
    bytes -= oldest?.length ?? 0;
    return oldest !== undefined;
  }

  function fit(): number {
    let dropped = 0;
    while (bytes > largest && dropOldest()) dropped += 1;
    return dropped;
  }

  return {
    get length() {
      return fresh.length + encoded.length;
    },
    get fresh() {
      return fresh.length;
    },
    add(segment) {
      fresh.push(segment);
      if (fresh.length + encoded.length <= limit) return 0;
      if (!dropOldest()) fresh.shift();
      return 1;
    },
    encodeSome(encode) {
      let unfit = 0;
      let spans = 0;
      for (let count = 0; count < SEGMENTS_AT_ONCE && spans < SPANS_AT_ONCE; count += 1) {
        const segment = fresh.shift();
        if (segment === undefined) break;
        spans += segment.spans.length;
        const message = encodeOrNothing(encode, segment);
        if (message === undefined || message.length > LARGEST_SEGMENT) {
          unfit += 1;
          continue;
        }
        encoded.push(message);
        bytes += message.length;
      }
      return { unfit, dropped: fit() };
    },
    take() {
      const taken = encoded.splice(0, SEGMENTS_A_REPORT);
      for (const { length } of taken) bytes -= length;
      return taken;
    },
    putBack(segments) {
      const again = segments.filter((segment) => !putBackBefore.has(segment));
      for (const segment of again) putBackBefore.add(segment);
      const room = Math.max(0, limit - fresh.length);
      const all = [...again, ...encoded];
      encoded = all.slice(Math.max(0, all.length - room));
      bytes = encoded.reduce((sum, { length }) => sum + length, 0);
      const dropped = all.length - encoded.length + fit();
      return segments.length - again.length + dropped;
    },
  };
}

function encodeOrNothing(
  encode: (segment: Segment) => Buffer,
  segment: Segment,
): Buffer | undefined {
  try {
    return encode(segment);
  } catch {
    return undefined;
  }
}

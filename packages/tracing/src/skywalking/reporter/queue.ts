// Finished segments wait here for the next report, as bytes: a bounded number, the oldest dropped first.
import type { Segment } from '../agent.ts';

/** Segments that wait. */
export interface SegmentQueue {
  readonly length: number;
  /** Of them, those that are not encoded yet. */
  readonly fresh: number;
  /** Adds a segment. Returns how many were dropped for it. */
  add(segment: Segment): number;
  /** Encodes a few of the oldest. Returns how many could not be encoded, and were left out. */
  encodeSome(encode: (segment: Segment) => Buffer): number;
  /** Takes out all that are encoded. */
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

/** Creates an empty queue for so many segments. */
export function createSegmentQueue(limit: number): SegmentQueue {
  // Spans are many small objects, and a second is long enough for each of them to cost the garbage
  // collector more than it costs to encode them right away.
  const fresh: Segment[] = [];
  let encoded: Buffer[] = [];
  const putBackBefore = new WeakSet<Buffer>();

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
      if (encoded.shift() === undefined) fresh.shift();
      return 1;
    },
    encodeSome(encode) {
      let malformed = 0;
      let spans = 0;
      for (let count = 0; count < SEGMENTS_AT_ONCE && spans < SPANS_AT_ONCE; count += 1) {
        const segment = fresh.shift();
        if (segment === undefined) break;
        spans += segment.spans.length;
        try {
          encoded.push(encode(segment));
        } catch {
          malformed += 1;
        }
      }
      return malformed;
    },
    take() {
      const taken = encoded;
      encoded = [];
      return taken;
    },
    putBack(segments) {
      const again = segments.filter((segment) => !putBackBefore.has(segment));
      for (const segment of again) putBackBefore.add(segment);
      const room = Math.max(0, limit - fresh.length);
      const all = [...again, ...encoded];
      encoded = all.slice(Math.max(0, all.length - room));
      return segments.length - again.length + all.length - encoded.length;
    },
  };
}

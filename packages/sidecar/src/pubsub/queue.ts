// The events that wait for one group of consumers, in the order in which they were published.

/** One event, as the broker holds it. */
export interface Message {
  readonly data: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An event in a queue. */
export interface Queued {
  readonly message: Message;
  /** What it was published to; not always what the group subscribed to. */
  readonly topic: string;
  /** Its place in the order. */
  readonly place: number;
  /** Called once, when it will not be delivered again. */
  readonly end: () => void;
}

/** What waits, oldest first. */
export interface Queue {
  readonly length: number;
  /** The place that the next event will get. */
  readonly next: number;
  add(event: Omit<Queued, 'place'>): void;
  /** Takes the oldest ones out. */
  take(count: number): Queued[];
  /** Puts back what was taken, each where it was. */
  putBack(events: readonly Queued[]): void;
  /** How many have a place before that one; counts no further than to `most`. */
  countBefore(place: number, most: number): number;
  /** Whether all have a place before that one. */
  isBefore(place: number): boolean;
}

/** Creates an empty queue. */
export function createQueue(): Queue {
  let waiting: Queued[] = [];
  // Taken from the front by an index, as to shift a long array costs its length.
  let front = 0;
  let next = 0;

  return {
    get length() {
      return waiting.length - front;
    },
    get next() {
      return next;
    },
    add(event) {
      waiting.push({ ...event, place: next++ });
    },
    take(count) {
      const taken = waiting.slice(front, front + count);
      front += taken.length;
      if (front > 1024 && front * 2 > waiting.length) {
        waiting = waiting.slice(front);
        front = 0;
      }
      return taken;
    },
    putBack(events) {
      // What others took before may have come back already, so the front is not always their place.
      waiting = [...events, ...waiting.slice(front)].toSorted((a, b) => a.place - b.place);
      front = 0;
    },
    countBefore(place, most) {
      let count = 0;
      while (count < most && (waiting[front + count]?.place ?? place) < place) count++;
      return count;
    },
    isBefore: (place) => front === waiting.length || (waiting.at(-1)?.place ?? place) < place,
  };
}

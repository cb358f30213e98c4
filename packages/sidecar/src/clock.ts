// Time: the real one, and one that stands still until a test advances it.

/** Where everything that waits gets its time from. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Calls back once, later.
   *
   * @param delay In milliseconds.
   * @returns Takes the call back.
   */
  setTimeout(callback: () => void, delay: number): () => void;
}

/** A clock that only a test moves. */
export interface VirtualClock extends Clock {
  /**
   * Moves the time on. What becomes due runs in its order, and what it starts settles in between.
   *
   * @param duration In milliseconds.
   * @example
   * await clock.advance(5000);
   */
  advance(duration: number): Promise<void>;
  /** How many callbacks wait. */
  readonly pending: number;
}

// Node fires a longer one at once.
const LONGEST_DELAY = 2 ** 31 - 1;

/** The time of the machine. */
export const realClock: Clock = {
  now: () => Date.now(),
  setTimeout(callback, delay) {
    let timer: NodeJS.Timeout;
    const wait = (rest: number): void => {
      timer =
        rest > LONGEST_DELAY
          ? setTimeout(() => wait(rest - LONGEST_DELAY), LONGEST_DELAY)
          : setTimeout(callback, rest);
    };
    wait(delay);
    return () => clearTimeout(timer);
  },
};

/**
 * Creates a clock that stands still until it is advanced.
 *
 * @param start What `now` says at first, in milliseconds since 1970. Default 0.
 * @example
 * const clock = createVirtualClock();
 * const sidecar = await createSidecar({ clock, components: [every5s], appPort });
 * await clock.advance(5000); // the cron binding ticks
 */
export function createVirtualClock(start = 0): VirtualClock {
  let time = start;
  let waiting: { at: number; callback: () => void }[] = [];

  function takeDue(until: number): (typeof waiting)[number] | undefined {
    let next: (typeof waiting)[number] | undefined;
    for (const entry of waiting) {
      // The first of two at the same time stays the first: they are in the order of their calls.
      if (entry.at <= until && (next === undefined || entry.at < next.at)) next = entry;
    }
    if (next !== undefined) waiting = waiting.filter((entry) => entry !== next);
    return next;
  }

  return {
    now: () => time,
    get pending() {
      return waiting.length;
    },
    setTimeout(callback, delay) {
      const entry = { at: time + Math.max(0, delay), callback };
      waiting.push(entry);
      return () => {
        waiting = waiting.filter((other) => other !== entry);
      };
    },
    async advance(duration) {
      const until = time + duration;
      await settle();
      for (let due = takeDue(until); due !== undefined; due = takeDue(until)) {
        time = due.at;
        due.callback();
        await settle();
      }
      time = until;
    },
  };
}

// Promises run before the next turn of the event loop.
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

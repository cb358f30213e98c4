// How much is going on, and the moment when nothing is.

/** Counts what has begun and not ended. */
export interface Activity {
  /** Something begins; the result, called once, ends it. */
  begin(): () => void;
  /** Resolves when nothing is going on. */
  idle(): Promise<void>;
}

/** Creates a count that starts idle. */
export function createActivity(): Activity {
  let ongoing = 0;
  let waiting: (() => void)[] = [];
  const end = (): void => {
    if (--ongoing > 0) return;
    const idle = waiting;
    waiting = [];
    for (const resolve of idle) resolve();
  };
  return {
    begin() {
      ongoing++;
      return end;
    },
    idle() {
      if (ongoing === 0) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
  };
}

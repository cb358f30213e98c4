// How much is going on, and the moment when nothing is.

/** Counts what has begun and not ended. */
export interface Activity {
  /** How much is going on. */
  readonly ongoing: number;
  /** Something begins; the result, called once, ends it. */
  begin(): () => void;
  /** Resolves when nothing is going on. */
  idle(): Promise<void>;
}

/**
 * Creates a count that starts idle.
 *
 * @param whole What it is part of: what goes on here goes on there too.
 */
export function createActivity(whole?: Activity): Activity {
  let ongoing = 0;
  let waiting: (() => void)[] = [];
  const end = (): void => {
    if (--ongoing > 0) return;
    const idle = waiting;
    waiting = [];
    for (const resolve of idle) resolve();
  };
  return {
    get ongoing() {
      return ongoing;
    },
    begin() {
      ongoing++;
      if (whole === undefined) return end;
      const endThere = whole.begin();
      return () => {
        end();
        endThere();
      };
    },
    idle() {
      if (ongoing === 0) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
  };
}

// A limit on how many run at a time: who comes later waits for a turn, in order.

/** Waits for a turn; the result gives it back. */
export type Gate = () => Promise<() => void>;

/** @param limit How many may run at a time. `undefined`: any number. */
export function createGate(limit: number | undefined): Gate {
  if (limit === undefined) return () => Promise.resolve(() => undefined);
  let running = 0;
  const waiting: (() => void)[] = [];
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  };
  const pass = (): (() => void) => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      leave();
    };
  };
  return () => {
    if (running < limit) {
      running++;
      return Promise.resolve(pass());
    }
    return new Promise((resolve) => {
      waiting.push(() => resolve(pass()));
    });
  };
}

// A line for the log → whether it may be written now: one of a kind in a minute.

/** Milliseconds in which one line of a kind is written. */
const INTERVAL = 60_000;
/** Kinds that are remembered; the lines of a library have no more. */
const KINDS = 100;

/** Decides for each kind of line whether its turn has come. */
export type Throttle = (kind: string) => boolean;

/** Creates a throttle. The first line of a kind is written at once. */
export function createThrottle(): Throttle {
  const written = new Map<string, number>();
  return (kind) => {
    const now = performance.now();
    const last = written.get(kind);
    if (last !== undefined && now - last < INTERVAL) return false;
    if (written.size >= KINDS) written.clear();
    written.set(kind, now);
    return true;
  };
}

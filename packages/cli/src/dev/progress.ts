// Work that takes over a second is told: on a live screen in one line that counts the seconds, elsewhere once.
import type { Screen } from './screen.ts';

/** Tells of work. */
export interface Progress {
  /**
   * Tells of work from now on, if it takes its time.
   *
   * @param text What is waited for, at the time when it is told.
   * @returns What ends that.
   */
  readonly begin: (text: () => string) => () => void;
}

// Milliseconds after which people wonder; also how often it is told anew.
const PERIOD = 1000;

interface Work {
  readonly text: () => string;
  readonly since: number;
}

/** Creates it; nothing is under way. */
export function createProgress(
  { isLive, print, setStatus }: Screen,
  toLine: (text: string) => string,
): Progress {
  const long = new Set<Work>();
  let ticking: NodeJS.Timeout | undefined;

  function show(): void {
    const texts = [...long].map(
      ({ since, text }) => `${text()} (${Math.round((performance.now() - since) / 1000)} s)`,
    );
    setStatus(texts.join('; '));
  }

  function tellOf(work: Work): void {
    if (!isLive) {
      print([toLine(work.text())]);
      return;
    }
    long.add(work);
    ticking ??= setInterval(show, PERIOD);
    show();
  }

  return {
    begin(text) {
      const work = { text, since: performance.now() };
      const timer = setTimeout(tellOf, PERIOD, work);
      return () => {
        clearTimeout(timer);
        if (!long.delete(work)) return;
        if (long.size === 0) {
          clearInterval(ticking);
          ticking = undefined;
        }
        show();
      };
    },
  };
}

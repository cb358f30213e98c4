// What goes wrong on the way to a collector becomes few lines of the log, with how much was lost.
import type { Logger } from '@ofn/core';

/** Collects what goes wrong; writes it at most once in a while. */
export interface ReporterWarnings {
  /** Segments are lost. */
  dropped(count: number, reason: string): void;
  /** Something failed, and nothing is lost yet. */
  failed(reason: string): void;
  /** Writes what has come together, if anything and if the last line is long enough ago. */
  write(): void;
  /** Writes what has come together now. */
  flush(): void;
}

/**
 * Creates the warnings of one reporter.
 *
 * @param collectors Who they are about.
 * @param pause Milliseconds between two lines.
 */
export function createReporterWarnings(
  log: Logger,
  collectors: string,
  pause: number,
  now: () => number = () => performance.now(),
): ReporterWarnings {
  let lost = 0;
  let reason: string | undefined;
  let last = -Infinity;

  function flush(): void {
    if (reason === undefined) return;
    const fields = { collectors, reason };
    if (lost === 0) log.warn(fields, 'SkyWalking does not take what is reported');
    else log.warn({ ...fields, dropped: lost }, 'segments were dropped on their way to SkyWalking');
    lost = 0;
    reason = undefined;
    last = now();
  }

  return {
    dropped(count, why) {
      if (count === 0) return;
      lost += count;
      // What failed before says more than that there was no room.
      reason ??= why;
    },
    failed(why) {
      reason = why;
    },
    write() {
      if (reason !== undefined && now() - last >= pause) flush();
    },
    flush,
  };
}

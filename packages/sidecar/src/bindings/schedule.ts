// A cron schedule as daprd writes it: five or six fields, a descriptor, or `@every 5s`.
import { Cron } from 'croner';
import { parseDuration } from '../duration.ts';

/** When a schedule is due next. */
export interface Schedule {
  /** The first time after `time`; both in milliseconds since 1970. `undefined`: never again. */
  next(time: number): number | undefined;
}

const EVERY = '@every ';

/**
 * Parses a schedule. Fields are those of the local time zone, or of one that stands in front:
 * `CRON_TZ=Asia/Tokyo 0 6 * * *`.
 *
 * @throws Error when it is not a schedule.
 */
export function parseSchedule(text: string): Schedule {
  const trimmed = text.trim();
  if (trimmed.startsWith(EVERY)) {
    const period = parseDuration(trimmed.slice(EVERY.length));
    if (period < 1) throw new Error(`"${trimmed}" is not a period of at least 1ms`);
    return { next: (time) => time + period };
  }
  const [, timezone, pattern = ''] = /^(?:(?:CRON_TZ|TZ)=(\S+)\s+)?(.*)$/s.exec(trimmed) ?? [];
  const cron = new Cron(pattern, { paused: true, ...(timezone === undefined ? {} : { timezone }) });
  return { next: (time) => cron.nextRun(new Date(time))?.getTime() };
}

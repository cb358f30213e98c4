// How long ago something was, as kubectl tells it.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/**
 * Renders a span of milliseconds in one or two units; the longer it is, the coarser.
 *
 * @see `duration.HumanDuration` of k8s.io/apimachinery
 * @example
 * renderAge(90_000); // 90s
 * renderAge(150_000); // 2m30s
 */
export function renderAge(milliseconds: number): string {
  const span = Math.max(0, milliseconds);
  if (span < 2 * MINUTE) return `${Math.floor(span / SECOND)}s`;
  if (span < 10 * MINUTE) return inTwo(span, MINUTE, 'm', SECOND, 's');
  if (span < 3 * HOUR) return `${Math.floor(span / MINUTE)}m`;
  if (span < 8 * HOUR) return inTwo(span, HOUR, 'h', MINUTE, 'm');
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)}h`;
  if (span < 8 * DAY) return inTwo(span, DAY, 'd', HOUR, 'h');
  if (span < 2 * YEAR) return `${Math.floor(span / DAY)}d`;
  if (span < 8 * YEAR) return inTwo(span, YEAR, 'y', DAY, 'd');
  return `${Math.floor(span / YEAR)}y`;
}

/** The age of a timestamp; `<unknown>` for none. */
export function ageOf(timestamp: string | null | undefined, now: number): string {
  const at = Date.parse(timestamp ?? '');
  return Number.isNaN(at) ? '<unknown>' : renderAge(now - at);
}

function inTwo(span: number, unit: number, name: string, smaller: number, rest: string): string {
  const remainder = Math.floor((span % unit) / smaller);
  return `${Math.floor(span / unit)}${name}${remainder === 0 ? '' : `${remainder}${rest}`}`;
}

// Durations as Go writes them: what a spec says, and what a status says.

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const WHOLE = /^\+?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;

/**
 * Parses a duration such as `90s` or `1h30m`.
 *
 * @returns Milliseconds; `undefined` for what is no duration, or a negative one.
 */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit = ''] of text.matchAll(PART)) {
    total += Number(amount) * (UNITS[unit] ?? 0);
  }
  return total;
}

/**
 * Renders milliseconds as Go does.
 *
 * @param unit The smallest that is told. Default `s`, as the status of a build in a cluster has it.
 * @example
 * renderDuration(83_900); // 1m23s
 * renderDuration(83_900, 'ms'); // 1m23.9s
 * renderDuration(12, 'ms'); // 12ms
 */
export function renderDuration(milliseconds: number, unit: 's' | 'ms' = 's'): string {
  const whole = Math.max(0, Math.floor(milliseconds));
  if (unit === 'ms' && whole < 1000) return whole === 0 ? '0s' : `${whole}ms`;
  const total = unit === 's' ? Math.floor(whole / 1000) * 1000 : whole;
  const hours = Math.floor(total / 3_600_000);
  const minutes = Math.floor((total % 3_600_000) / 60_000);
  const seconds = `${(total % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

// A message, many times: at a rate, few at once, and what came of all of them.
import { setTimeout as wait } from 'node:timers/promises';

/** How often. */
export interface Repetition {
  readonly count: number;
  /** A second; absent is as fast as it goes. */
  readonly rate?: number;
  /** How many may be under way at once. */
  readonly concurrency: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** What came of them; times in milliseconds. */
export interface Summary {
  readonly sent: number;
  readonly ok: number;
  /** Why others were not, and how often. */
  readonly failures: ReadonlyMap<string, number>;
  /** Ascending. */
  readonly times: readonly number[];
  readonly duration: number;
}

/**
 * Repeats.
 *
 * @param send Resolves to why it failed, or to `undefined`.
 */
export async function repeat(
  { concurrency, count, rate, signal }: Repetition,
  send: () => Promise<string | undefined>,
): Promise<Summary> {
  const failures = new Map<string, number>();
  const times: number[] = [];
  const underWay = new Set<Promise<void>>();
  const begin = performance.now();
  let sent = 0;

  async function sendOnce(): Promise<void> {
    const at = performance.now();
    const failure = await send().catch((error: unknown) => (error as Error).message);
    times.push(performance.now() - at);
    if (failure !== undefined) failures.set(failure, (failures.get(failure) ?? 0) + 1);
  }

  while (sent < count && !signal.aborted) {
    const early = rate === undefined ? 0 : begin + (sent * 1000) / rate - performance.now();
    if (early > 0) await wait(early, undefined, { signal }).catch(() => {});
    if (underWay.size >= concurrency) await Promise.race(underWay);
    if (signal.aborted) break;
    const one = sendOnce().finally(() => underWay.delete(one));
    underWay.add(one);
    sent += 1;
  }
  await Promise.all(underWay);
  const failed = [...failures.values()].reduce((sum, times) => sum + times, 0);
  return {
    sent,
    ok: sent - failed,
    failures,
    times: times.toSorted((one, other) => one - other),
    duration: performance.now() - begin,
  };
}

/** Renders a summary as one line. */
export function renderSummary({ duration, ok, sent, times }: Summary): string {
  const seconds = duration / 1000;
  const rate = seconds === 0 ? sent : sent / seconds;
  return (
    `sent ${sent}, ok ${ok}, failed ${sent - ok} in ${seconds.toFixed(1)} s (${Math.round(rate)}/s); ` +
    `p50 ${renderTime(percentile(times, 50))}, p99 ${renderTime(percentile(times, 99))}\n`
  );
}

/** The nearest rank; `times` ascending. */
function percentile(times: readonly number[], percent: number): number {
  return times[Math.max(0, Math.ceil((times.length * percent) / 100) - 1)] ?? 0;
}

function renderTime(milliseconds: number): string {
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds)} ms`;
}

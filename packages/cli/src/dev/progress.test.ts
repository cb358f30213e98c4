import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createProgress } from './progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function create(isLive: boolean) {
  const printed: string[] = [];
  const statuses: string[] = [];
  const screen = {
    isLive,
    print: (lines: readonly string[]) => void printed.push(...lines),
    setStatus: (text: string) => void statuses.push(text),
    clear() {},
  };
  return { printed, statuses, progress: createProgress(screen, (text) => `ofn  ${text}`) };
}

test('work of less than a second is not told', () => {
  const { printed, progress, statuses } = create(true);
  const end = progress.begin(() => 'it');
  vi.advanceTimersByTime(900);
  end();
  vi.advanceTimersByTime(5000);
  expect([printed, statuses]).toEqual([[], []]);
});

test('on a live screen it is one status, with its seconds, and what it waits for by then', () => {
  const { progress, statuses } = create(true);
  let left = 2;
  const end = progress.begin(() => `${left} requests`);
  vi.advanceTimersByTime(1000);
  left = 1;
  vi.advanceTimersByTime(1000);
  end();
  expect(statuses).toEqual(['2 requests (1 s)', '1 requests (2 s)', '']);
  expect(vi.getTimerCount()).toBe(0);
});

test('several works are told beside each other', () => {
  const { progress, statuses } = create(true);
  progress.begin(() => 'a');
  const end = progress.begin(() => 'b');
  vi.advanceTimersByTime(1000);
  end();
  expect(statuses.slice(-2)).toEqual(['a (1 s); b (1 s)', 'a (1 s)']);
});

test('elsewhere it is told once', () => {
  const { printed, progress, statuses } = create(false);
  progress.begin(() => 'it');
  vi.advanceTimersByTime(5000);
  expect([printed, statuses]).toEqual([['ofn  it'], []]);
});

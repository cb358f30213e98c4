import { expect, it } from 'vitest';
import { parseSchedule } from './schedule.ts';

const next = (schedule: string, after: string): string => {
  const time = parseSchedule(schedule).next(Date.parse(after));
  return time === undefined ? 'never' : new Date(time).toISOString();
};

it.each([
  ['CRON_TZ=UTC 15 * * * * *', '2024-01-01T00:00:00.500Z', '2024-01-01T00:00:15.000Z'],
  ['TZ=UTC */5 * * * *', '2024-01-01T00:00:00Z', '2024-01-01T00:05:00.000Z'],
  ['CRON_TZ=UTC 0 30 * * * ?', '2024-01-01T00:00:00Z', '2024-01-01T00:30:00.000Z'],
  ['CRON_TZ=UTC @daily', '2024-01-01T05:00:00Z', '2024-01-02T00:00:00.000Z'],
  ['CRON_TZ=Asia/Tokyo 0 6 * * *', '2024-01-01T00:00:00Z', '2024-01-01T21:00:00.000Z'],
  ['@every 1m30s', '2024-01-01T00:00:00.250Z', '2024-01-01T00:01:30.250Z'],
  ['@every 10ms', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00.010Z'],
])('%s after %s is due at %s', (schedule, after, expected) => {
  expect(next(schedule, after)).toBe(expected);
});

it.each([
  ['', 'CronPattern'],
  ['often', 'CronPattern'],
  ['* * *', 'CronPattern'],
  ['@every day', 'is not a duration'],
  ['@every 0s', 'at least 1ms'],
  ['CRON_TZ=UTC @every 1s', 'CronPattern'],
  ['61 * * * * *', 'CronPattern'],
])('refuses "%s"', (schedule, reason) => {
  expect(() => parseSchedule(schedule)).toThrow(reason);
});

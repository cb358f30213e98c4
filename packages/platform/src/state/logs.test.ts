import { expect, test } from 'vitest';
import { createLogs } from './logs.ts';

const line = (text: string) => ({
  at: 0,
  namespace: 'default',
  function: 'hello',
  instance: 'hello-1',
  line: text,
});

test('the latest 10,000 lines are kept', () => {
  const logs = createLogs();
  for (let count = 0; count < 30_000; count += 1) logs.write(line(String(count)));
  expect(logs.list()).toHaveLength(10_000);
  expect(logs.list().at(-1)?.line).toBe('29999');
});

test('of long lines fewer are kept, and of all the latest', () => {
  const logs = createLogs();
  const text = 'x'.repeat(1024 * 1024);
  for (let count = 0; count < 100; count += 1) logs.write(line(text));
  logs.write(line('last'));
  expect(logs.list().length).toBeLessThan(42);
  expect(logs.list().at(-1)?.line).toBe('last');
});

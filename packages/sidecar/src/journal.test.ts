import { expect, it } from 'vitest';
import { createVirtualClock } from './clock.ts';
import { createJournal } from './journal.ts';

it('tells who waits as soon as the condition holds', async () => {
  const journal = createJournal(createVirtualClock(5), 10);
  let done = false;
  const waiting = journal
    .until((current) => current.count('acked') === 2)
    .then(() => (done = true));
  journal.write({ outcome: 'acked' });
  await Promise.resolve();
  expect(done).toBe(false);
  journal.write({ outcome: 'acked' });
  await waiting;
  expect(journal.entries[0]).toEqual({ outcome: 'acked', time: 5 });
});

it('rejects for who waits on a condition that throws, and goes on', async () => {
  const journal = createJournal(createVirtualClock(), 10);
  let asked = 0;
  const waiting = journal.until(() => {
    if (asked++ > 0) throw new Error('bad condition');
    return false;
  });
  journal.write({ outcome: 'acked' });
  await expect(waiting).rejects.toThrow('bad condition');
  expect(journal.count('acked')).toBe(1);
});

it('keeps the latest entries, and counts them all', () => {
  const journal = createJournal(createVirtualClock(), 8);
  for (let id = 0; id < 100; id++) journal.write({ outcome: 'published', id: String(id) });
  expect(journal.entries.length).toBeLessThanOrEqual(10);
  expect(journal.entries.at(-1)?.id).toBe('99');
  expect(journal.count('published')).toBe(100);
});

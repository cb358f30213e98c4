import { expect, it } from 'vitest';
import { createVirtualClock } from './clock.ts';

it('runs what is due in its order, and what that starts', async () => {
  const clock = createVirtualClock(1000);
  const ran: string[] = [];
  clock.setTimeout(() => ran.push(`late ${clock.now()}`), 20);
  clock.setTimeout(() => {
    ran.push(`early ${clock.now()}`);
    void Promise.resolve().then(() => clock.setTimeout(() => ran.push(`next ${clock.now()}`), 5));
  }, 10);
  clock.setTimeout(() => ran.push('never'), 31);
  await clock.advance(30);
  expect(ran).toEqual(['early 1010', 'next 1015', 'late 1020']);
  expect(clock.now()).toBe(1030);
  expect(clock.pending).toBe(1);
});

it('does not run what was taken back', async () => {
  const clock = createVirtualClock();
  let ran = false;
  const cancel = clock.setTimeout(() => {
    ran = true;
  }, 1);
  cancel();
  await clock.advance(10);
  expect(ran).toBe(false);
});

import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createQueue, type Queued } from './queue.ts';

const event = (topic: string) => ({
  topic,
  message: { data: Buffer.from(topic), metadata: {} },
  end: () => undefined,
});

it('is in the order of its first coming, whatever was taken and put back', () => {
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom('add', 'take', 'putBack', 'settle'),
      count: fc.integer({ min: 1, max: 5 }),
    }),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const queue = createQueue();
      const taken: Queued[] = [];
      let added = 0;
      let settled = 0;
      for (const { kind, count } of list) {
        if (kind === 'add') {
          for (let n = 0; n < count; n++) queue.add(event(String(added++)));
        } else if (kind === 'take') {
          taken.push(...queue.take(count));
        } else if (kind === 'putBack') {
          queue.putBack(taken.splice(-count));
        } else {
          settled += taken.splice(0, count).length;
        }
        expect(queue.length).toBe(added - taken.length - settled);
      }
      const rest = queue.take(added).map(({ place }) => place);
      expect(rest).toEqual(rest.toSorted((a, b) => a - b));
      expect(new Set(rest).size).toBe(rest.length);
    }),
  );
});

it('keeps its order over more events than it shifts at once', () => {
  const queue = createQueue();
  for (let n = 0; n < 5000; n++) queue.add(event(String(n)));
  const first = queue.take(3000);
  queue.putBack(first.slice(1000, 2000));
  expect(queue.length).toBe(3000);
  expect(queue.take(1001).map(({ topic }) => topic)).toEqual([
    ...first.slice(1000, 2000).map(({ topic }) => topic),
    '3000',
  ]);
});

it('counts what came before a place, up to a number', () => {
  const queue = createQueue();
  expect(queue.isBefore(0)).toBe(true);
  for (const topic of ['a', 'b', 'c']) queue.add(event(topic));
  expect([queue.countBefore(2, 10), queue.countBefore(2, 1), queue.countBefore(9, 10)]).toEqual([
    2, 1, 3,
  ]);
  expect([queue.isBefore(2), queue.isBefore(3)]).toEqual([false, true]);
});

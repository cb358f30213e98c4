// The gate: the limit, the order of those with the same key, and that nothing is lost or stuck.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chainGates, createGate, type Gate } from './gate.ts';

/** Puts tasks through a gate, which end when they are told to. */
function through(gate: Gate) {
  const started: string[] = [];
  const releases = new Map<string, () => void>();
  return {
    started,
    add: (name: string, key?: string): void =>
      gate(key, (release) => {
        started.push(name);
        releases.set(name, release);
      }),
    end: (name: string) => releases.get(name)?.(),
  };
}

describe('a gate', () => {
  test('without a limit lets all through at once', () => {
    const { started, add } = through(createGate(0));
    for (const name of ['a', 'b', 'c']) add(name);
    expect(started).toEqual(['a', 'b', 'c']);
  });

  test('lets as many through as its limit says, then one for each that ends, oldest first', () => {
    const { started, add, end } = through(createGate(2));
    for (const name of ['a', 'b', 'c', 'd']) add(name);
    expect(started).toEqual(['a', 'b']);
    end('b');
    expect(started).toEqual(['a', 'b', 'c']);
    end('a');
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  test('lets tasks with one key through one after the other, and others meanwhile', () => {
    const { started, add, end } = through(createGate(0));
    add('a1', 'a');
    add('a2', 'a');
    add('b1', 'b');
    add('free');
    add('a3', 'a');
    expect(started).toEqual(['a1', 'b1', 'free']);
    end('a1');
    expect(started).toEqual(['a1', 'b1', 'free', 'a2']);
    end('a2');
    expect(started.at(-1)).toBe('a3');
  });

  test('takes an empty key for a key', () => {
    const { started, add } = through(createGate(0));
    add('a', '');
    add('b', '');
    expect(started).toEqual(['a']);
  });

  test('forgets a key when its last task has ended', () => {
    const { started, add, end } = through(createGate(0));
    add('a1', 'a');
    end('a1');
    add('a2', 'a');
    expect(started).toEqual(['a1', 'a2']);
  });

  test('counts a release once, however often it is called', () => {
    const { started, add, end } = through(createGate(1));
    for (const name of ['a', 'b', 'c']) add(name);
    end('a');
    end('a');
    end('a');
    expect(started).toEqual(['a', 'b']);
  });

  test('a key that waits takes no place of the limit from others', () => {
    const { started, add } = through(createGate(2));
    add('a1', 'a');
    add('a2', 'a');
    add('b1', 'b');
    expect(started).toEqual(['a1', 'b1']);
  });

  test('lets 20,000 through that end at once behind one, without running out of stack', () => {
    const gate = createGate(1);
    const { add, end } = through(gate);
    add('first');
    let count = 0;
    for (let index = 0; index < 20_000; index += 1) {
      gate(undefined, (release) => {
        count += 1;
        release();
      });
    }
    end('first');
    expect(count).toBe(20_000);
  });

  test('lets 20,000 of one key through that end at once, without running out of stack', () => {
    const gate = createGate(0);
    const { add, end } = through(gate);
    add('first', 'k');
    const order: number[] = [];
    for (let index = 0; index < 20_000; index += 1) {
      gate('k', (release) => {
        order.push(index);
        release();
      });
    }
    end('first');
    expect(order).toHaveLength(20_000);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });
});

describe('two gates in a row', () => {
  test('let a task through when both do, and hold its place in both until it ends', () => {
    const shared = createGate(2);
    const one = through(chainGates(createGate(1), shared));
    const other = through(chainGates(createGate(5), shared));
    one.add('a');
    one.add('b');
    other.add('x');
    other.add('y');
    expect([one.started, other.started]).toEqual([['a'], ['x']]);
    one.end('a');
    // The shared place goes to the one that has waited for it; "b" waits behind it.
    expect([one.started, other.started]).toEqual([['a'], ['x', 'y']]);
    other.end('x');
    expect(one.started).toEqual(['a', 'b']);
  });

  test('keep the order of the first', () => {
    const { started, add, end } = through(chainGates(createGate(0), createGate(9)));
    add('a1', 'a');
    add('a2', 'a');
    expect(started).toEqual(['a1']);
    end('a1');
    expect(started).toEqual(['a1', 'a2']);
  });
});

test('any tasks run once each, below the limit, in the order of their keys', () => {
  const task = fc.record({ key: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }) });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }),
      fc.array(task, { maxLength: 30 }),
      fc.infiniteStream(fc.nat()),
      (limit, tasks, picks) => {
        const gate = createGate(limit);
        const running: { index: number; key: string | undefined; release: () => void }[] = [];
        const done: { index: number; key: string | undefined }[] = [];
        tasks.forEach(({ key }, index) => {
          gate(key, (release) => running.push({ index, key, release }));
        });
        while (running.length > 0) {
          const keys = running.flatMap(({ key }) => key ?? []);
          expect(new Set(keys).size).toBe(keys.length);
          expect(running.length).toBeLessThanOrEqual(limit || Infinity);
          const pick = (picks.next().value as number) % running.length;
          const [ended] = running.splice(pick, 1);
          if (ended === undefined) break;
          done.push(ended);
          ended.release();
        }
        expect(done.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([...tasks.keys()]);
        for (const key of ['a', 'b', 'c']) {
          const own = done.filter((each) => each.key === key).map(({ index }) => index);
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      },
    ),
  );
});

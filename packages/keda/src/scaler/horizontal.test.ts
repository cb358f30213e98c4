import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HORIZONTAL_START, decideHorizontal, type HorizontalState } from './horizontal.ts';
import { DEFAULT_SCALING, type ScalingOptions } from './options.ts';

const options = (given: Partial<ScalingOptions> = {}): ScalingOptions => ({
  ...DEFAULT_SCALING,
  metrics: [{ kind: 'concurrency', target: 10 }],
  ...given,
});

/** Replays values, one each 15 s; the replicas after each. */
function replay(values: readonly number[], from: number, given: ScalingOptions): number[] {
  let state: HorizontalState = HORIZONTAL_START;
  let replicas = from;
  return values.map((value, index) => {
    const input = { now: index * given.syncPeriod, replicas, values: [value] };
    ({ replicas, state } = decideHorizontal(state, input, given));
    return replicas;
  });
}

describe('the replicas wanted', () => {
  test.each([
    [100, 10, 10],
    [101, 5, 10],
    [105, 10, 10],
    [109, 10, 10],
    [111, 10, 12],
    [200, 10, 20],
  ])('for %i pending requests at 10 each, from %i, are %i', (value, from, wanted) => {
    expect(replay([value], from, options())).toEqual([wanted]);
  });

  test('are the most that any of two metrics wants', () => {
    const two = options({
      metrics: [
        { kind: 'concurrency', target: 10 },
        { kind: 'requestRate', target: 5, window: 60_000, granularity: 1000 },
      ],
    });
    const input = { now: 0, replicas: 4, values: [40, 39] };
    expect(decideHorizontal(HORIZONTAL_START, input, two).replicas).toBe(8);
  });

  test('never leave their bounds', () => {
    const bounded = options({ minReplicas: 2, maxReplicas: 5 });
    expect(replay([1000, 1000], 2, bounded)).toEqual([5, 5]);
    const quick = { ...DEFAULT_SCALING.scaleDown, stabilizationWindow: 0 };
    expect(replay([0], 5, { ...bounded, scaleDown: quick })).toEqual([2]);
  });
});

test('by default it doubles, or adds four, each 15 s, whichever is more', () => {
  expect(replay([1000, 1000, 1000, 1000], 1, options())).toEqual([5, 10, 20, 40]);
});

test('by default it goes down when nothing more was wanted for 300 s, and then at once', () => {
  const values = [100, ...Array.from({ length: 21 }, () => 10)];
  const replicas = replay(values, 10, options());
  expect(replicas.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 10));
  expect(replicas.at(20)).toBe(1);
});

test('a policy counts what was added in its period', () => {
  const slow = options({
    scaleUp: {
      stabilizationWindow: 0,
      selectPolicy: 'Max',
      policies: [{ type: 'Pods', value: 4, period: 60_000 }],
    },
  });
  expect(replay([1000, 1000, 1000, 1000, 1000], 1, slow)).toEqual([5, 5, 5, 5, 9]);
});

test('of several policies it takes the one that is asked for', () => {
  const rules = {
    stabilizationWindow: 0,
    policies: [
      { type: 'Pods', value: 1, period: 15_000 },
      { type: 'Percent', value: 100, period: 15_000 },
    ],
  } as const;
  const at = (selectPolicy: 'Max' | 'Min' | 'Disabled'): number[] =>
    replay([1000], 10, options({ scaleUp: { ...rules, selectPolicy } }));
  expect([at('Max'), at('Min'), at('Disabled')]).toEqual([[20], [11], [10]]);
  const down = (selectPolicy: 'Max' | 'Min' | 'Disabled'): number[] =>
    replay([10], 10, options({ scaleDown: { ...rules, selectPolicy } }));
  expect([down('Max'), down('Min'), down('Disabled')]).toEqual([[1], [9], [10]]);
});

test('a window for going up takes the least that was wanted in it', () => {
  const scaleUp = { ...DEFAULT_SCALING.scaleUp, stabilizationWindow: 60_000 };
  // The spike is over before the window is.
  expect(replay([10, 100, 10, 100, 100, 100, 100], 1, options({ scaleUp }))).toEqual([
    1, 1, 1, 1, 1, 1, 5,
  ]);
});

test('whatever the values, replicas stay in their bounds, and rise only with more to do', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(2000), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 5, max: 50 }),
      (values, least, most) => {
        const given = options({ minReplicas: least, maxReplicas: most });
        const replicas = replay(values, least, given);
        expect(replicas.every((count) => count >= least && count <= most)).toBe(true);
        for (const [index, count] of replicas.entries()) {
          const before = replicas[index - 1] ?? least;
          const isJust =
            (values[index] ?? 0) > before * 10 && count <= Math.max(before * 2, before + 4);
          expect(count <= before || isJust).toBe(true);
        }
      },
    ),
  );
});

test('more replicas than the maximum go to it first, whatever the metrics say', () => {
  expect(replay([10], 10, options({ maxReplicas: 5 }))).toEqual([5]);
});

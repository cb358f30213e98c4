import { describe, expect, test } from 'vitest';
import { DEFAULT_SCALING, type ScalingOptions } from './options.ts';
import { decideReplicas, startScaling, type ScalingState } from './replicas.ts';

const OPTIONS: ScalingOptions = {
  ...DEFAULT_SCALING,
  metrics: [{ kind: 'concurrency', target: 10 }],
  cooldownPeriod: 60_000,
};

/** Steps each second over values by time; the state after the last one. */
function step(
  state: ScalingState,
  from: number,
  to: number,
  value: number,
  options = OPTIONS,
): ScalingState {
  let next = state;
  for (let now = from; now < to; now += 1000) next = decideReplicas(next, now, [value], options);
  return next;
}

describe('between zero and one', () => {
  test('a first request makes it one at once', () => {
    const idle = step(startScaling(0, OPTIONS), 0, 10_000, 0);
    expect(idle.replicas).toBe(0);
    expect(decideReplicas(idle, 10_500, [1], OPTIONS).replicas).toBe(1);
  });

  test('a first request makes it the minimum where that is more', () => {
    const options = { ...OPTIONS, minReplicas: 3 };
    expect(startScaling(0, options).replicas).toBe(3);
  });

  test('it is zero again when there was no request for the cooldown', () => {
    const busy = step(startScaling(0, OPTIONS), 0, 31_000, 1);
    const cooling = step(busy, 31_000, 90_000, 0);
    expect(cooling.replicas).toBe(1);
    expect(step(cooling, 90_000, 91_000, 0).replicas).toBe(0);
  });

  test('a request in the cooldown begins it anew', () => {
    const busy = step(startScaling(0, OPTIONS), 0, 31_000, 1);
    const again = step(step(busy, 31_000, 59_000, 0), 59_000, 62_000, 1);
    expect(step(again, 62_000, 115_000, 0).replicas).toBe(1);
  });

  test('it never is zero with a minimum', () => {
    const options = { ...OPTIONS, minReplicas: 1 };
    expect(step(startScaling(0, options), 0, 600_000, 0, options).replicas).toBe(1);
  });

  test('until a first request the initial cooldown counts, and then the other one', () => {
    const options = { ...OPTIONS, initialCooldownPeriod: 300_000 };
    const deployed = { ...startScaling(0, options), replicas: 1 };
    expect(step(deployed, 0, 300_000, 0, options).replicas).toBe(1);
    expect(step(deployed, 0, 301_000, 0, options).replicas).toBe(0);
    const busy = step(deployed, 0, 1000, 1, options);
    expect(step(busy, 1000, 60_000, 0, options).replicas).toBe(1);
    expect(step(busy, 1000, 61_000, 0, options).replicas).toBe(0);
  });
});

test('above one the HorizontalPodAutoscaler decides, once a sync period', () => {
  const first = decideReplicas(startScaling(0, OPTIONS), 0, [100], OPTIONS);
  expect(first.replicas).toBe(1);
  expect(step(first, 1000, 15_000, 100).replicas).toBe(1);
  expect(step(first, 1000, 16_000, 100).replicas).toBe(5);
  expect(step(first, 1000, 31_000, 100).replicas).toBe(10);
});

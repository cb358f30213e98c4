// One step of scaling: KEDA decides between zero and one, the HorizontalPodAutoscaler above.
import { HORIZONTAL_START, decideHorizontal, type HorizontalState } from './horizontal.ts';
import type { ScalingOptions } from './options.ts';

/** What scaling remembers from step to step; times in milliseconds, on any clock. */
export interface ScalingState {
  readonly replicas: number;
  /** When the scaled object was made. */
  readonly createdAt: number;
  /** When a metric was above zero last; `undefined` for never. */
  readonly lastActiveAt: number | undefined;
  /** When the HorizontalPodAutoscaler decides next. */
  readonly nextSyncAt: number;
  readonly horizontal: HorizontalState;
}

/**
 * The state of a scaled object that is made now.
 *
 * @param existing How many replicas there are already: those count as active until now.
 */
export function startScaling(now: number, options: ScalingOptions, existing = 0): ScalingState {
  return {
    replicas: Math.max(existing, options.minReplicas),
    createdAt: now,
    lastActiveAt: existing > 0 ? now : undefined,
    nextSyncAt: now + options.syncPeriod,
    horizontal: HORIZONTAL_START,
  };
}

/**
 * Makes one step.
 *
 * - At zero, a metric above zero makes it `max(1, minReplicas)`.
 * - Above zero, when no metric was above zero for the cooldown, it is zero again, if that is the minimum.
 *   The add-on's scaler pushes both to KEDA, each half second: its polling interval has no part in it.
 * - In between the HorizontalPodAutoscaler decides, once a sync period.
 *
 * @param values Of all replicas together, in the order of `options.metrics`.
 * @returns The next state; its `replicas` are those that are wanted now.
 */
export function decideReplicas(
  state: ScalingState,
  now: number,
  values: readonly number[],
  options: ScalingOptions,
): ScalingState {
  const isActive = values.some((value) => value > 0);
  if (state.replicas === 0) {
    if (!isActive) return state;
    return {
      ...state,
      replicas: Math.max(1, options.minReplicas),
      lastActiveAt: now,
      nextSyncAt: now + options.syncPeriod,
      horizontal: HORIZONTAL_START,
    };
  }
  const next = { ...state, lastActiveAt: isActive ? now : state.lastActiveAt };
  if (!isActive && options.minReplicas === 0 && isCool(next, now, options)) {
    return { ...next, replicas: 0 };
  }
  if (now < next.nextSyncAt) return next;
  const { replicas, state: horizontal } = decideHorizontal(
    next.horizontal,
    { now, replicas: next.replicas, values },
    options,
  );
  return { ...next, replicas, horizontal, nextSyncAt: now + options.syncPeriod };
}

function isCool(
  { createdAt, lastActiveAt }: ScalingState,
  now: number,
  { cooldownPeriod, initialCooldownPeriod }: ScalingOptions,
): boolean {
  return lastActiveAt === undefined
    ? now >= createdAt + initialCooldownPeriod
    : now >= lastActiveAt + cooldownPeriod;
}

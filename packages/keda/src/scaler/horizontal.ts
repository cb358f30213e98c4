// The HorizontalPodAutoscaler (autoscaling/v2) as a pure function: metrics, replicas and what was decided
// before become the replicas that are wanted now.
// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
import type { ScalingOptions, ScalingRules } from './options.ts';

/** What the autoscaler remembers; times in milliseconds, on any clock. */
export interface HorizontalState {
  /** What was recommended, before stabilisation; as far back as the windows reach. */
  readonly recommendations: readonly { readonly at: number; readonly replicas: number }[];
  /** Changes of the replicas, as far back as the periods of the policies reach. */
  readonly changes: readonly { readonly at: number; readonly change: number }[];
}

/** The state before the first decision. */
export const HORIZONTAL_START: HorizontalState = { recommendations: [], changes: [] };

/** What a decision is made from. */
export interface HorizontalInput {
  readonly now: number;
  /** Replicas that there are, at least one. */
  readonly replicas: number;
  /** Values of all replicas together, in the order of `options.metrics`. */
  readonly values: readonly number[];
}

/**
 * Decides.
 *
 * KEDA hands its metrics on as external ones with an average value: the replicas wanted are
 * `ceil(value / target)`, unless the ratio to what the replicas there should bear is within the tolerance.
 *
 * @returns The replicas that are wanted, and the state for the next decision.
 */
export function decideHorizontal(
  state: HorizontalState,
  { now, replicas, values }: HorizontalInput,
  options: ScalingOptions,
): { readonly replicas: number; readonly state: HorizontalState } {
  const { maxReplicas, scaleDown, scaleUp } = options;
  const least = Math.max(1, options.minReplicas);
  const most = Math.max(least, maxReplicas);
  // Bounds come before metrics, and are not recommended.
  if (replicas > most || replicas < least) {
    const bound = replicas > most ? most : least;
    const changes = [...state.changes, { at: now, change: bound - replicas }];
    return { replicas: bound, state: { ...state, changes } };
  }
  const raw = Math.max(
    ...options.metrics.map(({ target }, index) => {
      return wantedFor(values[index] ?? 0, target, replicas, options.tolerance);
    }),
  );
  const window = Math.max(scaleUp.stabilizationWindow, scaleDown.stabilizationWindow);
  const recommendations = [
    ...state.recommendations.filter(({ at }) => at > now - window),
    { at: now, replicas: raw },
  ];
  const stabilized = stabilize(recommendations, now, replicas, options);
  const limited =
    stabilized > replicas
      ? Math.min(stabilized, most, upLimit(scaleUp, state, now, replicas))
      : stabilized < replicas
        ? Math.max(stabilized, least, downLimit(scaleDown, state, now, replicas))
        : stabilized;
  const wanted = Math.min(most, Math.max(least, limited));
  const longest = Math.max(
    0,
    ...[...scaleUp.policies, ...scaleDown.policies].map(({ period }) => period),
  );
  const changes = state.changes.filter(({ at }) => at > now - longest);
  return {
    replicas: wanted,
    state: {
      recommendations,
      changes: wanted === replicas ? changes : [...changes, { at: now, change: wanted - replicas }],
    },
  };
}

function wantedFor(value: number, target: number, replicas: number, tolerance: number): number {
  const ratio = value / (target * replicas);
  if (Math.abs(1 - ratio) <= tolerance) return replicas;
  return Math.ceil(value / target);
}

// Up to the least that was recommended lately, down to the most.
function stabilize(
  recommendations: HorizontalState['recommendations'],
  now: number,
  replicas: number,
  { scaleDown, scaleUp }: ScalingOptions,
): number {
  const within = (window: number): number[] =>
    recommendations
      .filter(({ at }, index) => at > now - window || index === recommendations.length - 1)
      .map((recommendation) => recommendation.replicas);
  const up = Math.min(...within(scaleUp.stabilizationWindow));
  const down = Math.max(...within(scaleDown.stabilizationWindow));
  return Math.min(Math.max(replicas, up), down);
}

// How far it may go up, counted from the replicas at the beginning of each policy's period; what was added
// in it counts, also when that leaves nothing to add.
function upLimit(
  rules: ScalingRules,
  state: HorizontalState,
  now: number,
  replicas: number,
): number {
  const limits = rules.policies.map(({ period, type, value }) => {
    const before = replicasBefore(state, now - period, replicas);
    return type === 'Pods' ? before + value : Math.ceil(before * (1 + value / 100));
  });
  return Math.max(replicas, select(rules, limits, Math.max, Math.min) ?? replicas);
}

function downLimit(
  rules: ScalingRules,
  state: HorizontalState,
  now: number,
  replicas: number,
): number {
  const limits = rules.policies.map(({ period, type, value }) => {
    const before = replicasBefore(state, now - period, replicas);
    return type === 'Pods' ? before - value : Math.trunc(before * (1 - value / 100));
  });
  return Math.min(replicas, select(rules, limits, Math.min, Math.max) ?? replicas);
}

type Choice = (...limits: number[]) => number;

// Of what the policies allow: the most of a change, the least, or nothing at all.
function select(
  { selectPolicy }: ScalingRules,
  limits: readonly number[],
  most: Choice,
  least: Choice,
): number | undefined {
  if (selectPolicy === 'Disabled' || limits.length === 0) return undefined;
  return selectPolicy === 'Min' ? least(...limits) : most(...limits);
}

function replicasBefore({ changes }: HorizontalState, since: number, replicas: number): number {
  return changes
    .filter(({ at }) => at > since)
    .reduce((count, { change }) => count - change, replicas);
}

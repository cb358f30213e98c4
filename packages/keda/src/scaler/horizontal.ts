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

function upLimit(
  rules: ScalingRules,
  state: HorizontalState,
  now: number,
  replicas: number,
): number {
  if (rules.selectPolicy === 'Disabled') return replicas;
  const limits = rules.policies.map(({ period, type, value }) => {
    const before = replicas - changed(state, now - period, 1) + changed(state, now - period, -1);
    return type === 'Pods' ? before + value : Math.ceil(before * (1 + value / 100));
  });
  // What was added within the period counts, also when that leaves nothing to add.
  return Math.max(
    replicas,
    rules.selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits),
  );
}

function downLimit(
  rules: ScalingRules,
  state: HorizontalState,
  now: number,
  replicas: number,
): number {
  if (rules.selectPolicy === 'Disabled') return replicas;
  const limits = rules.policies.map(({ period, type, value }) => {
    const before = replicas - changed(state, now - period, 1) + changed(state, now - period, -1);
    return type === 'Pods' ? before - value : Math.trunc(before * (1 - value / 100));
  });
  return Math.min(
    replicas,
    rules.selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits),
  );
}

// Replicas that were added, or taken away, since then.
function changed({ changes }: HorizontalState, since: number, sign: 1 | -1): number {
  return changes
    .filter(({ at, change }) => at > since && Math.sign(change) === sign)
    .reduce((sum, { change }) => sum + Math.abs(change), 0);
}

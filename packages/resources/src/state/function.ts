// A function from its first file to its end: its builds, its servings, what its status says.
import type { FunctionResource } from '../function/schema.ts';
import type { FunctionStatus } from '../function/status-schema.ts';
import type { RenderOptions } from '../render/options.ts';
import { toRouteStatus } from '../render/route.ts';
import { reduceBuild } from './build.ts';
import {
  NO_BUILD,
  type BuildObservation,
  type BuildProgress,
  type Step,
} from './build-progress.ts';
import { lifeEvent, type ResourceEvent } from './events.ts';
import { hashOf } from '../function/hash.ts';
import { functionObject } from './objects.ts';
import { NO_SERVING, type ServingObservation, type ServingProgress } from './serving-progress.ts';
import { reduceServing } from './serving.ts';

/** What is known of a function. */
export interface FunctionProgress {
  /** As it was applied last; absent before, and after it was deleted. */
  readonly function?: FunctionResource;
  readonly build: BuildProgress;
  readonly serving: ServingProgress;
}

type WithoutFunction<Observation> = Observation extends unknown
  ? Omit<Observation, 'function'>
  : never;

/** What is observed; `at` in milliseconds since 1970. */
export type FunctionObservation =
  | {
      readonly type: 'function-applied';
      readonly function: FunctionResource;
      readonly at: number;
    }
  | WithoutFunction<
      Exclude<
        BuildObservation | ServingObservation,
        { readonly type: 'function-applied' | 'function-built' }
      >
    >;

/** Before anything was observed. */
export const NO_FUNCTION: FunctionProgress = { build: NO_BUILD, serving: NO_SERVING };

/**
 * Takes one observation in. Builds lead to servings by themselves: once a function is built, or needs no
 * build, it is served.
 *
 * @example
 * let progress = NO_FUNCTION;
 * for (const observation of observations) {
 *   const step = reduceFunction(progress, observation);
 *   progress = step.state;
 *   step.events.forEach(record);
 * }
 */
export function reduceFunction(
  state: FunctionProgress,
  observation: FunctionObservation,
): Step<FunctionProgress> {
  const { at } = observation;
  const owner = observation.type === 'function-applied' ? observation.function : state.function;
  if (owner === undefined) return { state, events: [] };
  const build = isOfBuild(observation)
    ? reduceBuild(state.build, { ...observation, function: owner } as BuildObservation)
    : { state: state.build, events: [] };
  const observed = isOfServing(observation)
    ? reduceServing(state.serving, { ...observation, function: owner } as ServingObservation)
    : { state: state.serving, events: [] };
  const served = serve(build.state, observed.state, owner, at);
  const events = [...build.events, ...observed.events];
  if (observation.type === 'function-deleted') {
    return {
      state: { build: build.state, serving: observed.state },
      events: [...events, lifeEvent('Delete', functionObject(owner), at)],
    };
  }
  return {
    state: { function: owner, build: build.state, serving: served.state },
    events: [...appliedEvents(state, owner, at), ...events, ...served.events],
  };
}

const BUILD = ['function-applied', 'build-started', 'build-ended', 'builder-deleted'];
const BOTH = ['function-deleted', 'time-passed'];

function isOfBuild({ type }: FunctionObservation): boolean {
  return BUILD.includes(type) || BOTH.includes(type);
}

function isOfServing({ type }: FunctionObservation): boolean {
  return !BUILD.includes(type);
}

function serve(
  { condition, imageDigest }: BuildProgress,
  state: ServingProgress,
  owner: FunctionResource,
  at: number,
): Step<ServingProgress> {
  if (condition.state !== 'Succeeded' && condition.state !== 'Skipped')
    return { state, events: [] };
  return reduceServing(state, {
    type: 'function-built',
    function: owner,
    at,
    // Without a build, no earlier one counts.
    ...(imageDigest === undefined || condition.state === 'Skipped' ? {} : { imageDigest }),
  });
}

function appliedEvents(
  { function: before }: FunctionProgress,
  owner: FunctionResource,
  at: number,
): readonly ResourceEvent[] {
  if (before === undefined) return [lifeEvent('Create', functionObject(owner), at)];
  if (hashOf(before.spec) === hashOf(owner.spec)) return [];
  return [lifeEvent('Update', functionObject(owner), at)];
}

/**
 * Makes the status of a function. Its route and its addresses are there once a serving runs.
 *
 * @param options `gateway`, by which hosts are made for functions without any.
 * @example
 * const { build, addresses } = toFunctionStatus(progress);
 */
export function toFunctionStatus(
  { build, function: owner, serving }: FunctionProgress,
  options: Pick<RenderOptions, 'gateway'> = {},
): FunctionStatus {
  const { imageDigest, sources } = build;
  const hasRun = serving.condition.lastSuccessfulResourceRef !== undefined;
  return {
    ...(owner === undefined || !hasRun ? {} : toRouteStatus(owner, options)),
    build: build.condition,
    serving: serving.condition,
    ...(imageDigest === undefined ? {} : { revision: { imageDigest } }),
    ...(sources === undefined ? {} : { sources: [...sources] }),
  };
}

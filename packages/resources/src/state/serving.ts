// The servings of a function, as a pure function of what is observed: '' → Created → Starting → Running,
// Failed or Timeout; or Skipped. One that runs stays until the next one runs.
import type { FunctionResource, ServingResource } from '../function/schema.ts';
import type { Step } from './build-progress.ts';
import { parseDuration } from '../function/duration.ts';
import { lifeEvent, servingEvents, type ResourceEvent } from './events.ts';
import { hashOf } from '../function/hash.ts';
import { functionObject } from './objects.ts';
import { NO_SERVING, type ServingObservation, type ServingProgress } from './serving-progress.ts';
import { servingObject, toServingResource, toServingSpec } from './serving-resource.ts';

type ServingStep = Step<ServingProgress>;

/**
 * Takes one observation in. What is no transition changes nothing, and is not told.
 *
 * @example
 * const { state, events } = reduceServing(NO_SERVING, { type: 'function-built', function: hello, at: Date.now() });
 */
export function reduceServing(
  state: ServingProgress,
  observation: ServingObservation,
): ServingStep {
  const { at, function: owner } = observation;
  switch (observation.type) {
    case 'function-built':
      return apply(state, owner, observation.imageDigest, at);
    case 'function-deleted':
      return { state: { ...NO_SERVING, count: state.count }, events: goneEvents(state, at) };
    case 'time-passed':
      return expire(state, owner, at);
    case 'serving-deleted':
      return lose(state, owner, observation.serving, at);
    default:
      return state.serving?.metadata.name === observation.serving
        ? advance(state, state.serving, observation)
        : same(state);
  }
}

function same(state: ServingProgress): ServingStep {
  return { state, events: [] };
}

function apply(
  state: ServingProgress,
  owner: FunctionResource,
  imageDigest: string | undefined,
  at: number,
): ServingStep {
  const spec = toServingSpec(owner, imageDigest);
  const hash = hashOf(spec ?? {});
  if (state.condition.resourceHash === hash) return same(state);
  if (spec !== undefined) return create(state, owner, spec, at);
  return {
    state: { condition: { state: 'Skipped', resourceHash: hash }, count: state.count },
    events: [
      ...goneEvents(state, at),
      ...servingEvents('Skipped', { owner: functionObject(owner), object: undefined, at }),
    ],
  };
}

function create(
  state: ServingProgress,
  owner: FunctionResource,
  spec: ServingResource['spec'],
  at: number,
): ServingStep {
  const { condition, previous, serving } = state;
  const count = state.count + 1;
  const resourceHash = hashOf(spec);
  const created = toServingResource(owner, spec, count, at);
  // The one that last ran stays; one that never did makes place.
  const isRunning =
    serving !== undefined && condition.lastSuccessfulResourceRef === serving.metadata.name;
  const kept = isRunning ? serving : previous;
  const gone = serving === undefined || isRunning ? (isRunning ? previous : undefined) : serving;
  const { lastSuccessfulResourceRef: last, service } = condition;
  return {
    state: {
      condition: {
        state: 'Created',
        resourceRef: created.metadata.name,
        resourceHash,
        ...(last === undefined ? {} : { lastSuccessfulResourceRef: last }),
        ...(service === undefined ? {} : { service }),
      },
      serving: created,
      since: at,
      ...(kept === undefined ? {} : { previous: kept }),
      count,
    },
    events: [
      ...(gone === undefined ? [] : [lifeEvent('Delete', servingObject(gone), at)]),
      ...servingEvents('Created', transitionOf(owner, created, at)),
    ],
  };
}

type Advance = Extract<
  ServingObservation,
  { readonly type: 'serving-starting' | 'serving-running' | 'serving-failed' }
>;

// From which states the observation leads on.
const FROM: Readonly<Record<Advance['type'], readonly string[]>> = {
  'serving-starting': ['Created'],
  'serving-running': ['Created', 'Starting', 'Failed'],
  'serving-failed': ['Created', 'Starting', 'Running'],
};

function advance(
  state: ServingProgress,
  serving: ServingResource,
  observation: Advance,
): ServingStep {
  const { at, function: owner, type } = observation;
  if (!FROM[type].includes(state.condition.state ?? '')) return same(state);
  if (observation.type === 'serving-running') {
    return run(state, owner, serving, observation.service, at);
  }
  // One that starts when it is asked for may have waited long for that.
  if (observation.type === 'serving-starting') {
    return to({ ...state, since: at }, owner, serving, 'Starting', {}, at);
  }
  const { message = 'Failed', reason = 'Failed' } = observation;
  return to(state, owner, serving, 'Failed', { reason, message }, at);
}

interface Reason {
  readonly reason?: string;
  readonly message?: string;
}

function to(
  state: ServingProgress,
  owner: FunctionResource,
  serving: ServingResource,
  name: 'Starting' | 'Running' | 'Failed' | 'Timeout',
  said: Reason,
  at: number,
): ServingStep {
  const { message: _message, reason: _reason, ...condition } = state.condition;
  const { message: _own, reason: _ownReason, ...status } = serving.status ?? {};
  const detail = said.message === name ? undefined : said.message;
  return {
    state: {
      ...state,
      condition: { ...condition, state: name, ...said },
      serving: { ...serving, status: { ...status, state: name, ...said } },
    },
    events: servingEvents(name, { ...transitionOf(owner, serving, at), detail }),
  };
}

function run(
  state: ServingProgress,
  owner: FunctionResource,
  serving: ServingResource,
  service: string | undefined,
  at: number,
): ServingStep {
  const { events, state: next } = to(state, owner, serving, 'Running', {}, at);
  const { condition, previous, ...rest } = next;
  const { service: _, ...others } = condition;
  return {
    state: {
      ...rest,
      condition: {
        ...others,
        lastSuccessfulResourceRef: serving.metadata.name,
        ...(service === undefined ? {} : { service }),
      },
    },
    events: [
      ...events,
      ...(previous === undefined ? [] : [lifeEvent('Delete', servingObject(previous), at)]),
    ],
  };
}

function expire(state: ServingProgress, owner: FunctionResource, at: number): ServingStep {
  const { condition, serving } = state;
  const limit = parseDuration(serving?.spec.timeout ?? '');
  if (serving === undefined || limit === undefined) return same(state);
  const isWaiting = condition.state === 'Created' || condition.state === 'Starting';
  if (!isWaiting || at - (state.since ?? at) < limit) return same(state);
  const message = `not running after ${serving.spec.timeout}`;
  return to(state, owner, serving, 'Timeout', { reason: 'Timeout', message }, at);
}

// A Serving that is deleted while it is wanted is made again.
function lose(
  state: ServingProgress,
  owner: FunctionResource,
  name: string,
  at: number,
): ServingStep {
  const { previous, serving, ...rest } = state;
  if (previous?.metadata.name === name) {
    const kept = serving === undefined ? {} : { serving };
    return {
      state: { ...rest, ...kept },
      events: [lifeEvent('Delete', servingObject(previous), at)],
    };
  }
  if (serving?.metadata.name !== name) return same(state);
  const kept = previous === undefined ? {} : { previous };
  const created = create({ ...rest, ...kept }, owner, serving.spec, at);
  return {
    state: created.state,
    events: [lifeEvent('Delete', servingObject(serving), at), ...created.events],
  };
}

function goneEvents({ previous, serving }: ServingProgress, at: number): readonly ResourceEvent[] {
  return [serving, previous].flatMap((each) =>
    each === undefined ? [] : [lifeEvent('Delete', servingObject(each), at)],
  );
}

function transitionOf(owner: FunctionResource, serving: ServingResource, at: number) {
  return { owner: functionObject(owner), object: servingObject(serving), at };
}

// The builds of a function, as a pure function of what is observed: '' → Created → Building → Succeeded,
// Failed, Timeout or Canceled; or Skipped.
import type { BuilderResource, FunctionResource } from '../function/schema.ts';
import {
  NO_BUILD,
  type BuildObservation,
  type BuildProgress,
  type BuildResult,
  type Step,
} from './build-progress.ts';
import {
  buildHash,
  builderObject,
  isOverdue,
  isRunning,
  toBuilder,
  toBuilderSpec,
  toCanceling,
  toEnded,
} from './builder.ts';
import { buildEvents, lifeEvent } from './events.ts';
import { hashOf } from '../function/hash.ts';
import { functionObject } from './objects.ts';
import { pruneBuilders } from './prune.ts';

type BuildStep = Step<BuildProgress>;

/**
 * Takes one observation in. What is no transition changes nothing, and is not told.
 *
 * @example
 * const { state, events } = reduceBuild(NO_BUILD, { type: 'function-applied', function: hello, at: Date.now() });
 */
export function reduceBuild(state: BuildProgress, observation: BuildObservation): BuildStep {
  const { at, function: owner } = observation;
  switch (observation.type) {
    case 'function-applied':
      return settle(apply(state, owner, at), owner, at);
    case 'function-deleted':
      return remove(state, owner, at);
    case 'build-started':
      return start(state, owner, observation.builder, at);
    case 'build-ended':
      return settle(end(state, owner, observation.builder, observation.result, at), owner, at);
    case 'builder-deleted':
      return settle(lose(state, observation.builder, at), owner, at);
    case 'time-passed':
      return settle(expire(state, owner, at), owner, at);
  }
}

// A build that has changed: what runs is canceled, and the next one is due.
function apply(state: BuildProgress, owner: FunctionResource, at: number): BuildStep {
  const hash = buildHash(owner);
  const { builder, condition, ...rest } = state;
  if (condition.resourceHash === hash) return update(state, owner, at);
  const next = { ...rest, condition: { state: '' as const, resourceHash: hash } };
  if (builder === undefined) return { state: next, events: [] };
  return isRunning(builder)
    ? { state: { ...next, canceling: [...state.canceling, toCanceling(builder)] }, events: [] }
    : { state: { ...next, history: [builder, ...state.history] }, events: [] };
}

// What does not count as a change, such as the time limit, still holds for a Builder that runs.
function update(state: BuildProgress, owner: FunctionResource, at: number): BuildStep {
  const { builder } = state;
  const { build } = owner.spec;
  if (builder === undefined || build === undefined || !isRunning(builder)) return same(state);
  const spec = toBuilderSpec(owner, build);
  if (hashOf(spec) === hashOf(builder.spec)) return same(state);
  return {
    state: { ...state, builder: { ...builder, spec } },
    events: [lifeEvent('Update', builderObject(builder), at)],
  };
}

function same(state: BuildProgress): BuildStep {
  return { state, events: [] };
}

// Once nothing is being canceled any more, the build that is due is created; what is too much of the past
// goes.
function settle({ events, state }: BuildStep, owner: FunctionResource, at: number): BuildStep {
  const { canceling, condition } = state;
  const isDue = condition.state === '' && condition.resourceHash !== undefined;
  const created = isDue && canceling.length === 0 ? create(state, owner, at) : same(state);
  const { gone, kept } = pruneBuilders(created.state.history, owner.spec.build, at);
  return {
    state: gone.length === 0 ? created.state : { ...created.state, history: kept },
    events: [
      ...events,
      ...created.events,
      ...gone.map((builder) => lifeEvent('Delete', builderObject(builder), at)),
    ],
  };
}

function create(state: BuildProgress, owner: FunctionResource, at: number): BuildStep {
  const { build } = owner.spec;
  const resourceHash = buildHash(owner);
  if (build === undefined) {
    return {
      state: { ...state, condition: { state: 'Skipped', resourceHash } },
      events: buildEvents('Skipped', { owner: functionObject(owner), object: undefined, at }),
    };
  }
  const count = state.count + 1;
  const builder = toBuilder(owner, build, count, at);
  const condition = { state: 'Created', resourceRef: builder.metadata.name, resourceHash } as const;
  return {
    state: { ...state, condition, builder, count },
    events: buildEvents('Created', transitionOf(owner, builder, at)),
  };
}

function start(state: BuildProgress, owner: FunctionResource, name: string, at: number): BuildStep {
  const { builder, condition } = state;
  if (builder?.metadata.name !== name || condition.state !== 'Created') return same(state);
  return {
    state: {
      ...state,
      condition: { ...condition, state: 'Building' },
      builder: { ...builder, status: { ...builder.status, state: 'Building' } },
    },
    events: buildEvents('Building', transitionOf(owner, builder, at)),
  };
}

function end(
  state: BuildProgress,
  owner: FunctionResource,
  name: string,
  result: BuildResult,
  at: number,
): BuildStep {
  const canceled = state.canceling.find(({ metadata }) => metadata.name === name);
  if (canceled !== undefined) {
    const ended = toEnded(canceled, result, at);
    const canceling = state.canceling.filter((each) => each !== canceled);
    return {
      state: { ...state, canceling, history: [ended, ...state.history] },
      events: endEvents(owner, ended, result, at),
    };
  }
  const { builder, condition } = state;
  if (builder?.metadata.name !== name || !isRunning(builder)) return same(state);
  const ended = toEnded(builder, result, at);
  const { buildDuration = '', message = '', reason = '' } = ended.status ?? {};
  const { imageDigest, sources } = result.state === 'Succeeded' ? result : {};
  return {
    state: {
      ...state,
      builder: ended,
      condition: { ...condition, state: result.state, reason, message, buildDuration },
      ...(imageDigest === undefined ? {} : { imageDigest }),
      ...(sources === undefined ? {} : { sources }),
    },
    events: endEvents(owner, ended, result, at),
  };
}

function endEvents(
  owner: FunctionResource,
  builder: BuilderResource,
  { message, state }: BuildResult,
  at: number,
) {
  const duration = `after ${builder.status?.buildDuration}`;
  const detail = message === undefined || message === state ? duration : `${message}, ${duration}`;
  return buildEvents(state, { ...transitionOf(owner, builder, at), detail });
}

// A Builder that is deleted before it has succeeded is made again.
function lose(state: BuildProgress, name: string, at: number): BuildStep {
  const { builder, condition, ...rest } = state;
  const lost = buildersOf(state).find(({ metadata }) => metadata.name === name);
  if (lost === undefined) return same(state);
  const events = [lifeEvent('Delete', builderObject(lost), at)];
  if (lost === builder) {
    const { resourceHash = '' } = condition;
    const isKept = condition.state === 'Succeeded';
    return {
      state: { ...rest, condition: isKept ? condition : { state: '', resourceHash } },
      events,
    };
  }
  return {
    state: {
      ...state,
      canceling: state.canceling.filter((each) => each !== lost),
      history: state.history.filter((each) => each !== lost),
    },
    events,
  };
}

// Each Builder whose time is over ends, also one that does not hear of its cancellation.
function expire(state: BuildProgress, owner: FunctionResource, at: number): BuildStep {
  return buildersOf(state)
    .filter((builder) => isRunning(builder) && isOverdue(builder, at))
    .reduce<BuildStep>((step, { metadata }) => {
      const next = end(step.state, owner, metadata.name, { state: 'Timeout' }, at);
      return { state: next.state, events: [...step.events, ...next.events] };
    }, same(state));
}

function remove(state: BuildProgress, owner: FunctionResource, at: number): BuildStep {
  const builders = buildersOf(state);
  return {
    state: { ...NO_BUILD, count: state.count },
    events: [
      ...builders
        .filter(isRunning)
        .flatMap((builder) => buildEvents('Canceled', transitionOf(owner, builder, at))),
      ...builders.map((builder) => lifeEvent('Delete', builderObject(builder), at)),
    ],
  };
}

function buildersOf({ builder, canceling, history }: BuildProgress): readonly BuilderResource[] {
  return [...(builder === undefined ? [] : [builder]), ...canceling, ...history];
}

function transitionOf(owner: FunctionResource, builder: BuilderResource, at: number) {
  return { owner: functionObject(owner), object: builderObject(builder), at };
}

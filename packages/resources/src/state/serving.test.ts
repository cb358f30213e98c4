import { describe, expect, it } from 'vitest';
import { functionOf, servingFunction } from '../function/function.fixture.ts';
import type { FunctionResource } from '../function/schema.ts';
import type { ResourceEvent } from './events.ts';
import { reduceServing } from './serving.ts';
import { NO_SERVING, type ServingObservation, type ServingProgress } from './serving-progress.ts';

const START = Date.parse('2026-01-01T00:00:00Z');

type Observation = ServingObservation extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'function' | 'at'> & {
        readonly function?: FunctionResource;
        readonly after?: number;
      }
    : never
  : never;

function observe(...observations: readonly Observation[]) {
  let state = NO_SERVING;
  let owner = servingFunction({ timeout: '1m' });
  let at = START;
  const events: ResourceEvent[] = [];
  for (const { after = 1000, function: given, ...observation } of observations) {
    owner = given ?? owner;
    const step = reduceServing(state, {
      ...observation,
      function: owner,
      at,
    });
    state = step.state;
    events.push(...step.events);
    at += after;
  }
  return { state, events };
}

function told(events: readonly ResourceEvent[]): readonly string[] {
  return events.map(
    ({ action, reason, regarding, type }) => `${regarding.kind} ${action} ${reason} ${type}`,
  );
}

function nameOf({ serving }: ServingProgress): string {
  return serving?.metadata.name ?? '';
}

const built = (imageDigest?: string): Observation => ({
  type: 'function-built',
  ...(imageDigest === undefined ? {} : { imageDigest }),
});
const first = nameOf(observe(built()).state);
const second = nameOf(observe(built(), built('sha256:2')).state);
const starting = (serving = first): Observation => ({ type: 'serving-starting', serving });
const running = (serving = first, service = 'svc'): Observation => ({
  type: 'serving-running',
  serving,
  service,
});
const failed = (serving = first): Observation => ({
  type: 'serving-failed',
  serving,
  reason: 'CrashLoop',
  message: 'exit code 1',
});

describe('a serving', () => {
  it('goes from Created over Starting to Running, and tells each step', () => {
    const { events, state } = observe(built(), starting(), running());
    expect(state.condition).toMatchObject({
      state: 'Running',
      resourceRef: first,
      lastSuccessfulResourceRef: first,
      service: 'svc',
    });
    expect(told(events)).toEqual([
      'Function Serving ServingCreated Normal',
      'Serving Serving Created Normal',
      'Function Serving Starting Normal',
      'Serving Serving Starting Normal',
      'Function Serving Running Normal',
      'Serving Serving Running Normal',
    ]);
    expect(events.every(({ note, reason }) => note !== '' && reason !== '')).toBe(true);
  });

  it('is told once, however often it is observed', () => {
    const { events } = observe(built(), built(), starting(), starting(), running(), running());
    expect(events).toHaveLength(6);
  });

  it('fails with a reason', () => {
    const { events, state } = observe(built(), starting(), failed());
    expect(state.condition).toMatchObject({
      state: 'Failed',
      reason: 'CrashLoop',
      message: 'exit code 1',
    });
    expect(told(events.slice(4))).toEqual([
      'Function Serving ServingFailed Warning',
      'Serving Serving Failed Warning',
    ]);
    expect(events.at(-1)?.note).toBe('Serving failed: exit code 1');
  });

  it('that failed can run yet, and says no more why it did not', () => {
    const { state } = observe(built(), failed(), running());
    expect(state.condition.state).toBe('Running');
    expect(state.condition).not.toHaveProperty('message');
    expect(state.serving?.status).not.toHaveProperty('reason');
  });

  it('times out while it does not run, with a reason and a note', () => {
    const { events, state } = observe(
      built(),
      { ...starting(), after: 60_000 },
      {
        type: 'time-passed',
      },
    );
    expect(state.condition).toMatchObject({ state: 'Timeout', reason: 'Timeout' });
    expect(told(events.slice(4))).toEqual([
      'Function Serving ServingTimeout Warning',
      'Serving Serving Timeout Warning',
    ]);
    expect(events.at(-1)?.note).toBe('Serving did not run in time: not running after 1m');
  });

  it('that runs does not time out', () => {
    const { state } = observe(built(), { ...running(), after: 10 ** 9 }, { type: 'time-passed' });
    expect(state.condition.state).toBe('Running');
  });

  it('is skipped where the function has none', () => {
    const build = { builder: 'b', srcRepo: { url: 'u' } };
    const { events, state } = observe({ ...built(), function: functionOf({ build }) });
    expect(state.condition.state).toBe('Skipped');
    expect(told(events)).toEqual(['Function Serving ServingSkipped Normal']);
  });
});

describe('a new image', () => {
  it('runs by its digest', () => {
    const { state } = observe(built('sha256:2'));
    expect(state.serving?.spec.image).toBe('example/hello:v1@sha256:2');
  });

  it('starts a new serving, and the old one stays until that runs', () => {
    const before = observe(built(), running(), built('sha256:2'), starting(second));
    expect(before.state).toMatchObject({
      condition: {
        state: 'Starting',
        resourceRef: second,
        lastSuccessfulResourceRef: first,
        service: 'svc',
      },
      previous: { metadata: { name: first } },
    });
    const { events, state } = observe(
      built(),
      running(),
      built('sha256:2'),
      starting(second),
      running(second, 'svc2'),
    );
    expect(state.previous).toBeUndefined();
    expect(state.condition).toMatchObject({ lastSuccessfulResourceRef: second, service: 'svc2' });
    expect(events.at(-1)).toMatchObject({
      regarding: { kind: 'Serving', name: first },
      action: 'Delete',
      reason: 'Deleted',
    });
  });

  it('that fails leaves the old one', () => {
    const { state } = observe(built(), running(), built('sha256:2'), failed(second));
    expect(state).toMatchObject({
      condition: { state: 'Failed', lastSuccessfulResourceRef: first, service: 'svc' },
      previous: { metadata: { name: first } },
    });
  });

  it('takes the place of one that never ran, at once, but not of the one that does', () => {
    const { events, state } = observe(built(), running(), built('sha256:2'), built('sha256:3'));
    expect(state.previous?.metadata.name).toBe(first);
    expect(
      events.filter(({ action }) => action === 'Delete').map(({ regarding }) => regarding.name),
    ).toEqual([second]);
  });
});

it('that is deleted is made again', () => {
  const { events, state } = observe(built(), running(), {
    type: 'serving-deleted',
    serving: first,
  });
  expect(state.condition.state).toBe('Created');
  expect(nameOf(state)).not.toBe(first);
  expect(told(events.slice(4))).toEqual([
    'Serving Delete Deleted Normal',
    'Function Serving ServingCreated Normal',
    'Serving Serving Created Normal',
  ]);
});

it('all servings go with their function', () => {
  const { events, state } = observe(built(), running(), built('sha256:2'), {
    type: 'function-deleted',
  });
  expect(state).toEqual({ ...NO_SERVING, count: 2 });
  expect(told(events.slice(-2))).toEqual([
    'Serving Delete Deleted Normal',
    'Serving Delete Deleted Normal',
  ]);
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functionOf } from '../function/function.fixture.ts';
import { hashOf } from '../function/hash.ts';
import type { FunctionResource } from '../function/schema.ts';
import { reduceBuild } from './build.ts';
import {
  NO_BUILD,
  type BuildObservation,
  type BuildProgress,
  type BuildResult,
} from './build-progress.ts';
import type { ResourceEvent } from './events.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const BUILD = { builder: 'example/builder', srcRepo: { url: 'https://git.example.com/a.git' } };

function built(build: object = {}, image = 'example/hello:v1'): FunctionResource {
  return functionOf({ image, build: { ...BUILD, ...build } });
}

type Observation = BuildObservation extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'function' | 'at'> & {
        readonly function?: FunctionResource;
        readonly after?: number;
      }
    : never
  : never;

/** Observations one after the other, a second apart unless they say otherwise. */
function observe(...observations: readonly Observation[]) {
  let state = NO_BUILD;
  let owner = built();
  let at = START;
  const events: ResourceEvent[] = [];
  for (const { after = 1000, function: given, ...observation } of observations) {
    owner = given ?? owner;
    const step = reduceBuild(state, { ...observation, function: owner, at });
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

const applied = (given?: FunctionResource): Observation => ({
  type: 'function-applied',
  ...(given === undefined ? {} : { function: given }),
});
const first = nameOf(observe(applied()).state);

function nameOf({ builder }: BuildProgress): string {
  return builder?.metadata.name ?? '';
}

const started = (builder = first): Observation => ({ type: 'build-started', builder });
const ended = (result: BuildResult, builder = first): Observation => ({
  type: 'build-ended',
  builder,
  result,
});

describe('a build', () => {
  it('is created with its function', () => {
    const { events, state } = observe(applied());
    expect(state.condition).toMatchObject({ state: 'Created', resourceRef: first });
    expect(state.builder).toMatchObject({
      metadata: { labels: { 'openfunction.io/function': 'hello' } },
      spec: { image: 'example/hello:v1', ...BUILD },
      status: { phase: 'Build', state: 'Created' },
    });
    expect(told(events)).toEqual([
      'Function Build BuildCreated Normal',
      'Builder Build Created Normal',
    ]);
  });

  it('starts', () => {
    const { events, state } = observe(applied(), started());
    expect(state.condition.state).toBe('Building');
    expect(state.builder?.status?.state).toBe('Building');
    expect(told(events.slice(2))).toEqual([
      'Function Build BuildStarted Normal',
      'Builder Build Started Normal',
    ]);
  });

  it.each([
    ['Succeeded', 'BuildCompleted', 'Completed', 'Normal'],
    ['Failed', 'BuildFailed', 'Failed', 'Warning'],
    ['Timeout', 'BuildTimeout', 'Timeout', 'Warning'],
    ['Canceled', 'BuildCanceled', 'Canceled', 'Warning'],
  ] as const)('ends as %s', (name, reason, own, type) => {
    const { events, state } = observe(
      applied(),
      { ...started(), after: 82_900 },
      ended({ state: name, reason: 'Because', message: 'of that' }),
    );
    const status = { state: name, reason: 'Because', message: 'of that', buildDuration: '1m23s' };
    expect(state.condition).toMatchObject({ ...status, resourceRef: first });
    expect(state.builder?.status).toMatchObject(status);
    const [ofFunction, ofBuilder] = events.slice(4);
    expect(ofFunction).toMatchObject({ reason, type, action: 'Build' });
    expect(ofFunction?.related).toEqual(ofBuilder?.regarding);
    expect(ofBuilder).toMatchObject({ reason: own, type, action: 'Build' });
    expect(ofBuilder?.note).toContain('of that, after 1m23s');
  });

  it('that has ended does not end again', () => {
    const { events, state } = observe(
      applied(),
      started(),
      ended({ state: 'Failed' }),
      ended({ state: 'Succeeded' }),
      started(),
    );
    expect(state.condition.state).toBe('Failed');
    expect(events).toHaveLength(6);
  });

  it('gives the digest and the sources of its image', () => {
    const sources = [{ name: 'default', git: { commitSha: 'abc' } }];
    const result = { state: 'Succeeded', imageDigest: 'sha256:1', sources } as const;
    const { state } = observe(applied(), started(), ended(result));
    expect(state).toMatchObject({ imageDigest: 'sha256:1', sources });
    expect(state.builder?.status?.output?.digest).toBe('sha256:1');
  });

  it('is skipped where the function has none', () => {
    const { events, state } = observe(applied(functionOf({ serving: {} })), applied());
    expect(state.condition.state).toBe('Skipped');
    expect(state.builder).toBeUndefined();
    expect(told(events)).toEqual(['Function Build BuildSkipped Normal']);
  });
});

describe('the time limit', () => {
  const limited = applied(built({ timeout: '1m30s' }));

  it('ends a build with its own length', () => {
    const { events, state } = observe({ ...limited, after: 95_000 }, { type: 'time-passed' });
    expect(state.condition).toMatchObject({ state: 'Timeout', buildDuration: '1m30s' });
    expect(told(events.slice(2))).toEqual([
      'Function Build BuildTimeout Warning',
      'Builder Build Timeout Warning',
    ]);
  });

  it.each([
    ['before it is over', limited, 89_999],
    ['without one', applied(), 10 ** 9],
  ])('does nothing %s', (_, apply, after) => {
    const { events, state } = observe({ ...apply, after }, { type: 'time-passed' });
    expect(state.condition.state).toBe('Created');
    expect(events).toHaveLength(2);
  });

  it('that changes is that of the build that runs', () => {
    const { events, state } = observe(
      limited,
      {
        ...applied(built({ timeout: '10s' })),
        after: 12_000,
      },
      { type: 'time-passed' },
    );
    expect(told(events.slice(2, 3))).toEqual(['Builder Update Updated Normal']);
    expect(state.condition).toMatchObject({ state: 'Timeout', buildDuration: '10s' });
  });
});

describe('a changed build', () => {
  it.each([
    [{ successfulBuildsHistoryLimit: 5 }],
    [{ failedBuildsHistoryLimit: 5 }],
    [{ builderMaxAge: '1h' }],
    [{ timeout: '1h' }],
  ])('is none for %j', (build) => {
    const { state } = observe(applied(), started(), applied(built(build)));
    expect(state.condition).toMatchObject({ state: 'Building', resourceRef: first });
  });

  it.each([
    [built({ env: { A: 'b' } })],
    [built({}, 'example/other')],
    [built({ dockerfile: 'D' })],
  ])('cancels the one that runs, and waits for it', (changed) => {
    const { events, state } = observe(applied(), started(), applied(changed));
    expect(state.condition.state).toBe('');
    expect(state.canceling).toMatchObject([
      { metadata: { name: first }, spec: { state: 'Cancelled' } },
    ]);
    expect(events).toHaveLength(4);
  });

  it('starts anew once that has ended', () => {
    const changed = applied(built({ env: { A: 'b' } }));
    const { events, state } = observe(applied(), started(), changed, ended({ state: 'Canceled' }));
    expect(state).toMatchObject({ condition: { state: 'Created' }, canceling: [] });
    expect(nameOf(state)).not.toBe(first);
    expect(told(events.slice(4))).toEqual([
      'Function Build BuildCanceled Warning',
      'Builder Build Canceled Warning',
      'Function Build BuildCreated Normal',
      'Builder Build Created Normal',
    ]);
  });

  it('starts anew at once when nothing runs', () => {
    const { events, state } = observe(
      applied(),
      started(),
      ended({ state: 'Succeeded', imageDigest: 'sha256:1' }),
      applied(built({ env: { A: 'b' } })),
    );
    expect(state).toMatchObject({ condition: { state: 'Created' }, imageDigest: 'sha256:1' });
    // No successful Builder is kept by default.
    expect(told(events.slice(6))).toEqual([
      'Function Build BuildCreated Normal',
      'Builder Build Created Normal',
      'Builder Delete Deleted Normal',
    ]);
  });

  it('that changes back gets a Builder of another name', () => {
    const { state } = observe(
      applied(),
      ended({ state: 'Failed' }),
      applied(built({ env: { A: 'b' } })),
      applied(built()),
      ended(
        { state: 'Canceled' },
        nameOf(
          observe(applied(), ended({ state: 'Failed' }), applied(built({ env: { A: 'b' } }))).state,
        ),
      ),
    );
    expect(state.condition.state).toBe('Created');
    expect(nameOf(state)).not.toBe(first);
  });
});

describe('a Builder', () => {
  it('that is deleted before it has succeeded is made again', () => {
    const { events, state } = observe(applied(), started(), {
      type: 'builder-deleted',
      builder: first,
    });
    expect(state.condition.state).toBe('Created');
    expect(nameOf(state)).not.toBe(first);
    expect(told(events.slice(4))).toEqual([
      'Builder Delete Deleted Normal',
      'Function Build BuildCreated Normal',
      'Builder Build Created Normal',
    ]);
  });

  it('that is deleted after it has succeeded is not', () => {
    const { state } = observe(applied(), ended({ state: 'Succeeded' }), {
      type: 'builder-deleted',
      builder: first,
    });
    expect(state.condition.state).toBe('Succeeded');
    expect(state.builder).toBeUndefined();
  });

  it.each([
    [{}, 0, 1],
    [{ successfulBuildsHistoryLimit: 2, failedBuildsHistoryLimit: 0 }, 2, 0],
    [{ successfulBuildsHistoryLimit: 9, failedBuildsHistoryLimit: 9 }, 3, 3],
    [{ successfulBuildsHistoryLimit: 9, failedBuildsHistoryLimit: 9, builderMaxAge: '1ms' }, 0, 0],
  ])('of the past is kept by %j', (limits, succeeded, failed) => {
    let state = NO_BUILD;
    for (let index = 0; index < 7; index += 1) {
      const at = START + index * 10_000;
      const owner = built({ ...limits, env: { INDEX: String(index) } });
      state = reduceBuild(state, { type: 'function-applied', function: owner, at }).state;
      const result = { state: index % 2 === 0 ? 'Succeeded' : 'Failed' } as const;
      const builder = nameOf(state);
      const observation = { type: 'build-ended', function: owner, builder, result, at } as const;
      state = reduceBuild(state, observation).state;
    }
    const states = state.history.map(({ status }) => status?.state);
    expect(states.filter((each) => each === 'Succeeded')).toHaveLength(succeeded);
    expect(states.filter((each) => each === 'Failed')).toHaveLength(failed);
  });
});

it('ends with its function', () => {
  const { events, state } = observe(applied(), started(), { type: 'function-deleted' });
  expect(state.builder).toBeUndefined();
  expect(told(events.slice(4))).toEqual([
    'Function Build BuildCanceled Warning',
    'Builder Build Canceled Warning',
    'Builder Delete Deleted Normal',
  ]);
});

it('whatever is observed: events are complete, come with transitions alone, and one Builder runs', () => {
  const limits = fc.constantFrom({}, { timeout: '5s' }, { env: { A: 'b' } }, { dockerfile: 'D' });
  const result = fc.constantFrom<BuildResult>(
    { state: 'Succeeded', imageDigest: 'sha256:1' },
    { state: 'Failed', message: 'no' },
    { state: 'Canceled' },
  );
  const step = fc.record({
    kind: fc.constantFrom(
      'function-applied',
      'build-started',
      'build-ended',
      'builder-deleted',
      'time-passed',
      'function-deleted',
    ),
    limits,
    result,
    which: fc.nat(3),
    after: fc.nat(10_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let state = NO_BUILD;
      let owner = built();
      let at = START;
      for (const { after, kind, limits, result, which } of steps) {
        at += after;
        if (kind === 'function-applied') owner = built(limits);
        const all = [...(state.builder === undefined ? [] : [state.builder]), ...state.canceling];
        const builder = all[which % Math.max(1, all.length)]?.metadata.name ?? 'none';
        const observation = {
          type: kind,
          function: owner,
          builder,
          result,
          at,
        } as BuildObservation;
        const next = reduceBuild(state, observation);
        for (const event of next.events) {
          expect(event.reason).toMatch(/^[A-Z]\w+$/);
          expect(event.note).not.toBe('');
          expect(event.at).toBe(at);
        }
        expect(reduceBuild(state, observation)).toEqual(next);
        expect(next.events.length > 0 && hashOf(next.state) === hashOf(state)).toBe(false);
        state = next.state;
        const { condition } = state;
        expect(state.canceling.length === 0 || condition.state === '').toBe(true);
        const isRunning = ['Created', 'Building'].includes(condition.state ?? '');
        expect(isRunning ? condition.resourceRef : nameOf(state)).toBe(nameOf(state));
      }
    }),
    { numRuns: 300 },
  );
});

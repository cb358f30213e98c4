import { describe, expect, it } from 'vitest';
import { functionOf } from '../function/function.fixture.ts';
import { render } from '../render/render.ts';
import type { ResourceEvent } from './events.ts';
import {
  NO_FUNCTION,
  reduceFunction,
  toFunctionStatus,
  type FunctionObservation,
  type FunctionProgress,
} from './function.ts';

const BUILD = { builder: 'example/builder', srcRepo: { url: 'https://git.example.com/a.git' } };
const START = Date.parse('2026-01-01T00:00:00Z');
const shop = functionOf(
  {
    build: BUILD,
    serving: { triggers: { http: { route: { hostnames: ['shop.example.com'] } } } },
  },
  { name: 'shop' },
);

function told({ action, reason, regarding }: ResourceEvent): string {
  return `${regarding.kind} ${action} ${reason}`;
}

/** Follows a function until it runs, or as far as the given step. */
function follow() {
  let state: FunctionProgress = NO_FUNCTION;
  let at = START;
  const events: ResourceEvent[] = [];
  return {
    get state() {
      return state;
    },
    events,
    see(
      observation: FunctionObservation extends infer Each
        ? Each extends unknown
          ? Omit<Each, 'at'>
          : never
        : never,
    ) {
      const step = reduceFunction(state, { ...observation, at });
      state = step.state;
      events.push(...step.events);
      at += 1000;
      return step.events.map(told);
    },
  };
}

type Followed = ReturnType<typeof follow>;

function runOnce(followed: Followed, imageDigest: string): void {
  const builder = followed.state.build.condition.resourceRef ?? '';
  followed.see({ type: 'build-started', builder });
  followed.see({ type: 'build-ended', builder, result: { state: 'Succeeded', imageDigest } });
  const serving = followed.state.serving.condition.resourceRef ?? '';
  followed.see({ type: 'serving-starting', serving });
  followed.see({ type: 'serving-running', serving, service: 'svc' });
}

describe('a function', () => {
  it('that is applied is created, built, served', () => {
    const followed = follow();
    followed.see({ type: 'function-applied', function: shop });
    runOnce(followed, 'sha256:1');
    expect(followed.events.map(told)).toEqual([
      'Function Create Created',
      'Function Build BuildCreated',
      'Builder Build Created',
      'Function Build BuildStarted',
      'Builder Build Started',
      'Function Build BuildCompleted',
      'Builder Build Completed',
      'Function Serving ServingCreated',
      'Serving Serving Created',
      'Function Serving Starting',
      'Serving Serving Starting',
      'Function Serving Running',
      'Serving Serving Running',
    ]);
    expect(followed.state.serving.serving?.spec.image).toBe('example/hello:v1@sha256:1');
  });

  it('is served at once where it has no build', () => {
    const followed = follow();
    const hello = functionOf({ serving: {} });
    expect(followed.see({ type: 'function-applied', function: hello })).toEqual([
      'Function Create Created',
      'Function Build BuildSkipped',
      'Function Serving ServingCreated',
      'Serving Serving Created',
    ]);
  });

  it('is not told of when it is applied again as it was', () => {
    const followed = follow();
    followed.see({ type: 'function-applied', function: shop });
    expect(followed.see({ type: 'function-applied', function: shop })).toEqual([]);
  });

  it('whose build changes runs on with its image until the new one runs', () => {
    const followed = follow();
    followed.see({ type: 'function-applied', function: shop });
    runOnce(followed, 'sha256:1');
    const changed = { ...shop, spec: { ...shop.spec, build: { ...BUILD, dockerfile: 'D' } } };
    expect(followed.see({ type: 'function-applied', function: changed })[0]).toBe(
      'Function Update Updated',
    );
    expect(followed.state.serving.condition.state).toBe('Running');
    runOnce(followed, 'sha256:2');
    expect(followed.events.map(told).at(-1)).toBe('Serving Delete Deleted');
    expect(toFunctionStatus(followed.state).revision).toEqual({ imageDigest: 'sha256:2' });
  });

  it('is not served anew by the same image', () => {
    const followed = follow();
    followed.see({ type: 'function-applied', function: shop });
    runOnce(followed, 'sha256:1');
    const { count } = followed.state.serving;
    const changed = { ...shop, spec: { ...shop.spec, build: { ...BUILD, dockerfile: 'D' } } };
    followed.see({ type: 'function-applied', function: changed });
    const builder = followed.state.build.condition.resourceRef ?? '';
    const result = { state: 'Succeeded', imageDigest: 'sha256:1' } as const;
    followed.see({ type: 'build-ended', builder, result });
    expect(followed.state.serving.count).toBe(count);
  });

  it('whose build fails is not served', () => {
    const followed = follow();
    followed.see({ type: 'function-applied', function: shop });
    const builder = followed.state.build.condition.resourceRef ?? '';
    followed.see({ type: 'build-ended', builder, result: { state: 'Failed', message: 'no' } });
    expect(toFunctionStatus(followed.state)).toMatchObject({
      build: { state: 'Failed', message: 'no', buildDuration: '1s' },
      serving: { state: '' },
    });
  });

  it('takes all that it has with it when it is deleted, and tells of itself last', () => {
    const followed = follow();
    followed.see({ type: 'function-applied', function: shop });
    runOnce(followed, 'sha256:1');
    expect(followed.see({ type: 'function-deleted' })).toEqual([
      'Builder Delete Deleted',
      'Serving Delete Deleted',
      'Function Delete Deleted',
    ]);
    expect(followed.see({ type: 'time-passed' })).toEqual([]);
  });
});

describe('the status', () => {
  it('has the route and the addresses once the function runs', () => {
    const followed = follow();
    followed.see({ type: 'function-applied', function: shop });
    expect(toFunctionStatus(followed.state)).not.toHaveProperty('route');
    runOnce(followed, 'sha256:1');
    expect(toFunctionStatus(followed.state)).toMatchObject({
      route: {
        hosts: ['shop.example.com', 'shop.default.svc.cluster.local'],
        paths: [{ type: 'PathPrefix', value: '/default/shop' }],
      },
      build: { state: 'Succeeded', buildDuration: '2s' },
      serving: { state: 'Running', service: 'svc' },
      addresses: [
        { type: 'External', value: 'http://shop.example.com/default/shop' },
        { type: 'Internal', value: 'http://shop.default.svc.cluster.local/default/shop' },
      ],
      revision: { imageDigest: 'sha256:1' },
    });
  });

  it('names the Serving whose objects are rendered', () => {
    const followed = follow();
    followed.see({ type: 'function-applied', function: shop });
    runOnce(followed, 'sha256:1');
    const { metadata, spec } = followed.state.serving.serving ?? shop;
    const objects = render(shop, { serving: metadata.name, image: spec.image });
    expect(objects[0]).toMatchObject({
      metadata: { labels: { 'openfunction.io/serving': metadata.name } },
    });
    expect(JSON.stringify(objects[0])).toContain('example/hello:v1@sha256:1');
  });
});

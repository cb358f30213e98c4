import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderPlot } from './plot.ts';
import { simulate, type SimulationInput } from './simulate.ts';

const SERVICE = { duration: 100, concurrency: 10, coldStart: 800 };
const seconds = (count: number, rate: number): number[] =>
  Array.from({ length: count }, () => rate);

test('a first request waits for the cold start, and the next ones do not', () => {
  const { points, summary } = simulate({
    load: [...seconds(5, 0), ...seconds(30, 10)],
    service: SERVICE,
  });
  expect(summary.coldStarts).toBe(1);
  expect(summary.max).toBeGreaterThanOrEqual(750);
  expect(summary.max).toBeLessThanOrEqual(1100);
  expect(points.at(-1)?.p99).toBe(100);
});

test('without a request nothing is started', () => {
  const { summary } = simulate({ load: seconds(60, 0), service: SERVICE });
  expect(summary).toMatchObject({ requests: 0, served: 0, replicaSeconds: 0, p50: 0, p99: 0 });
});

test('what one replica can do needs one', () => {
  const { summary } = simulate({ load: seconds(120, 50), service: SERVICE });
  expect(summary.maxReplicas).toBe(1);
});

test('a lower target has more replicas', () => {
  const at = (target: number): number =>
    simulate({
      load: seconds(600, 40),
      service: SERVICE,
      options: { metrics: [{ kind: 'concurrency', target }] },
    }).summary.maxReplicas;
  expect(at(10)).toBe(1);
  expect(at(1)).toBeGreaterThanOrEqual(4);
});

test('replicas go when the cooldown is over', () => {
  const load = [...seconds(60, 10), ...seconds(200, 0)];
  const { points } = simulate({ load, service: SERVICE, options: { cooldownPeriod: 60_000 } });
  expect(points.at(110)?.replicas).toBe(1);
  expect(points.at(-1)?.replicas).toBe(0);
});

test('requests fail that wait longer than they may', () => {
  const service = { ...SERVICE, coldStart: 5000 };
  const { summary } = simulate({ load: seconds(20, 10), service, timeout: 2000 });
  expect(summary.failed).toBeGreaterThan(25);
  expect(summary.max).toBeLessThanOrEqual(2100);
});

test('every request is served, has failed or is pending, and the same input gives the same', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(500), { minLength: 1, maxLength: 120 }),
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(5000),
      fc.option(fc.integer({ min: 2500, max: 10_000 }), { nil: undefined }),
      (load, duration, concurrency, coldStart, timeout) => {
        const input: SimulationInput = {
          load,
          service: { duration, concurrency, coldStart },
          ...(timeout === undefined ? {} : { timeout }),
        };
        const { points, summary } = simulate(input);
        const { failed, pending, requests, served } = summary;
        expect(served + failed + pending).toBeCloseTo(requests, 3);
        expect(Math.min(served, failed, pending)).toBeGreaterThan(-0.001);
        expect(points.every(({ ready, replicas }) => ready >= 0 && ready <= replicas)).toBe(true);
        expect(summary.replicaSeconds).toBeLessThanOrEqual(load.length * 100);
        expect(simulate(input)).toEqual({ points, summary });
      },
    ),
    { numRuns: 50 },
  );
});

test('names each field that is wrong', () => {
  const wrong = {
    load: [-1],
    service: { duration: 0, concurrency: 0, coldStart: -1 },
    options: { minReplicas: 5, maxReplicas: 2 },
  };
  expect(() => simulate(wrong)).toThrow(
    /load\[0\] .*service\.duration .*service\.concurrency .*service\.coldStart .*options\.minReplicas /,
  );
});

test.each([
  [
    'options.metrics[0].granularity',
    { metrics: [{ kind: 'requestRate', target: 5, window: 60_000, granularity: 0 }] },
  ],
  [
    'options.metrics[0].window',
    { metrics: [{ kind: 'requestRate', target: 5, window: NaN, granularity: 1000 }] },
  ],
  [
    'options.metrics[0].granularity',
    { metrics: [{ kind: 'requestRate', target: 5, window: 60_000, granularity: 500 }] },
  ],
  [
    'options.metrics[0].window',
    { metrics: [{ kind: 'requestRate', target: 5, window: 1e16, granularity: 1000 }] },
  ],
  ['options.metrics', { metrics: [] }],
  [
    'options.scaleUp.policies',
    { scaleUp: { stabilizationWindow: 0, selectPolicy: 'Max', policies: [] } },
  ],
  ['options.syncPeriod', { syncPeriod: NaN }],
  ['options.cooldownPeriod', { cooldownPeriod: -1 }],
  ['options.tolerance', { tolerance: NaN }],
  ['options.maxReplicas', { maxReplicas: 2.5 }],
] as const)('refuses %s of %o', (field, options) => {
  expect(() => simulate({ load: [1], service: SERVICE, options })).toThrow(
    expect.objectContaining({
      code: 'OFN_KEDA_OPTION_INVALID',
      issues: [expect.objectContaining({ field })],
    }),
  );
});

test.each([
  ['', undefined],
  ['load', { service: SERVICE }],
  ['load', { load: '12', service: SERVICE }],
  ['service', { load: [1] }],
  ['options.metrics', { load: [1], service: SERVICE, options: { metrics: undefined } }],
])('refuses input that types would not let pass: %s of %o', (field, input) => {
  const wrong = input as unknown as Parameters<typeof simulate>[0];
  expect(() => simulate(wrong)).toThrow(
    expect.objectContaining({
      code: 'OFN_KEDA_OPTION_INVALID',
      message: expect.stringContaining(field),
    }),
  );
});

describe('the plot', () => {
  const simulation = simulate({ load: [...seconds(30, 0), ...seconds(60, 100)], service: SERVICE });

  test('has a panel for load, replicas, pending requests and latency', () => {
    const svg = renderPlot(simulation);
    for (const title of ['Load (requests/s)', 'Replicas', 'Pending requests', 'Latency (ms)']) {
      expect(svg).toContain(`>${title}</text>`);
    }
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('keeps the times at its edges inside', () => {
    const minute = simulate({ load: seconds(60, 1), service: SERVICE });
    const edges = [...renderPlot(minute).matchAll(/text-anchor="(\w+)">\d+ s</g)];
    expect([edges.at(0)?.[1], edges.at(-1)?.[1]]).toEqual(['start', 'end']);
  });

  test('has nothing in it that a title could smuggle in', () => {
    expect(renderPlot(simulation, '"><script>alert(1)</script>&')).not.toContain('<script');
  });

  test('can be drawn of a load without a request, and of one of a single second', () => {
    for (const load of [[0], [1], seconds(4000, 0)]) {
      expect(renderPlot(simulate({ load, service: SERVICE }))).not.toMatch(/NaN|Infinity/);
    }
  });
});

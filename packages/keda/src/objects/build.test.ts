import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { KedaError, type KedaIssue } from '../errors.ts';
import { toHttpScaledObject, toInterceptorRoute } from './build.ts';
import type { ScalingObject } from './objects.ts';
import { parseObjects } from './parse.ts';
import { renderObjects } from './render.ts';
import type { ScaledFunction } from './scaled-function.ts';

const SHOP: ScaledFunction = { name: 'shop', hosts: ['shop.example.com'] };

type Build = (given: ScaledFunction) => readonly ScalingObject[];

const FORMS: Readonly<Record<string, Build>> = {
  'HTTPScaledObject 0.5': (given) => [toHttpScaledObject(given, { addOn: '0.5' })],
  HTTPScaledObject: (given) => [toHttpScaledObject(given, { addOn: 'current' })],
  InterceptorRoute: (given) => Object.values(toInterceptorRoute(given)),
};

function build(form: string, given: ScaledFunction): readonly ScalingObject[] {
  return FORMS[form]?.(given) ?? [];
}

function issuesOf(form: string, given: unknown): readonly KedaIssue[] {
  try {
    build(form, given as ScaledFunction);
  } catch (error) {
    if (error instanceof KedaError && error.code === 'OFN_KEDA_OBJECT_INVALID') return error.issues;
    throw error;
  }
  return [];
}

describe.each(Object.keys(FORMS))('%s', (form) => {
  it.each<[string, object, string]>([
    ['no hosts', { hosts: [] }, 'hosts'],
    ['hosts left out', { hosts: undefined }, 'hosts'],
    ['a host with a port', { hosts: ['a.example.com:80'] }, 'hosts[0]'],
    ['a host in upper case', { hosts: ['a', 'A.example.com'] }, 'hosts[1]'],
    ['a wildcard inside', { hosts: ['a.*.com'] }, 'hosts[0]'],
    ['a line break in a host', { hosts: ['a\nb'] }, 'hosts[0]'],
    ['a path without slash', { paths: ['shop'] }, 'paths[0]'],
    ['an encoded path', { paths: ['/', '/a%2Fb'] }, 'paths[1]'],
    ['a query', { paths: ['/a?b'] }, 'paths[0]'],
    ['no paths', { paths: [] }, 'paths'],
    ['a name that is none', { name: 'My Shop' }, 'name'],
    ['a name that is too long', { name: 'a'.repeat(64), service: 'a' }, 'name'],
    ['a name that no service can have', { name: 'a.b' }, 'service'],
    ['a namespace that is none', { namespace: 'a.b' }, 'namespace'],
    ['a service that is none', { service: 'Web' }, 'service'],
    ['a label that is none', { labels: { a: 'b c' } }, 'labels.a'],
    ['port 0', { port: 0 }, 'port'],
    ['a port above 65535', { port: 65_536 }, 'port'],
    ['a port that is a text', { port: '80' }, 'port'],
    ['min above max', { replicas: { min: 3, max: 2 } }, 'replicas.min'],
    ['min above the default of max', { replicas: { min: 101 } }, 'replicas.min'],
    ['a negative min', { replicas: { min: -1 } }, 'replicas.min'],
    ['a max of 0', { replicas: { max: 0 } }, 'replicas.max'],
    ['a negative target', { metric: { concurrency: -5 } }, 'metric.concurrency'],
    ['a target of 0', { metric: { concurrency: 0 } }, 'metric.concurrency'],
    ['half a target', { metric: { concurrency: 0.5 } }, 'metric.concurrency'],
    ['a window without a rate', { metric: { window: 1000 } }, 'metric.requestRate'],
    ['seconds where it takes milliseconds', { cooldownPeriod: 300 }, 'cooldownPeriod'],
    ['a negative cooldown', { cooldownPeriod: -1000 }, 'cooldownPeriod'],
    ['a cooldown of no end', { cooldownPeriod: Infinity }, 'cooldownPeriod'],
    ['a field that there is not', { host: 'a' }, 'host'],
  ])('refuses %s', (_, given, field) => {
    const fields = issuesOf(form, { ...SHOP, ...given }).map((issue) => issue.field);
    expect(fields).toContain(field);
  });

  it('names all that is wrong at once', () => {
    const given = { name: 'Shop', hosts: [], port: 0, replicas: { min: 2, max: 1 } };
    expect(issuesOf(form, given).map(({ field }) => field)).toEqual([
      'name',
      'hosts',
      'port',
      'replicas.min',
    ]);
  });

  it('says which object of which function is not valid', () => {
    expect(() => build(form, { ...SHOP, hosts: [] })).toThrow(
      `${form} "shop" is not valid: hosts must name at least one host`,
    );
  });

  it('shares nothing with what it is made from', () => {
    const hosts = ['a.example.com'];
    const labels = { a: 'b' };
    const [object] = build(form, { name: 'shop', hosts, labels });
    hosts.push('b.example.com');
    labels.a = 'c';
    expect(JSON.stringify(object)).not.toContain('b.example.com');
    expect(object?.metadata.labels).toEqual({ a: 'b' });
  });
});

const NOT_IN_05: readonly [object, string][] = [
  [{ hosts: ['*.example.com'] }, 'hosts[0]'],
  [{ hosts: ['*'] }, 'hosts[0]'],
  [{ headers: [{ name: 'X-A' }] }, 'headers'],
  [{ portName: 'http' }, 'portName'],
  [{ initialCooldownPeriod: 1000 }, 'initialCooldownPeriod'],
  [{ timeouts: { readiness: 1000 } }, 'timeouts.readiness'],
  [{ timeouts: { responseHeader: 1000 } }, 'timeouts.responseHeader'],
  [{ fallback: { service: 'sorry', port: 80 } }, 'fallback'],
  [{ metric: { requestRate: 5 } }, 'metric.requestRate'],
  [{ workload: { name: 'shop', kind: 'StatefulSet' } }, 'workload.kind'],
];

const IN_ROUTES_ALONE: readonly [object, string][] = [
  [{ timeouts: { request: 1000 } }, 'timeouts.request'],
  [{ placeholder: { body: 'soon' } }, 'placeholder'],
  [{ staticRoutes: [] }, 'staticRoutes'],
  [{ metric: { concurrency: 1, requestRate: 1 } }, 'metric'],
];

it.each([...NOT_IN_05, ...IN_ROUTES_ALONE])(
  'refuses what 0.5 has no field for: %j',
  (given, field) => {
    const fields = issuesOf('HTTPScaledObject 0.5', { ...SHOP, ...given }).map(
      (issue) => issue.field,
    );
    expect(fields.map((each) => (field === 'metric' ? each.split('.')[0] : each))).toEqual([field]);
  },
);

it.each(IN_ROUTES_ALONE)(
  'refuses what an HTTPScaledObject has no field for: %j',
  (given, field) => {
    const issues = issuesOf('HTTPScaledObject', { ...SHOP, ...given });
    expect(issues.map((issue) => issue.field)).toEqual([field]);
  },
);

it.each(NOT_IN_05)('takes in a current HTTPScaledObject %j', (given) => {
  expect(issuesOf('HTTPScaledObject', { ...SHOP, ...given })).toEqual([]);
});

it.each([...NOT_IN_05, ...IN_ROUTES_ALONE])('takes in an InterceptorRoute %j', (given) => {
  expect(issuesOf('InterceptorRoute', { ...SHOP, ...given })).toEqual([]);
});

it.each<[object, string]>([
  [{ headers: [{ name: 'X A' }] }, 'headers[0].name'],
  [{ headers: [{ name: 'X-A', value: 'a\r\nb' }] }, 'headers[0].value'],
  [{ headers: [{ name: 'X-A', value: ' a' }] }, 'headers[0].value'],
  [{ headers: [{ name: 'X-A' }, { name: 'x-a' }] }, 'headers'],
  [{ port: 80, portName: 'http' }, 'portName'],
  [{ portName: '80' }, 'portName'],
  [{ fallback: { service: 'sorry' } }, 'fallback'],
  [{ fallback: { service: 'sorry', port: 80, portName: 'http' } }, 'fallback'],
  [{ timeouts: { readiness: -1 } }, 'timeouts.readiness'],
  [{ timeouts: { responseHeader: Number.NaN } }, 'timeouts.responseHeader'],
  [{ initialCooldownPeriod: 1 }, 'initialCooldownPeriod'],
  [{ metric: { requestRate: 1, window: 10, granularity: 20 } }, 'metric.granularity'],
])('refuses %j', (given, field) => {
  for (const form of ['HTTPScaledObject', 'InterceptorRoute']) {
    const issues = issuesOf(form, { ...SHOP, ...given });
    expect(issues.map((issue) => issue.field)).toEqual([field]);
  }
});

it('refuses a reply that is none, in a placeholder and in a static route', () => {
  const response = { statusCode: 99 };
  const given = { ...SHOP, placeholder: response, staticRoutes: [{ response }] };
  expect(issuesOf('InterceptorRoute', given).map(({ field }) => field)).toEqual([
    'placeholder.statusCode',
    'staticRoutes[0].response.statusCode',
  ]);
});

it('refuses a time of 0 that an HTTPScaledObject would not keep', () => {
  const given = { ...SHOP, timeouts: { readiness: 0, responseHeader: 0 } };
  expect(issuesOf('HTTPScaledObject', given).map(({ field }) => field)).toEqual([
    'timeouts.readiness',
    'timeouts.responseHeader',
  ]);
  expect(issuesOf('InterceptorRoute', given)).toEqual([]);
});

it('names the route and the scaler in the trigger of the ScaledObject', () => {
  const { scaledObject } = toInterceptorRoute(SHOP, { scalerAddress: 'scaler.here:1' });
  expect(scaledObject.spec.triggers).toEqual([
    {
      type: 'external-push',
      metadata: { scalerAddress: 'scaler.here:1', interceptorRoute: 'shop' },
    },
  ]);
});

describe('rendered', () => {
  const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?$/);
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary-ascii' }),
    fc.constantFrom('yes', 'On', '~', '1e3', '0o7', '0x1f', '1_000', '12:30', '- a', '# b', '.5'),
  );
  const reply = fc.record(
    {
      statusCode: fc.integer({ min: 200, max: 599 }),
      headers: fc.dictionary(
        fc.stringMatching(/^[A-Za-z-]{1,8}$/),
        fc.stringMatching(/^[\t -~\u0080-\u00FF]{0,20}$/),
      ),
      body: text,
    },
    { requiredKeys: [] },
  );
  const milliseconds = fc.nat({ max: 10_000_000 });
  const seconds = fc.nat({ max: 100_000 }).map((value) => value * 1000);
  const scaledFunction = fc.record(
    {
      name: label,
      namespace: label,
      annotations: fc.dictionary(fc.stringMatching(/^[a-z/.]{1,8}$/), text),
      hosts: fc.array(label, { minLength: 1, maxLength: 3 }),
      paths: fc.array(
        label.map((each) => `/${each}`),
        { minLength: 1, maxLength: 3 },
      ),
      headers: fc.uniqueArray(
        fc.record(
          { name: label, value: fc.stringMatching(/^([!-~]([ -~]{0,8}[!-~])?)?$/) },
          { requiredKeys: ['name'] },
        ),
        { selector: ({ name }) => name, maxLength: 3 },
      ),
      service: label,
      port: fc.integer({ min: 1, max: 65_535 }),
      replicas: fc.record(
        { min: fc.nat({ max: 50 }), max: fc.integer({ min: 50, max: 99 }) },
        { requiredKeys: [] },
      ),
      cooldownPeriod: seconds,
      initialCooldownPeriod: seconds,
      timeouts: fc.record(
        { readiness: milliseconds, request: milliseconds, responseHeader: milliseconds },
        { requiredKeys: [] },
      ),
      placeholder: reply,
      staticRoutes: fc.array(fc.record({ response: reply }), { maxLength: 2 }),
    },
    { requiredKeys: ['name', 'hosts'] },
  );

  it('is parsed to the same objects, and rendered the same again', () => {
    fc.assert(
      fc.property(scaledFunction, (given) => {
        const objects = build('InterceptorRoute', given);
        const yaml = renderObjects(objects);
        const parsed = parseObjects(yaml).objects;
        expect(parsed).toEqual(objects);
        expect(renderObjects(parsed)).toBe(yaml);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps its texts for those who read YAML 1.1, as Kubernetes does', () => {
    fc.assert(
      fc.property(text, (value) => {
        const { route } = toInterceptorRoute({ ...SHOP, annotations: { a: value } });
        expect(parse(renderObjects([route]), { version: '1.1' })).toEqual(route);
      }),
      { numRuns: 500 },
    );
  });

  it('has the same order of fields whatever order they were given in', () => {
    const [object] = build('HTTPScaledObject', SHOP);
    if (object === undefined) throw new Error('nothing was made');
    const { apiVersion, kind, metadata, spec } = object;
    const mixed = { spec, metadata, kind, apiVersion } as ScalingObject;
    expect(renderObjects([mixed])).toBe(renderObjects([object]));
  });

  it('leaves repeated parts as they are, without aliases', () => {
    const labels = { a: 'b' };
    const { route, scaledObject } = toInterceptorRoute({ ...SHOP, labels });
    const shared = { ...route, metadata: { ...route.metadata, labels, annotations: labels } };
    expect(renderObjects([shared, scaledObject])).not.toMatch(/[&*]/);
  });
});

it('says of any value what is wrong, and never throws anything else', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const given = { ...SHOP, metric: value, hosts: value, timeouts: value, name: value };
      expect(issuesOf('HTTPScaledObject', given)).not.toEqual([]);
    }),
  );
});

// Tracing and hooks of a function with those of the global configuration.
import { describe, expect, it } from 'vitest';
import { servingFunction } from '../function/function.fixture.ts';
import { ResourceError } from '../errors.ts';
import type { GlobalConfig } from './config.ts';
import { toFunctionContext } from './function-context.ts';

interface Context {
  readonly tracing?: unknown;
  readonly preHooks?: readonly string[];
  readonly postHooks?: readonly string[];
}

function contextOf(serving: object, globalConfig: GlobalConfig): Context {
  const context = toFunctionContext(servingFunction({ ...serving }), { globalConfig });
  return JSON.parse(context.FUNC_CONTEXT_V1BETA2) as Context;
}

describe('tracing', () => {
  const COMMON = `
enabled: true
provider:
  name: opentelemetry
  oapServer: oap:1
  exporter: { name: otlp, endpoint: "http://common", headers: a=b, compression: gzip, timeout: 5, protocol: grpc }
tags: { a: 1, b: yes }
baggage: { c: common }
`;
  const tracingOf = (tracing: object | undefined, config: GlobalConfig = { tracing: COMMON }) =>
    contextOf(tracing === undefined ? {} : { tracing }, config).tracing;

  it('of the function alone is as it is', () => {
    expect(tracingOf({ enabled: true, tags: { a: 'b' } }, {})).toEqual({
      enabled: true,
      provider: null,
      tags: { a: 'b' },
    });
  });

  it('of the global configuration is taken as it is, where the function says nothing', () => {
    expect(tracingOf(undefined)).toMatchObject({
      enabled: true,
      tags: { a: '1', b: 'yes' },
      baggage: { c: 'common' },
    });
    expect(tracingOf(undefined, { tracing: 'enabled: false' })).toEqual({
      enabled: false,
      provider: null,
    });
  });

  it('is none where the function says no', () => {
    expect(tracingOf({ enabled: false })).toBeUndefined();
    expect(tracingOf({})).toBeUndefined();
  });

  it("fills the function's empty fields, and unites tags and baggage, of which the function's win", () => {
    const own = {
      enabled: true,
      provider: { name: '', exporter: { name: 'own', endpoint: '', timeout: '9s' } },
      tags: { b: 'own' },
      baggage: { d: 'own' },
    };
    expect(tracingOf(own)).toEqual({
      enabled: true,
      provider: {
        name: 'opentelemetry',
        oapServer: 'oap:1',
        exporter: {
          name: 'own',
          endpoint: 'http://common',
          headers: 'a=b',
          compression: 'gzip',
          timeout: '9s',
          protocol: 'grpc',
        },
      },
      tags: { a: '1', b: 'own' },
      baggage: { c: 'common', d: 'own' },
    });
  });

  it('is read from plugins.tracing where there is no tracing', () => {
    const older = 'enabled: true\nprovider: { name: older }';
    const newer = 'enabled: true\nprovider: { name: newer }';
    expect(tracingOf(undefined, { 'plugins.tracing': older })).toMatchObject({
      provider: { name: 'older' },
    });
    expect(tracingOf(undefined, { 'plugins.tracing': older, tracing: newer })).toMatchObject({
      provider: { name: 'newer' },
    });
  });
});

describe('hooks', () => {
  const COMMON = { hooks: 'pre: [g1, g2]\npost: [g3]' };

  it.each<[object | undefined, Context]>([
    [undefined, { preHooks: ['g1', 'g2'], postHooks: ['g3'] }],
    [
      { pre: ['a'], post: ['b'] },
      { preHooks: ['g1', 'g2', 'a'], postHooks: ['b', 'g3'] },
    ],
    [
      { pre: ['a'], policy: 'Append' },
      { preHooks: ['g1', 'g2', 'a'], postHooks: ['g3'] },
    ],
    [{ pre: ['a'], policy: 'Override' }, { preHooks: ['a'] }],
    [{ policy: 'Override' }, {}],
  ])('%j stand inside the global ones, or in their place', (hooks, expected) => {
    const { postHooks, preHooks } = contextOf(hooks === undefined ? {} : { hooks }, COMMON);
    expect({ postHooks, preHooks }).toEqual({
      postHooks: expected.postHooks,
      preHooks: expected.preHooks,
    });
  });

  it('are read from plugins where there are no hooks', () => {
    expect(contextOf({}, { plugins: 'pre: [p]' }).preHooks).toEqual(['p']);
    expect(contextOf({}, { plugins: 'pre: [p]', ...COMMON }).preHooks).toEqual(['g1', 'g2']);
  });
});

it.each<[GlobalConfig, string]>([
  [{ tracing: '{' }, 'openfunction-config, tracing is not valid YAML'],
  [{ tracing: 'enabled: perhaps' }, 'enabled must be true or false'],
  [{ hooks: 'pre: first' }, 'pre must be a list'],
  [{ plugins: '- a' }, 'openfunction-config, plugins is not valid'],
])('refuses the global configuration %j', (globalConfig, message) => {
  const refused = () => toFunctionContext(servingFunction({}), { globalConfig });
  expect(refused).toThrow(ResourceError);
  expect(refused).toThrow(message);
  expect(refused).toThrow(
    expect.objectContaining({ code: 'OFN_RESOURCE_CONFIG_INVALID' }) as Error,
  );
});

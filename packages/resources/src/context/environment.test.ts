import { describe, expect, it } from 'vitest';
import { servingFunction } from '../function/function.fixture.ts';
import { toEnvironment, type EnvironmentVariable } from './environment.ts';
import type { ServingOptions } from './serving.ts';

const TRACING = { enabled: true, provider: { name: 'skywalking', oapServer: 'oap:11800' } };
const SKYWALKING = [
  'SW_AGENT_COLLECTOR_BACKEND_SERVICES',
  'SW_AGENT_NAME',
  'SW_AGENT_NAMESPACE',
  'SW_AGENT_KEEP_TRACING',
];
const CONTEXTS = ['FUNC_CONTEXT', 'FUNC_CONTEXT_V1BETA2'];
const POD = ['POD_NAME', 'POD_NAMESPACE'];
const DAPR = ['DAPR_HOST', 'DAPR_SIDECAR_IP'];
const PARAMS = { B: '2', A: '1' };
const HTTP = { http: { port: 9000, route: { hostnames: ['hello.example.com'] } } };
const TOPIC = { dapr: [{ name: 'mq', type: 'pubsub.redis', topic: 'a' }] };
const OUTPUT = [{ dapr: { name: 'mq', type: 'pubsub.redis', topic: 'a' } }];

function variables(serving: object, options?: ServingOptions): readonly EnvironmentVariable[] {
  return toEnvironment(servingFunction({ ...serving }), options);
}

function values(list: readonly EnvironmentVariable[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    list.flatMap((each) => ('value' in each ? [[each.name, each.value]] : [])),
  );
}

describe('the order', () => {
  it.each(['knative', 'keda-http'] as const)('for %s has Dapr last', (target) => {
    const serving = { triggers: HTTP, params: PARAMS, tracing: TRACING, outputs: OUTPUT };
    const names = variables(serving, { target }).map(({ name }) => name);
    expect(names).toEqual([
      'APP_PROTOCOL',
      ...SKYWALKING,
      ...CONTEXTS,
      'A',
      'B',
      ...POD,
      ...DAPR,
      'PORT',
    ]);
  });

  it('for async has Dapr before the params', () => {
    const names = variables({ triggers: TOPIC, params: PARAMS, tracing: TRACING }).map(
      ({ name }) => name,
    );
    expect(names).toEqual([
      'APP_PROTOCOL',
      ...SKYWALKING,
      ...CONTEXTS,
      ...DAPR,
      'A',
      'B',
      ...POD,
      'PORT',
    ]);
  });
});

describe('the port', () => {
  it.each([
    [{ triggers: HTTP }, '9000'],
    [{}, '8080'],
    [{ triggers: TOPIC }, '8080'],
    [{ triggers: { http: { port: 0 } } }, '8080'],
    [{ triggers: HTTP, params: { PORT: '3000' } }, '3000'],
  ])('of %j is %s', (serving, port) => {
    expect(values(variables(serving))['PORT']).toBe(port);
  });
});

describe('variables of SkyWalking', () => {
  it('name the function and its namespace', () => {
    const hello = servingFunction({ tracing: TRACING }, { namespace: 'demo' });
    expect(values(toEnvironment(hello))).toMatchObject({
      SW_AGENT_COLLECTOR_BACKEND_SERVICES: 'oap:11800',
      SW_AGENT_NAME: 'hello',
      SW_AGENT_NAMESPACE: 'demo',
      SW_AGENT_KEEP_TRACING: 'true',
    });
  });

  it.each([
    [{ enabled: false, provider: TRACING.provider }],
    [{ enabled: true, provider: { name: 'opentelemetry', oapServer: 'oap:11800' } }],
    [{ enabled: true, provider: { name: 'skywalking' } }],
    [{ enabled: true }],
    [undefined],
  ])('are absent with tracing %j', (tracing) => {
    const names = variables(tracing === undefined ? {} : { tracing }).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('SW_'))).toEqual([]);
  });

  it('come from the global configuration, unless the function says no', () => {
    const globalConfig = {
      tracing: 'enabled: true\nprovider: { name: skywalking, oapServer: "oap:1" }',
    };
    const server = (serving: object) =>
      values(variables(serving, { globalConfig }))['SW_AGENT_COLLECTOR_BACKEND_SERVICES'];
    expect(server({})).toBe('oap:1');
    expect(server({ tracing: { enabled: true } })).toBe('oap:1');
    expect(server({ tracing: TRACING })).toBe('oap:11800');
    expect(server({ tracing: { enabled: false } })).toBeUndefined();
  });
});

describe('Dapr', () => {
  it('is reached through a proxy that is named by the app id', () => {
    expect(values(variables({ outputs: OUTPUT }))).toMatchObject({
      DAPR_HOST: 'hello-default-dapr.default.svc.cluster.local',
      DAPR_SIDECAR_IP: 'hello-default-dapr.default.svc.cluster.local',
    });
    const annotations = { 'dapr.io/app-id': 'other' };
    expect(values(variables({ outputs: OUTPUT, annotations }))['DAPR_HOST']).toBe(
      'other-dapr.default.svc.cluster.local',
    );
  });

  it.each([
    ['a function that uses nothing of it', {}],
    [
      'a sidecar of the pod',
      { outputs: OUTPUT, annotations: { 'openfunction.io/dapr-service-mode': 'sidecar' } },
    ],
    [
      'a function that wants none',
      { outputs: OUTPUT, annotations: { 'openfunction.io/enable-dapr': 'false' } },
    ],
  ])('has no host for %s', (_, serving) => {
    expect(values(variables(serving))['DAPR_HOST']).toBeUndefined();
  });

  it('has one for a function that asks for it by its annotation', () => {
    const annotations = { 'openfunction.io/enable-dapr': 'true' };
    expect(values(variables({ annotations }))['DAPR_HOST']).toBeDefined();
  });

  it('has the protocol of the annotation', () => {
    const annotations = { 'dapr.io/app-protocol': 'http' };
    expect(values(variables({ annotations }))['APP_PROTOCOL']).toBe('http');
    expect(values(variables({}))['APP_PROTOCOL']).toBe('grpc');
  });
});

it('has each name once: what the user says of a name of ours counts', () => {
  const list = variables({ params: { FUNC_CONTEXT: '{}' } });
  expect(list.filter(({ name }) => name === 'FUNC_CONTEXT')).toEqual([
    { name: 'FUNC_CONTEXT', value: '{}' },
  ]);
});

// Both variables: byte by byte what OpenFunction 1.2.0's controller writes, and what core reads of them.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFunctionContext } from '../../../core/src/function/context.ts';
import { functionOf, servingFunction } from '../function/function.fixture.ts';
import { toFunctionContext } from './function-context.ts';

const MQ = { type: 'pubsub.mqtt', version: 'v1', metadata: [] };
const PG = { spec: { type: 'state.postgresql', version: 'v1', metadata: [] } };
const BINDING = { type: 'bindings.mqtt', version: 'v1', metadata: [] };
const TRACING = `enabled: true
provider:
  name: skywalking
  oapServer: oap:11800
baggage:
  key: k
`;

// The controller's components end in a random part, which ours do not have.
describe('what the controller writes', () => {
  it('for Knative', () => {
    const hello = functionOf({ version: 'v1.0.0', serving: {} });
    expect(toFunctionContext(hello)).toEqual({
      FUNC_CONTEXT: '{"name":"hello","version":"v1.0.0","runtime":"Knative","port":"8080"}',
      FUNC_CONTEXT_V1BETA2:
        '{"name":"hello","version":"v1.0.0","triggers":{"http":{"port":8080,"route":{"gatewayRef":{"name":"openfunction","namespace":"openfunction"}}}}}',
    });
  });

  it("for KEDA's http-add-on", () => {
    const route = {
      rules: [{ matches: [{ path: { value: '/', type: 'PathPrefix' } }] }],
      hostnames: ['podinfo.com'],
    };
    const http = { engine: 'keda', route, port: 9898 };
    const pod = functionOf({ version: 'v2.0.0', serving: { triggers: { http } } }, { name: 'pod' });
    expect(toFunctionContext(pod)).toEqual({
      FUNC_CONTEXT: '{"name":"pod","version":"v2.0.0","runtime":"Knative","port":"9898"}',
      FUNC_CONTEXT_V1BETA2:
        '{"name":"pod","version":"v2.0.0","triggers":{"http":{"port":9898,"route":{"gatewayRef":{"name":"openfunction","namespace":"openfunction"},"hostnames":["podinfo.com"],"rules":[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}]}]},"engine":"keda"}}}',
    });
  });

  it('for pub/sub with state, hooks and tracing', () => {
    const tracing = {
      enabled: true,
      provider: { name: 'skywalking', oapServer: 'oap:11800' },
      baggage: { key: 'k' },
    };
    const serving = {
      triggers: { dapr: [{ name: 'mq', type: 'pubsub.mqtt', topic: 'topicA' }] },
      pubsub: { mq: MQ },
      states: { pg: PG },
      outputs: [{ dapr: { name: 'mq', topic: 'topicB' } }],
      hooks: { pre: ['p1'], post: ['p1'] },
      tracing,
    };
    const annotations = { plugins: 'pre: [p1]\npost: [p1]\n', 'plugins.tracing': TRACING };
    const sub = functionOf({ version: 'v2', serving }, { name: 'sub', annotations });
    expect(toFunctionContext(sub, { serving: 'serving-x1' })).toEqual({
      FUNC_CONTEXT:
        '{"name":"sub","version":"v2","inputs":{"mq":{"uri":"topicA","componentName":"serving-x1-pubsub-mq","componentType":"pubsub.mqtt"}},"outputs":{"mq":{"uri":"topicB","componentName":"serving-x1-pubsub-mq","componentType":"pubsub.mqtt"}},"states":{"pg":{"componentName":"serving-x1-state-pg","componentType":"state.postgresql"}},"runtime":"Async","port":"8080","prePlugins":["p1","skywalking"],"postPlugins":["skywalking","p1"],"pluginsTracing":{"enabled":true,"provider":{"name":"skywalking","oapServer":"oap:11800"},"baggage":{"key":"k"}}}',
      FUNC_CONTEXT_V1BETA2:
        '{"name":"sub","version":"v2","triggers":{"dapr":[{"name":"serving-x1-pubsub-mq","type":"pubsub.mqtt","topic":"topicA"}]},"outputs":{"mq":{"componentName":"serving-x1-pubsub-mq","componentType":"pubsub.mqtt"}},"states":{"pg":{"componentName":"serving-x1-state-pg","componentType":"state.postgresql"}},"preHooks":["p1"],"postHooks":["p1"],"tracing":{"enabled":true,"provider":{"name":"skywalking","oapServer":"oap:11800"},"baggage":{"key":"k"}}}',
    });
  });

  it('for a binding', () => {
    const serving = {
      triggers: { dapr: [{ name: 'in', type: 'bindings.mqtt' }] },
      bindings: { in: BINDING, out: BINDING },
      outputs: [{ dapr: { name: 'out', operation: 'create' } }],
    };
    const b = functionOf({ version: 'v2', serving }, { name: 'b' });
    expect(toFunctionContext(b, { serving: 'serving-x1' })).toEqual({
      FUNC_CONTEXT:
        '{"name":"b","version":"v2","inputs":{"in":{"uri":"in","componentName":"serving-x1-bindings-in","componentType":"bindings.mqtt"}},"outputs":{"out":{"uri":"out","componentName":"serving-x1-bindings-out","componentType":"bindings.mqtt","operation":"create"}},"runtime":"Async","port":"8080"}',
      FUNC_CONTEXT_V1BETA2:
        '{"name":"b","version":"v2","triggers":{"dapr":[{"name":"serving-x1-bindings-in","type":"bindings.mqtt"}]},"outputs":{"out":{"componentName":"serving-x1-bindings-out","componentType":"bindings.mqtt","operation":"create"}}}',
    });
  });

  it('for plugins of the global configuration without a provider and without baggage', () => {
    const globalConfig = { 'plugins.tracing': 'enabled: false', plugins: 'order: [a, b]' };
    const { FUNC_CONTEXT } = toFunctionContext(servingFunction({}), { globalConfig });
    expect(FUNC_CONTEXT).toBe(
      '{"name":"hello","version":"latest","runtime":"Knative","port":"8080","prePlugins":["a","b"],"postPlugins":["b","a"],"pluginsTracing":{"enabled":false,"provider":null,"baggage":null}}',
    );
  });
});

describe('the newer variable', () => {
  it('has further inputs by their names, and leaves empty texts and lists out', () => {
    const serving = {
      triggers: {
        http: { route: { hostnames: [], rules: [{ filters: [] }] } },
        inputs: [{ dapr: { name: 'mq', type: '', topic: 'a' } }, {}],
      },
      pubsub: { mq: MQ },
    };
    const context = toFunctionContext(servingFunction(serving), { serving: 's' });
    expect(JSON.parse(context.FUNC_CONTEXT_V1BETA2)).toEqual({
      name: 'hello',
      version: 'latest',
      triggers: {
        http: {
          port: 8080,
          route: {
            gatewayRef: { name: 'openfunction', namespace: 'openfunction' },
            rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }],
          },
        },
        inputs: [{ dapr: { name: 'mq', topic: 'a' } }, {}],
      },
      inputs: { mq: { componentName: 's-pubsub-mq', componentType: 'pubsub.mqtt', topic: 'a' } },
    });
  });

  it('says the engine that the function is rendered for', () => {
    const hello = servingFunction({ triggers: { http: { route: { hostnames: ['a.b'] } } } });
    const engine = (target: 'keda-http' | 'knative') =>
      parseFunctionContext(undefined, toFunctionContext(hello, { target }).FUNC_CONTEXT_V1BETA2)
        ?.engine;
    expect(engine('keda-http')).toBe('keda');
    expect(engine('knative')).toBe('knative');
  });
});

describe('components', () => {
  it('of one name are told apart by the type that is said', () => {
    const serving = {
      triggers: { dapr: [{ name: 'mq', type: 'bindings.mqtt' }] },
      bindings: { mq: BINDING },
      pubsub: { mq: MQ },
      outputs: [{ dapr: { name: 'mq', type: 'pubsub.mqtt', topic: 'a' } }],
    };
    const { FUNC_CONTEXT } = toFunctionContext(servingFunction(serving), { serving: 's' });
    expect(JSON.parse(FUNC_CONTEXT)).toMatchObject({
      inputs: { mq: { componentName: 's-bindings-mq' } },
      outputs: { mq: { componentName: 's-pubsub-mq' } },
    });
  });

  it('that exist elsewhere keep their names, and have the types that are given', () => {
    const hello = servingFunction({
      triggers: { dapr: [{ name: 'mq', topic: 'a' }] },
      states: { pg: {} },
    });
    const componentTypes = { mq: 'pubsub.redis', pg: 'state.redis' };
    const { FUNC_CONTEXT } = toFunctionContext(hello, { componentTypes });
    expect(JSON.parse(FUNC_CONTEXT)).toMatchObject({
      inputs: { mq: { componentName: 'mq', componentType: 'pubsub.redis' } },
      states: { pg: { componentName: 'pg', componentType: 'state.redis' } },
    });
  });

  it.each([
    [{ triggers: { dapr: [{ name: 'mq' }] } }, 'spec.serving.triggers.dapr[0]'],
    [{ outputs: [{}, { dapr: { name: 'mq' } }] }, 'spec.serving.outputs[1].dapr'],
    [{ states: { mq: {} } }, 'spec.serving.states.mq'],
    [
      { triggers: { http: {}, inputs: [{ dapr: { name: 'mq' } }] } },
      'spec.serving.triggers.inputs[0].dapr',
    ],
  ])('of unknown types are refused: %j', (serving, field) => {
    expect(() => toFunctionContext(servingFunction(serving))).toThrow(
      expect.objectContaining({
        code: 'OFN_RESOURCE_COMPONENT_UNKNOWN',
        issues: [expect.objectContaining({ field })],
      }) as Error,
    );
  });
});

describe('for any function', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const text = fc.string({ unit: 'grapheme', minLength: 1 });
  const hooks = fc.array(label, { maxLength: 3 });
  const serving = fc.record({
    names: fc.uniqueArray(label, { minLength: 1, maxLength: 4 }),
    topic: text,
    operation: text,
    metadata: fc.dictionary(label, text),
    pre: hooks,
    post: hooks,
  });

  it("core's parser reads what was meant", () => {
    fc.assert(
      fc.property(serving, ({ metadata, names, operation, post, pre, topic }) => {
        const hello = servingFunction({
          triggers: { dapr: names.map((name) => ({ name, topic })) },
          pubsub: Object.fromEntries(names.map((name) => [name, MQ])),
          outputs: names.map((name) => ({ dapr: { name, topic, operation, metadata } })),
          hooks: { pre, post },
        });
        const { FUNC_CONTEXT, FUNC_CONTEXT_V1BETA2 } = toFunctionContext(hello, { serving: 's' });
        const context = parseFunctionContext(FUNC_CONTEXT, FUNC_CONTEXT_V1BETA2);
        const component = (name: string) => ({
          uri: topic,
          componentName: `s-pubsub-${name}`,
          componentType: 'pubsub.mqtt',
        });
        expect(context).toMatchObject({ name: 'hello', runtime: 'async', port: 8080 });
        expect(context?.inputs).toEqual(
          Object.fromEntries(names.map((name) => [name, { ...component(name), topic }])),
        );
        expect(context?.outputs).toEqual(
          Object.fromEntries(
            names.map((name) => [
              name,
              {
                ...component(name),
                operation,
                ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
              },
            ]),
          ),
        );
        expect(context?.preHooks ?? []).toEqual(pre);
        expect(context?.postHooks ?? []).toEqual(post);
      }),
    );
  });
});

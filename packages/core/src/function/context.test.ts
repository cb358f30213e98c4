// Both function contexts: what the controller writes, how the two merge, and what is malformed.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OfnError } from '../errors.ts';
import { parseFunctionContext, type FunctionContext } from './context.ts';

function parse(v1beta1?: string, v1beta2?: string): FunctionContext {
  const context = parseFunctionContext(v1beta1, v1beta2);
  if (context === undefined) throw new Error('no context was given');
  return context;
}

function attempt(v1beta1?: string, v1beta2?: string): FunctionContext | Error | undefined {
  try {
    return parseFunctionContext(v1beta1, v1beta2);
  } catch (error) {
    return error as Error;
  }
}

function refusal(v1beta1?: string, v1beta2?: string): OfnError {
  const outcome = attempt(v1beta1, v1beta2);
  if (outcome instanceof OfnError) return outcome;
  throw new Error('the context was not refused', { cause: outcome });
}

const EMPTY: FunctionContext = {
  name: undefined,
  version: undefined,
  runtime: 'knative',
  engine: 'knative',
  port: undefined,
  inputs: {},
  outputs: {},
  states: {},
  preHooks: undefined,
  postHooks: undefined,
  tracing: undefined,
};

// The values as OpenFunction 1.2.0's controller writes them, byte by byte.
const KNATIVE = [
  '{"name":"hello","version":"v1.0.0","runtime":"Knative","port":"8080"}',
  '{"name":"hello","version":"v1.0.0","triggers":{"http":{"port":8080,"route":{"gatewayRef":{"name":"openfunction","namespace":"openfunction"}}}}}',
] as const;
const KEDA = [
  '{"name":"pod","version":"v2.0.0","runtime":"Knative","port":"9898"}',
  '{"name":"pod","version":"v2.0.0","triggers":{"http":{"port":9898,"route":{"gatewayRef":{"name":"openfunction","namespace":"openfunction"},"hostnames":["podinfo.com"],"rules":[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}]}]},"engine":"keda"}}}',
] as const;
const PUBSUB = [
  '{"name":"sub","version":"v2","inputs":{"mq":{"uri":"topicA","componentName":"serving-x1-pubsub-mq-abcde","componentType":"pubsub.mqtt"}},"outputs":{"mq":{"uri":"topicB","componentName":"serving-x1-pubsub-mq-abcde","componentType":"pubsub.mqtt"}},"states":{"pg":{"componentName":"serving-x1-state-pg-abcde","componentType":"state.postgresql"}},"runtime":"Async","port":"8080","prePlugins":["p1","skywalking"],"postPlugins":["skywalking","p1"],"pluginsTracing":{"enabled":true,"provider":{"name":"skywalking","oapServer":"oap:11800"},"baggage":{"key":"k"}}}',
  '{"name":"sub","version":"v2","triggers":{"dapr":[{"name":"serving-x1-pubsub-mq-abcde","type":"pubsub.mqtt","topic":"topicA"}]},"outputs":{"mq":{"componentName":"serving-x1-pubsub-mq-abcde","componentType":"pubsub.mqtt"}},"states":{"pg":{"componentName":"serving-x1-state-pg-abcde","componentType":"state.postgresql"}},"preHooks":["p1"],"postHooks":["p1"],"tracing":{"enabled":true,"provider":{"name":"skywalking","oapServer":"oap:11800"},"baggage":{"key":"k"}}}',
] as const;
const BINDING = [
  '{"name":"b","version":"v2","inputs":{"in":{"uri":"in","componentName":"serving-x1-bindings-in-abcde","componentType":"bindings.mqtt"}},"outputs":{"out":{"uri":"out","componentName":"serving-x1-bindings-out-abcde","componentType":"bindings.mqtt","operation":"create"}},"runtime":"Async","port":"8080"}',
  '{"name":"b","version":"v2","triggers":{"dapr":[{"name":"serving-x1-bindings-in-abcde","type":"bindings.mqtt"}]},"outputs":{"out":{"componentName":"serving-x1-bindings-out-abcde","componentType":"bindings.mqtt","operation":"create"}}}',
] as const;

const PG = { componentName: 'serving-x1-state-pg-abcde', componentType: 'state.postgresql' };
const MQ = { componentName: 'serving-x1-pubsub-mq-abcde', componentType: 'pubsub.mqtt' };
const TRACING = {
  enabled: true,
  provider: { name: 'skywalking', oapServer: 'oap:11800' },
  baggage: { key: 'k' },
};

describe('what the controller writes', () => {
  test('for Knative, from both variables and from either', () => {
    const expected = { ...EMPTY, name: 'hello', version: 'v1.0.0', port: 8080 };
    expect(parse(...KNATIVE)).toEqual(expected);
    expect(parse(KNATIVE[0])).toEqual(expected);
    expect(parse(undefined, KNATIVE[1])).toEqual(expected);
  });

  test('for KEDA, whose engine only the newer variable knows', () => {
    const expected = { ...EMPTY, name: 'pod', version: 'v2.0.0', port: 9898, engine: 'keda' };
    expect(parse(...KEDA)).toEqual(expected);
    expect(parse(undefined, KEDA[1])).toEqual(expected);
    expect(parse(KEDA[0])).toEqual({ ...expected, engine: 'knative' });
  });

  test('for pub/sub with state, hooks and tracing: topics come from the older variable', () => {
    expect(parse(...PUBSUB)).toEqual({
      name: 'sub',
      version: 'v2',
      runtime: 'async',
      engine: 'knative',
      port: 8080,
      inputs: { mq: { ...MQ, uri: 'topicA', topic: 'topicA' } },
      outputs: { mq: { ...MQ, uri: 'topicB' } },
      states: { pg: PG },
      preHooks: ['p1'],
      postHooks: ['p1'],
      tracing: TRACING,
    });
  });

  test('for pub/sub, from the older variable alone', () => {
    expect(parse(PUBSUB[0])).toMatchObject({
      runtime: 'async',
      port: 8080,
      preHooks: ['p1', 'skywalking'],
      postHooks: ['skywalking', 'p1'],
      tracing: TRACING,
    });
  });

  test('for pub/sub, from the newer variable alone: no port, no topics of outputs', () => {
    expect(parse(undefined, PUBSUB[1])).toMatchObject({
      runtime: 'async',
      port: undefined,
      outputs: { mq: MQ },
      states: { pg: PG },
      preHooks: ['p1'],
      postHooks: ['p1'],
      tracing: TRACING,
    });
  });

  test('for a binding', () => {
    const names = { componentType: 'bindings.mqtt', operation: 'create' };
    expect(parse(...BINDING)).toEqual({
      ...EMPTY,
      name: 'b',
      version: 'v2',
      runtime: 'async',
      port: 8080,
      inputs: {
        in: {
          uri: 'in',
          componentName: 'serving-x1-bindings-in-abcde',
          componentType: 'bindings.mqtt',
        },
      },
      outputs: { out: { ...names, uri: 'out', componentName: 'serving-x1-bindings-out-abcde' } },
    });
  });
});

describe('neither variable', () => {
  test.each([
    [undefined, undefined],
    ['', ''],
    [' ', '\n'],
  ])('as %j and %j is no context', (older, newer) => {
    expect(parseFunctionContext(older, newer)).toBeUndefined();
  });
});

describe('merging', () => {
  test('takes the newer variable where it says something, and the older one elsewhere', () => {
    const older = {
      name: 'old',
      version: 'v1',
      port: '1000',
      prePlugins: ['a'],
      postPlugins: ['b'],
      pluginsTracing: { enabled: true },
    };
    const newer = {
      name: 'new',
      triggers: { http: { port: 2000 } },
      preHooks: [],
      tracing: { enabled: false },
    };
    expect(parse(JSON.stringify(older), JSON.stringify(newer))).toEqual({
      ...EMPTY,
      name: 'new',
      version: 'v1',
      port: 2000,
      preHooks: [],
      postHooks: ['b'],
      tracing: { enabled: false },
    });
  });

  test('is field by field within a component, and keeps components only one names', () => {
    const older = { outputs: { a: { uri: 'topic', operation: 'old' }, b: { uri: 'b' } } };
    const newer = { outputs: { a: { operation: 'new' }, c: { topic: 'c' } } };
    expect(parse(JSON.stringify(older), JSON.stringify(newer)).outputs).toEqual({
      a: { uri: 'topic', operation: 'new' },
      b: { uri: 'b' },
      c: { topic: 'c' },
    });
  });

  test('takes an HTTP trigger of the newer variable over an async runtime of the older', () => {
    const { runtime } = parse('{"runtime":"Async"}', '{"triggers":{"http":{"port":8080}}}');
    expect(runtime).toBe('knative');
  });

  test('is async by a Dapr trigger, whatever the older variable says', () => {
    const { runtime } = parse('{"runtime":"Knative"}', '{"triggers":{"dapr":[{"name":"mq"}]}}');
    expect(runtime).toBe('async');
  });

  test('is not async by an empty list of Dapr triggers', () => {
    expect(parse(undefined, '{"triggers":{"dapr":[]}}').runtime).toBe('knative');
  });
});

describe('the inputs of the triggers', () => {
  const inputsOf = (triggers: object, inputs: object = {}) =>
    parse(JSON.stringify({ inputs }), JSON.stringify({ triggers })).inputs;
  const MQTT = { componentName: 'mq', componentType: 'pubsub.mqtt' };

  test('keep the names that the older variable gives them', () => {
    const dapr = [{ name: 'mq', type: 'pubsub.mqtt', topic: 'a' }];
    expect(inputsOf({ dapr }, { in: { ...MQTT, uri: 'a' } })).toEqual({
      in: { ...MQTT, uri: 'a', topic: 'a' },
    });
  });

  test('that the older variable does not know have the names of their components', () => {
    const dapr = [
      { name: 'mq', type: 'pubsub.mqtt', topic: 'a' },
      { name: 'cron', type: 'bindings.cron' },
    ];
    expect(inputsOf({ dapr })).toEqual({
      mq: { ...MQTT, topic: 'a' },
      cron: { componentName: 'cron', componentType: 'bindings.cron' },
    });
  });

  test('are two for two topics of one component', () => {
    const dapr = ['a', 'b', 'c'].map((topic) => ({ name: 'mq', type: 'pubsub.mqtt', topic }));
    expect(inputsOf({ dapr }, { in: { ...MQTT, uri: 'b' } })).toEqual({
      in: { ...MQTT, uri: 'b', topic: 'b' },
      mq: { ...MQTT, topic: 'a' },
      'mq-2': { ...MQTT, topic: 'c' },
    });
  });

  test('have the name that the trigger gives', () => {
    const dapr = [{ name: 'mq', type: 'pubsub.mqtt', topic: 'a', inputName: 'orders' }];
    expect(Object.keys(inputsOf({ dapr }))).toEqual(['orders']);
  });

  test('of an HTTP function are inputs too, and leave it sync', () => {
    const inputs = [{ dapr: { name: 'cron', type: 'bindings.cron' } }, { dapr: null }, {}];
    const triggers = { http: { port: 8080 }, inputs };
    expect(Object.keys(inputsOf(triggers))).toEqual(['cron']);
    expect(parse(undefined, JSON.stringify({ triggers })).runtime).toBe('knative');
  });

  test('without a type leave that of the older variable', () => {
    expect(inputsOf({ dapr: [{ name: 'mq' }] }, { in: { ...MQTT, uri: 'a' } })).toEqual({
      in: { ...MQTT, uri: 'a' },
    });
  });
});

describe('the parser', () => {
  test('takes null, which Go writes for an empty value, as absent', () => {
    const older =
      '{"inputs":null,"outputs":null,"states":null,"prePlugins":null,"postPlugins":null,"pluginsTracing":null}';
    const newer =
      '{"triggers":null,"outputs":null,"states":null,"preHooks":null,"postHooks":null,"tracing":null}';
    expect(parse(older, newer)).toEqual(EMPTY);
    expect(parse(undefined, '{"triggers":{"http":null,"dapr":null}}')).toEqual(EMPTY);
  });

  test('takes an empty port as absent', () => {
    expect(parse('{"port":""}').port).toBeUndefined();
  });

  test('reads the names of runtime and engine in any case', () => {
    expect(parse('{"runtime":"ASYNC"}').runtime).toBe('async');
    expect(parse(undefined, '{"triggers":{"http":{"engine":"Keda"}}}').engine).toBe('keda');
  });

  test('keeps fields of components that it does not know', () => {
    expect(parse('{"outputs":{"a":{"custom":1}}}').outputs).toEqual({ a: { custom: 1 } });
  });

  test('lets no component change the prototype of objects', () => {
    const text = '{"outputs":{"__proto__":{"uri":"x"},"a":{"__proto__":{"operation":"y"}}}}';
    const { outputs } = parse(text, text);
    expect(Object.getPrototypeOf(outputs)).toBe(Object.prototype);
    expect(outputs['a']?.operation).toBeUndefined();
    expect(({} as Record<string, unknown>)['uri']).toBeUndefined();
  });

  test('gives a context that no call can change, at any depth', () => {
    const context = parse(...PUBSUB);
    expect(thawed(context)).toEqual([]);
  });
});

/** Where in a value something can still be changed. */
function thawed(value: unknown, path = 'context'): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, item]) => thawed(item, `${path}.${key}`));
  return Object.isFrozen(value) ? inner : [path, ...inner];
}

describe('a malformed variable', () => {
  test.each([
    ['FUNC_CONTEXT', ['{"name":', undefined]],
    ['FUNC_CONTEXT_V1BETA2', [undefined, '{"name":']],
    ['FUNC_CONTEXT', ['{"name":', '{"name":']],
  ] as const)('is named when it is not JSON: %s', (variable, given) => {
    const error = refusal(...given);
    expect(error).toMatchObject({ code: 'OFN_CONTEXT_MALFORMED', exitCode: 2 });
    expect(error.message).toMatch(new RegExp(`^${variable} is not valid JSON: `));
    expect(error.cause).toBeInstanceOf(SyntaxError);
  });

  test.each([
    ['{"name":1}', ['name']],
    ['{"runtime":"Lambda"}', ['runtime']],
    ['{"port":"http"}', ['port']],
    ['{"port":65536}', ['port']],
    ['{"port":-1}', ['port']],
    ['{"port":80.5}', ['port']],
    ['{"port":"65536"}', ['port']],
    ['{"inputs":[]}', ['inputs']],
    ['{"inputs":{"in":{"uri":1}}}', ['inputs', 'in', 'uri']],
    ['{"outputs":{"out":{"metadata":{"a":1}}}}', ['outputs', 'out', 'metadata', 'a']],
    ['{"states":{"pg":null}}', ['states', 'pg']],
    ['{"prePlugins":"a"}', ['prePlugins']],
    ['{"postPlugins":[1]}', ['postPlugins', 0]],
    [
      '{"pluginsTracing":{"provider":{"oapServer":1}}}',
      ['pluginsTracing', 'provider', 'oapServer'],
    ],
    ['[]', []],
    ['null', []],
    ['"text"', []],
  ])('%s in FUNC_CONTEXT is refused with the path of the field', (text, path) => {
    const error = refusal(text);
    expect(error.code).toBe('OFN_CONTEXT_MALFORMED');
    expect(error.issues?.map((issue) => issue.path)).toEqual([path]);
    const field = path.join('.') || 'the value';
    expect(error.message).toBe(
      `FUNC_CONTEXT is malformed; ${field}: ${error.issues?.[0]?.message}`,
    );
  });

  test.each([
    ['{"version":1}', ['version']],
    ['{"triggers":[]}', ['triggers']],
    ['{"triggers":{"http":{"engine":"lambda"}}}', ['triggers', 'http', 'engine']],
    ['{"triggers":{"http":{"port":"x"}}}', ['triggers', 'http', 'port']],
    ['{"triggers":{"dapr":{}}}', ['triggers', 'dapr']],
    ['{"triggers":{"dapr":[{"topic":"a"}]}}', ['triggers', 'dapr', 0, 'name']],
    ['{"preHooks":[null]}', ['preHooks', 0]],
    ['{"tracing":{"enabled":"yes"}}', ['tracing', 'enabled']],
    ['7', []],
  ])('%s in FUNC_CONTEXT_V1BETA2 is refused with the path of the field', (text, path) => {
    const error = refusal(KNATIVE[0], text);
    expect(error.code).toBe('OFN_CONTEXT_MALFORMED');
    expect(error.issues?.map((issue) => issue.path)).toEqual([path]);
    expect(error.message).toMatch(/^FUNC_CONTEXT_V1BETA2 is malformed; /);
  });

  test('is refused with each field that is wrong', () => {
    const error = refusal('{"name":1,"port":"x","prePlugins":[1,2]}');
    expect(error.issues?.map(({ path }) => path?.join('.'))).toEqual([
      'name',
      'port',
      'prePlugins.0',
      'prePlugins.1',
    ]);
    expect(error.message.split('; ')).toHaveLength(5);
  });
});

describe('any text', () => {
  /** No context, a context whose fields are in range, or the documented error. */
  function isDocumented(outcome: ReturnType<typeof attempt>): boolean {
    if (outcome === undefined) return true;
    if (outcome instanceof Error) {
      const said = /^FUNC_CONTEXT(_V1BETA2)? is (not valid JSON: |malformed; )/;
      const isKnown = outcome instanceof OfnError && outcome.code === 'OFN_CONTEXT_MALFORMED';
      return isKnown && said.test(outcome.message);
    }
    const { runtime, engine, port = 0 } = outcome;
    return (
      Object.keys(outcome).join() === Object.keys(EMPTY).join() &&
      ['knative', 'async'].includes(runtime) &&
      ['knative', 'keda'].includes(engine) &&
      Number.isInteger(port) &&
      port >= 0 &&
      port < 65_536
    );
  }

  const names =
    'name version runtime port inputs outputs states prePlugins postPlugins pluginsTracing ' +
    'triggers preHooks postHooks tracing http dapr engine uri provider metadata ' +
    '__proto__ constructor toString';
  const field = fc.constantFrom(...names.split(' '));
  const leaf = fc.oneof(
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom('Knative', 'Async', 'keda', '8080', 8080, '', null),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      // JSON.parse makes "__proto__" a property of its own; an object literal would not.
      fc
        .array(fc.tuple(field, tie('tree')), { maxLength: 5 })
        .map((entries) => Object.fromEntries(entries) as unknown),
    ),
  }));
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    tree.map((value) => JSON.stringify(value)),
    fc.constantFrom(...KNATIVE, ...KEDA, ...PUBSUB, ...BINDING),
  );
  const variable = fc.option(text, { nil: undefined });

  test('is a context, or a malformed one that is named', () => {
    fc.assert(
      fc.property(variable, variable, (older, newer) => {
        expect(attempt(older, newer)).toSatisfy(isDocumented);
      }),
      { numRuns: 1000 },
    );
  });

  test('merges so that V1BETA2 wins and FUNC_CONTEXT fills, field by field', () => {
    const name = fc.option(fc.string(), { nil: undefined });
    const hooks = fc.option(fc.array(fc.string(), { maxLength: 2 }), { nil: undefined });
    const port = fc.option(fc.nat(65_535), { nil: undefined });
    const said = fc.record({ name, version: name, port, pre: hooks, post: hooks });
    fc.assert(
      fc.property(said, said, (older, newer) => {
        const merged = parse(
          JSON.stringify({
            name: older.name,
            version: older.version,
            port: older.port,
            prePlugins: older.pre,
            postPlugins: older.post,
          }),
          JSON.stringify({
            name: newer.name,
            version: newer.version,
            triggers: { http: { port: newer.port } },
            preHooks: newer.pre,
            postHooks: newer.post,
          }),
        );
        expect(merged).toEqual({
          ...EMPTY,
          name: newer.name ?? older.name,
          version: newer.version ?? older.version,
          port: newer.port ?? older.port,
          preHooks: newer.pre ?? older.pre,
          postHooks: newer.post ?? older.post,
        });
      }),
    );
  });

  test('gives for each variable alone what merging it with an empty one gives', () => {
    fc.assert(
      fc.property(tree, (value) => {
        const json = JSON.stringify(value);
        expect(attempt(json, '{}')).toEqual(attempt(json));
        expect(attempt('{}', json)).toEqual(attempt(undefined, json));
      }),
      { numRuns: 500 },
    );
  });
});

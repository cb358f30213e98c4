import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ResourceError, type ResourceIssue } from '../errors.ts';
import { functionOf, rawFunction, servingFunction } from './function.fixture.ts';
import { parseFunction, parseResources } from './parse.ts';

const BUILD = { builder: 'example/builder', srcRepo: { url: 'https://git.example.com/a.git' } };

function attempt(text: string, file = 'f.yaml'): ResourceError {
  try {
    parseResources(text, { file });
  } catch (error) {
    if (error instanceof ResourceError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

function issuesOf(spec: object, metadata: object = {}): readonly ResourceIssue[] {
  return attempt(stringify(rawFunction({ ...spec }, { ...metadata }))).issues;
}

function serving(given: object): readonly ResourceIssue[] {
  return issuesOf({ serving: given });
}

const keda = (options: object) => serving({ scaleOptions: { keda: options } });

describe('defaults', () => {
  it('complete the least that a function is', () => {
    expect(functionOf({ serving: {} })).toEqual({
      apiVersion: 'core.openfunction.io/v1beta2',
      kind: 'Function',
      metadata: { name: 'hello' },
      spec: {
        workloadRuntime: 'OCIContainer',
        version: 'latest',
        image: 'example/hello:v1',
        serving: {
          triggers: {
            http: {
              port: 8080,
              route: { gatewayRef: { name: 'openfunction', namespace: 'openfunction' } },
            },
          },
        },
      },
    });
  });

  it('make no HTTP trigger where there is one of Dapr', () => {
    const { spec } = servingFunction({ triggers: { dapr: [{ name: 'mq', topic: 'a' }] } });
    expect(spec.serving?.triggers).toEqual({ dapr: [{ name: 'mq', topic: 'a' }] });
  });

  it('take an empty list of Dapr triggers for none', () => {
    const { spec } = servingFunction({ triggers: { dapr: [] } });
    expect(Object.keys(spec.serving?.triggers ?? {})).toEqual(['http']);
  });

  it('take an empty version and port 0 for what is not said', () => {
    const { spec } = functionOf({ version: '', serving: { triggers: { http: { port: 0 } } } });
    expect(spec.version).toBe('latest');
    expect(spec.serving?.triggers.http?.port).toBe(8080);
  });

  it('complete rules and their matches', () => {
    const route = {
      rules: [
        {},
        { matches: [{ path: { value: '/a' } }, { headers: [{ name: 'X', value: 'y' }] }] },
      ],
    };
    const { spec } = servingFunction({ triggers: { http: { route } } });
    expect(spec.serving?.triggers.http?.route.rules).toEqual([
      { matches: [{ path: { type: 'PathPrefix', value: '/' } }] },
      {
        matches: [
          { path: { type: 'PathPrefix', value: '/a' } },
          {
            path: { type: 'PathPrefix', value: '/' },
            headers: [{ type: 'Exact', name: 'X', value: 'y' }],
          },
        ],
      },
    ]);
  });

  it('of WasmEdge are an annotation, the build strategy, and the class of the pods', () => {
    const wasm = functionOf({
      workloadRuntime: 'wasmedge',
      build: BUILD,
      serving: { template: { containers: [] } },
    });
    expect(wasm.metadata.annotations).toEqual({ 'module.wasm.image/variant': 'compat-smart' });
    expect(wasm.spec.build?.shipwright?.strategy).toEqual({
      name: 'wasmedge',
      kind: 'ClusterBuildStrategy',
    });
    expect(wasm.spec.serving).toMatchObject({
      annotations: { 'module.wasm.image/variant': 'compat-smart' },
      template: { runtimeClassName: 'openfunction-crun' },
    });
  });

  it('are those of a null, as of what is not there', () => {
    const text = stringify(rawFunction({ version: null, serving: { labels: null } }));
    expect(parseFunction(text)).toEqual(functionOf({ serving: {} }));
  });
});

describe('refuses', () => {
  it.each<[string, readonly ResourceIssue[], string]>([
    ['neither build nor serving', issuesOf({}), 'spec.serving'],
    ['no image', issuesOf({ image: '', serving: {} }), 'spec.image'],
    ['a name that is none', issuesOf({ serving: {} }, { name: 'My_Function' }), 'metadata.name'],
    ['a label that is none', serving({ labels: { a: 'b c' } }), 'spec.serving.labels.a'],
    [
      'no builder and no dockerfile',
      issuesOf({ build: { srcRepo: { url: 'u' } } }),
      'spec.build.builder',
    ],
    ['no source', issuesOf({ build: { builder: 'b' } }), 'spec.build.srcRepo'],
    [
      'a source of nothing',
      issuesOf({ build: { builder: 'b', srcRepo: {} } }),
      'spec.build.srcRepo',
    ],
    ['a negative timeout', issuesOf({ build: { ...BUILD, timeout: '-5s' } }), 'spec.build.timeout'],
    [
      'a timeout without a unit',
      issuesOf({ build: { ...BUILD, timeout: '5' } }),
      'spec.build.timeout',
    ],
    [
      'a negative maxAge',
      issuesOf({ build: { ...BUILD, builderMaxAge: '-1h' } }),
      'spec.build.builderMaxAge',
    ],
    [
      'a negative limit',
      issuesOf({ build: { ...BUILD, failedBuildsHistoryLimit: -1 } }),
      'spec.build.failedBuildsHistoryLimit',
    ],
    [
      'half a limit',
      issuesOf({ build: { ...BUILD, successfulBuildsHistoryLimit: 0.5 } }),
      'spec.build.successfulBuildsHistoryLimit',
    ],
    [
      'another kind of strategy',
      issuesOf({ build: { ...BUILD, shipwright: { strategy: { name: 's', kind: 'S' } } } }),
      'spec.build.shipwright.strategy.kind',
    ],
    [
      'a negative time of shipwright',
      issuesOf({ build: { ...BUILD, shipwright: { timeout: '-1s' } } }),
      'spec.build.shipwright.timeout',
    ],
    [
      'credentials without a name, with a build',
      issuesOf({ imageCredentials: {}, build: BUILD }),
      'spec.imageCredentials',
    ],
    [
      'another engine',
      serving({ triggers: { http: { engine: 'nginx' } } }),
      'spec.serving.triggers.http.engine',
    ],
    [
      'the engine keda without a host',
      serving({ triggers: { http: { engine: 'keda' } } }),
      'spec.serving.triggers.http.route.hostnames',
    ],
    [
      'a port above 65535',
      serving({ triggers: { http: { port: 65_536 } } }),
      'spec.serving.triggers.http.port',
    ],
    [
      '17 hosts',
      serving({
        triggers: {
          http: { route: { hostnames: Array.from({ length: 17 }, (_, index) => `h${index}`) } },
        },
      }),
      'spec.serving.triggers.http.route.hostnames',
    ],
    [
      '17 rules',
      serving({ triggers: { http: { route: { rules: Array.from({ length: 17 }, () => ({})) } } } }),
      'spec.serving.triggers.http.route.rules',
    ],
    [
      'a host with a port',
      serving({ triggers: { http: { route: { hostnames: ['a:80'] } } } }),
      'spec.serving.triggers.http.route.hostnames[0]',
    ],
    [
      'a gateway without its namespace',
      serving({ triggers: { http: { route: { gatewayRef: { name: 'g' } } } } }),
      'spec.serving.triggers.http.route.gatewayRef.namespace',
    ],
    [
      'a Dapr trigger without a name',
      serving({ triggers: { dapr: [{ topic: 'a' }] } }),
      'spec.serving.triggers.dapr[0].name',
    ],
    [
      'negative replicas',
      serving({ scaleOptions: { minReplicas: -1 } }),
      'spec.serving.scaleOptions.minReplicas',
    ],
    [
      'min above max',
      serving({ scaleOptions: { minReplicas: 3, maxReplicas: 2 } }),
      'spec.serving.scaleOptions.minReplicas',
    ],
    [
      'min above the default of max',
      serving({ scaleOptions: { minReplicas: 11 } }),
      'spec.serving.scaleOptions.minReplicas',
    ],
    [
      'two scalers',
      keda({ scaledObject: {}, httpScaledObject: {} }),
      'spec.serving.scaleOptions.keda',
    ],
    [
      'a negative target',
      keda({ httpScaledObject: { targetPendingRequests: -1 } }),
      'spec.serving.scaleOptions.keda.httpScaledObject.targetPendingRequests',
    ],
    [
      'a negative cooldown',
      keda({ httpScaledObject: { cooldownPeriod: -1 } }),
      'spec.serving.scaleOptions.keda.httpScaledObject.cooldownPeriod',
    ],
    [
      'a negative interval',
      keda({ scaledObject: { pollingInterval: -1 } }),
      'spec.serving.scaleOptions.keda.scaledObject.pollingInterval',
    ],
    [
      'a fallback after no failure',
      keda({ scaledObject: { fallback: { failureThreshold: 0, replicas: 1 } } }),
      'spec.serving.scaleOptions.keda.scaledObject.fallback.failureThreshold',
    ],
    [
      'a window above an hour',
      keda({
        scaledObject: {
          advanced: {
            horizontalPodAutoscalerConfig: {
              behavior: { scaleUp: { stabilizationWindowSeconds: 3601 } },
            },
          },
        },
      }),
      'spec.serving.scaleOptions.keda.scaledObject.advanced.horizontalPodAutoscalerConfig.behavior.scaleUp.stabilizationWindowSeconds',
    ],
    [
      'another policy',
      keda({
        scaledObject: {
          advanced: {
            horizontalPodAutoscalerConfig: { behavior: { scaleDown: { selectPolicy: 'None' } } },
          },
        },
      }),
      'spec.serving.scaleOptions.keda.scaledObject.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.selectPolicy',
    ],
    [
      'another restart policy',
      keda({ scaledJob: { restartPolicy: 'Sometimes' } }),
      'spec.serving.scaleOptions.keda.scaledJob.restartPolicy',
    ],
    [
      'another strategy',
      keda({ scaledJob: { scalingStrategy: { strategy: 'fast' } } }),
      'spec.serving.scaleOptions.keda.scaledJob.scalingStrategy.strategy',
    ],
    [
      'a custom strategy without its deduction',
      keda({
        scaledJob: {
          scalingStrategy: { strategy: 'custom', customScalingRunningJobPercentage: '5%' },
        },
      }),
      'spec.serving.scaleOptions.keda.scaledJob.scalingStrategy.customScalingQueueLengthDeduction',
    ],
    [
      'a percentage that is none',
      keda({ scaledJob: { scalingStrategy: { customScalingRunningJobPercentage: '5' } } }),
      'spec.serving.scaleOptions.keda.scaledJob.scalingStrategy.customScalingRunningJobPercentage',
    ],
    [
      'a trigger of KEDA without metadata',
      keda({ triggers: [{ type: 'kafka' }] }),
      'spec.serving.scaleOptions.keda.triggers[0].metadata',
    ],
    [
      'a topic among bindings',
      serving({ bindings: { mq: { type: 'pubsub.redis' } } }),
      'spec.serving.bindings.mq.type',
    ],
    [
      'a number where a text is wanted',
      serving({ params: { PORT: 3000 } }),
      'spec.serving.params.PORT',
    ],
    ['a list where an object is wanted', serving({ labels: ['a'] }), 'spec.serving.labels'],
    ['an object where a list is wanted', serving({ outputs: {} }), 'spec.serving.outputs'],
    [
      'another kind of workload',
      serving({ workloadType: 'DaemonSet' }),
      'spec.serving.workloadType',
    ],
    [
      'another policy of hooks',
      serving({ hooks: { policy: 'Prepend' } }),
      'spec.serving.hooks.policy',
    ],
    ['a field that there is not', serving({ trigers: {} }), 'spec.serving.trigers'],
  ])('%s', (_, issues, field) => {
    expect(issues.map((issue) => issue.field)).toEqual([field]);
  });
});

describe('an error', () => {
  const TEXT = `apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata:
  name: hello
spec:
  imge: example/hello
  serving:
    params:
      PORT: 3000
    triggers:
      http:
        prot: 80
        engine: nginx
    other: 1
`;

  it('names each field that is wrong, in the order of the text, with its line and column', () => {
    const error = attempt(TEXT);
    expect(error.code).toBe('OFN_RESOURCE_INVALID');
    expect(error.issues.map(({ at, field, message }) => `${at} ${field} ${message}`)).toEqual([
      'f.yaml:6:3 spec.image is missing',
      'f.yaml:6:3 spec.imge is no field of this object; did you mean image?',
      'f.yaml:9:13 spec.serving.params.PORT must be a text, not 3000; put it in quotes',
      'f.yaml:12:9 spec.serving.triggers.http.prot is no field of this object; did you mean port?',
      'f.yaml:13:17 spec.serving.triggers.http.engine must be knative or keda',
      'f.yaml:14:5 spec.serving.other is no field of this object',
    ]);
    expect(error.issues[2]).toMatchObject({ line: 9, column: 13 });
  });

  it('is of all objects of a text', () => {
    const error = attempt(`${TEXT}---\n${TEXT.replace('hello', 'other')}`);
    expect(error.issues).toHaveLength(12);
    expect(error.issues.at(-1)?.at).toBe('f.yaml:29:5');
    expect(error.message).toContain('Function "other": spec.serving.other');
  });

  it.each([
    ['a: [', 'f.yaml:1:5 is not valid YAML'],
    ['a: *b', 'is not valid YAML'],
    ['- a', 'f.yaml:1:1: the text: must be an object'],
    ['a: 1', 'f.yaml:1:1: the text: kind is missing'],
  ])('of %j says what is wrong', (text, message) => {
    expect(attempt(text).message).toContain(message);
  });

  it.each([
    ['core.openfunction.io/v1alpha2', 'must be core.openfunction.io/v1beta2'],
    ['core.openfunction.io/v2', 'must be core.openfunction.io/v1beta2'],
  ])('of %s names the version that is taken', (apiVersion, message) => {
    const text = stringify({ ...rawFunction({ serving: {} }), apiVersion });
    expect(attempt(text).issues).toMatchObject([{ field: 'apiVersion', message }]);
  });
});

describe('a text', () => {
  const HELLO = stringify(rawFunction({ serving: {} }));
  const COMPONENT = stringify({
    apiVersion: 'dapr.io/v1alpha1',
    kind: 'Component',
    metadata: { name: 'mq' },
    spec: { type: 'pubsub.redis', version: 'v1', metadata: [] },
  });

  it('can have other objects beside functions, whose names are told', () => {
    const other = stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' } });
    const { functions, ignored } = parseResources(
      [HELLO, other, '# nothing', stringify(rawFunction({ serving: {} }, { name: 'b' }))].join(
        '---\n',
      ),
    );
    expect(functions.map(({ metadata }) => metadata.name)).toEqual(['hello', 'b']);
    expect(ignored).toEqual(['ConfigMap "map"']);
  });

  it('can have components of Dapr in it, with their defaults', () => {
    const metadata = [
      { name: 'redisHost', value: 'redis:6379' },
      { name: 'enableTLS', value: false },
      { name: 'redisPassword', secretKeyRef: { name: 'redis', key: 'password' } },
      { name: 'redisUsername', envRef: 'REDIS_USER' },
    ];
    const text = `${COMPONENT}---\n${stringify({
      apiVersion: 'dapr.io/v1alpha1',
      kind: 'Component',
      metadata: { name: 'store.main', namespace: 'shop' },
      spec: { type: 'state.redis', metadata },
      auth: { secretStore: 'vault' },
      scopes: ['hello'],
    })}`;
    const { componentTypes, components, ignored } = parseResources(text);
    expect(components).toMatchObject([
      { metadata: { name: 'mq' }, spec: { type: 'pubsub.redis', metadata: [] }, scopes: [] },
      {
        metadata: { name: 'store.main', namespace: 'shop' },
        spec: { type: 'state.redis', version: 'v1', metadata },
        scopes: ['hello'],
      },
    ]);
    expect(componentTypes).toEqual({ mq: 'pubsub.redis', 'store.main': 'state.redis' });
    expect(ignored).toEqual([]);
    expect(parseResources(components.map((each) => stringify(each)).join('---\n'))).toMatchObject({
      components,
    });
  });

  it.each([
    ['a type without a dot', 'spec: { type: redis }', 'spec.type', 4, 15],
    ['no type', 'spec: { version: v1 }', 'spec.type', 4, 7],
    ['no spec', 'scopes: [a]', 'spec', 1, 1],
    [
      'metadata without a name',
      'spec: { type: a.b, metadata: [{ value: 1 }] }',
      'spec.metadata[0].name',
      4,
      31,
    ],
    ['a field that is none', 'spec: { type: a.b, meta: [] }', 'spec.meta', 4, 20],
    ['a scope that is no text', 'spec: { type: a.b }\nscopes: [1]', 'scopes[0]', 5, 10],
  ])('refuses a component with %s, and says where', (_name, rest, field, line, column) => {
    const text = `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: mq }\n${rest}\n`;
    expect(attempt(text).issues).toMatchObject([
      { field, line, column, at: `f.yaml:${line}:${column}` },
    ]);
  });

  it('can be a list, as kubectl prints it', () => {
    const items = [rawFunction({ serving: {} }), rawFunction({ serving: 1 }, { name: 'b' })];
    const list = { apiVersion: 'v1', kind: 'List', items };
    expect(attempt(JSON.stringify(list, undefined, 2)).issues).toMatchObject([
      { field: 'spec.serving', line: 24 },
    ]);
  });

  it('can be Builders and Servings', () => {
    const apiVersion = 'core.openfunction.io/v1beta2';
    const objects = [
      { apiVersion, kind: 'Builder', metadata: { name: 'b' }, spec: { image: 'i', ...BUILD } },
      { apiVersion, kind: 'Serving', metadata: { name: 's' }, spec: { image: 'i' } },
    ];
    const { builders, servings } = parseResources(
      objects.map((each) => stringify(each)).join('---\n'),
    );
    expect(builders[0]?.spec.builder).toBe('example/builder');
    expect(servings[0]?.spec.triggers.http?.port).toBe(8080);
  });

  it.each([
    ['', 'has no Function'],
    [COMPONENT, 'has no Function'],
    [`${HELLO}---\n${HELLO}`, 'has 2 Functions'],
  ])('of which one function is wanted has one', (text, message) => {
    expect(() => parseFunction(text)).toThrow(message);
  });
});

describe('parsing', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const spec = fc.record(
    {
      version: label,
      image: label,
      serving: fc.record(
        {
          params: fc.dictionary(fc.stringMatching(/^[A-Z]{1,4}$/), fc.string({ unit: 'grapheme' })),
          labels: fc.dictionary(label, label),
          timeout: fc.nat(1000).map((seconds) => `${seconds}s`),
          hooks: fc.record({ pre: fc.array(label), post: fc.array(label) }),
          scaleOptions: fc.record({
            minReplicas: fc.nat(5),
            maxReplicas: fc.integer({ min: 5, max: 9 }),
          }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['serving'] },
  );

  it('changes nothing of what is complete', () => {
    fc.assert(
      fc.property(spec, (given) => {
        const parsed = functionOf(given);
        expect(parseFunction(stringify(parsed))).toEqual(parsed);
        expect(parseFunction(JSON.stringify(parsed))).toEqual(parsed);
      }),
    );
  });

  it('of any YAML is a result or an error of this package', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, 1, 'text', 'keda', -1),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            'serving',
            'build',
            'triggers',
            'http',
            'route',
            'rules',
            'matches',
            'dapr',
            'scaleOptions',
            'keda',
            'template',
            'containers',
            'states',
            'spec',
            'env',
            'labels',
            'x',
          ),
          tie('value'),
          { maxKeys: 5 },
        ),
      ),
    })).value;
    fc.assert(
      fc.property(
        fc.oneof(
          value.map((spec) => stringify({ ...rawFunction({}), spec })),
          fc.string(),
        ),
        (text) => {
          expect([undefined, 'ResourceError']).toContain(errorName(text));
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** The name of what is thrown for a text; `undefined` when nothing is. */
function errorName(text: string): string | undefined {
  try {
    parseResources(text);
    return undefined;
  } catch (error) {
    return (error as Error).name;
  }
}

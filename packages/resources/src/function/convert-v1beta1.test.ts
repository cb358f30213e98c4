import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ResourceError } from '../errors.ts';
import { parseFunction } from './parse.ts';

function convert(spec: object, annotations?: object) {
  const text = stringify({
    apiVersion: 'core.openfunction.io/v1beta1',
    kind: 'Function',
    metadata: { name: 'older', ...(annotations === undefined ? {} : { annotations }) },
    spec: { image: 'example/older', ...spec },
  });
  return parseFunction(text, { file: 'older.yaml' });
}

const serve = (serving: object, annotations?: object) =>
  convert({ serving }, annotations).spec.serving;

describe('a function of v1beta1', () => {
  it('over HTTP has port and route with its trigger', () => {
    const { apiVersion, spec } = convert({
      port: 3000,
      route: { hostnames: ['a.example.com'] },
      serving: { runtime: 'knative' },
    });
    expect(apiVersion).toBe('core.openfunction.io/v1beta2');
    expect(spec.serving?.triggers).toEqual({
      http: {
        port: 3000,
        route: {
          gatewayRef: { name: 'openfunction', namespace: 'openfunction' },
          hostnames: ['a.example.com'],
        },
      },
    });
  });

  it('with events has its inputs as triggers, with the types of their components', () => {
    const pubsub = { mq: { type: 'pubsub.redis', version: 'v1', metadata: [] } };
    const inputs = [
      { name: 'in', component: 'mq', topic: 'a' },
      { name: 'elsewhere', component: 'cron' },
    ];
    expect(serve({ runtime: 'async', inputs, pubsub })?.triggers).toEqual({
      dapr: [
        { name: 'mq', type: 'pubsub.redis', topic: 'a', inputName: 'in' },
        { name: 'cron', inputName: 'elsewhere' },
      ],
    });
  });

  it('keeps outputs to components that exist elsewhere, which the original drops', () => {
    const outputs = [{ name: 'out', component: 'smtp', params: { a: 'b' }, operation: 'create' }];
    expect(serve({ runtime: 'knative', outputs })?.outputs).toEqual([
      { dapr: { name: 'smtp', metadata: { a: 'b' }, operation: 'create', outputName: 'out' } },
    ]);
  });

  it('keeps what the original takes from the wrong field: the bundle, and times of builds and jobs', () => {
    const build = {
      builder: 'b',
      params: { A: 'b' },
      timeout: '10m',
      srcRepo: { bundleContainer: { image: 'example/source' } },
    };
    expect(convert({ build }).spec.build).toEqual({
      builder: 'b',
      timeout: '10m',
      shipwright: { params: [{ value: 'b', name: 'A' }] },
      srcRepo: { bundleContainer: { image: 'example/source' } },
    });
    const scaledJob = { pollingInterval: 5, maxReplicaCount: 7, restartPolicy: 'Never' };
    const scaled = serve({ runtime: 'async', scaleOptions: { keda: { scaledJob } } });
    expect(scaled?.workloadType).toBe('Job');
    expect(scaled?.scaleOptions).toEqual({
      maxReplicas: 7,
      keda: { scaledJob: { pollingInterval: 5, restartPolicy: 'Never' } },
    });
  });

  it('has replicas and the kind of workload of its ScaledObject, and the triggers of KEDA', () => {
    const scaledObject = { workloadType: 'StatefulSet', minReplicaCount: 1, maxReplicaCount: 4 };
    const trigger = { type: 'kafka', metadata: { topic: 'a' } };
    const { scaleOptions, workloadType } =
      serve({
        runtime: 'async',
        scaleOptions: { maxReplicas: 9, keda: { scaledObject } },
        triggers: [{ ...trigger, targetKind: 'ScaledObject' }],
      }) ?? {};
    expect(workloadType).toBe('StatefulSet');
    expect(scaleOptions).toEqual({
      minReplicas: 1,
      maxReplicas: 4,
      keda: { scaledObject: {}, triggers: [trigger] },
    });
  });

  it('has states with their specs', () => {
    const pg = { type: 'state.postgresql', version: 'v1', metadata: [] };
    expect(serve({ runtime: 'knative', states: { pg } })?.states).toEqual({ pg: { spec: pg } });
  });

  it('has hooks and tracing of its annotations, which it keeps', () => {
    const annotations = {
      plugins: 'order: [a, b]\npost: [c]',
      'plugins.tracing': 'enabled: true\nprovider: { name: skywalking }\ntags: { level: 3 }',
    };
    const older = convert({ serving: { runtime: 'knative' } }, annotations);
    expect(older.spec.serving?.hooks).toEqual({ pre: ['a', 'b'], post: ['c'], policy: 'Override' });
    expect(older.spec.serving?.tracing).toEqual({
      enabled: true,
      provider: { name: 'skywalking' },
      tags: { level: '3' },
    });
    expect(older.metadata.annotations).toEqual(annotations);
  });

  it.each<[object, string, string]>([
    [{ serving: { runtime: 'lambda' } }, 'spec.serving.runtime', 'older.yaml:8:14'],
    [{ serving: { runtime: 'knative', inptus: [] } }, 'spec.serving.inptus', 'older.yaml:9:5'],
    [
      { port: 99_999, serving: { runtime: 'knative' } },
      'spec.serving.triggers.http.port',
      'older.yaml:9:5',
    ],
  ])('is refused for %j at its place', (spec, field, at) => {
    let refused: unknown;
    try {
      convert(spec);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(ResourceError);
    expect((refused as ResourceError).issues).toMatchObject([{ field, at }]);
  });
});

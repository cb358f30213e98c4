// What is refused in place of OpenFunction's faults, and what holds of all that is rendered.
import type { KubernetesObject } from '@ofn/keda/objects';
import { describe, expect, it } from 'vitest';
import { ResourceError } from '../errors.ts';
import { functionOf, servingFunction } from '../function/function.fixture.ts';
import type { RenderOptions } from './options.ts';
import { render, renderYaml } from './render.ts';

const HOST = { route: { hostnames: ['hello.example.com'] } };
const TOPIC = { dapr: [{ name: 'mq', type: 'pubsub.redis', topic: 'a' }] };

function refusal(serving: object, options?: RenderOptions): ResourceError {
  try {
    render(servingFunction({ ...serving }), options);
  } catch (error) {
    if (error instanceof ResourceError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

function find(kind: string, serving: object, options?: RenderOptions) {
  const objects = render(servingFunction({ ...serving }), options);
  return objects.filter((object) => object.kind === kind);
}

describe('refuses', () => {
  it.each<[string, object, RenderOptions, string]>([
    [
      'KEDA without hosts',
      {},
      { target: 'keda-http' },
      'spec.serving.triggers.http.route.hostnames',
    ],
    [
      'HTTP without an HTTP trigger',
      { triggers: TOPIC },
      { target: 'knative' },
      'spec.serving.triggers.http',
    ],
    ['events with an HTTP trigger', {}, { target: 'async' }, 'spec.serving.triggers.http'],
    [
      'wildcards in add-on 0.5',
      { triggers: { http: { route: { hostnames: ['*.example.com'] } } } },
      { target: 'keda-http', addOn: '0.5' },
      'spec.serving.triggers.http.route.hostnames[0]',
    ],
    [
      'paths by expression',
      {
        triggers: {
          http: {
            route: {
              ...HOST.route,
              rules: [{ matches: [{ path: { type: 'RegularExpression', value: '/a.*' } }] }],
            },
          },
        },
      },
      { target: 'keda-http' },
      'spec.serving.triggers.http.route.rules[0].matches[0].path.type',
    ],
    [
      'a target of 0 pending requests',
      {
        triggers: { http: HOST },
        scaleOptions: { keda: { httpScaledObject: { targetPendingRequests: 0 } } },
      },
      { target: 'keda-http' },
      'spec.serving.scaleOptions.keda.httpScaledObject.targetPendingRequests',
    ],
    [
      'at most no replica',
      { triggers: { http: HOST }, scaleOptions: { maxReplicas: 0 } },
      { target: 'keda-http', addOn: '0.5' },
      'spec.serving.scaleOptions.maxReplicas',
    ],
    [
      'a StatefulSet over HTTP',
      { triggers: { http: HOST }, workloadType: 'StatefulSet' },
      { target: 'keda-http' },
      'spec.serving.workloadType',
    ],
  ])('%s', (_, serving, options, field) => {
    const error = refusal(serving, options);
    expect(error.code).toBe('OFN_RESOURCE_TARGET_UNFIT');
    expect(error.issues.map((issue) => issue.field)).toEqual([field]);
  });

  it('jobs that always restart', () => {
    const scaleOptions = { keda: { scaledJob: { restartPolicy: 'Always' } } };
    const error = refusal({ triggers: TOPIC, workloadType: 'Job', scaleOptions });
    expect(error.issues[0]?.field).toBe('spec.serving.scaleOptions.keda.scaledJob.restartPolicy');
  });

  it('a concurrency of Knative that is no number', () => {
    const knative = { 'autoscaling.knative.dev/container-concurrency': 'many' };
    expect(refusal({ scaleOptions: { knative } }).code).toBe('OFN_RESOURCE_INVALID');
  });

  it('a function that is only built', () => {
    const build = { builder: 'b', srcRepo: { url: 'u' } };
    expect(() => render(functionOf({ build }))).toThrow('spec.serving is missing');
  });
});

describe('behind the http-add-on', () => {
  it.each([[{}], [{ keda: {} }], [{ keda: { triggers: [] } }]])(
    'scaleOptions %j has the defaults',
    (scaleOptions) => {
      const serving = { triggers: { http: HOST }, scaleOptions };
      const [object] = find('HTTPScaledObject', serving, { target: 'keda-http', addOn: '0.5' });
      expect(object?.spec).toMatchObject({ targetPendingRequests: 100, scaledownPeriod: 300 });
    },
  );

  it('the route inside the cluster has a host that the interceptor knows', () => {
    const hostnames = ['*.example.com', 'hello.example.com'];
    const routes = find(
      'HTTPRoute',
      { triggers: { http: { route: { hostnames } } } },
      {
        target: 'keda-http',
      },
    );
    expect(routes.map(({ spec }) => spec)).toMatchObject([
      { hostnames },
      {
        hostnames: ['hello.default.svc.cluster.local'],
        rules: [
          {
            filters: [
              { requestHeaderModifier: { set: [{ name: 'Host', value: 'hello.example.com' }] } },
            ],
          },
        ],
      },
    ]);
  });

  it('there is no such route where the function names the host itself, or no exact one', () => {
    const count = (hostnames: readonly string[]) =>
      find('HTTPRoute', { triggers: { http: { route: { hostnames } } } }, { target: 'keda-http' })
        .length;
    expect(count(['hello.default.svc.cluster.local'])).toBe(1);
    expect(count(['*.example.com'])).toBe(1);
  });

  it('the interceptor, its scaler and the gateway can be elsewhere', () => {
    const yaml = renderYaml(
      render(servingFunction({ triggers: { http: HOST } }), {
        target: 'keda-http',
        interceptor: { namespace: 'keda', service: 'proxy', port: 9000 },
        scalerAddress: 'scaler.keda:1',
        gateway: { clusterDomain: 'example.local', parent: { name: 'gw', namespace: 'infra' } },
      }),
    );
    expect(yaml).toContain('scalerAddress: "scaler.keda:1"');
    expect(yaml).toContain('namespace: keda');
    expect(yaml).toContain('hello.default.svc.example.local');
    expect(yaml).toContain('namespace: infra');
  });
});

describe('behind Knative', () => {
  it('the options of Knative count more than replicas, and these more than annotations', () => {
    const annotations = (serving: object) => {
      const [service] = find('Service', serving).filter(({ apiVersion }) =>
        apiVersion.startsWith('serving'),
      );
      const { template } = (service as KubernetesObject).spec as {
        readonly template: {
          readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
        };
      };
      return template.metadata.annotations;
    };
    const max = 'autoscaling.knative.dev/max-scale';
    const said = { annotations: { [max]: '1' } };
    expect(annotations(said)[max]).toBe('1');
    expect(annotations({ ...said, scaleOptions: { maxReplicas: 2 } })[max]).toBe('2');
    const knative = { [max]: '3' };
    expect(annotations({ ...said, scaleOptions: { maxReplicas: 2, knative } })[max]).toBe('3');
  });

  it('a function without hosts has one of the gateway, and the path /', () => {
    const [route] = find('HTTPRoute', {}, { gateway: { domain: 'example.com' } });
    expect(route?.spec).toMatchObject({
      hostnames: ['hello.default.example.com', 'hello.default.svc.cluster.local'],
      rules: [{ matches: [{ path: { value: '/' } }] }],
    });
  });

  it('does not say the port, which Knative refuses', () => {
    expect(renderYaml(render(servingFunction({})))).not.toContain('name: PORT');
  });
});

describe('with Dapr', () => {
  it('pods of the proxy are none of the function', () => {
    const [workload, proxy] = find('Deployment', { triggers: TOPIC });
    expect(workload?.spec).toMatchObject({
      selector: {
        matchLabels: {
          'openfunction.io/serving': workload?.metadata.labels?.['openfunction.io/serving'],
        },
      },
    });
    const { template } = (proxy as KubernetesObject).spec as {
      readonly template: { readonly metadata: { readonly labels: object } };
    };
    expect(template.metadata.labels).not.toHaveProperty('openfunction.io/serving');
  });

  it('the image of the proxy is that of the global configuration', () => {
    const globalConfig = { 'openfunction.dapr-proxy.image': 'example/proxy:v9' };
    const yaml = renderYaml(render(servingFunction({ triggers: TOPIC }), { globalConfig }));
    expect(yaml).toContain('image: "example/proxy:v9"');
  });
});

describe('what is rendered', () => {
  const SHOP = { triggers: { http: HOST }, params: { A: '1' } };

  it('is the same each time, and other for another function', () => {
    const yaml = (serving: object, name = 'hello') =>
      renderYaml(render(servingFunction({ ...serving }, { name })));
    expect(yaml(SHOP)).toBe(yaml(SHOP));
    expect(yaml({ ...SHOP, params: { A: '2' } })).not.toBe(yaml(SHOP));
    expect(yaml(SHOP, 'other')).not.toBe(yaml(SHOP).replaceAll('hello', 'other'));
  });

  it.each([
    ['a revision of Knative', 'HTTPRoute', {}],
    [
      'a Job',
      'Job',
      {
        triggers: TOPIC,
        workloadType: 'Job',
        annotations: { 'openfunction.io/enable-dapr': 'false' },
      },
    ],
  ])('has another name for %s that another configuration changes', (_, kind, serving) => {
    const text = (config: object) =>
      JSON.stringify(
        find(kind, serving, { globalConfig: { ...config } }).map(({ metadata, spec }) => [
          metadata.name,
          kind === 'Job' ? undefined : spec,
        ]),
      );
    expect(text({})).toBe(text({}));
    expect(text({ hooks: 'pre: [a]' })).not.toBe(text({}));
  });

  it('has labels of ours that no label of the user can hide', () => {
    const labels = {
      'openfunction.io/serving': 'mine',
      'openfunction.io/managed': 'false',
      a: 'b',
    };
    for (const { metadata } of render(servingFunction({ labels }))) {
      expect(metadata.labels).toMatchObject({ 'openfunction.io/managed': 'true', a: 'b' });
      expect(metadata.labels?.['openfunction.io/serving']).not.toBe('mine');
    }
  });

  it('has names that fit, however long those of the function are', () => {
    const name = 'a'.repeat(63);
    const pubsub = { ['b'.repeat(63)]: { type: 'pubsub.redis' } };
    const long = functionOf(
      { version: `v${'1.'.repeat(30)}0`, serving: { triggers: TOPIC, pubsub } },
      { name },
    );
    const names = render(long, { serving: 'c'.repeat(63) }).map(({ metadata }) => metadata.name);
    expect(names.filter((each) => each.length > 63)).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('shares nothing with the function, which stays as it was', () => {
    const hello = servingFunction({
      template: { containers: [{ name: 'function', env: [{ name: 'A', value: '1' }] }] },
      triggers: { http: HOST },
    });
    const before = JSON.stringify(hello);
    render(hello);
    render(hello, { target: 'keda-http' });
    expect(JSON.stringify(hello)).toBe(before);
  });
});

import { describe, expect, it } from 'vitest';
import { DEFAULT_SCALING } from '../scaler/options.ts';
import type { ScalingOptions } from '../scaler/options.ts';
import type { Route } from '../routing/route.ts';
import { parseObjects } from './parse.ts';
import { toRoutes, type ScaledRoute } from './to-route.ts';

function routesOf(text: string): readonly ScaledRoute[] {
  const { objects, ...referents } = parseObjects(text);
  return toRoutes(objects, referents);
}

function routeOf(text: string): Route | undefined {
  return routesOf(text)[0]?.route;
}

function scalingOf(text: string): ScalingOptions | undefined {
  return routesOf(text)[0]?.scaling;
}

const OLD = `
apiVersion: http.keda.sh/v1alpha1
kind: HTTPScaledObject
metadata: { name: shop, namespace: demo, creationTimestamp: "2026-01-31T12:00:00Z" }
spec:
  host: shop.example.com
  pathPrefixes: [/a, /b]
  scaleTargetRef: { deployment: shop, service: web, port: 8080 }
`;

const CURRENT = `
apiVersion: http.keda.sh/v1alpha1
kind: HTTPScaledObject
metadata: { name: shop }
spec:
  hosts: [shop.example.com]
  headers: [{ name: X-A }, { name: X-B, value: "1" }]
  scaleTargetRef: { name: shop, service: web, portName: http }
`;

const ROUTE = `
apiVersion: http.keda.sh/v1beta1
kind: InterceptorRoute
metadata: { name: shop }
spec:
  target: { service: web, port: 80 }
  scalingMetric: { concurrency: { targetValue: 7 } }
`;

const SERVICE = `
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { ports: [{ name: http, port: 8080, appProtocol: kubernetes.io/h2c }] }
`;

const NO_TIMEOUTS = { readiness: undefined, request: undefined, responseHeader: undefined };

describe('the route of an HTTPScaledObject', () => {
  it('has what one of 0.5 says', () => {
    expect(routeOf(OLD)).toEqual({
      namespace: 'demo',
      name: 'shop',
      createdAt: Date.UTC(2026, 0, 31, 12),
      rules: [{ hosts: ['shop.example.com'], paths: ['/a', '/b'], headers: [] }],
      target: { service: 'web', port: 8080 },
      timeouts: NO_TIMEOUTS,
      fallback: undefined,
      placeholder: undefined,
      staticRoutes: [],
    });
  });

  it('has what a current one says', () => {
    expect(routeOf(CURRENT)).toMatchObject({
      namespace: 'default',
      rules: [
        {
          hosts: ['shop.example.com'],
          paths: [],
          headers: [
            { name: 'X-A', value: undefined },
            { name: 'X-B', value: '1' },
          ],
        },
      ],
      target: { service: 'web', port: 'http' },
      timeouts: NO_TIMEOUTS,
    });
  });

  it.each([
    ['', NO_TIMEOUTS],
    [
      '  timeouts: { conditionWait: 1m30s, responseHeader: 250ms }',
      { readiness: 90_000, responseHeader: 250 },
    ],
    ['  timeouts: { conditionWait: 0s, responseHeader: 0s }', NO_TIMEOUTS],
    ['  coldStartTimeoutFailoverRef: { service: sorry, port: 81 }', { readiness: 30_000 }],
    [
      '  timeouts: { conditionWait: 9s }\n  coldStartTimeoutFailoverRef: { service: sorry, port: 81, timeoutSeconds: 2 }',
      { readiness: 2000 },
    ],
    [
      '  timeouts: { conditionWait: 9s }\n  coldStartTimeoutFailoverRef: { service: sorry, port: 81, timeoutSeconds: 0 }',
      { readiness: 9000 },
    ],
  ])('reads its timeouts as the add-on does: %j', (more, timeouts) => {
    expect(routeOf(CURRENT + more)?.timeouts).toMatchObject(timeouts);
  });

  it('falls back to another service', () => {
    const more = '  coldStartTimeoutFailoverRef: { service: sorry, portName: web }';
    expect(routeOf(CURRENT + more)?.fallback).toEqual({ service: 'sorry', port: 'web' });
  });
});

describe('the route of an InterceptorRoute', () => {
  it('has what it says', () => {
    const more = `
  rules: [{ hosts: [a], paths: [{ value: /x }], headers: [{ name: X-A }] }, {}]
  timeouts: { readiness: 0s, request: 1h, responseHeader: 1.5s }
  coldStart:
    fallback: { service: { name: sorry, port: 81 } }
    placeholder: { response: { headers: { A: b } } }
  staticRoutes:
    - { rules: [{ paths: [{ value: /health }] }], response: { body: ok } }
    - { rules: [{}], response: { statusCode: 410 }, responseMode: Always }
`;
    const health = { hosts: [], paths: ['/health'], headers: [] };
    const any = { hosts: [], paths: [], headers: [] };
    expect(routeOf(ROUTE + more)).toMatchObject({
      createdAt: 0,
      rules: [{ hosts: ['a'], paths: ['/x'], headers: [{ name: 'X-A', value: undefined }] }, any],
      timeouts: { readiness: 0, request: 3_600_000, responseHeader: 1500 },
      fallback: { service: 'sorry', port: 81 },
      placeholder: { status: 503, headers: { A: 'b' }, body: '' },
      staticRoutes: [
        { rules: [health], mode: 'WhenUnavailable', response: { status: 200, body: 'ok' } },
        { rules: [any], mode: 'Always', response: { status: 410, body: '' } },
      ],
    });
  });

  const PLACEHOLDER = (reply: string) =>
    `${ROUTE}  coldStart: { placeholder: { response: ${reply} } }\n`;
  const PAGES = `---
apiVersion: v1
kind: ConfigMap
metadata: { name: pages, labels: { http.keda.sh/response-body: "true" } }
data: { index.html: <p>soon</p>, note: later }
`;

  it.each([
    [
      '{ bodyFromConfigMap: { name: pages } }',
      { body: '<p>soon</p>', headers: { 'Content-Type': 'text/html; charset=utf-8' } },
    ],
    ['{ bodyFromConfigMap: { name: pages, key: note } }', { body: 'later', headers: {} }],
    [
      '{ headers: { content-type: text/plain }, bodyFromConfigMap: { name: pages } }',
      { body: '<p>soon</p>', headers: { 'content-type': 'text/plain' } },
    ],
    [
      '{ bodyFromConfigMap: { name: elsewhere } }',
      { body: '(the ConfigMap "elsewhere")\n', headers: {} },
    ],
  ])('takes the body of %s from the ConfigMap, or says that it is not there', (reply, wanted) => {
    expect(routeOf(PLACEHOLDER(reply) + PAGES)?.placeholder).toEqual({ status: 503, ...wanted });
  });
});

it('finds the number and the protocol of a port in its Service', () => {
  expect(routeOf(CURRENT + SERVICE)?.target).toEqual({
    service: 'web',
    port: 8080,
    protocol: 'h2c',
  });
  expect(routeOf(ROUTE + SERVICE)?.target).toEqual({ service: 'web', port: 80 });
  // The Service of another namespace.
  expect(routeOf(OLD + SERVICE)?.target).toEqual({ service: 'web', port: 8080 });
});

it('takes the InterceptorRoute of two objects of one name, and the later of one kind', () => {
  const later = CURRENT.replace('web', 'later');
  const services = (text: string) => routesOf(text).map(({ route }) => route.target.service);
  expect(services(`${CURRENT}---${later}`)).toEqual(['later']);
  expect(services(`${ROUTE}---${later}`)).toEqual(['web']);
  expect(services(`${later}---${ROUTE}`)).toEqual(['web']);
  expect(services(`${OLD}---${CURRENT}`)).toEqual(['web', 'web']);
});

describe('the scaling', () => {
  it('of an HTTPScaledObject has the defaults of the add-on', () => {
    expect(scalingOf(OLD)).toEqual(DEFAULT_SCALING);
    expect(scalingOf(CURRENT)).toEqual(DEFAULT_SCALING);
  });

  it.each([
    ['  targetPendingRequests: 5', { kind: 'concurrency', target: 5 }],
    [
      '  targetPendingRequests: 5\n  scalingMetric: { concurrency: { targetValue: 6 } }',
      { kind: 'concurrency', target: 6 },
    ],
    [
      '  scalingMetric: { requestRate: {} }',
      { kind: 'requestRate', target: 100, window: 60_000, granularity: 1000 },
    ],
    [
      '  scalingMetric: { requestRate: { targetValue: 3, window: 2m, granularity: 500ms } }',
      { kind: 'requestRate', target: 3, window: 120_000, granularity: 500 },
    ],
  ])('of an HTTPScaledObject with %j has its metric', (more, metric) => {
    expect(scalingOf(CURRENT + more)?.metrics).toEqual([metric]);
  });

  it('of an HTTPScaledObject has its bounds and times', () => {
    const more =
      '  replicas: { min: 1, max: 3 }\n  scaledownPeriod: 20\n  initialCooldownPeriod: 4';
    expect(scalingOf(CURRENT + more)).toMatchObject({
      minReplicas: 1,
      maxReplicas: 3,
      cooldownPeriod: 20_000,
      initialCooldownPeriod: 4000,
    });
  });

  const SCALED = (key: string, more = '') => `
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: any }
spec:
  scaleTargetRef: { name: shop }
  maxReplicaCount: 9
  cooldownPeriod: 10
  initialCooldownPeriod: 20
  triggers:
    - { type: cron }
    - { type: external-push, metadata: { scalerAddress: a, ${key}: shop } }
${more}`;

  it('of an InterceptorRoute is what the ScaledObject says that names it', () => {
    const more = `
  minReplicaCount: 2
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleUp: { stabilizationWindowSeconds: 3, selectPolicy: Min }
        scaleDown: { policies: [{ type: Pods, value: 1, periodSeconds: 60 }] }
`;
    expect(scalingOf(ROUTE + SCALED('interceptorRoute', more))).toEqual({
      ...DEFAULT_SCALING,
      minReplicas: 2,
      maxReplicas: 9,
      metrics: [{ kind: 'concurrency', target: 7 }],
      cooldownPeriod: 10_000,
      initialCooldownPeriod: 20_000,
      scaleUp: { ...DEFAULT_SCALING.scaleUp, stabilizationWindow: 3000, selectPolicy: 'Min' },
      scaleDown: {
        ...DEFAULT_SCALING.scaleDown,
        policies: [{ type: 'Pods', value: 1, period: 60_000 }],
      },
    });
  });

  it('of an InterceptorRoute without ScaledObject has the defaults of KEDA', () => {
    const metrics = [{ kind: 'concurrency', target: 7 }];
    expect(scalingOf(ROUTE)).toEqual({ ...DEFAULT_SCALING, metrics });
    const elsewhere = SCALED('interceptorRoute').replace('name: any', 'name: any, namespace: b');
    expect(scalingOf(ROUTE + elsewhere)).toEqual({ ...DEFAULT_SCALING, metrics });
  });

  it('goes to zero when one replica is idle', () => {
    const more = '  minReplicaCount: 1\n  idleReplicaCount: 0\n';
    expect(scalingOf(ROUTE + SCALED('interceptorRoute', more))?.minReplicas).toBe(0);
  });

  it('of an HTTPScaledObject is its own ScaledObject when the add-on makes none', () => {
    const scaled = SCALED('httpScaledObject');
    expect(scalingOf(CURRENT + scaled)?.maxReplicas).toBe(100);
    const annotated = CURRENT.replace(
      'name: shop }',
      'name: shop, annotations: { httpscaledobject.keda.sh/skip-scaledobject-creation: "true" } }',
    );
    expect(scalingOf(annotated + scaled)?.maxReplicas).toBe(9);
  });
});

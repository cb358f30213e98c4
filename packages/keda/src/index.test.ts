// The public surface: each name that the package exports, and no other.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import * as keda from './index.ts';

test('exports these values', () => {
  expect(Object.keys(keda).toSorted()).toMatchInlineSnapshot(`
    [
      "DEFAULT_SCALING",
      "KedaError",
      "createAutoscaler",
      "createExternalScaler",
      "createInstances",
      "createInterceptor",
      "freePort",
      "ownGroup",
      "parseInterceptorEnvironment",
      "parseObjects",
      "readObjects",
      "renderObjects",
      "renderPlot",
      "simulate",
      "toHttpScaledObject",
      "toInterceptorRoute",
      "toRoutes",
    ]
  `);
});

test('exports these types', async () => {
  const source = await readFile(new URL('index.ts', import.meta.url), 'utf8');
  const names = [...source.matchAll(/\btype (\w+)|export type \{([^}]*)\}/g)].flatMap(
    ([, single, list]) => single ?? (list ?? '').split(',').map((name) => name.trim()),
  );
  expect(names.filter((name) => name !== '').toSorted()).toMatchInlineSnapshot(`
    [
      "Autoscaler",
      "AutoscalerOptions",
      "Count",
      "Counts",
      "ExternalScaler",
      "ExternalScalerOptions",
      "HeaderMatch",
      "HttpScaledObject",
      "HttpScaledObject05",
      "InstanceEvent",
      "InstanceExit",
      "InstanceInfo",
      "InstanceState",
      "Instances",
      "InstancesOptions",
      "Interceptor",
      "InterceptorOptions",
      "InterceptorRoute",
      "InterceptorSettings",
      "KedaErrorCode",
      "KedaIssue",
      "KubernetesObject",
      "Log",
      "Metadata",
      "ParsedObjects",
      "ProcessGroup",
      "ProfileName",
      "Referents",
      "ReplyBodies",
      "Route",
      "RouteObjects",
      "RouteRule",
      "ScaledFunction",
      "ScaledObject",
      "ScaledRoute",
      "ScalingMetric",
      "ScalingObject",
      "ScalingOptions",
      "ScalingPolicy",
      "ScalingRules",
      "ServicePorts",
      "ServiceTarget",
      "Sidecar as InstanceSidecar",
      "Simulation",
      "SimulationInput",
      "SimulationPoint",
      "Spawn",
      "StaticResponse",
      "StaticRoute",
    ]
  `);
});

// A function behind KEDA's http-add-on: Deployment, Service, and the scaling objects of either generation.
import {
  KedaError,
  toHttpScaledObject,
  toInterceptorRoute,
  type KubernetesObject,
  type ScaledFunction,
} from '@ofn/keda/objects';
import { toObjectName } from '../context/names.ts';
import type { Serving } from '../context/serving.ts';
import { invalidResource, type ResourceIssue } from '../errors.ts';
import { toInterceptorRoutes } from './http-route.ts';
import { labelsOf } from './metadata.ts';
import type { RenderSettings } from './options.ts';
import { podServiceNameOf, toGatewayService, toPodService } from './service.ts';
import { toWorkload, workloadKindOf, workloadNameOf } from './workload.ts';

/** The objects of such a function, but for those of Dapr. */
export function renderKedaHttp(
  serving: Serving,
  settings: RenderSettings,
): readonly KubernetesObject[] {
  const issues = issuesOf(serving);
  if (issues.length > 0) {
    throw invalidResource(
      `Function "${serving.functionName}"`,
      issues,
      'OFN_RESOURCE_TARGET_UNFIT',
    );
  }
  return [
    toWorkload(serving),
    toPodService(serving),
    ...toScalingObjects(serving, settings),
    ...toInterceptorRoutes(serving, settings),
    toGatewayService(serving, settings),
  ];
}

function issuesOf(serving: Serving): readonly ResourceIssue[] {
  const { http } = serving.spec.triggers;
  const issues: ResourceIssue[] = [];
  if ((http?.route.hostnames ?? []).length === 0) {
    issues.push({
      field: 'spec.serving.triggers.http.route.hostnames',
      message: 'must name a host: the interceptor tells functions apart by it',
    });
  }
  if (workloadKindOf(serving) !== 'Deployment') {
    issues.push({
      field: 'spec.serving.workloadType',
      message: 'must be Deployment: a function over HTTP is one',
    });
  }
  for (const [index, { matches }] of (http?.route.rules ?? []).entries()) {
    for (const [place, { path }] of matches.entries()) {
      if (path.type !== 'RegularExpression') continue;
      issues.push({
        field: `spec.serving.triggers.http.route.rules[${index}].matches[${place}].path.type`,
        message: 'must be PathPrefix or Exact: the interceptor knows prefixes alone',
      });
    }
  }
  return issues;
}

function toScalingObjects(
  serving: Serving,
  { addOn, scalerAddress }: RenderSettings,
): readonly KubernetesObject[] {
  const scaled = toScaledFunction(serving);
  try {
    if (addOn === '0.5') return [toHttpScaledObject(scaled, { addOn })];
    const { route, scaledObject } = toInterceptorRoute(scaled, { scalerAddress });
    return [route, scaledObject];
  } catch (error) {
    if (!(error instanceof KedaError)) throw error;
    const issues = error.issues.map(({ field, message }) => ({ field: fieldOf(field), message }));
    throw invalidResource(
      `Function "${serving.functionName}"`,
      issues,
      'OFN_RESOURCE_TARGET_UNFIT',
    );
  }
}

function toScaledFunction(serving: Serving): ScaledFunction {
  const { keda, maxReplicas: max, minReplicas: min } = serving.spec.scaleOptions ?? {};
  const { cooldownPeriod = 300, targetPendingRequests = 100 } = keda?.httpScaledObject ?? {};
  const { hostnames = [], rules = [] } = serving.spec.triggers.http?.route ?? {};
  const paths = new Set(
    rules.flatMap(({ matches }) => matches.map(({ path }) => path.value || '/')),
  );
  return {
    name: toObjectName(serving.name, 'scaler'),
    namespace: serving.namespace,
    labels: labelsOf(serving),
    hosts: [...new Set(hostnames)],
    ...(paths.size === 0 ? {} : { paths: [...paths] }),
    service: podServiceNameOf(serving),
    port: 80,
    workload: { name: workloadNameOf(serving) },
    replicas: { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) },
    metric: { concurrency: targetPendingRequests },
    cooldownPeriod: cooldownPeriod * 1000,
  };
}

const FIELDS: readonly (readonly [RegExp, string])[] = [
  [/^hosts/, 'spec.serving.triggers.http.route.hostnames'],
  [/^paths.*/, 'spec.serving.triggers.http.route.rules'],
  [/^replicas\.min$/, 'spec.serving.scaleOptions.minReplicas'],
  [/^replicas\.max$/, 'spec.serving.scaleOptions.maxReplicas'],
  [/^metric.*/, 'spec.serving.scaleOptions.keda.httpScaledObject.targetPendingRequests'],
  [/^cooldownPeriod$/, 'spec.serving.scaleOptions.keda.httpScaledObject.cooldownPeriod'],
  [/^labels/, 'spec.serving.labels'],
];

// What the builder finds wrong is a field of the function.
function fieldOf(field: string): string {
  const [pattern, replacement] = FIELDS.find(([each]) => each.test(field)) ?? [];
  return pattern === undefined ? field : field.replace(pattern, replacement ?? '');
}

// Scaling objects become routes, and what is said of scaling.
import { parseGoDuration } from '../go-duration.ts';
import type { Route, RouteRule, ServiceTarget, StaticResponse } from '../routing/route.ts';
import {
  DEFAULT_SCALING,
  type ScalingMetric,
  type ScalingOptions,
  type ScalingRules,
} from '../scaler/options.ts';
import type {
  HttpScaledObject,
  HttpScaledObject05,
  InterceptorRoute,
  PortRef,
  RouteRuleSpec,
  ScaledObject,
  ScalingObject,
  ScalingRulesSpec,
  StaticResponseSpec,
} from './objects.ts';

/** A route, and how what is behind it scales. */
export interface ScaledRoute {
  readonly route: Route;
  readonly scaling: ScalingOptions;
}

/**
 * Makes routes of objects. A `ScaledObject` is no route: it says how that of an `InterceptorRoute` scales.
 *
 * @example
 * const { objects } = await readObjects(['httpscaledobject.yaml']);
 * const interceptor = createInterceptor({ routes: toRoutes(objects).map(({ route }) => route) });
 */
export function toRoutes(objects: readonly ScalingObject[]): readonly ScaledRoute[] {
  const scaled = objects.filter((object) => object.kind === 'ScaledObject');
  return objects.flatMap((object) => {
    if (object.kind === 'ScaledObject') return [];
    if (object.kind === 'InterceptorRoute') {
      return [{ route: fromInterceptorRoute(object), scaling: scalingOfRoute(object, scaled) }];
    }
    return [{ route: fromHttpScaledObject(object), scaling: scalingOfObject(object) }];
  });
}

type EitherHttpScaledObject = HttpScaledObject | HttpScaledObject05;

function fromHttpScaledObject({ metadata, spec }: EitherHttpScaledObject): Route {
  const current = spec as HttpScaledObject['spec'];
  const { host } = spec as HttpScaledObject05['spec'];
  const failover = current.coldStartTimeoutFailoverRef;
  const wait = milliseconds(current.timeouts?.conditionWait);
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    createdAt: createdAt(metadata.creationTimestamp),
    rules: [
      {
        hosts: spec.hosts ?? (host === undefined ? [] : [host]),
        paths: spec.pathPrefixes ?? [],
        headers: toHeaders(current.headers),
      },
    ],
    target: toTarget(spec.scaleTargetRef.service, spec.scaleTargetRef),
    timeouts: {
      readiness: failover === undefined ? wait : (failover.timeoutSeconds ?? 30) * 1000,
      request: undefined,
      responseHeader: milliseconds(current.timeouts?.responseHeader),
    },
    fallback: failover === undefined ? undefined : toTarget(failover.service, failover),
    placeholder: undefined,
    staticRoutes: [],
  };
}

function fromInterceptorRoute({ metadata, spec }: InterceptorRoute): Route {
  const { coldStart, staticRoutes = [], target, timeouts } = spec;
  const fallback = coldStart?.fallback?.service;
  const placeholder = coldStart?.placeholder?.response;
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    createdAt: createdAt(metadata.creationTimestamp),
    rules: (spec.rules ?? []).map(toRule),
    target: toTarget(target.service, target),
    timeouts: {
      readiness: milliseconds(timeouts?.readiness),
      request: milliseconds(timeouts?.request),
      responseHeader: milliseconds(timeouts?.responseHeader),
    },
    fallback: fallback === undefined ? undefined : toTarget(fallback.name, fallback),
    placeholder: placeholder === undefined ? undefined : toResponse(placeholder, 503),
    staticRoutes: staticRoutes.map(({ response, responseMode, rules }) => ({
      rules: rules.map(toRule),
      mode: responseMode ?? 'WhenUnavailable',
      response: toResponse(response, 200),
    })),
  };
}

function createdAt(text: string | undefined): number {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? 0 : time;
}

function toRule({ headers, hosts = [], paths = [] }: RouteRuleSpec): RouteRule {
  return { hosts, paths: paths.map(({ value }) => value), headers: toHeaders(headers) };
}

function toHeaders(
  headers: readonly { readonly name: string; readonly value?: string }[] = [],
): RouteRule['headers'] {
  return headers.map(({ name, value }) => ({ name, value }));
}

function toTarget(service: string, { port, portName }: PortRef): ServiceTarget {
  return { service, port: port ?? portName ?? 80 };
}

// A ConfigMap is not there on a laptop: its place is taken by a line that says so.
function toResponse(
  { body, bodyFromConfigMap, headers = {}, statusCode }: StaticResponseSpec,
  status: number,
): StaticResponse {
  const stand =
    bodyFromConfigMap === undefined ? '' : `(the ConfigMap "${bodyFromConfigMap.name}")\n`;
  return { status: statusCode ?? status, headers, body: body ?? stand };
}

function milliseconds(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseGoDuration(duration);
}

function scalingOfObject({ spec }: EitherHttpScaledObject): ScalingOptions {
  const { initialCooldownPeriod, scalingMetric } = spec as HttpScaledObject['spec'];
  const { replicas, scaledownPeriod, targetPendingRequests = 100 } = spec;
  const { concurrency, requestRate } = scalingMetric ?? {};
  const metric: ScalingMetric =
    requestRate === undefined
      ? { kind: 'concurrency', target: concurrency?.targetValue ?? targetPendingRequests }
      : toRate(requestRate);
  return {
    ...DEFAULT_SCALING,
    minReplicas: replicas?.min ?? 0,
    maxReplicas: replicas?.max ?? 100,
    metrics: [metric],
    cooldownPeriod: (scaledownPeriod ?? 300) * 1000,
    initialCooldownPeriod: (initialCooldownPeriod ?? 0) * 1000,
  };
}

function scalingOfRoute(
  { metadata, spec }: InterceptorRoute,
  scaled: readonly ScaledObject[],
): ScalingOptions {
  const { concurrency, requestRate } = spec.scalingMetric;
  const metrics: ScalingMetric[] = [
    ...(concurrency === undefined
      ? []
      : [{ kind: 'concurrency', target: concurrency.targetValue } as const]),
    ...(requestRate === undefined ? [] : [toRate(requestRate)]),
  ];
  const namespace = metadata.namespace ?? 'default';
  const found = scaled.find(
    (object) =>
      (object.metadata.namespace ?? 'default') === namespace &&
      object.spec.triggers.some(
        (trigger) => trigger.metadata['interceptorRoute'] === metadata.name,
      ),
  );
  const said = found?.spec;
  const behavior = said?.advanced?.horizontalPodAutoscalerConfig?.behavior;
  const seconds = (value: number | undefined, fallback: number): number =>
    value === undefined ? fallback : value * 1000;
  return {
    ...DEFAULT_SCALING,
    minReplicas: said?.minReplicaCount ?? DEFAULT_SCALING.minReplicas,
    maxReplicas: said?.maxReplicaCount ?? DEFAULT_SCALING.maxReplicas,
    metrics,
    cooldownPeriod: seconds(said?.cooldownPeriod, DEFAULT_SCALING.cooldownPeriod),
    initialCooldownPeriod: seconds(said?.initialCooldownPeriod, 0),
    pollingInterval: seconds(said?.pollingInterval, DEFAULT_SCALING.pollingInterval),
    scaleUp: toRules(behavior?.scaleUp, DEFAULT_SCALING.scaleUp),
    scaleDown: toRules(behavior?.scaleDown, DEFAULT_SCALING.scaleDown),
  };
}

function toRate({
  granularity,
  targetValue = 100,
  window,
}: {
  readonly targetValue?: number;
  readonly window?: string;
  readonly granularity?: string;
}): ScalingMetric {
  return {
    kind: 'requestRate',
    target: targetValue,
    window: milliseconds(window) ?? 60_000,
    granularity: milliseconds(granularity) ?? 1000,
  };
}

function toRules(given: ScalingRulesSpec | undefined, defaults: ScalingRules): ScalingRules {
  if (given === undefined) return defaults;
  const { policies, selectPolicy, stabilizationWindowSeconds: window } = given;
  return {
    stabilizationWindow: window === undefined ? defaults.stabilizationWindow : window * 1000,
    selectPolicy: selectPolicy ?? defaults.selectPolicy,
    policies:
      policies?.map(({ periodSeconds, type, value }) => ({
        type,
        value,
        period: periodSeconds * 1000,
      })) ?? defaults.policies,
  };
}

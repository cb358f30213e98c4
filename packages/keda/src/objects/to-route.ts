// Scaling objects become routes, and what is said of scaling.
import { parseGoDuration } from '../go-duration.ts';
import type { Route, RouteRule, ServiceTarget, StaticResponse } from '../routing/route.ts';
import {
  DEFAULT_SCALING,
  type ScalingMetric,
  type ScalingOptions,
  type ScalingRules,
} from '../scaler/options.ts';
import {
  namespaceOf,
  type HttpScaledObject,
  type HttpScaledObject05,
  type InterceptorRoute,
  type PortRef,
  type Referents,
  type RouteRuleSpec,
  type ScaledObject,
  type ScalingObject,
  type ScalingRulesSpec,
  type StaticResponseSpec,
} from './objects.ts';

/** A route, and how what is behind it scales. */
export interface ScaledRoute {
  readonly route: Route;
  readonly scaling: ScalingOptions;
}

/**
 * Makes routes of objects. A `ScaledObject` is no route: it says how that of an `InterceptorRoute` scales.
 *
 * Of two objects of one kind and name the later one counts, as when both are applied. An `InterceptorRoute`
 * wins over an `HTTPScaledObject` of its name, as in the add-on.
 *
 * @param referents Services, by which a port's name becomes its number and `kubernetes.io/h2c` is found, and
 *   the bodies of static replies. Default: none.
 * @example
 * const { objects, ...referents } = await readObjects(['httpscaledobject.yaml']);
 * const routes = toRoutes(objects, referents);
 * const interceptor = createInterceptor({ routes: routes.map(({ route }) => route) });
 */
export function toRoutes(
  objects: readonly ScalingObject[],
  referents: Referents = {},
): readonly ScaledRoute[] {
  const scaled = objects.filter((object) => object.kind === 'ScaledObject');
  const routed = new Map<string, RoutedObject>();
  for (const object of objects) {
    if (object.kind === 'ScaledObject') continue;
    const key = `${namespaceOf(object)}/${object.metadata.name}`;
    const isTaken = routed.get(key)?.kind === 'InterceptorRoute';
    if (object.kind === 'InterceptorRoute' || !isTaken) routed.set(key, object);
  }
  return [...routed.values()].map((object) =>
    object.kind === 'InterceptorRoute'
      ? {
          route: fromInterceptorRoute(object, referents),
          scaling: scalingOfRoute(object, scaled),
        }
      : {
          route: fromHttpScaledObject(object, referents),
          scaling: scalingOfObject(object, scaled),
        },
  );
}

type EitherHttpScaledObject = HttpScaledObject | HttpScaledObject05;
type RoutedObject = EitherHttpScaledObject | InterceptorRoute;

function fromHttpScaledObject(object: EitherHttpScaledObject, referents: Referents): Route {
  const { metadata, spec } = object;
  const namespace = namespaceOf(object);
  const current = spec as HttpScaledObject['spec'];
  const { host } = spec as HttpScaledObject05['spec'];
  const failover = current.coldStartTimeoutFailoverRef;
  // The add-on takes 0 as left out, here and below.
  const wait = milliseconds(current.timeouts?.conditionWait) || undefined;
  const failoverWait = (failover?.timeoutSeconds ?? 30) * 1000 || wait;
  return {
    namespace,
    name: metadata.name,
    createdAt: createdAt(metadata.creationTimestamp),
    rules: [
      {
        hosts: spec.hosts ?? (host === undefined ? [] : [host]),
        paths: spec.pathPrefixes ?? [],
        headers: toHeaders(current.headers),
      },
    ],
    target: toTarget(namespace, spec.scaleTargetRef.service, spec.scaleTargetRef, referents),
    timeouts: {
      readiness: failover === undefined ? wait : failoverWait,
      request: undefined,
      responseHeader: milliseconds(current.timeouts?.responseHeader) || undefined,
    },
    fallback:
      failover === undefined
        ? undefined
        : toTarget(namespace, failover.service, failover, referents),
    placeholder: undefined,
    staticRoutes: [],
  };
}

function fromInterceptorRoute(object: InterceptorRoute, referents: Referents): Route {
  const { metadata, spec } = object;
  const { coldStart, staticRoutes = [], target, timeouts } = spec;
  const namespace = namespaceOf(object);
  const fallback = coldStart?.fallback?.service;
  const placeholder = coldStart?.placeholder?.response;
  const toReply = (response: StaticResponseSpec, status: number): StaticResponse =>
    toResponse(response, status, namespace, referents);
  return {
    namespace,
    name: metadata.name,
    createdAt: createdAt(metadata.creationTimestamp),
    rules: (spec.rules ?? []).map(toRule),
    target: toTarget(namespace, target.service, target, referents),
    timeouts: {
      readiness: milliseconds(timeouts?.readiness),
      request: milliseconds(timeouts?.request),
      responseHeader: milliseconds(timeouts?.responseHeader),
    },
    fallback:
      fallback === undefined ? undefined : toTarget(namespace, fallback.name, fallback, referents),
    placeholder: placeholder === undefined ? undefined : toReply(placeholder, 503),
    staticRoutes: staticRoutes.map(({ response, responseMode, rules }) => ({
      rules: rules.map(toRule),
      mode: responseMode ?? 'WhenUnavailable',
      response: toReply(response, 200),
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

function toTarget(
  namespace: string,
  service: string,
  { port, portName }: PortRef,
  { services = [] }: Referents,
): ServiceTarget {
  const ports = services.find(
    (each) => each.namespace === namespace && each.name === service,
  )?.ports;
  const known = ports?.find((each) =>
    port === undefined ? each.name === portName : each.port === port,
  );
  return {
    service,
    port: known?.port ?? port ?? portName ?? 80,
    ...(known?.appProtocol === 'kubernetes.io/h2c' ? { protocol: 'h2c' } : {}),
  };
}

// The place of a ConfigMap that is not there is taken by a line that says so.
function toResponse(
  { body, bodyFromConfigMap, headers = {}, statusCode }: StaticResponseSpec,
  defaultStatus: number,
  namespace: string,
  { replyBodies = [] }: Referents,
): StaticResponse {
  const status = statusCode ?? defaultStatus;
  if (body !== undefined || bodyFromConfigMap === undefined) {
    return { status, headers, body: body ?? '' };
  }
  // Without a key the add-on takes the path's last part; this is the one of `/`.
  const { key = 'index.html', name } = bodyFromConfigMap;
  const map = replyBodies.find((each) => each.namespace === namespace && each.name === name);
  const found = map?.data[key];
  if (found === undefined) return { status, headers, body: `(the ConfigMap "${name}")\n` };
  const type = CONTENT_TYPES[key.slice(key.lastIndexOf('.') + 1)];
  const hasType = Object.keys(headers).some((header) => header.toLowerCase() === 'content-type');
  const added = type === undefined || hasType ? {} : { 'Content-Type': type };
  return { status, headers: { ...added, ...headers }, body: found };
}

// Those of Go, by the ending of the key.
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  htm: 'text/html; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  xml: 'text/xml; charset=utf-8',
};

function milliseconds(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseGoDuration(duration);
}

function scalingOfObject(
  object: EitherHttpScaledObject,
  scaled: readonly ScaledObject[],
): ScalingOptions {
  const { metadata, spec } = object;
  const { initialCooldownPeriod, scalingMetric } = spec as HttpScaledObject['spec'];
  const { replicas, scaledownPeriod, targetPendingRequests = 100 } = spec;
  const { concurrency, requestRate } = scalingMetric ?? {};
  const metric: ScalingMetric =
    requestRate === undefined
      ? { kind: 'concurrency', target: concurrency?.targetValue ?? targetPendingRequests }
      : toRate(requestRate);
  if (metadata.annotations?.[OWN_SCALED_OBJECT] === 'true') {
    return scalingOf(findScaled(object, 'httpScaledObject', scaled), [metric]);
  }
  return {
    ...DEFAULT_SCALING,
    minReplicas: replicas?.min ?? 0,
    maxReplicas: replicas?.max ?? 100,
    metrics: [metric],
    cooldownPeriod: (scaledownPeriod ?? 300) * 1000,
    initialCooldownPeriod: (initialCooldownPeriod ?? 0) * 1000,
  };
}

// With it the add-on makes no ScaledObject: the user does.
const OWN_SCALED_OBJECT = 'httpscaledobject.keda.sh/skip-scaledobject-creation';

function scalingOfRoute(object: InterceptorRoute, scaled: readonly ScaledObject[]): ScalingOptions {
  const { concurrency, requestRate } = object.spec.scalingMetric;
  const metrics: ScalingMetric[] = [
    ...(concurrency === undefined
      ? []
      : [{ kind: 'concurrency', target: concurrency.targetValue } as const]),
    ...(requestRate === undefined ? [] : [toRate(requestRate)]),
  ];
  return scalingOf(findScaled(object, 'interceptorRoute', scaled), metrics);
}

// A ScaledObject's trigger names what it scales; both are in one namespace.
function findScaled(
  object: RoutedObject,
  key: 'interceptorRoute' | 'httpScaledObject',
  scaled: readonly ScaledObject[],
): ScaledObject | undefined {
  return scaled.find(
    (each) =>
      namespaceOf(each) === namespaceOf(object) &&
      each.spec.triggers.some(({ metadata = {} }) => metadata[key] === object.metadata.name),
  );
}

function scalingOf(
  found: ScaledObject | undefined,
  metrics: readonly ScalingMetric[],
): ScalingOptions {
  const said = found?.spec;
  const behavior = said?.advanced?.horizontalPodAutoscalerConfig?.behavior;
  const seconds = (value: number | undefined, fallback: number): number =>
    value === undefined ? fallback : value * 1000;
  return {
    ...DEFAULT_SCALING,
    // One replica that goes when it is idle is no other than none.
    minReplicas: said?.idleReplicaCount ?? said?.minReplicaCount ?? DEFAULT_SCALING.minReplicas,
    maxReplicas: said?.maxReplicaCount ?? DEFAULT_SCALING.maxReplicas,
    metrics,
    cooldownPeriod: seconds(said?.cooldownPeriod, DEFAULT_SCALING.cooldownPeriod),
    initialCooldownPeriod: seconds(said?.initialCooldownPeriod, 0),
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

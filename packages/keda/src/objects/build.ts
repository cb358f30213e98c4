// One description of a function becomes the objects of either generation.
import { renderGoDuration } from '../go-duration.ts';
import type {
  HeaderRule,
  HttpScaledObject,
  HttpScaledObject05,
  InterceptorRoute,
  Metadata,
  PortRef,
  ReplicaBounds,
  RouteRuleSpec,
  ScaledObject,
} from './objects.ts';
import { issuesOf, type ObjectForm, type ScaledFunction } from './scaled-function.ts';
import { invalidObject } from './validate.ts';

/** Which add-on an `HTTPScaledObject` is for. */
export interface AddOnChoice<AddOn extends '0.5' | 'current'> {
  readonly addOn: AddOn;
}

/**
 * Makes an `HTTPScaledObject`.
 *
 * @throws KedaError `OFN_KEDA_OBJECT_INVALID`, with an issue for each field that is wrong, or that the
 *   add-on does not have.
 * @example
 * renderObjects([toHttpScaledObject({ name: 'shop', hosts: ['shop.example.com'] }, { addOn: '0.5' })]);
 */
export function toHttpScaledObject(
  given: ScaledFunction,
  choice: AddOnChoice<'0.5'>,
): HttpScaledObject05;
export function toHttpScaledObject(
  given: ScaledFunction,
  choice: AddOnChoice<'current'>,
): HttpScaledObject;
export function toHttpScaledObject(
  given: ScaledFunction,
  { addOn }: AddOnChoice<'0.5' | 'current'>,
): HttpScaledObject05 | HttpScaledObject {
  const form = addOn === '0.5' ? 'HTTPScaledObject 0.5' : 'HTTPScaledObject';
  assertValid(given, form);
  return addOn === '0.5' ? toObject05(given) : toObject(given);
}

function toObject05(given: ScaledFunction): HttpScaledObject05 {
  const { hosts, metric, name, paths, port = 80, service = name, workload } = given;
  return {
    apiVersion: 'http.keda.sh/v1alpha1',
    kind: 'HTTPScaledObject',
    metadata: toMetadata(given),
    spec: {
      hosts: [...hosts],
      ...(paths === undefined ? {} : { pathPrefixes: [...paths] }),
      scaleTargetRef: { deployment: workload?.name ?? name, service, port },
      replicas: toReplicas(given),
      targetPendingRequests: metric?.concurrency ?? 100,
      scaledownPeriod: (given.cooldownPeriod ?? 300_000) / 1000,
    },
  };
}

function toObject(given: ScaledFunction): HttpScaledObject {
  const { fallback, headers, hosts, name, paths, service = name, timeouts = {} } = given;
  // Where there is a fallback, its own timeout takes the place of this one.
  const readiness = fallback === undefined ? timeouts.readiness : undefined;
  const limits = {
    ...toDuration('conditionWait', readiness),
    ...toDuration('responseHeader', timeouts.responseHeader),
  };
  return {
    apiVersion: 'http.keda.sh/v1alpha1',
    kind: 'HTTPScaledObject',
    metadata: toMetadata(given),
    spec: {
      hosts: [...hosts],
      ...(paths === undefined ? {} : { pathPrefixes: [...paths] }),
      ...(headers === undefined ? {} : { headers: headers.map((header) => ({ ...header })) }),
      scaleTargetRef: { ...toWorkload(given), service, ...toPort(given) },
      ...(fallback === undefined
        ? {}
        : {
            coldStartTimeoutFailoverRef: {
              ...fallback,
              timeoutSeconds: (timeouts.readiness ?? 30_000) / 1000,
            },
          }),
      replicas: toReplicas(given),
      scaledownPeriod: (given.cooldownPeriod ?? 300_000) / 1000,
      ...toInitialCooldown(given),
      scalingMetric: toMetric(given),
      ...(Object.keys(limits).length === 0 ? {} : { timeouts: limits }),
    },
  };
}

/** An `InterceptorRoute`, and the `ScaledObject` that scales what it leads to. */
export interface RouteObjects {
  readonly route: InterceptorRoute;
  readonly scaledObject: ScaledObject;
}

/**
 * Makes an `InterceptorRoute` with its `ScaledObject`, for add-on 0.14 and later.
 *
 * @param options `scalerAddress`: where KEDA finds the add-on's scaler. Default
 *   `keda-add-ons-http-external-scaler.keda:9090`.
 * @throws KedaError `OFN_KEDA_OBJECT_INVALID`, with an issue for each field that is wrong.
 * @example
 * const { route, scaledObject } = toInterceptorRoute({ name: 'shop', hosts: ['shop.example.com'] });
 * renderObjects([route, scaledObject]);
 */
export function toInterceptorRoute(
  given: ScaledFunction,
  { scalerAddress = 'keda-add-ons-http-external-scaler.keda:9090' } = {},
): RouteObjects {
  assertValid(given, 'InterceptorRoute');
  const { name, service = name, staticRoutes, timeouts = {} } = given;
  const limits = {
    ...toDuration('readiness', timeouts.readiness),
    ...toDuration('request', timeouts.request),
    ...toDuration('responseHeader', timeouts.responseHeader),
  };
  const { max, min } = toReplicas(given);
  return {
    route: {
      apiVersion: 'http.keda.sh/v1beta1',
      kind: 'InterceptorRoute',
      metadata: toMetadata(given),
      spec: {
        target: { service, ...toPort(given) },
        rules: [toRuleSpec(given)],
        ...toColdStart(given),
        ...(Object.keys(limits).length === 0 ? {} : { timeouts: limits }),
        scalingMetric: toMetric(given),
        ...(staticRoutes === undefined
          ? {}
          : {
              staticRoutes: staticRoutes.map(({ headers, paths, response, responseMode }) => ({
                rules: [toRuleSpec({ headers, paths })],
                response,
                responseMode: responseMode ?? 'WhenUnavailable',
              })),
            }),
      },
    },
    scaledObject: {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: toMetadata(given),
      spec: {
        scaleTargetRef: toWorkload(given),
        minReplicaCount: min,
        maxReplicaCount: max,
        cooldownPeriod: (given.cooldownPeriod ?? 300_000) / 1000,
        ...toInitialCooldown(given),
        triggers: [{ type: 'external-push', metadata: { scalerAddress, interceptorRoute: name } }],
      },
    },
  };
}

function assertValid(given: ScaledFunction, form: ObjectForm): void {
  const issues = issuesOf(given, form);
  if (issues.length === 0) return;
  // From JavaScript it may be anything.
  const name: unknown = given.name;
  throw invalidObject(typeof name === 'string' ? `${form} "${name}"` : form, issues);
}

function toMetadata({ annotations, labels, name, namespace }: ScaledFunction): Metadata {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels: { ...labels } }),
    ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
  };
}

function toWorkload({
  name,
  workload,
}: ScaledFunction): Required<NonNullable<ScaledFunction['workload']>> {
  return {
    name: workload?.name ?? name,
    kind: workload?.kind ?? 'Deployment',
    apiVersion: workload?.apiVersion ?? 'apps/v1',
  };
}

function toPort({ port, portName }: ScaledFunction): PortRef {
  return portName === undefined ? { port: port ?? 80 } : { portName };
}

function toReplicas({ replicas = {} }: ScaledFunction): Required<ReplicaBounds> {
  return { min: replicas.min ?? 0, max: replicas.max ?? 100 };
}

function toInitialCooldown({ initialCooldownPeriod: period }: ScaledFunction): {
  readonly initialCooldownPeriod?: number;
} {
  return period === undefined ? {} : { initialCooldownPeriod: period / 1000 };
}

function toColdStart({
  fallback,
  placeholder,
}: ScaledFunction): Pick<InterceptorRoute['spec'], 'coldStart'> {
  if (fallback === undefined && placeholder === undefined) return {};
  return {
    coldStart: {
      ...(fallback === undefined
        ? {}
        : { fallback: { service: { name: fallback.service, ...portOf(fallback) } } }),
      ...(placeholder === undefined ? {} : { placeholder: { response: placeholder } }),
    },
  };
}

function portOf({ port, portName }: PortRef): PortRef {
  return {
    ...(port === undefined ? {} : { port }),
    ...(portName === undefined ? {} : { portName }),
  };
}

function toRuleSpec({
  headers,
  hosts,
  paths,
}: {
  readonly headers?: readonly HeaderRule[] | undefined;
  readonly hosts?: readonly string[] | undefined;
  readonly paths?: readonly string[] | undefined;
}): RouteRuleSpec {
  return {
    ...(hosts === undefined ? {} : { hosts: [...hosts] }),
    ...(paths === undefined ? {} : { paths: paths.map((value) => ({ value })) }),
    ...(headers === undefined ? {} : { headers: headers.map((header) => ({ ...header })) }),
  };
}

function toMetric({ metric = {} }: ScaledFunction): InterceptorRoute['spec']['scalingMetric'] {
  const { concurrency, granularity, requestRate, window } = metric;
  if (requestRate === undefined) return { concurrency: { targetValue: concurrency ?? 100 } };
  return {
    ...(concurrency === undefined ? {} : { concurrency: { targetValue: concurrency } }),
    requestRate: {
      targetValue: requestRate,
      ...toDuration('window', window ?? 60_000),
      ...toDuration('granularity', granularity ?? 1000),
    },
  };
}

function toDuration<Name extends string>(
  name: Name,
  milliseconds: number | undefined,
): Partial<Record<Name, string>> {
  if (milliseconds === undefined) return {};
  return { [name]: renderGoDuration(milliseconds) } as Partial<Record<Name, string>>;
}

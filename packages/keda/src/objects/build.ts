// One description of a function becomes the objects of either generation, and their YAML.
import { stringify } from 'yaml';
import type { KedaIssue } from '../errors.ts';
import { renderGoDuration } from '../go-duration.ts';
import type {
  HttpScaledObject,
  HttpScaledObject05,
  InterceptorRoute,
  Metadata,
  ReplicaBounds,
  ScaledObject,
  ScalingObject,
  StaticResponseSpec,
} from './objects.ts';
import {
  HttpScaledObject05Schema,
  HttpScaledObjectSchema,
  InterceptorRouteSchema,
  ScaledObjectSchema,
} from './schemas.ts';
import { invalidObject, validate } from './validate.ts';

/** A function as its scaling objects see it. */
export interface ScaledFunction {
  /** Name of the objects, and of Service and Deployment unless they are named. */
  readonly name: string;
  /** Default `default`. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** At least one. */
  readonly hosts: readonly string[];
  readonly paths?: readonly string[];
  /** Not in 0.5. */
  readonly headers?: readonly { readonly name: string; readonly value?: string }[];
  /** Default: `name`. */
  readonly service?: string;
  /** Default 80. */
  readonly port?: number;
  /** In place of `port`; not in 0.5. */
  readonly portName?: string;
  /** What is scaled. Default: the Deployment `name`. */
  readonly workload?: {
    readonly name: string;
    readonly kind?: string;
    readonly apiVersion?: string;
  };
  readonly replicas?: ReplicaBounds;
  /** Pending requests, or requests a second, of one replica. Default: 100 pending requests. */
  readonly metric?: {
    readonly concurrency?: number;
    readonly requestRate?: number;
    /** Milliseconds over which the rate is averaged. Default 60,000. */
    readonly window?: number;
    /** Milliseconds of one bucket of the window. Default 1,000. */
    readonly granularity?: number;
  };
  /** Milliseconds without a request before the last replica goes. Default 300,000. */
  readonly cooldownPeriod?: number;
  /** Milliseconds; not in 0.5. Default 0. */
  readonly initialCooldownPeriod?: number;
  /** Milliseconds; not in 0.5. Default: those of the interceptor. */
  readonly timeouts?: {
    readonly readiness?: number;
    /** Of an InterceptorRoute alone. */
    readonly request?: number;
    readonly responseHeader?: number;
  };
  /** Where requests go when no replica is ready in time; not in 0.5. */
  readonly fallback?: { readonly service: string; readonly port: number };
  /** What is answered while no replica is ready. Of an InterceptorRoute alone. */
  readonly placeholder?: StaticResponseSpec;
}

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
  const what = `HTTPScaledObject "${given.name}" for add-on ${addOn}`;
  const missing = addOn === '0.5' ? NOT_IN_05 : NOT_IN_HTTP_SCALED_OBJECT;
  assertFunction(given, what, missing);
  return addOn === '0.5' ? toObject05(given, what) : toObject(given, what);
}

const NOT_IN_HTTP_SCALED_OBJECT = ['placeholder', 'timeouts.request'];
const NOT_IN_05 = [
  ...NOT_IN_HTTP_SCALED_OBJECT,
  ...['headers', 'portName', 'initialCooldownPeriod', 'timeouts', 'fallback'],
  ...['metric.requestRate', 'metric.window', 'metric.granularity', 'workload.kind'],
];

function toObject05(given: ScaledFunction, what: string): HttpScaledObject05 {
  const { hosts, name, paths, port = 80, replicas, service = name, workload } = given;
  return validate(
    HttpScaledObject05Schema,
    {
      apiVersion: 'http.keda.sh/v1alpha1',
      kind: 'HTTPScaledObject',
      metadata: toMetadata(given),
      spec: {
        hosts: [...hosts],
        ...(paths === undefined ? {} : { pathPrefixes: [...paths] }),
        scaleTargetRef: { deployment: workload?.name ?? name, service, port },
        replicas: { min: replicas?.min ?? 0, max: replicas?.max ?? 100 },
        targetPendingRequests: given.metric?.concurrency ?? 100,
        scaledownPeriod: toSeconds(given.cooldownPeriod ?? 300_000),
      },
    } satisfies HttpScaledObject05,
    what,
  );
}

function toObject(given: ScaledFunction, what: string): HttpScaledObject {
  const { fallback, headers, hosts, initialCooldownPeriod, name, paths, replicas, timeouts } =
    given;
  const { apiVersion = 'apps/v1', kind = 'Deployment', name: scaled = name } = given.workload ?? {};
  return validate(
    HttpScaledObjectSchema,
    {
      apiVersion: 'http.keda.sh/v1alpha1',
      kind: 'HTTPScaledObject',
      metadata: toMetadata(given),
      spec: {
        hosts: [...hosts],
        ...(paths === undefined ? {} : { pathPrefixes: [...paths] }),
        ...(headers === undefined ? {} : { headers: [...headers] }),
        scaleTargetRef: {
          name: scaled,
          apiVersion,
          kind,
          service: given.service ?? name,
          ...toPort(given),
        },
        ...(fallback === undefined
          ? {}
          : {
              coldStartTimeoutFailoverRef: {
                ...fallback,
                timeoutSeconds: toSeconds(timeouts?.readiness ?? 30_000),
              },
            }),
        replicas: { min: replicas?.min ?? 0, max: replicas?.max ?? 100 },
        scaledownPeriod: toSeconds(given.cooldownPeriod ?? 300_000),
        ...(initialCooldownPeriod === undefined
          ? {}
          : { initialCooldownPeriod: toSeconds(initialCooldownPeriod) }),
        scalingMetric: toMetric(given),
        ...(timeouts === undefined
          ? {}
          : {
              timeouts: {
                ...toDuration('conditionWait', timeouts.readiness),
                ...toDuration('responseHeader', timeouts.responseHeader),
              },
            }),
      },
    } satisfies HttpScaledObject,
    what,
  );
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
  const what = `InterceptorRoute "${given.name}"`;
  assertFunction(given, what, []);
  const { fallback, headers, hosts, name, paths, placeholder, replicas, timeouts, workload } =
    given;
  const route: InterceptorRoute = {
    apiVersion: 'http.keda.sh/v1beta1',
    kind: 'InterceptorRoute',
    metadata: toMetadata(given),
    spec: {
      target: { service: given.service ?? name, ...toPort(given) },
      rules: [
        {
          hosts: [...hosts],
          ...(paths === undefined ? {} : { paths: paths.map((value) => ({ value })) }),
          ...(headers === undefined ? {} : { headers: [...headers] }),
        },
      ],
      ...(fallback === undefined && placeholder === undefined
        ? {}
        : {
            coldStart: {
              ...(fallback === undefined
                ? {}
                : { fallback: { service: { name: fallback.service, port: fallback.port } } }),
              ...(placeholder === undefined ? {} : { placeholder: { response: placeholder } }),
            },
          }),
      ...(timeouts === undefined
        ? {}
        : {
            timeouts: {
              ...toDuration('readiness', timeouts.readiness),
              ...toDuration('request', timeouts.request),
              ...toDuration('responseHeader', timeouts.responseHeader),
            },
          }),
      scalingMetric: toMetric(given),
    },
  };
  const { initialCooldownPeriod } = given;
  const scaledObject: ScaledObject = {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: toMetadata(given),
    spec: {
      scaleTargetRef: {
        name: workload?.name ?? name,
        kind: workload?.kind ?? 'Deployment',
        apiVersion: workload?.apiVersion ?? 'apps/v1',
      },
      minReplicaCount: replicas?.min ?? 0,
      maxReplicaCount: replicas?.max ?? 100,
      cooldownPeriod: toSeconds(given.cooldownPeriod ?? 300_000),
      ...(initialCooldownPeriod === undefined
        ? {}
        : { initialCooldownPeriod: toSeconds(initialCooldownPeriod) }),
      triggers: [{ type: 'external-push', metadata: { scalerAddress, interceptorRoute: name } }],
    },
  };
  return {
    route: validate(InterceptorRouteSchema, route, what),
    scaledObject: validate(ScaledObjectSchema, scaledObject, `ScaledObject "${name}"`),
  };
}

/** Renders objects as YAML, one document each, in the order of their fields. */
export function renderObjects(objects: readonly ScalingObject[]): string {
  return objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n');
}

function toMetadata({ labels, name, namespace }: ScaledFunction): Metadata {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
  };
}

function toPort({ port, portName }: ScaledFunction): { port?: number; portName?: string } {
  if (portName !== undefined) return { portName };
  return { port: port ?? 80 };
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

function toSeconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000);
}

function toDuration<Name extends string>(
  name: Name,
  milliseconds: number | undefined,
): Partial<Record<Name, string>> {
  if (milliseconds === undefined) return {};
  return { [name]: renderGoDuration(milliseconds) } as Partial<Record<Name, string>>;
}

// What the schemas cannot say: what must be there, and what this generation does not have.
function assertFunction(given: ScaledFunction, what: string, missing: readonly string[]): void {
  const issues: KedaIssue[] = [];
  if (!Array.isArray(given.hosts) || given.hosts.length === 0) {
    issues.push({ field: 'hosts', message: 'at least one host is needed' });
  }
  if (given.port !== undefined && given.portName !== undefined) {
    issues.push({ field: 'portName', message: 'takes the place of port: give one of them' });
  }
  for (const field of missing) {
    const value = field
      .split('.')
      .reduce<unknown>(
        (inner, name) => (inner as Record<string, unknown> | undefined)?.[name],
        given,
      );
    if (value !== undefined) issues.push({ field, message: 'this object has no such field' });
  }
  for (const [field, value] of durationsOf(given)) {
    if (value === undefined || (Number.isFinite(value) && value >= 0)) continue;
    issues.push({ field, message: `must be milliseconds from 0 up, not ${value}` });
  }
  if (issues.length > 0) throw invalidObject(what, issues);
}

function durationsOf(given: ScaledFunction): [string, number | undefined][] {
  const { cooldownPeriod, initialCooldownPeriod, metric, timeouts } = given;
  return [
    ['cooldownPeriod', cooldownPeriod],
    ['initialCooldownPeriod', initialCooldownPeriod],
    ['metric.window', metric?.window],
    ['metric.granularity', metric?.granularity],
    ['timeouts.readiness', timeouts?.readiness],
    ['timeouts.request', timeouts?.request],
    ['timeouts.responseHeader', timeouts?.responseHeader],
  ];
}

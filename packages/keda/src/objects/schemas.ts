// The shapes of the objects, for what comes from outside.
import * as v from 'valibot';
import { parseGoDuration } from '../go-duration.ts';
import type {
  HttpScaledObject,
  HttpScaledObject05,
  InterceptorRoute,
  ScaledObject,
} from './objects.ts';

const Name = v.pipe(
  v.string(),
  v.maxLength(253),
  v.regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be a DNS name in lower case'),
);

const from = (least: number, most = 2 ** 31 - 1) =>
  v.pipe(
    v.number(),
    v.integer(),
    v.minValue(least, `must be ${least} or more`),
    v.maxValue(most, `must be ${most} or less`),
  );

const Count = from(0);
const Target = from(1);
const Port = from(1, 65_535);

const Duration = v.pipe(
  v.string(),
  v.check(
    (text) => parseGoDuration(text) !== undefined,
    'must be a duration such as 500ms, 2s or 1m30s',
  ),
);

const Host = v.pipe(
  v.string(),
  v.regex(
    /^(?:\*|(?:\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?(?::\d+)?)?$/i,
    'must be a host name, *.domain or *',
  ),
);

const Path = v.pipe(v.string(), v.startsWith('/', 'must begin with "/"'));

const Metadata = v.looseObject({
  name: Name,
  namespace: v.exactOptional(Name),
  labels: v.exactOptional(v.record(v.string(), v.string())),
  annotations: v.exactOptional(v.record(v.string(), v.string())),
  creationTimestamp: v.exactOptional(v.string()),
});

const PORT_ENTRIES = { port: v.exactOptional(Port), portName: v.exactOptional(v.string()) };
const hasOne = (one: unknown, other: unknown): boolean =>
  (one === undefined) !== (other === undefined);
const ONE_PORT = 'needs either port or portName, and not both';

const Replicas = v.pipe(
  v.looseObject({ min: v.exactOptional(Count), max: v.exactOptional(Target) }),
  v.check(({ max = 100, min = 0 }) => min <= max, 'min must not be above max'),
);

const Headers = v.array(
  v.looseObject({ name: v.pipe(v.string(), v.minLength(1)), value: v.exactOptional(v.string()) }),
);

export const HttpScaledObject05Schema = v.looseObject({
  apiVersion: v.literal('http.keda.sh/v1alpha1'),
  kind: v.literal('HTTPScaledObject'),
  metadata: Metadata,
  spec: v.pipe(
    v.looseObject({
      host: v.exactOptional(Host),
      hosts: v.exactOptional(v.array(Host)),
      pathPrefixes: v.exactOptional(v.array(Path)),
      scaleTargetRef: v.looseObject({ deployment: Name, service: Name, port: Port }),
      replicas: v.exactOptional(Replicas),
      targetPendingRequests: v.exactOptional(Target),
      scaledownPeriod: v.exactOptional(Count),
    }),
    v.check(
      ({ host, hosts = [] }) => host !== undefined || hosts.length > 0,
      'needs hosts: without one nothing reaches it',
    ),
  ),
}) satisfies v.GenericSchema<unknown, HttpScaledObject05>;

const RateEntries = { window: v.exactOptional(Duration), granularity: v.exactOptional(Duration) };

export const HttpScaledObjectSchema = v.looseObject({
  apiVersion: v.literal('http.keda.sh/v1alpha1'),
  kind: v.literal('HTTPScaledObject'),
  metadata: Metadata,
  spec: v.looseObject({
    hosts: v.exactOptional(v.array(Host)),
    pathPrefixes: v.exactOptional(v.array(Path)),
    headers: v.exactOptional(Headers),
    scaleTargetRef: v.pipe(
      v.looseObject({
        name: v.exactOptional(Name),
        apiVersion: v.exactOptional(v.string()),
        kind: v.exactOptional(v.string()),
        service: Name,
        ...PORT_ENTRIES,
      }),
      v.check(({ port, portName }) => hasOne(port, portName), ONE_PORT),
    ),
    coldStartTimeoutFailoverRef: v.exactOptional(
      v.pipe(
        v.looseObject({ service: Name, timeoutSeconds: v.exactOptional(Target), ...PORT_ENTRIES }),
        v.check(({ port, portName }) => hasOne(port, portName), ONE_PORT),
      ),
    ),
    replicas: v.exactOptional(Replicas),
    targetPendingRequests: v.exactOptional(Target),
    scaledownPeriod: v.exactOptional(Count),
    initialCooldownPeriod: v.exactOptional(Count),
    scalingMetric: v.exactOptional(
      v.pipe(
        v.looseObject({
          concurrency: v.exactOptional(v.looseObject({ targetValue: v.exactOptional(Target) })),
          requestRate: v.exactOptional(
            v.looseObject({ targetValue: v.exactOptional(Target), ...RateEntries }),
          ),
        }),
        v.check(
          ({ concurrency, requestRate }) => concurrency === undefined || requestRate === undefined,
          'takes one metric: concurrency or requestRate',
        ),
      ),
    ),
    timeouts: v.exactOptional(
      v.looseObject({
        conditionWait: v.exactOptional(Duration),
        responseHeader: v.exactOptional(Duration),
      }),
    ),
  }),
}) satisfies v.GenericSchema<unknown, HttpScaledObject>;

const Rule = v.looseObject({
  hosts: v.exactOptional(v.array(Host)),
  paths: v.exactOptional(v.array(v.looseObject({ value: Path }))),
  headers: v.exactOptional(Headers),
});

const Response = v.pipe(
  v.looseObject({
    statusCode: v.exactOptional(from(100, 599)),
    body: v.exactOptional(v.string()),
    bodyFromConfigMap: v.exactOptional(
      v.looseObject({ name: Name, key: v.exactOptional(v.string()) }),
    ),
    headers: v.exactOptional(v.record(v.string(), v.string())),
  }),
  v.check(
    ({ body, bodyFromConfigMap }) => body === undefined || bodyFromConfigMap === undefined,
    'takes one of body and bodyFromConfigMap',
  ),
);

export const InterceptorRouteSchema = v.looseObject({
  apiVersion: v.literal('http.keda.sh/v1beta1'),
  kind: v.literal('InterceptorRoute'),
  metadata: Metadata,
  spec: v.looseObject({
    target: v.pipe(
      v.looseObject({ service: Name, ...PORT_ENTRIES }),
      v.check(({ port, portName }) => hasOne(port, portName), ONE_PORT),
    ),
    rules: v.exactOptional(v.array(Rule)),
    coldStart: v.exactOptional(
      v.looseObject({
        fallback: v.exactOptional(
          v.looseObject({
            service: v.pipe(
              v.looseObject({ name: Name, ...PORT_ENTRIES }),
              v.check(({ port, portName }) => hasOne(port, portName), ONE_PORT),
            ),
          }),
        ),
        placeholder: v.exactOptional(v.looseObject({ response: Response })),
      }),
    ),
    timeouts: v.exactOptional(
      v.looseObject({
        readiness: v.exactOptional(Duration),
        request: v.exactOptional(Duration),
        responseHeader: v.exactOptional(Duration),
      }),
    ),
    scalingMetric: v.pipe(
      v.looseObject({
        concurrency: v.exactOptional(v.looseObject({ targetValue: Target })),
        requestRate: v.exactOptional(v.looseObject({ targetValue: Target, ...RateEntries })),
      }),
      v.check(
        ({ concurrency, requestRate }) => concurrency !== undefined || requestRate !== undefined,
        'needs concurrency, requestRate or both',
      ),
    ),
    staticRoutes: v.exactOptional(
      v.array(
        v.looseObject({
          rules: v.pipe(v.array(Rule), v.minLength(1, 'needs a rule')),
          response: Response,
          responseMode: v.exactOptional(v.picklist(['Always', 'WhenUnavailable'])),
        }),
      ),
    ),
  }),
}) satisfies v.GenericSchema<unknown, InterceptorRoute>;

const Rules = v.looseObject({
  stabilizationWindowSeconds: v.exactOptional(from(0, 3600)),
  selectPolicy: v.exactOptional(v.picklist(['Max', 'Min', 'Disabled'])),
  policies: v.exactOptional(
    v.array(
      v.looseObject({
        type: v.picklist(['Pods', 'Percent']),
        value: Target,
        periodSeconds: from(1, 1800),
      }),
    ),
  ),
});

export const ScaledObjectSchema = v.looseObject({
  apiVersion: v.literal('keda.sh/v1alpha1'),
  kind: v.literal('ScaledObject'),
  metadata: Metadata,
  spec: v.pipe(
    v.looseObject({
      scaleTargetRef: v.looseObject({
        name: Name,
        kind: v.exactOptional(v.string()),
        apiVersion: v.exactOptional(v.string()),
      }),
      minReplicaCount: v.exactOptional(Count),
      maxReplicaCount: v.exactOptional(Target),
      pollingInterval: v.exactOptional(Target),
      cooldownPeriod: v.exactOptional(Count),
      initialCooldownPeriod: v.exactOptional(Count),
      advanced: v.exactOptional(
        v.looseObject({
          horizontalPodAutoscalerConfig: v.exactOptional(
            v.looseObject({
              behavior: v.exactOptional(
                v.looseObject({
                  scaleUp: v.exactOptional(Rules),
                  scaleDown: v.exactOptional(Rules),
                }),
              ),
            }),
          ),
        }),
      ),
      triggers: v.array(
        v.looseObject({ type: v.string(), metadata: v.record(v.string(), v.string()) }),
      ),
    }),
    v.check(
      ({ maxReplicaCount = 100, minReplicaCount = 0 }) => minReplicaCount <= maxReplicaCount,
      'minReplicaCount must not be above maxReplicaCount',
    ),
  ),
}) satisfies v.GenericSchema<unknown, ScaledObject>;

/** The schema of an object, by what it says that it is; `undefined` for what is not understood here. */
export function schemaOf(value: unknown): v.GenericSchema | undefined {
  const { apiVersion, kind, spec } = (value ?? {}) as {
    apiVersion?: unknown;
    kind?: unknown;
    spec?: { scaleTargetRef?: { deployment?: unknown } };
  };
  switch (`${String(apiVersion)}/${String(kind)}`) {
    case 'http.keda.sh/v1alpha1/HTTPScaledObject':
      // What only 0.5 has.
      return spec?.scaleTargetRef?.deployment === undefined
        ? HttpScaledObjectSchema
        : HttpScaledObject05Schema;
    case 'http.keda.sh/v1beta1/InterceptorRoute':
      return InterceptorRouteSchema;
    case 'keda.sh/v1alpha1/ScaledObject':
      return ScaledObjectSchema;
    default:
      return undefined;
  }
}

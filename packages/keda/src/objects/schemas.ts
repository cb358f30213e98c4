// The shapes of the objects, for what comes from outside.
import * as v from 'valibot';
import { parseGoDuration } from '../go-duration.ts';
import type {
  HttpScaledObject,
  HttpScaledObject05,
  InterceptorRoute,
  ScaledObject,
  ScalingObject,
} from './objects.ts';

/** A DNS name (RFC 1123, 2.1) in lower case. */
export const DNS_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const Name = v.pipe(
  v.string(),
  v.maxLength(253),
  v.regex(DNS_NAME, 'must be a DNS name in lower case'),
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

// What a timer can wait for.
const LONGEST = 2 ** 31 - 1;

const Duration = v.pipe(
  v.string(),
  v.check(
    (text) => (parseGoDuration(text) ?? Infinity) <= LONGEST,
    'must be a duration below 24 days, such as 500ms, 2s or 1m30s',
  ),
);

// What Kubernetes takes; builders are stricter.
const Text = v.pipe(v.string(), v.minLength(1, 'must not be empty'));

const Metadata = v.looseObject({
  name: Name,
  namespace: v.exactOptional(Name),
  labels: v.exactOptional(v.record(v.string(), v.string())),
  annotations: v.exactOptional(v.record(v.string(), v.string())),
  creationTimestamp: v.exactOptional(v.string()),
});

const PORT_ENTRIES = { port: v.exactOptional(Port), portName: v.exactOptional(Text) };
const hasOne = (one: unknown, other: unknown): boolean =>
  (one === undefined) !== (other === undefined);
const ONE_PORT = 'needs either port or portName, and not both';

const Replicas = v.pipe(
  v.strictObject({ min: v.exactOptional(Count), max: v.exactOptional(Target) }),
  v.forward(
    v.check(
      ({ max = 100, min = 0 }) => min <= max,
      'must not be above max, which is 100 by default',
    ),
    ['min'],
  ),
);

const Headers = v.array(v.strictObject({ name: Text, value: v.exactOptional(v.string()) }));

// An empty list is not the same as none there.
const NotEmpty = v.pipe(
  v.array(v.string()),
  v.minLength(1, 'must not be empty: add-on 0.5 matches nothing then; leave it out'),
);

/** An HTTPScaledObject of add-on 0.5. */
const HttpScaledObject05Schema = v.looseObject({
  apiVersion: v.literal('http.keda.sh/v1alpha1'),
  kind: v.literal('HTTPScaledObject'),
  metadata: Metadata,
  spec: v.pipe(
    v.strictObject({
      host: v.exactOptional(Text),
      hosts: v.exactOptional(NotEmpty),
      pathPrefixes: v.exactOptional(NotEmpty),
      scaleTargetRef: v.strictObject({ deployment: Name, service: Name, port: Port }),
      replicas: v.exactOptional(Replicas),
      targetPendingRequests: v.exactOptional(Target),
      scaledownPeriod: v.exactOptional(Count),
    }),
    v.forward(
      v.check(({ host, hosts }) => hasOne(host, hosts), 'needs either hosts or host, and not both'),
      ['hosts'],
    ),
  ),
}) satisfies v.GenericSchema<unknown, HttpScaledObject05>;

const Span = v.pipe(
  v.string(),
  v.check((text) => (parseGoDuration(text) ?? 0) > 0, 'must be a duration above 0, such as 1m'),
);
const RATE_ENTRIES = { window: v.exactOptional(Span), granularity: v.exactOptional(Span) };

function isWindowWhole(rate: { readonly window?: string; readonly granularity?: string }): boolean {
  const { granularity = '1s', window = '1m' } = rate;
  return (parseGoDuration(granularity) ?? 0) <= (parseGoDuration(window) ?? 0);
}

const WINDOW = 'must not be longer than the window, which is 1m by default';

/** An HTTPScaledObject since add-on 0.9. */

const HttpScaledObjectSchema = v.looseObject({
  apiVersion: v.literal('http.keda.sh/v1alpha1'),
  kind: v.literal('HTTPScaledObject'),
  metadata: Metadata,
  spec: v.strictObject({
    hosts: v.exactOptional(v.array(v.string())),
    pathPrefixes: v.exactOptional(v.array(v.string())),
    headers: v.exactOptional(Headers),
    scaleTargetRef: v.pipe(
      v.strictObject({
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
        v.strictObject({ service: Name, timeoutSeconds: v.exactOptional(Count), ...PORT_ENTRIES }),
        v.check(({ port, portName }) => hasOne(port, portName), ONE_PORT),
      ),
    ),
    replicas: v.exactOptional(Replicas),
    targetPendingRequests: v.exactOptional(Target),
    scaledownPeriod: v.exactOptional(Count),
    initialCooldownPeriod: v.exactOptional(Count),
    scalingMetric: v.exactOptional(
      v.pipe(
        v.strictObject({
          concurrency: v.exactOptional(v.strictObject({ targetValue: v.exactOptional(Target) })),
          requestRate: v.exactOptional(
            v.pipe(
              v.strictObject({ targetValue: v.exactOptional(Target), ...RATE_ENTRIES }),
              v.forward(
                v.check((rate) => isWindowWhole(rate), WINDOW),
                ['granularity'],
              ),
            ),
          ),
        }),
        v.check(
          ({ concurrency, requestRate }) => concurrency === undefined || requestRate === undefined,
          'takes one metric: concurrency or requestRate',
        ),
      ),
    ),
    timeouts: v.exactOptional(
      v.strictObject({
        conditionWait: v.exactOptional(Duration),
        responseHeader: v.exactOptional(Duration),
      }),
    ),
  }),
}) satisfies v.GenericSchema<unknown, HttpScaledObject>;

const Rule = v.strictObject({
  hosts: v.exactOptional(v.array(v.string())),
  paths: v.exactOptional(v.array(v.strictObject({ value: Text }))),
  headers: v.exactOptional(Headers),
});

// RFC 9110, 5.1 and 5.5; what is beyond Latin-1 cannot be sent.
const HeaderName = v.pipe(
  v.string(),
  v.regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of a header'),
);
const HeaderValue = v.pipe(
  v.string(),
  v.regex(
    /^[\t -~\u0080-\u00FF]*$/,
    'must have no line breaks, no control characters, and nothing beyond Latin-1',
  ),
);

/** A reply that needs no backend. */
export const StaticResponseSchema = v.pipe(
  v.strictObject({
    statusCode: v.exactOptional(from(200, 599)),
    body: v.exactOptional(
      v.pipe(v.string(), v.maxLength(32_768, 'must not be longer than 32,768 characters')),
    ),
    bodyFromConfigMap: v.exactOptional(
      v.strictObject({ name: Name, key: v.exactOptional(v.string()) }),
    ),
    headers: v.exactOptional(v.record(HeaderName, HeaderValue)),
  }),
  v.check(
    ({ body, bodyFromConfigMap }) => body === undefined || bodyFromConfigMap === undefined,
    'takes one of body and bodyFromConfigMap',
  ),
);

/** An InterceptorRoute. */
const InterceptorRouteSchema = v.looseObject({
  apiVersion: v.literal('http.keda.sh/v1beta1'),
  kind: v.literal('InterceptorRoute'),
  metadata: Metadata,
  spec: v.strictObject({
    target: v.pipe(
      v.strictObject({ service: Name, ...PORT_ENTRIES }),
      v.check(({ port, portName }) => hasOne(port, portName), ONE_PORT),
    ),
    rules: v.exactOptional(v.array(Rule)),
    coldStart: v.exactOptional(
      v.pipe(
        v.strictObject({
          fallback: v.exactOptional(
            v.strictObject({
              service: v.pipe(
                v.strictObject({ name: Name, ...PORT_ENTRIES }),
                v.check(({ port, portName }) => hasOne(port, portName), ONE_PORT),
              ),
            }),
          ),
          placeholder: v.exactOptional(v.strictObject({ response: StaticResponseSchema })),
        }),
        v.check(
          ({ fallback, placeholder }) => fallback !== undefined || placeholder !== undefined,
          'needs fallback or placeholder',
        ),
      ),
    ),
    timeouts: v.exactOptional(
      v.strictObject({
        readiness: v.exactOptional(Duration),
        request: v.exactOptional(Duration),
        responseHeader: v.exactOptional(Duration),
      }),
    ),
    scalingMetric: v.pipe(
      v.strictObject({
        concurrency: v.exactOptional(v.strictObject({ targetValue: Target })),
        requestRate: v.exactOptional(
          v.pipe(
            v.strictObject({ targetValue: Target, ...RATE_ENTRIES }),
            v.forward(
              v.check((rate) => isWindowWhole(rate), WINDOW),
              ['granularity'],
            ),
          ),
        ),
      }),
      v.check(
        ({ concurrency, requestRate }) => concurrency !== undefined || requestRate !== undefined,
        'needs concurrency, requestRate or both',
      ),
    ),
    staticRoutes: v.exactOptional(
      v.array(
        v.strictObject({
          rules: v.pipe(v.array(Rule), v.minLength(1, 'needs a rule')),
          response: StaticResponseSchema,
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

/** What matters here of a ScaledObject. */
const ScaledObjectSchema = v.looseObject({
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
      // KEDA takes 0 alone.
      idleReplicaCount: v.exactOptional(from(0, 0)),
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
        v.looseObject({
          type: Text,
          metadata: v.exactOptional(v.record(v.string(), v.string())),
        }),
      ),
    }),
    v.forward(
      v.check(
        ({ maxReplicaCount = 100, minReplicaCount = 0 }) => minReplicaCount <= maxReplicaCount,
        'must not be above maxReplicaCount, which is 100 by default',
      ),
      ['minReplicaCount'],
    ),
    v.forward(
      v.check(
        ({ idleReplicaCount, minReplicaCount = 0 }) =>
          idleReplicaCount === undefined || minReplicaCount === 1,
        'is followed here only beside a minReplicaCount of 1',
      ),
      ['idleReplicaCount'],
    ),
  ),
}) satisfies v.GenericSchema<unknown, ScaledObject>;

/** What matters here of a Service. */
export const ServiceSchema = v.looseObject({
  metadata: Metadata,
  spec: v.optional(
    v.looseObject({
      ports: v.optional(
        v.array(
          v.looseObject({
            name: v.exactOptional(v.string()),
            port: Port,
            appProtocol: v.exactOptional(v.string()),
          }),
        ),
        [],
      ),
    }),
    {},
  ),
});

/** What matters here of a ConfigMap. */
export const ConfigMapSchema = v.looseObject({
  metadata: Metadata,
  data: v.optional(v.record(v.string(), v.string()), {}),
});

/** The schema of an object, by what it says that it is; `undefined` for what is not understood here. */
export function schemaOf(
  value: Readonly<Record<string, unknown>>,
): v.GenericSchema<unknown, ScalingObject> | undefined {
  switch (`${String(value['apiVersion'])}/${String(value['kind'])}`) {
    case 'http.keda.sh/v1alpha1/HTTPScaledObject':
      return is05(value['spec']) ? HttpScaledObject05Schema : HttpScaledObjectSchema;
    case 'http.keda.sh/v1beta1/InterceptorRoute':
      return InterceptorRouteSchema;
    case 'keda.sh/v1alpha1/ScaledObject':
      return ScaledObjectSchema;
    default:
      return undefined;
  }
}

const TargetOf05 = v.looseObject({ scaleTargetRef: v.looseObject({ deployment: v.unknown() }) });

// Both generations have one name; this field only the older one has.
function is05(spec: unknown): boolean {
  return v.is(TargetOf05, spec);
}

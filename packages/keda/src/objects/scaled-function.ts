// A function as its scaling objects see it, and what can be wrong with it.
import * as v from 'valibot';
import type { KedaIssue } from '../errors.ts';
import type { HeaderRule, PortRef, ReplicaBounds, StaticResponseSpec } from './objects.ts';
import { DNS_NAME, StaticResponseSchema } from './schemas.ts';
import { check, renderPath } from './validate.ts';

/** A function that objects are made for. Times in milliseconds. */
export interface ScaledFunction {
  /** Name of the objects, and of Service and Deployment unless they are named. */
  readonly name: string;
  /** Default: that of whoever applies the objects. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** At least one, in lower case; `*.example.com` and `*` not in 0.5. */
  readonly hosts: readonly string[];
  /** Prefixes, decoded. Default: all paths. */
  readonly paths?: readonly string[];
  /** Headers that a request must have; not in 0.5. */
  readonly headers?: readonly HeaderRule[];
  /** Default: `name`. */
  readonly service?: string;
  /** Default 80. */
  readonly port?: number;
  /** In place of `port`; not in 0.5. */
  readonly portName?: string;
  /** What is scaled. Default: the Deployment `name`; 0.5 scales Deployments alone. */
  readonly workload?: {
    readonly name: string;
    readonly kind?: string;
    readonly apiVersion?: string;
  };
  /** Default: 0 to 100. */
  readonly replicas?: ReplicaBounds;
  /** What one replica takes. Default: 100 pending requests. An HTTPScaledObject takes one of the two. */
  readonly metric?: {
    /** Pending requests. */
    readonly concurrency?: number;
    /** Requests a second; not in 0.5. */
    readonly requestRate?: number;
    /** Over which the rate is averaged. Default 60,000. */
    readonly window?: number;
    /** One bucket of the window. Default 1,000. */
    readonly granularity?: number;
  };
  /** Without a request before the last replica goes; whole seconds. Default 300,000. */
  readonly cooldownPeriod?: number;
  /** From the start, before which no replica goes; whole seconds; not in 0.5. Default 0. */
  readonly initialCooldownPeriod?: number;
  /** Not in 0.5. Default: those of the interceptor. In an InterceptorRoute 0 is no limit. */
  readonly timeouts?: {
    readonly readiness?: number;
    /** In an InterceptorRoute alone. */
    readonly request?: number;
    readonly responseHeader?: number;
  };
  /** Where requests go when no replica is ready in time; not in 0.5. */
  readonly fallback?: PortRef & { readonly service: string };
  /** What is answered while no replica is ready; in an InterceptorRoute alone. */
  readonly placeholder?: StaticResponseSpec;
  /** Requests that are answered without scaling; in an InterceptorRoute alone, of add-ons after 0.15. */
  readonly staticRoutes?: readonly {
    readonly paths?: readonly string[];
    readonly headers?: readonly HeaderRule[];
    readonly response: StaticResponseSpec;
    /** Default `WhenUnavailable`. */
    readonly responseMode?: 'Always' | 'WhenUnavailable';
  }[];
}

/** The object that is made, on which it depends what may be said. */
export type ObjectForm = 'HTTPScaledObject 0.5' | 'HTTPScaledObject' | 'InterceptorRoute';

/** Each thing that is wrong with a function, or that the object has no field for. */
export function issuesOf(given: ScaledFunction, form: ObjectForm): KedaIssue[] {
  const found = check(ScaledFunctionSchema, given).issues ?? [];
  const issues = found.map(({ message, path }) => ({ field: renderPath(path), message }));
  for (const field of ABSENT[form]) {
    if (isGiven(given, field))
      issues.push({ field, message: `is nothing that an ${form} can say` });
  }
  // What is of the wrong type has been said above.
  return issues.length > 0 ? issues : formIssues(given, form);
}

const NOT_IN_HTTP_SCALED_OBJECT = ['placeholder', 'staticRoutes', 'timeouts.request'];

const ABSENT: Readonly<Record<ObjectForm, readonly string[]>> = {
  InterceptorRoute: [],
  HTTPScaledObject: NOT_IN_HTTP_SCALED_OBJECT,
  'HTTPScaledObject 0.5': [
    ...NOT_IN_HTTP_SCALED_OBJECT,
    'headers',
    'portName',
    'initialCooldownPeriod',
    'fallback',
    'timeouts.readiness',
    'timeouts.responseHeader',
    'metric.requestRate',
    'metric.window',
    'metric.granularity',
  ],
};

function isGiven(given: unknown, field: string): boolean {
  let value = given;
  for (const key of field.split('.')) {
    if (typeof value !== 'object' || value === null) return false;
    value = Object.entries(value).find(([name]) => name === key)?.[1];
  }
  return value !== undefined;
}

function formIssues(given: ScaledFunction, form: ObjectForm): KedaIssue[] {
  const { hosts, metric = {}, timeouts = {}, workload } = given;
  const issues: KedaIssue[] = [];
  if (form === 'InterceptorRoute') return issues;
  if (metric.concurrency !== undefined && metric.requestRate !== undefined) {
    issues.push({ field: 'metric', message: 'must be one: concurrency or requestRate' });
  }
  for (const name of ['readiness', 'responseHeader'] as const) {
    if (timeouts[name] !== 0) continue;
    const message = 'must be above 0: the add-on takes 0 as left out';
    issues.push({ field: `timeouts.${name}`, message });
  }
  if (given.fallback !== undefined && (timeouts.readiness ?? 0) % 1000 !== 0) {
    issues.push({ field: 'timeouts.readiness', message: SECONDS });
  }
  if (form === 'HTTPScaledObject') return issues;
  for (const [index, host] of hosts.entries()) {
    if (!host.includes('*')) continue;
    issues.push({
      field: `hosts[${index}]`,
      message: 'must be exact: add-on 0.5 has no wildcards',
    });
  }
  if ((workload?.kind ?? 'Deployment') !== 'Deployment') {
    issues.push({
      field: 'workload.kind',
      message: 'must be Deployment: add-on 0.5 scales no other',
    });
  }
  return issues;
}

const SECONDS = 'must be milliseconds of whole seconds, such as 300000';
const MILLISECONDS = 'must be whole milliseconds from 0 up';

function number(message: string, isFit: (value: number) => boolean) {
  return v.pipe(
    v.number(message),
    v.check((value) => Number.isSafeInteger(value) && isFit(value), message),
  );
}

const Milliseconds = number(MILLISECONDS, (value) => value >= 0);
const Span = number('must be whole milliseconds above 0', (value) => value > 0);
// Seconds fit an int32.
const Seconds = number(
  SECONDS,
  (value) => value >= 0 && value % 1000 === 0 && value < 2 ** 31 * 1000,
);
const Target = number('must be a whole number above 0', (value) => value > 0 && value < 2 ** 31);
const Replicas = number(
  'must be a whole number from 0 up',
  (value) => value >= 0 && value < 2 ** 31,
);
const Port = number('must be a port from 1 to 65535', (value) => value > 0 && value < 65_536);

// KEDA makes a label of the name, and a label ends there.
const Name = v.pipe(
  v.string(),
  v.check(
    (text) => text.length <= 63 && DNS_NAME.test(text),
    'must be a DNS name in lower case of at most 63 characters',
  ),
);
const Label = v.pipe(
  v.string(),
  v.check(
    (text) => text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text),
    'must be a DNS label: a to z, 0 to 9 and "-", at most 63 characters',
  ),
);
const PortName = v.pipe(
  v.string(),
  v.regex(
    /^(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*$/,
    'must be the name of a port: a to z, 0 to 9 and "-"',
  ),
  v.maxLength(63, 'must be at most 63 characters'),
);
const Host = v.pipe(
  v.string(),
  v.check(
    (text) => text === '*' || (text.length <= 253 && DNS_NAME.test(text.replace(/^\*\./, ''))),
    'must be a DNS name in lower case and without a port, *.domain or *',
  ),
);
const Path = v.pipe(
  v.string(),
  v.regex(
    /^\/[^?#%\s\p{Cc}]*$/u,
    'must begin with "/" and be decoded, without query, "%" or white space',
  ),
);
const HeaderName = v.pipe(
  v.string(),
  v.regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, 'must be the name of a header'),
);
const HeaderValue = v.pipe(
  v.string(),
  v.regex(
    /^(?![ \t])[^\p{Cc}]*(?<![ \t])$/u,
    'must be the value of a header, without white space around it',
  ),
);

const Headers = v.pipe(
  v.array(v.strictObject({ name: HeaderName, value: v.optional(HeaderValue) })),
  v.check(
    (headers) => new Set(headers.map(({ name }) => name.toLowerCase())).size === headers.length,
    'must not name a header twice',
  ),
);

const LabelValue = v.pipe(
  v.string(),
  v.regex(/^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, 'must be the value of a label'),
  v.maxLength(63, 'must be at most 63 characters'),
);

const Paths = v.optional(v.array(Path));

const ScaledFunctionSchema = v.pipe(
  v.strictObject({
    name: Name,
    namespace: v.optional(Label),
    labels: v.optional(v.record(v.string(), LabelValue)),
    annotations: v.optional(v.record(v.string(), v.string())),
    hosts: v.pipe(v.array(Host), v.minLength(1, 'must name at least one host')),
    paths: v.optional(v.pipe(v.array(Path), v.minLength(1, 'must not be empty; leave it out'))),
    headers: v.optional(Headers),
    service: v.optional(Label),
    port: v.optional(Port),
    portName: v.optional(PortName),
    workload: v.optional(
      v.strictObject({
        name: Name,
        kind: v.optional(v.pipe(v.string(), v.minLength(1, 'must not be empty'))),
        apiVersion: v.optional(v.pipe(v.string(), v.minLength(1, 'must not be empty'))),
      }),
    ),
    replicas: v.optional(
      v.pipe(
        v.strictObject({ min: v.optional(Replicas), max: v.optional(Target) }),
        v.forward(
          v.check(
            ({ max = 100, min = 0 }) => min <= max,
            'must not be above max, which is 100 by default',
          ),
          ['min'],
        ),
      ),
    ),
    metric: v.optional(
      v.pipe(
        v.strictObject({
          concurrency: v.optional(Target),
          requestRate: v.optional(Target),
          window: v.optional(Span),
          granularity: v.optional(Span),
        }),
        v.forward(
          v.check(
            ({ granularity = 1000, window = 60_000 }) => granularity <= window,
            'must not be longer than the window, which is 60000 by default',
          ),
          ['granularity'],
        ),
        v.forward(
          v.check(
            ({ granularity, requestRate, window }) =>
              requestRate !== undefined || (granularity === undefined && window === undefined),
            'is needed beside window and granularity',
          ),
          ['requestRate'],
        ),
      ),
    ),
    cooldownPeriod: v.optional(Seconds),
    initialCooldownPeriod: v.optional(Seconds),
    timeouts: v.optional(
      v.strictObject({
        readiness: v.optional(Milliseconds),
        request: v.optional(Milliseconds),
        responseHeader: v.optional(Milliseconds),
      }),
    ),
    fallback: v.optional(
      v.pipe(
        v.strictObject({
          service: Label,
          port: v.optional(Port),
          portName: v.optional(PortName),
        }),
        v.check(
          ({ port, portName }) => (port === undefined) !== (portName === undefined),
          'needs either port or portName, and not both',
        ),
      ),
    ),
    placeholder: v.optional(StaticResponseSchema),
    staticRoutes: v.optional(
      v.array(
        v.strictObject({
          paths: Paths,
          headers: v.optional(Headers),
          response: StaticResponseSchema,
          responseMode: v.optional(
            v.picklist(['Always', 'WhenUnavailable'], 'must be Always or WhenUnavailable'),
          ),
        }),
      ),
    ),
  }),
  v.forward(
    v.check(
      ({ port, portName }) => port === undefined || portName === undefined,
      'takes the place of port; give one of them',
    ),
    ['portName'],
  ),
  v.forward(
    v.check(
      ({ name, service }) => service !== undefined || !name.includes('.'),
      'is missing: the name has a dot, which that of a service cannot have',
    ),
    ['service'],
  ),
);

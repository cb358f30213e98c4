// `spec.serving.triggers.http`: how a function is reached. Entries are in the order of Go's structs, which
// is the order of the function context.
import * as v from 'valibot';
import { DnsLabel, PortNumber, Text, intBetween } from './primitives.ts';

const HeaderName = v.pipe(
  v.string(),
  v.regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, 'must be the name of a header'),
);
const MatchType = v.optional(
  v.picklist(['Exact', 'RegularExpression'], 'must be Exact or RegularExpression'),
  'Exact',
);
const HeaderList = v.exactOptional(
  v.array(v.strictObject({ name: HeaderName, value: v.string() })),
);

/** A host, exact or with a wildcard as its first label; without a port. */
const Hostname = v.pipe(
  v.string(),
  v.regex(
    /^(?:\*\.)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/,
    'must be a DNS name in lower case without a port, or *. and a DNS name',
  ),
  v.maxLength(253, 'must be at most 253 characters'),
);

const PathMatch = v.strictObject({
  type: v.optional(
    v.picklist(
      ['Exact', 'PathPrefix', 'RegularExpression'],
      'must be Exact, PathPrefix or RegularExpression',
    ),
    'PathPrefix',
  ),
  value: v.optional(v.pipe(v.string(), v.maxLength(1024, 'must be at most 1024 characters')), '/'),
});

const Match = v.strictObject({
  path: v.optional(PathMatch, {}),
  headers: v.exactOptional(
    v.pipe(
      v.array(v.strictObject({ type: MatchType, name: HeaderName, value: v.string() })),
      v.maxLength(16, 'must be at most 16'),
    ),
  ),
  queryParams: v.exactOptional(
    v.pipe(
      v.array(v.strictObject({ type: MatchType, name: Text, value: v.string() })),
      v.maxLength(16, 'must be at most 16'),
    ),
  ),
  method: v.exactOptional(
    v.picklist(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']),
  ),
});

const BackendObject = {
  group: v.optional(v.string(), ''),
  kind: v.optional(v.string(), 'Service'),
  name: Text,
  namespace: v.exactOptional(DnsLabel),
  port: v.exactOptional(PortNumber),
};

const Filter = v.strictObject({
  type: v.picklist(
    ['RequestHeaderModifier', 'RequestMirror', 'RequestRedirect', 'ExtensionRef'],
    'must be RequestHeaderModifier, RequestMirror, RequestRedirect or ExtensionRef',
  ),
  requestHeaderModifier: v.exactOptional(
    v.strictObject({
      set: HeaderList,
      add: HeaderList,
      remove: v.exactOptional(v.array(v.string())),
    }),
  ),
  requestMirror: v.exactOptional(v.strictObject({ backendRef: v.strictObject(BackendObject) })),
  requestRedirect: v.exactOptional(
    v.strictObject({
      scheme: v.exactOptional(v.picklist(['http', 'https'], 'must be http or https')),
      hostname: v.exactOptional(Hostname),
      port: v.exactOptional(PortNumber),
      statusCode: v.optional(v.picklist([301, 302], 'must be 301 or 302'), 302),
    }),
  ),
  extensionRef: v.exactOptional(v.strictObject({ group: v.string(), kind: Text, name: Text })),
});

const Filters = v.exactOptional(v.pipe(v.array(Filter), v.maxLength(16, 'must be at most 16')));

const Rule = v.strictObject({
  matches: v.optional(v.pipe(v.array(Match), v.maxLength(8, 'must be at most 8')), [{}]),
  filters: Filters,
  backendRefs: v.exactOptional(
    v.pipe(
      v.array(
        v.strictObject({
          ...BackendObject,
          weight: v.optional(intBetween(0, 1_000_000), 1),
          filters: Filters,
        }),
      ),
      v.maxLength(16, 'must be at most 16'),
    ),
  ),
});

const Route = v.strictObject({
  gatewayRef: v.optional(v.strictObject({ name: Text, namespace: DnsLabel }), {
    name: 'openfunction',
    namespace: 'openfunction',
  }),
  hostnames: v.exactOptional(v.pipe(v.array(Hostname), v.maxLength(16, 'must be at most 16'))),
  rules: v.exactOptional(v.pipe(v.array(Rule), v.maxLength(16, 'must be at most 16'))),
});

/** A rule of the route, as it was given. */
export type RouteRule = v.InferOutput<typeof Rule>;

export const HttpTrigger = v.pipe(
  v.strictObject({
    // The controller takes 0 for a port that is not said.
    port: v.optional(
      v.pipe(
        intBetween(0, 65_535),
        v.transform((port) => (port === 0 ? 8080 : port)),
      ),
      8080,
    ),
    route: v.optional(Route, {}),
    engine: v.exactOptional(v.picklist(['knative', 'keda'], 'must be knative or keda')),
  }),
  v.forward(
    v.check(
      ({ engine, route }) => engine !== 'keda' || (route.hostnames ?? []).length > 0,
      'must name a host: with the engine keda, requests are told apart by it',
    ),
    ['route', 'hostnames'],
  ),
);

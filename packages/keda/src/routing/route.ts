// A route: which requests go to which service, and how long they wait, whatever object said so.

/** A header that a request must have. */
export interface HeaderMatch {
  readonly name: string;
  /** `undefined`: any value. */
  readonly value: string | undefined;
}

/** One set of conditions; a request must meet one of each list. An empty list is met by all. */
export interface RouteRule {
  /** Exact names, `*.example.com`, or `*`. */
  readonly hosts: readonly string[];
  /** Path prefixes, such as `/shop`; they end at segment boundaries. */
  readonly paths: readonly string[];
  /** All of them must match. */
  readonly headers: readonly HeaderMatch[];
}

/** A port of a service: its number or its name. */
export interface ServiceTarget {
  readonly service: string;
  readonly port: number | string;
  /** How the backend is spoken to: `h2c` for a port whose `appProtocol` is `kubernetes.io/h2c`. Default `http`. */
  readonly protocol?: 'http' | 'h2c';
}

/** A reply that needs no backend. */
export interface StaticResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Requests of a route that are not counted, so that they scale nothing. */
export interface StaticRoute {
  /** A request must meet one of them. */
  readonly rules: readonly RouteRule[];
  /** `Always`, or only while no instance is ready; otherwise such a request is forwarded. */
  readonly mode: 'Always' | 'WhenUnavailable';
  readonly response: StaticResponse;
}

/** Which requests go to which service. */
export interface Route {
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the epoch; of two routes that match alike, the older one wins. */
  readonly createdAt: number;
  /** At least one. */
  readonly rules: readonly RouteRule[];
  readonly target: ServiceTarget;
  /** Milliseconds; `undefined` for the interceptor's own, 0 for no limit. */
  readonly timeouts: {
    readonly readiness: number | undefined;
    readonly request: number | undefined;
    readonly responseHeader: number | undefined;
  };
  /** Where requests go when the target is not ready in time. */
  readonly fallback: ServiceTarget | undefined;
  /** What is answered at once while the target has no ready instance. */
  readonly placeholder: StaticResponse | undefined;
  /** Added to each response. Default: none. */
  readonly responseHeaders?: Readonly<Record<string, string>>;
  /** The first that fits is taken. */
  readonly staticRoutes: readonly StaticRoute[];
}

/** The key of a route's counts, as the add-on spells it. */
export function keyOf({ namespace, name }: Pick<Route, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

// A function becomes the route and the scaling that the same function has in a cluster, with hosts of this
// machine added.
import { DEFAULT_SCALING, toRoutes, type Route, type ScaledRoute } from '@ofn/keda';
import { parseObjects } from '@ofn/keda/objects';
import { render, renderYaml, type FunctionResource } from '@ofn/resources';
import type { Trouble } from '../function/trouble.ts';

/**
 * The names of this machine by which a function over HTTP is found, those for people first: `localhost` for one that
 * is alone, `<name>.localhost` for one whose name no other has, and `<name>.<namespace>.localhost`.
 *
 * @param all Of all functions, itself included.
 */
export function localHosts(
  { metadata }: FunctionResource,
  all: readonly FunctionResource[],
): readonly string[] {
  const { name, namespace = 'default' } = metadata;
  const served = all.filter(servesHttp);
  const isOnlyOne = served.filter((each) => each.metadata.name === name).length === 1;
  return [
    ...(served.length === 1 ? ['localhost'] : []),
    ...(isOnlyOne ? [`${name}.localhost`] : []),
    `${name}.${namespace}.localhost`,
  ];
}

/** Whether a function serves HTTP. */
export function servesHttp({ spec }: FunctionResource): boolean {
  return spec.serving?.triggers.http !== undefined;
}

/**
 * Makes the route of a function.
 *
 * @param hosts Its names on this machine.
 * @returns `undefined` for one that serves no HTTP.
 */
export function toLocalRoute(
  given: FunctionResource,
  hosts: readonly string[],
): ScaledRoute | undefined {
  if (!servesHttp(given)) return undefined;
  const { name, namespace = 'default' } = given.metadata;
  const local = [...hosts, ...(hosts.includes('localhost') ? ['127.0.0.1', '::1'] : [])];
  const { route: own, scaling } = clusterRoute(given);
  const route: Route = {
    ...own,
    namespace,
    name,
    createdAt: 0,
    rules: [...own.rules, { hosts: local, paths: [], headers: [] }],
    target: { service: name, port: 80 },
  };
  return { route, scaling };
}

/**
 * The route of a function with which something is wrong: its caller is told, instead of waiting for what will
 * not come; where an earlier version serves, a header of each response says so.
 */
export function withTrouble(route: Route, trouble: Trouble | undefined): Route {
  if (trouble === undefined) return route;
  const { code, isServed, message } = trouble;
  if (isServed) return { ...route, responseHeaders: { 'OFN-Error': toHeader(code, message) } };
  const problem = { type: 'about:blank', title: TITLES[code], status: 503, code, detail: message };
  const headers = { 'Content-Type': 'application/problem+json' };
  return { ...route, placeholder: { status: 503, headers, body: `${JSON.stringify(problem)}\n` } };
}

const TITLES: Readonly<Record<Trouble['code'], string>> = {
  OFN_PLATFORM_BUILD_FAILED: 'The function cannot be built',
  OFN_PLATFORM_START_FAILED: 'The function does not start',
};

// Its first lines, as far as a header takes them (RFC 9110, 5.5).
function toHeader(code: string, message: string): string {
  const text = message.replaceAll(/[^\x21-\x7e]+/g, ' ').slice(0, 500);
  return `${code}: ${text}`.trim();
}

const NONE: ScaledRoute['route'] = {
  namespace: '',
  name: '',
  createdAt: 0,
  rules: [],
  target: { service: '', port: 80 },
  timeouts: { readiness: undefined, request: undefined, responseHeader: undefined },
  fallback: undefined,
  placeholder: undefined,
  staticRoutes: [],
};

// What holds whatever the engine is.
function toScaling({ spec }: FunctionResource): ScaledRoute['scaling'] {
  const { maxReplicas = DEFAULT_SCALING.maxReplicas, minReplicas = 0 } =
    spec.serving?.scaleOptions ?? {};
  return { ...DEFAULT_SCALING, minReplicas, maxReplicas: Math.max(1, minReplicas, maxReplicas) };
}

// What the objects of the cluster say, if it has such objects.
function clusterRoute(given: FunctionResource): ScaledRoute {
  const { http } = given.spec.serving?.triggers ?? {};
  if (http?.engine !== 'keda' || http.route?.hostnames === undefined) {
    return { route: NONE, scaling: toScaling(given) };
  }
  const objects = render(given, { target: 'keda-http', addOn: 'current' });
  const { objects: scaling, ...referents } = parseObjects(renderYaml(objects), given.metadata.name);
  const [found] = toRoutes(scaling, referents);
  return found ?? { route: NONE, scaling: DEFAULT_SCALING };
}

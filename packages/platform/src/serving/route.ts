// A function becomes the route and the scaling that the same function has in a cluster, with hosts of this
// machine added.
import { DEFAULT_SCALING, toRoutes, type Route, type ScaledRoute } from '@ofn/keda';
import { parseObjects } from '@ofn/keda/objects';
import { render, renderYaml, type FunctionResource } from '@ofn/resources';
import { PlatformError } from '../errors.ts';

/**
 * Makes the route of a function.
 *
 * @param isAlone Whether it is the only one: then it is at `localhost` too.
 * @throws PlatformError `OFN_PLATFORM_FUNCTION_INVALID` for one that needs Dapr.
 */
export function toLocalRoute(given: FunctionResource, isAlone: boolean): ScaledRoute {
  const { metadata, spec } = given;
  const { name, namespace = 'default' } = metadata;
  const serving = spec.serving;
  if (serving?.triggers.http === undefined) throw refused(name, 'serves no HTTP');
  // Without a sidecar it would never be ready, and its requests would wait for ever.
  if (serving.outputs !== undefined || serving.states !== undefined) {
    throw refused(name, 'has outputs or states');
  }
  const local = [`${name}.localhost`, ...(isAlone ? ['localhost', '127.0.0.1', '::1'] : [])];
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

function refused(name: string, reason: string): PlatformError {
  const message = `Function "${name}" ${reason}: what needs Dapr is not run here yet; run it with ofn-sidecar beside it, as docs/sidecar.md says`;
  return new PlatformError('OFN_PLATFORM_FUNCTION_INVALID', message);
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

// What the objects of the cluster say, if it has such objects.
function clusterRoute(given: FunctionResource): ScaledRoute {
  const { http } = given.spec.serving?.triggers ?? {};
  if (http?.engine !== 'keda' || http.route?.hostnames === undefined) {
    return { route: NONE, scaling: DEFAULT_SCALING };
  }
  const objects = render(given, { target: 'keda-http', addOn: 'current' });
  const { objects: scaling, ...referents } = parseObjects(renderYaml(objects), given.metadata.name);
  const [found] = toRoutes(scaling, referents);
  return found ?? { route: NONE, scaling: DEFAULT_SCALING };
}

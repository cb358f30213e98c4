// By which hosts and paths a function is reached, and what its status says of that.
import { toServing, type Serving } from '../context/serving.ts';
import type { FunctionResource } from '../function/schema.ts';
import type { RouteRule } from '../function/route-schema.ts';
import type { FunctionStatus } from '../function/status-schema.ts';
import { toRenderSettings, type RenderOptions, type RenderSettings } from './options.ts';

/** The hosts of a function: those of all, and the one inside the cluster. */
export interface RouteHosts {
  readonly external: readonly string[];
  readonly internal: string;
}

/** The hosts of a function. */
export function hostsOf(serving: Serving, { gateway }: RenderSettings): RouteHosts {
  const { functionName, namespace, spec } = serving;
  const internal = `${functionName}.${namespace}.svc.${gateway.clusterDomain}`;
  const given = spec.triggers.http?.route.hostnames ?? [];
  const hosts = given.length > 0 ? given : [fill(gateway.hostTemplate, serving, gateway.domain)];
  return { external: hosts.filter((host) => host !== internal), internal };
}

/** The rules of a function: its own, or one of a path that is made for it. */
export function rulesOf(serving: Serving, { gateway }: RenderSettings): readonly RouteRule[] {
  const { hostnames = [], rules = [] } = serving.spec.triggers.http?.route ?? {};
  if (rules.length > 0) return rules;
  // Functions with a made host have it for themselves; one host may be that of many.
  const path = hostnames.length === 0 ? '/' : fill(gateway.pathTemplate, serving, gateway.domain);
  const value = path.startsWith('/') ? path : `/${path}`;
  return [{ matches: [{ path: { type: 'PathPrefix', value } }] }];
}

function fill(template: string, { functionName, namespace }: Serving, domain: string): string {
  const values: Readonly<Record<string, string>> = {
    Name: functionName,
    Namespace: namespace,
    Domain: domain,
  };
  return template.replaceAll(/\{\{\s*\.(\w+)\s*\}\}/g, (all, name: string) => values[name] ?? all);
}

/**
 * Makes what the status of a function says of its route: hosts, paths, and the addresses made of both.
 *
 * @returns `undefined` for both, of a function that does not serve HTTP.
 * @example
 * const { addresses } = toRouteStatus(parseFunction(text), { gateway: { domain: 'example.com' } });
 */
export function toRouteStatus(
  given: FunctionResource,
  options: Pick<RenderOptions, 'gateway'> = {},
): Pick<FunctionStatus, 'route' | 'addresses'> {
  if (given.spec.serving?.triggers.http === undefined) return {};
  const serving = toServing(given);
  const settings = toRenderSettings(serving, options);
  const { external, internal } = hostsOf(serving, settings);
  const hosts = [...external, internal];
  const paths = rulesOf(serving, settings).flatMap(({ matches }) =>
    matches.map(({ path }) => ({ type: path.type, value: path.value })),
  );
  const suffix = settings.gateway.clusterDomain;
  return {
    route: { hosts, paths },
    addresses: hosts.flatMap((host) =>
      paths.map(({ value }) => ({
        type: host.endsWith(suffix) ? ('Internal' as const) : ('External' as const),
        value: `http://${host}${value}`,
      })),
    ),
  };
}

// HTTPRoutes: from the gateway to the interceptor, or to the revision of Knative.
import type { KubernetesObject } from '@ofn/keda/objects';
import { toObjectName } from '../context/names.ts';
import type { Serving } from '../context/serving.ts';
import type { RouteRule } from '../function/route-schema.ts';
import { metadataOf } from './metadata.ts';
import type { RenderSettings } from './options.ts';
import { hostsOf, rulesOf } from './route.ts';

/** The Service that a route leads to. */
interface Backend {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
}

/**
 * The routes to the interceptor. It tells functions apart by the host: the one inside the cluster has a
 * route of its own, in which a host that the interceptor knows takes its place.
 */
export function toInterceptorRoutes(
  serving: Serving,
  settings: RenderSettings,
): readonly KubernetesObject[] {
  const { service, ...place } = settings.interceptor;
  const backend = { name: service, ...place };
  const { external, internal } = hostsOf(serving, settings);
  const known = external.find((host) => !host.startsWith('*'));
  const isListed = serving.spec.triggers.http?.route.hostnames?.includes(internal) ?? false;
  const hosts = isListed ? [...external, internal] : external;
  const route = toHttpRoute(serving, settings, serving.functionName, hosts, backend);
  if (isListed || known === undefined) return [route];
  const name = toObjectName(serving.name, 'internal');
  return [route, toHttpRoute(serving, settings, name, [internal], backend, known)];
}

/** The route to a revision of Knative, which knows itself by its host. */
export function toRevisionRoute(
  serving: Serving,
  settings: RenderSettings,
  revision: string,
): KubernetesObject {
  const { external, internal } = hostsOf(serving, settings);
  const backend = { name: revision, namespace: serving.namespace, port: 80 };
  const host = `${revision}.${serving.namespace}.svc.${settings.gateway.clusterDomain}`;
  const hosts = [...external, internal];
  return toHttpRoute(serving, settings, serving.functionName, hosts, backend, host);
}

function toHttpRoute(
  serving: Serving,
  settings: RenderSettings,
  name: string,
  hostnames: readonly string[],
  backend: Backend,
  host?: string,
): KubernetesObject {
  const { gateway } = settings;
  const { labels, ...metadata } = metadataOf(serving, name);
  const { name: of, namespace } = serving.spec.triggers.http?.route.gatewayRef ?? {
    name: 'openfunction',
    namespace: 'openfunction',
  };
  return {
    apiVersion: `gateway.networking.k8s.io/${settings.addOn === '0.5' ? 'v1beta1' : 'v1'}`,
    kind: 'HTTPRoute',
    metadata: {
      ...metadata,
      labels: { [gateway.httpRouteLabelKey]: `${namespace}.${of}`, ...labels },
    },
    spec: {
      parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', ...gateway.parent }],
      hostnames,
      rules: rulesOf(serving, settings).map((rule) => toRule(rule, backend, host)),
    },
  };
}

function toRule(rule: RouteRule, backend: Backend, host: string | undefined): object {
  const filters = [
    ...(rule.filters ?? []),
    ...(host === undefined
      ? []
      : [
          {
            type: 'RequestHeaderModifier',
            requestHeaderModifier: { set: [{ name: 'Host', value: host }] },
          },
        ]),
  ];
  return {
    matches: rule.matches,
    ...(filters.length === 0 ? {} : { filters }),
    backendRefs: [{ group: '', kind: 'Service', ...backend, weight: 1 }],
  };
}

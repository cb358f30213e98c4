// What there is around a function in its cluster, with the defaults of OpenFunction's own installation.
import type { Serving, ServingOptions } from '../context/serving.ts';

/** What OpenFunction's Gateway says, and which Gateway of Kubernetes stands behind it. */
export interface GatewayOptions {
  /** Of hosts that are made for functions without any. Default `ofn.io`. */
  readonly domain?: string;
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Default `{{.Name}}.{{.Namespace}}.{{.Domain}}`. */
  readonly hostTemplate?: string;
  /** Of functions with hosts and without rules. Default `{{.Namespace}}/{{.Name}}`. */
  readonly pathTemplate?: string;
  /** A label of each HTTPRoute. Default `app.kubernetes.io/managed-by`. */
  readonly httpRouteLabelKey?: string;
  /** The Gateway of the Gateway API. Default `contour` in `projectcontour`. */
  readonly parent?: { readonly name: string; readonly namespace: string };
}

/** Where the interceptor of KEDA's http-add-on is. */
export interface InterceptorOptions {
  /** Default `keda-add-ons-http-interceptor-proxy`. */
  readonly service?: string;
  /** Default: that of the function; in any other, a ReferenceGrant has to allow the route there. */
  readonly namespace?: string;
  /** Default 8080. */
  readonly port?: number;
}

/** What is rendered for, and where. */
export interface RenderOptions extends ServingOptions {
  /**
   * `0.5`: what OpenFunction 1.2.0 installs, an `HTTPScaledObject` and `v1beta1` of the Gateway API.
   * `current`: an `InterceptorRoute` with a `ScaledObject`, and `v1`. Default `current`.
   */
  readonly addOn?: '0.5' | 'current';
  readonly gateway?: GatewayOptions;
  readonly interceptor?: InterceptorOptions;
  /** Where KEDA finds the add-on's scaler. Default `keda-add-ons-http-external-scaler.keda:9090`. */
  readonly scalerAddress?: string;
}

/** The options, completed. */
export interface RenderSettings {
  readonly addOn: '0.5' | 'current';
  readonly gateway: Required<GatewayOptions>;
  readonly interceptor: Required<InterceptorOptions>;
  readonly scalerAddress: string;
}

/** Completes options. */
export function toRenderSettings(
  { namespace }: Pick<Serving, 'namespace'>,
  { addOn = 'current', gateway = {}, interceptor = {}, scalerAddress }: RenderOptions = {},
): RenderSettings {
  return {
    addOn,
    gateway: {
      domain: 'ofn.io',
      clusterDomain: 'cluster.local',
      hostTemplate: '{{.Name}}.{{.Namespace}}.{{.Domain}}',
      pathTemplate: '{{.Namespace}}/{{.Name}}',
      httpRouteLabelKey: 'app.kubernetes.io/managed-by',
      parent: { name: 'contour', namespace: 'projectcontour' },
      ...gateway,
    },
    interceptor: {
      service: 'keda-add-ons-http-interceptor-proxy',
      namespace,
      port: 8080,
      ...interceptor,
    },
    scalerAddress: scalerAddress ?? 'keda-add-ons-http-external-scaler.keda:9090',
  };
}

// The objects of the add-on and of KEDA that say how a function is reached and scaled, as types.
// https://github.com/kedacore/http-add-on, CRDs of 0.5.0 and of 0.15.0; https://keda.sh/docs/2.18/reference/scaledobject-spec/

/** What every object has. */
export interface Metadata {
  readonly name: string;
  /** Default `default`. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
}

/** A service with one of its ports: by number or by name, not both. */
export interface PortRef {
  readonly port?: number;
  readonly portName?: string;
}

/** A header that a request must have; any value when it has none. */
export interface HeaderRule {
  readonly name: string;
  readonly value?: string;
}

/** How many replicas there may be. */
export interface ReplicaBounds {
  /** Default 0. */
  readonly min?: number;
  /** Default 100. */
  readonly max?: number;
}

/** `HTTPScaledObject` of add-on 0.5. */
export interface HttpScaledObject05 {
  readonly apiVersion: 'http.keda.sh/v1alpha1';
  readonly kind: 'HTTPScaledObject';
  readonly metadata: Metadata;
  readonly spec: {
    /** Deprecated there too. */
    readonly host?: string;
    readonly hosts?: readonly string[];
    readonly pathPrefixes?: readonly string[];
    readonly scaleTargetRef: {
      readonly deployment: string;
      readonly service: string;
      readonly port: number;
    };
    readonly replicas?: ReplicaBounds;
    readonly targetPendingRequests?: number;
    /** Seconds. */
    readonly scaledownPeriod?: number;
  };
}

/** `HTTPScaledObject` of the current add-on. */
export interface HttpScaledObject {
  readonly apiVersion: 'http.keda.sh/v1alpha1';
  readonly kind: 'HTTPScaledObject';
  readonly metadata: Metadata;
  readonly spec: {
    readonly hosts?: readonly string[];
    readonly pathPrefixes?: readonly string[];
    readonly headers?: readonly HeaderRule[];
    readonly scaleTargetRef: PortRef & {
      readonly name?: string;
      readonly apiVersion?: string;
      readonly kind?: string;
      readonly service: string;
    };
    readonly coldStartTimeoutFailoverRef?: PortRef & {
      readonly service: string;
      /** Default 30. */
      readonly timeoutSeconds?: number;
    };
    readonly replicas?: ReplicaBounds;
    /** Deprecated: `scalingMetric.concurrency` in its place. */
    readonly targetPendingRequests?: number;
    /** Seconds. */
    readonly scaledownPeriod?: number;
    /** Seconds. */
    readonly initialCooldownPeriod?: number;
    readonly scalingMetric?: {
      readonly concurrency?: { readonly targetValue?: number };
      readonly requestRate?: {
        readonly targetValue?: number;
        readonly window?: string;
        readonly granularity?: string;
      };
    };
    readonly timeouts?: { readonly conditionWait?: string; readonly responseHeader?: string };
  };
}

/** The rules of an `InterceptorRoute`. */
export interface RouteRuleSpec {
  readonly hosts?: readonly string[];
  readonly paths?: readonly { readonly value: string }[];
  readonly headers?: readonly HeaderRule[];
}

/** A reply that needs no backend. */
export interface StaticResponseSpec {
  readonly statusCode?: number;
  readonly body?: string;
  readonly bodyFromConfigMap?: { readonly name: string; readonly key?: string };
  readonly headers?: Readonly<Record<string, string>>;
}

/** `InterceptorRoute`, of add-on 0.14 and later. */
export interface InterceptorRoute {
  readonly apiVersion: 'http.keda.sh/v1beta1';
  readonly kind: 'InterceptorRoute';
  readonly metadata: Metadata;
  readonly spec: {
    readonly target: PortRef & { readonly service: string };
    readonly rules?: readonly RouteRuleSpec[];
    readonly coldStart?: {
      readonly fallback?: { readonly service: PortRef & { readonly name: string } };
      readonly placeholder?: { readonly response: StaticResponseSpec };
    };
    /** Durations as Go writes them. */
    readonly timeouts?: {
      readonly readiness?: string;
      readonly request?: string;
      readonly responseHeader?: string;
    };
    readonly scalingMetric: {
      readonly concurrency?: { readonly targetValue: number };
      readonly requestRate?: {
        readonly targetValue: number;
        readonly window?: string;
        readonly granularity?: string;
      };
    };
    /** After 0.15. */
    readonly staticRoutes?: readonly {
      readonly rules: readonly RouteRuleSpec[];
      readonly response: StaticResponseSpec;
      readonly responseMode?: 'Always' | 'WhenUnavailable';
    }[];
  };
}

/** How a HorizontalPodAutoscaler changes replicas in one direction; seconds. */
export interface ScalingRulesSpec {
  readonly stabilizationWindowSeconds?: number;
  readonly selectPolicy?: 'Max' | 'Min' | 'Disabled';
  readonly policies?: readonly {
    readonly type: 'Pods' | 'Percent';
    readonly value: number;
    readonly periodSeconds: number;
  }[];
}

/** `ScaledObject` of KEDA, as far as it is needed here. Times in seconds. */
export interface ScaledObject {
  readonly apiVersion: 'keda.sh/v1alpha1';
  readonly kind: 'ScaledObject';
  readonly metadata: Metadata;
  readonly spec: {
    readonly scaleTargetRef: {
      readonly name: string;
      readonly kind?: string;
      readonly apiVersion?: string;
    };
    readonly minReplicaCount?: number;
    readonly maxReplicaCount?: number;
    /** Replicas while there is no request: 0. */
    readonly idleReplicaCount?: number;
    readonly pollingInterval?: number;
    readonly cooldownPeriod?: number;
    readonly initialCooldownPeriod?: number;
    readonly advanced?: {
      readonly horizontalPodAutoscalerConfig?: {
        readonly behavior?: {
          readonly scaleUp?: ScalingRulesSpec;
          readonly scaleDown?: ScalingRulesSpec;
        };
      };
    };
    readonly triggers: readonly {
      readonly type: string;
      readonly metadata?: Readonly<Record<string, string>>;
    }[];
  };
}

/** Any object, of which there is only to say what names it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: unknown;
}

/** An object that is understood here. */
export type ScalingObject = HttpScaledObject05 | HttpScaledObject | InterceptorRoute | ScaledObject;

/** The ports of a Service, from which a port's number and protocol are found out. */
export interface ServicePorts {
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly {
    readonly name?: string;
    readonly port: number;
    /** `kubernetes.io/h2c` for HTTP/2. */
    readonly appProtocol?: string;
  }[];
}

/** A ConfigMap whose texts are bodies of replies. */
export interface ReplyBodies {
  readonly namespace: string;
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
}

/** What objects refer to. */
export interface Referents {
  readonly services?: readonly ServicePorts[];
  readonly replyBodies?: readonly ReplyBodies[];
}

/** The namespace of an object. */
export function namespaceOf({ metadata }: { readonly metadata: Metadata }): string {
  return metadata.namespace ?? 'default';
}

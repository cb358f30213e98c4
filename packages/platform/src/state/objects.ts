// What can be listed, described and watched: the resources of OpenFunction, their instances and their events.
import type { BuilderResource, FunctionResource, ServingResource } from '@ofn/resources';

/** What each object says of itself. */
interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** As Kubernetes writes it. */
  readonly creationTimestamp: string;
}

/** A process of a function. */
export interface InstanceResource {
  readonly apiVersion: 'platform.ofn/v1';
  readonly kind: 'Instance';
  readonly metadata: Metadata;
  readonly status: {
    readonly state: 'starting' | 'ready' | 'unready' | 'stopping' | 'exited';
    readonly pid?: number;
    /** `host:port`. */
    readonly address: string;
  };
}

/** What an event is about. */
export interface ObjectReference {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Something that happened, as events.k8s.io/v1 has it. */
export interface EventResource {
  readonly apiVersion: 'events.k8s.io/v1';
  readonly kind: 'Event';
  readonly metadata: Metadata;
  readonly type: 'Normal' | 'Warning';
  readonly action: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  readonly reportingController: 'openfunction';
  /** When it happened first. */
  readonly eventTime: string;
  /** How often it has happened, and when last; absent for what happened once. */
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

/** Any of them. */
export type PlatformObject =
  FunctionResource | BuilderResource | ServingResource | InstanceResource | EventResource;

/** The kinds of objects. */
export type ObjectKind = PlatformObject['kind'];

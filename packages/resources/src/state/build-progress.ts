// What is known of the builds of a function, and what can be observed of them.
import type { BuilderResource, FunctionResource } from '../function/schema.ts';
import type { FunctionStatus, SourceResult } from '../function/status-schema.ts';
import type { ResourceEvent } from './events.ts';

/** What is known of the builds of a function. */
export interface BuildProgress {
  /** `status.build` of the Function. */
  readonly condition: NonNullable<FunctionStatus['build']>;
  /** The Builder of the present build; absent before there is one, and when there is none to be. */
  readonly builder?: BuilderResource;
  /** Builders that were asked to end (`spec.state: Cancelled`) and have not; the next one waits for them. */
  readonly canceling: readonly BuilderResource[];
  /** Builders of earlier builds that have ended and are kept, the latest first. */
  readonly history: readonly BuilderResource[];
  /** How many Builders there have been, which makes the names of two alike ones differ. */
  readonly count: number;
  /** Of the last build that succeeded. */
  readonly imageDigest?: string;
  /** Of the last build that succeeded. */
  readonly sources?: readonly SourceResult[];
}

/** How a build ended. */
export interface BuildResult {
  readonly state: 'Succeeded' | 'Failed' | 'Timeout' | 'Canceled';
  /** One word. Default: the state. */
  readonly reason?: string;
  /** Default: the state. */
  readonly message?: string;
  /** Milliseconds, where they were measured. Default: the whole seconds since the Builder was created. */
  readonly duration?: number;
  readonly imageDigest?: string;
  readonly sources?: readonly SourceResult[];
}

interface Observed {
  /** As it is now. */
  readonly function: FunctionResource;
  /** Milliseconds since 1970. */
  readonly at: number;
}

interface ObservedBuilder extends Observed {
  /** Name of the Builder. */
  readonly builder: string;
}

/** What is observed. */
export type BuildObservation =
  | (Observed & { readonly type: 'function-applied' })
  | (Observed & { readonly type: 'function-deleted' })
  | (Observed & { readonly type: 'time-passed' })
  | (ObservedBuilder & { readonly type: 'build-started' })
  | (ObservedBuilder & { readonly type: 'build-ended'; readonly result: BuildResult })
  | (ObservedBuilder & { readonly type: 'builder-deleted' });

/** A state, with what is told of the way to it. */
export interface Step<State> {
  readonly state: State;
  readonly events: readonly ResourceEvent[];
}

/** Before anything was observed. */
export const NO_BUILD: BuildProgress = {
  condition: { state: '' },
  canceling: [],
  history: [],
  count: 0,
};

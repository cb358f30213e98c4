// What is known of the servings of a function, and what can be observed of them.
import type { FunctionResource, ServingResource } from '../function/schema.ts';
import type { FunctionStatus } from '../function/status-schema.ts';

/** What is known of the servings of a function. */
export interface ServingProgress {
  /** `status.serving` of the Function. */
  readonly condition: NonNullable<FunctionStatus['serving']>;
  /** The latest Serving; absent before there is one, and when there is none to be. */
  readonly serving?: ServingResource;
  /** The one that still runs until the latest one does. */
  readonly previous?: ServingResource;
  /** Since when the latest one is to run: when it was created, or began to start. Milliseconds since 1970. */
  readonly since?: number;
  /** How many Servings there have been, which makes the names of two alike ones differ. */
  readonly count: number;
}

interface Observed {
  /** As it is now. */
  readonly function: FunctionResource;
  /** Milliseconds since 1970. */
  readonly at: number;
}

interface ObservedServing extends Observed {
  /** Name of the Serving. */
  readonly serving: string;
}

/** What is observed. */
export type ServingObservation =
  | (Observed & {
      /** The function is there to be served: it is built, or needs no build. */
      readonly type: 'function-built';
      /** Of what was built. Default: the image runs as the function names it. */
      readonly imageDigest?: string;
    })
  | (Observed & { readonly type: 'function-deleted' })
  | (Observed & { readonly type: 'time-passed' })
  | (ObservedServing & { readonly type: 'serving-deleted' })
  | (ObservedServing & { readonly type: 'serving-starting' })
  | (ObservedServing & {
      readonly type: 'serving-running';
      /** Name of the Service in front of it. */
      readonly service?: string;
    })
  | (ObservedServing & {
      readonly type: 'serving-failed';
      /** One word. Default `Failed`. */
      readonly reason?: string;
      readonly message?: string;
    });

/** Before anything was observed. */
export const NO_SERVING: ServingProgress = { condition: { state: '' }, count: 0 };

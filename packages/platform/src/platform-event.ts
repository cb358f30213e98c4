// What a platform tells a person while it runs.

/** Something that happened; times in milliseconds. */
export type PlatformEvent =
  | {
      readonly type: 'built';
      readonly function: string;
      /** As the Builder has it, such as `12ms`. */
      readonly duration: string;
    }
  | { readonly type: 'build-failed'; readonly function: string; readonly message: string }
  | { readonly type: 'scaled'; readonly function: string; readonly replicas: number }
  | {
      readonly type: 'ready';
      readonly function: string;
      readonly instance: string;
      readonly after: number;
    }
  | {
      readonly type: 'crashed';
      readonly function: string;
      readonly instance: string;
      readonly how: string;
    }
  /** The code has not started in its time, and is given up until the next save. */
  | { readonly type: 'start-timeout'; readonly function: string; readonly message: string }
  /** The new code does not serve; the old one goes on. */
  | { readonly type: 'kept'; readonly function: string }
  | {
      readonly type: 'line';
      readonly function: string;
      readonly instance: string;
      readonly line: string;
    }
  | {
      readonly type: 'request';
      /** Key of the function: `namespace/name`. */
      readonly route: string;
      readonly method: string;
      readonly path: string;
      readonly status: number;
      readonly duration: number;
      /** Whether it waited for an instance. */
      readonly coldStart: boolean;
      /** Id of its trace. */
      readonly trace?: string;
    }
  /** What became of an event of a topic or a binding that a function got. */
  | {
      readonly type: 'event';
      readonly function: string;
      readonly outcome: 'acked' | 'retried';
      /** Such as `topic orders of mq`, or `binding timer`. */
      readonly source: string;
      /** Since it was handed to the function. */
      readonly duration: number;
      /** Which attempt it was, from 1. */
      readonly attempt: number;
      /** Why it was not acknowledged. */
      readonly reason?: string;
    }
  /** A Function file that is not valid, or what of the platform itself does not work. */
  | { readonly type: 'warning'; readonly message: string };

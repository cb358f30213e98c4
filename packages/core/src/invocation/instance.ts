// What the calls of one runtime share: whether one was served yet, and that it is stopping.

/** One running instance of the functions. */
export interface Instance {
  /** Whether it has stopped taking new calls. */
  readonly isStopping: boolean;
  /** Whether this is asked for the first call. */
  takeColdStart(): boolean;
  /**
   * A signal for one call that aborts when the instance stops.
   *
   * @param inside Runs code as that of the call, which the listeners of its signal are.
   */
  follow(inside: (code: () => void) => void): StoppingSignal;
  /** Aborts the signals of all calls. */
  stop(): void;
}

/** The signal of one call. One that all calls share would keep for ever what each of them adds to it. */
export interface StoppingSignal {
  readonly signal: AbortSignal;
  /** The call has ended, and nothing of it listens any more. */
  release(): void;
}

/** Creates an instance that has served no call. */
export function createInstance(): Instance {
  const followers = new Set<() => void>();
  let isCold = true;
  let isStopping = false;
  return {
    get isStopping() {
      return isStopping;
    },
    takeColdStart() {
      const answer = isCold;
      isCold = false;
      return answer;
    },
    follow(inside) {
      const controller = new AbortController();
      const abort = (): void => controller.abort(reason());
      const follower = (): void => inside(abort);
      if (isStopping) abort();
      else followers.add(follower);
      return { signal: controller.signal, release: () => void followers.delete(follower) };
    },
    stop() {
      isStopping = true;
      for (const follower of followers) follower();
      followers.clear();
    },
  };
}

function reason(): DOMException {
  return new DOMException('The instance is stopping', 'AbortError');
}

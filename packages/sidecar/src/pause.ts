// Whether the app gets anything just now: nothing while it is not healthy.

/** A switch that deliveries wait at. */
export interface Pause {
  readonly paused: boolean;
  pause(): void;
  resume(): void;
  /** Resolves when it is not paused, or the signal aborts. */
  over(signal: AbortSignal): Promise<void>;
  /** Called at each change. */
  onChange(listener: (paused: boolean) => void): void;
}

/** Creates a switch that is not paused. */
export function createPause(): Pause {
  let paused = false;
  const waiting = new Set<() => void>();
  const listeners: ((paused: boolean) => void)[] = [];

  function set(next: boolean): void {
    if (paused === next) return;
    paused = next;
    if (!paused) for (const resolve of waiting) resolve();
    for (const listener of listeners) listener(paused);
  }

  return {
    get paused() {
      return paused;
    },
    pause: () => set(true),
    resume: () => set(false),
    async over(signal) {
      if (!paused || signal.aborted) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          waiting.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        waiting.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}

// How many events of an input are handled at a time, and in which order: those with the same key one
// after the other, others in parallel. A sidecar limits neither over gRPC.

/** Called when it is its turn; `release` ends it. */
type Task = (release: () => void) => void;

/** Lets tasks through. Tasks without a key have no order among them. */
export type Gate = (key: string | undefined, task: Task) => void;

/**
 * Creates a gate.
 *
 * @param limit Tasks at a time; 0 for no limit.
 */
export function createGate(limit: number): Gate {
  let running = 0;
  // Those that wait for the limit alone, oldest first.
  const ready: { key: string | undefined; task: Task }[] = [];
  // Behind a task with the same key, which runs or is ready. Having a list marks the key as busy.
  const behind = new Map<string, Task[]>();
  let isAdmitting = false;

  function admit(key: string | undefined, task: Task): void {
    if (limit > 0 && running >= limit) ready.push({ key, task });
    else start(key, task);
  }

  function start(key: string | undefined, task: Task): void {
    running += 1;
    let isReleased = false;
    task(() => {
      if (isReleased) return;
      isReleased = true;
      running -= 1;
      if (key !== undefined) follow(key);
      admitReady();
    });
  }

  // A task may end before it returns: that must not admit the next one from inside, or thousands of
  // them would run out of stack.
  function admitReady(): void {
    if (isAdmitting) return;
    isAdmitting = true;
    try {
      for (let next = takeReady(); next !== undefined; next = takeReady()) {
        start(next.key, next.task);
      }
    } finally {
      isAdmitting = false;
    }
  }

  function takeReady(): (typeof ready)[number] | undefined {
    return limit === 0 || running < limit ? ready.shift() : undefined;
  }

  function follow(key: string): void {
    const next = behind.get(key)?.shift();
    if (next === undefined) behind.delete(key);
    else ready.push({ key, task: next });
  }

  return (key, task) => {
    const queue = key === undefined ? undefined : behind.get(key);
    if (queue !== undefined) {
      queue.push(task);
      return;
    }
    if (key !== undefined) behind.set(key, []);
    admit(key, task);
  };
}

/** Two gates in a row: a task passes the first, then the second. */
export function chainGates(first: Gate, second: Gate): Gate {
  return (key, task) => {
    first(key, (releaseFirst) => {
      second(undefined, (releaseSecond) => {
        task(() => {
          releaseSecond();
          releaseFirst();
        });
      });
    });
  };
}

// One function that is served: built, rebuilt when its code changes, and scaled; its old processes serve until
// the new ones are ready.
import { join } from 'node:path';
import { bundle, type Bundle } from '../build/bundle.ts';
import type { Source } from '../build/source.ts';
import type { PlatformEvent } from '../platform.ts';
import { createRevision, type Revision } from './revision.ts';

/** Who hears of a function. */
interface Listeners {
  /** The addresses that requests go to now; none while they are held. */
  readonly onEndpoints: (addresses: readonly string[]) => void;
  /** Why there is nothing to serve; `undefined` once there is. */
  readonly onBroken: (message: string | undefined) => void;
  readonly onEvent: (event: PlatformEvent) => void;
}

/** A function that is served. */
export interface ServedFunction {
  readonly source: Source;
  /** Holds requests until the code as it is now is served, or cannot be. */
  reload(): Promise<void>;
  scale(replicas: number): void;
  /** Processes that have not exited. */
  instances(): ReturnType<Revision['list']>;
  stop(): Promise<void>;
}

/** Creates it; it is not built yet. */
export function createServedFunction(
  source: Source,
  { onBroken, onEndpoints, onEvent }: Listeners,
): ServedFunction {
  const { name } = source.function.metadata;
  const cache = join(source.folder, '.ofn', 'builds');
  let current: Revision | undefined;
  // What came of the last build: its hash, or why it failed.
  let last: string | undefined;
  let replicas = 0;
  let holding = false;
  let wanted = 0;
  let running: Promise<void> = Promise.resolve();
  const leaving = new Set<Promise<void>>();

  function publish(): void {
    onEndpoints(holding ? [] : (current?.addresses ?? []));
  }

  /** Resolves to what is new; `undefined` for what is as it was, or cannot be built. */
  async function build(): Promise<Bundle | undefined> {
    try {
      const built = await bundle(source, cache);
      if (built.hash === last) return undefined;
      last = built.hash;
      onEvent({ type: 'built', function: name, duration: built.duration });
      return built;
    } catch (error) {
      const { message } = error as Error;
      if (message === last) return undefined;
      last = message;
      onEvent({ type: 'build-failed', function: name, message });
      if (current === undefined) onBroken(message);
      return undefined;
    }
  }

  // Resolves when the next revision takes requests, or has failed before.
  async function replace(built: Bundle): Promise<void> {
    let fail = (): void => {};
    const crashed = new Promise<'crashed'>((resolve) => (fail = () => resolve('crashed')));
    const next = createRevision(source, built, {
      onEndpoints: () => current === next && publish(),
      onReady: (instance, after) => onEvent({ type: 'ready', function: name, instance, after }),
      onCrash(instance, how) {
        onEvent({ type: 'crashed', function: name, instance, how });
        fail();
      },
      onLine: (instance, line) => onEvent({ type: 'line', function: name, instance, line }),
    });
    const outcome = replicas === 0 ? 'idle' : await Promise.race([next.scale(replicas), crashed]);
    if (outcome === 'crashed' && current !== undefined) {
      await next.stop();
      onEvent({ type: 'kept', function: name });
      return;
    }
    const old = current;
    current = next;
    onBroken(undefined);
    // It may have been scaled while it started.
    void next.scale(replicas);
    if (old === undefined) return;
    const left = old.stop();
    leaving.add(left);
    void left.finally(() => leaving.delete(left));
  }

  async function update(round: number): Promise<void> {
    // A later save is on its way: that is what is wanted.
    if (round !== wanted) return;
    holding = true;
    publish();
    const built = await build();
    if (built !== undefined && built.hash !== current?.bundle.hash) await replace(built);
    if (round !== wanted) return;
    holding = false;
    publish();
  }

  return {
    source,
    reload() {
      const round = (wanted += 1);
      running = running.then(() => update(round));
      return running;
    },
    scale(count) {
      replicas = count;
      if (current !== undefined) void current.scale(count);
    },
    instances: () => current?.list() ?? [],
    async stop() {
      wanted += 1;
      await running;
      await Promise.all([current?.stop(), ...leaving]);
    },
  };
}

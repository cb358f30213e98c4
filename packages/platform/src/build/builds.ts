// Builders are run: each bundles the code as it is, and is timed; one that is to end ends.
import type { BuildProgress, FunctionObservation } from '@ofn/resources';
import { bundle } from './bundle.ts';
import type { Source } from './source.ts';

/** What builds are run for. */
interface BuildsOptions {
  readonly source: () => Source;
  readonly observe: (observation: FunctionObservation) => void;
}

/** The builds of a function. */
export interface Builds {
  /** Runs the Builder that is to run, ends those that are to end. */
  readonly reconcile: (progress: BuildProgress) => void;
  /** Resolves when nothing is built any more. */
  readonly stop: () => Promise<void>;
}

/** The run of a Builder. */
interface Run {
  isCanceled: boolean;
  ended: Promise<void>;
}

/** Creates them; none runs yet. */
export function createBuilds({ observe, source }: BuildsOptions): Builds {
  const runs = new Map<string, Run>();

  async function begin(builder: string, run: Run): Promise<void> {
    const begin = performance.now();
    observe({ type: 'build-started', builder, at: Date.now() });
    const result = await buildOnce(source());
    const duration = performance.now() - begin;
    runs.delete(builder);
    const observed = run.isCanceled ? ({ state: 'Canceled' } as const) : result;
    observe({ type: 'build-ended', builder, at: Date.now(), result: { ...observed, duration } });
  }

  return {
    reconcile({ builder, canceling }) {
      for (const { metadata } of canceling) {
        const running = runs.get(metadata.name);
        if (running !== undefined) running.isCanceled = true;
        // It ran in a process that has ended.
        else end(metadata.name);
      }
      const name = builder?.metadata.name;
      const state = builder?.status?.state;
      if (name === undefined || runs.has(name)) return;
      if (state !== 'Created' && state !== 'Building') return;
      const run: Run = { isCanceled: false, ended: Promise.resolve() };
      runs.set(name, run);
      run.ended = begin(name, run);
    },
    async stop() {
      await Promise.all([...runs.values()].map(({ ended }) => ended));
    },
  };

  function end(builder: string): void {
    const at = Date.now();
    observe({ type: 'build-ended', builder, at, result: { state: 'Canceled' } });
  }
}

async function buildOnce(source: Source) {
  try {
    return { state: 'Succeeded', imageDigest: await bundle(source) } as const;
  } catch (error) {
    const { message } = error as Error;
    return { state: 'Failed', reason: 'BuildFailed', message } as const;
  }
}

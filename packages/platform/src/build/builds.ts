// Builders are run: each bundles the code as it is, and is timed; one that is to end ends.
import {
  parseDuration,
  type BuildProgress,
  type BuilderResource,
  type FunctionObservation,
} from '@ofn/resources';
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

  async function begin({ metadata, spec }: BuilderResource, run: Run): Promise<void> {
    const builder = metadata.name;
    const begin = performance.now();
    observe({ type: 'build-started', builder, at: Date.now() });
    const limit = parseDuration(spec.timeout ?? '');
    const timer =
      limit === undefined
        ? undefined
        : setTimeout(() => observe({ type: 'time-passed', at: Date.now() }), limit);
    const result = await buildOnce(source());
    clearTimeout(timer);
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
      if (builder === undefined || runs.has(builder.metadata.name)) return;
      const state = builder.status?.state;
      if (state !== 'Created' && state !== 'Building') return;
      const run: Run = { isCanceled: false, ended: Promise.resolve() };
      runs.set(builder.metadata.name, run);
      run.ended = begin(builder, run);
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

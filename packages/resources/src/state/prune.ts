// Which Builders of the past are kept.
import type { BuildSpec } from '../function/build-schema.ts';
import type { BuilderResource } from '../function/schema.ts';
import { parseDuration } from '../function/duration.ts';

/** Builders that have ended, parted into those that are kept and those that go. */
export interface Pruned {
  readonly kept: readonly BuilderResource[];
  readonly gone: readonly BuilderResource[];
}

/**
 * Parts Builders by the limits of the function: by default no successful one is kept, one that failed, and
 * none is too old.
 *
 * @param history The latest first.
 */
export function pruneBuilders(
  history: readonly BuilderResource[],
  build: BuildSpec | undefined,
  at: number,
): Pruned {
  const {
    builderMaxAge,
    failedBuildsHistoryLimit = 1,
    successfulBuildsHistoryLimit = 0,
  } = build ?? {};
  // 0 is for ever.
  const age = parseDuration(builderMaxAge ?? '0') || Infinity;
  const left = { Succeeded: successfulBuildsHistoryLimit, other: failedBuildsHistoryLimit };
  const kept = history.filter(({ metadata, status }) => {
    if (at - Date.parse(metadata.creationTimestamp ?? '') > age) return false;
    const kind = status?.state === 'Succeeded' ? 'Succeeded' : 'other';
    left[kind] -= 1;
    return left[kind] >= 0;
  });
  return { kept, gone: history.filter((builder) => !kept.includes(builder)) };
}

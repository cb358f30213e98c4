// What is wrong with a function, by what is known of it.
import type { FunctionProgress } from '@ofn/resources';

/** What is wrong with a function. */
export interface Trouble {
  readonly code: 'OFN_PLATFORM_BUILD_FAILED' | 'OFN_PLATFORM_START_FAILED';
  readonly message: string;
  /** Whether an earlier version serves in its place. */
  readonly isServed: boolean;
}

/** Finds it; `undefined` when all is well, or not known yet. */
export function troubleOf({ build, serving }: FunctionProgress): Trouble | undefined {
  const { condition, previous } = serving;
  const hasFailed = condition.state === 'Failed' || condition.state === 'Timeout';
  const isServed = hasFailed ? previous !== undefined : serving.serving !== undefined;
  if (build.condition.state === 'Failed' || build.condition.state === 'Timeout') {
    const { message = '' } = build.condition;
    return { code: 'OFN_PLATFORM_BUILD_FAILED', message, isServed };
  }
  if (!hasFailed) return undefined;
  const { message = '' } = condition;
  return { code: 'OFN_PLATFORM_START_FAILED', message, isServed };
}

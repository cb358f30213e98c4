// The kinds of objects by the names that people type, as kubectl has them.
import { InvalidArgumentError } from 'commander';
import type { ObjectKind } from '@ofn/platform';

const NAMES = {
  functions: ['Function', 'function', 'fn'],
  builders: ['Builder', 'builder', 'bd'],
  servings: ['Serving', 'serving', 'sv'],
  instances: ['Instance', 'instance', 'inst'],
  events: ['Event', 'event', 'ev'],
} as const satisfies Readonly<Record<string, readonly [ObjectKind, string, string]>>;

/** The name of a kind in the paths of the admin API. */
export type KindPath = keyof typeof NAMES;

/** What `--help` says of kinds. */
export const KIND_NAMES = Object.entries(NAMES)
  .map(([path, [, , short]]) => `${path} (${short})`)
  .join(', ');

/**
 * Parses a kind: plural, singular or short, in any case.
 *
 * @throws InvalidArgumentError.
 */
export function parseKind(text: string): KindPath {
  const name = text.toLowerCase();
  for (const [path, [, singular, short]] of Object.entries(NAMES)) {
    if ([path, singular, short].includes(name)) return path as KindPath;
  }
  throw new InvalidArgumentError(`It must be one of ${KIND_NAMES}.`);
}

/** The kind in the singular, such as `function`. */
export function singularOf(path: KindPath): string {
  return NAMES[path][1];
}

// A variable that lists names between commas → those that are known.
import type { Environment } from '@ofn/core';
import { complaint, oneOf, quote, type Warn } from '../setting.ts';
import type { VariableName } from '../variables.ts';

/** What names a variable may list. */
export interface KnownNames<Name extends string> {
  readonly known: readonly Name[];
  /** What holds when the variable lists none of them. */
  readonly fallback: readonly Name[];
}

/** The known names in the variable, each once, in lower case; each other is warned of. */
export function parseNames<Name extends string>(
  env: Environment,
  variable: VariableName,
  { known, fallback }: KnownNames<Name>,
  warn: Warn,
): readonly Name[] {
  const { expected, parse } = oneOf(known);
  const entries = (env[variable] ?? '').split(',').filter((entry) => entry.trim() !== '');
  const found = new Set(entries.map(parse).filter((name) => name !== undefined));
  const used = found.size === 0 ? fallback.join(',') : undefined;
  for (const entry of entries) {
    if (parse(entry) === undefined) warn(complaint(variable, quote(entry), expected, used));
  }
  return found.size === 0 ? fallback : [...found];
}

// A variable that lists names between commas → those that are known.
import type { Environment } from '@ofn/core';

/** The known names in the variable, each once, in lower case; each other is warned of. */
export function parseNames<Name extends string>(
  env: Environment,
  variable: string,
  known: readonly Name[],
  warn: (message: string) => void,
): readonly Name[] {
  const found = new Set<Name>();
  for (const part of (env[variable] ?? '').split(',')) {
    const text = part.trim().toLowerCase();
    if (text === '') continue;
    const name = known.find((name) => name === text);
    if (name !== undefined) found.add(name);
    else {
      warn(
        `${variable}: "${text}" is not supported, and is left out; known are ${known.join(', ')}`,
      );
    }
  }
  return [...found];
}

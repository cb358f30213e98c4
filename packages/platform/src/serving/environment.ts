// The environment of a function's processes: what the cluster would give it, and its `.env` file.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Source } from '../build/source.ts';
import { localEnvironment } from '../dapr/app.ts';

/**
 * Makes it; the port, and where its sidecar is, are those of each instance.
 *
 * @param variables Of the `.env` file. They win over those of the Function, and are for this machine alone.
 * @throws ResourceError for a function that no cluster could run.
 */
export function environmentOf(
  { components, function: given }: Source,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    NODE_ENV: 'development',
    POD_NAME: given.metadata.name,
    ...localEnvironment(given, components),
    ...variables,
  };
}

/** The variables of the `.env` file of a folder; none where there is no such file. */
export async function readVariables(folder: string): Promise<Record<string, string>> {
  const text = await readFile(join(folder, '.env'), 'utf8').catch(() => '');
  const parsed: Record<string, string | undefined> = parseEnv(text);
  return Object.fromEntries(
    Object.entries(parsed).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

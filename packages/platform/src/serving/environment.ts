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
 * @param tracing Where traces go unless this machine says otherwise: what the Function says is the collector
 *   of a cluster.
 * @throws ResourceError for a function that no cluster could run.
 */
export function environmentOf(
  { components, function: given }: Source,
  variables: Readonly<Record<string, string>>,
  tracing: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    NODE_ENV: 'development',
    POD_NAME: given.metadata.name,
    ...localEnvironment(given, components),
    ...(isTraced({ ...process.env, ...variables }) ? {} : tracing),
    ...variables,
  };
}

// What names a collector, or turns tracing off.
const TRACING =
  /^(?:SW_AGENT_COLLECTOR_BACKEND_SERVICES|OTEL_(?:EXPORTER_OTLP_.*|TRACES_EXPORTER|SDK_DISABLED)|FUNCTION_TRACING)$/;

function isTraced(env: Readonly<Record<string, string | undefined>>): boolean {
  return Object.keys(env).some((name) => TRACING.test(name));
}

/** The variables of the `.env` file of a folder; none where there is no such file. */
export async function readVariables(folder: string): Promise<Record<string, string>> {
  const text = await readFile(join(folder, '.env'), 'utf8').catch(() => '');
  const parsed: Record<string, string | undefined> = parseEnv(text);
  return Object.fromEntries(
    Object.entries(parsed).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

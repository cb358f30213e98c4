// One build of a function as its processes.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInstances, type Instances } from '@ofn/keda';
import { toEnvironment } from '@ofn/resources';
import type { Bundle } from '../build/bundle.ts';
import type { Source } from '../build/source.ts';

/** What a revision tells. */
export interface RevisionListeners {
  readonly onEndpoints: () => void;
  readonly onReady: (instance: string, after: number) => void;
  readonly onCrash: (instance: string, how: string) => void;
  readonly onLine: (instance: string, line: string) => void;
}

/** The processes of one build. */
export interface Revision {
  readonly bundle: Bundle;
  readonly addresses: readonly string[];
  readonly scale: Instances['scale'];
  readonly list: Instances['list'];
  readonly stop: Instances['stop'];
}

// Loaded before the framework: a process whose platform was killed would serve nobody for ever.
const CODE = `process.stdin
  .on('end', () => process.kill(process.pid, 'SIGTERM'))
  .on('error', () => {})
  .resume()
  .unref();`;
const END_WITH_PARENT = `data:text/javascript,${encodeURIComponent(CODE)}`;

/** Makes the revision of a build; it has no process yet. */
export function createRevision(
  source: Source,
  bundle: Bundle,
  { onCrash, onEndpoints, onLine, onReady }: RevisionListeners,
): Revision {
  const { build } = source.function.spec;
  const target = build?.env?.['FUNC_NAME'];
  let addresses: readonly string[] = [];
  const instances = createInstances({
    command: [
      process.execPath,
      '--import',
      END_WITH_PARENT,
      '--enable-source-maps',
      frameworkBin(source.folder),
      ...flags(bundle, target),
    ],
    name: source.function.metadata.name,
    cwd: source.folder,
    env: environmentOf(source),
    ready: { path: '/readyz' },
    onEndpoints(next) {
      addresses = next;
      onEndpoints();
    },
    onEvent({ after, exit, instance, type }) {
      if (type === 'ready') onReady(instance, after);
      if (type === 'crashed')
        onCrash(instance, exit?.error?.message ?? exit?.signal ?? `exit code ${exit?.code}`);
    },
    log: {
      info: ({ instance }: { instance?: string }, line) => onLine(instance ?? '', line),
      warn() {},
      error() {},
    },
  });
  return {
    bundle,
    get addresses() {
      return addresses;
    },
    scale: (replicas) => instances.scale(replicas),
    list: () => instances.list(),
    stop: () => instances.stop(),
  };
}

function flags({ file }: Bundle, target: string | undefined): readonly string[] {
  const given = ['--source', file, '--host', '127.0.0.1', '--keda', '--health-routes'];
  return target === undefined ? given : [...given, '--target', target];
}

/**
 * What the cluster would give it; the port is that of each instance.
 *
 * @throws ResourceError for a function that no cluster could run.
 */
export function environmentOf({ function: given }: Source): Record<string, string> {
  const variables = toEnvironment(given);
  const known = variables.flatMap((variable): [string, string][] => {
    return 'value' in variable ? [[variable.name, variable.value]] : [];
  });
  return { ...Object.fromEntries(known), POD_NAME: given.metadata.name, NODE_ENV: 'development' };
}

// The framework of the function itself, where it has one: what it registers is registered there.
function frameworkBin(folder: string): string {
  const manifest =
    resolveManifest(join(folder, 'package.json')) ?? resolveManifest(import.meta.url);
  if (manifest === undefined) throw new Error('@ofn/core is not installed');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> };
  return join(dirname(manifest), bin['functions-framework'] ?? '');
}

function resolveManifest(from: string): string | undefined {
  try {
    return createRequire(from).resolve('@ofn/core/package.json');
  } catch {
    return undefined;
  }
}

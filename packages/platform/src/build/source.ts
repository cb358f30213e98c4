// What a path of the user means: a Function file, or a folder with code, from which a Function is inferred.
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import {
  parseFunction,
  parseResources,
  type ComponentResource,
  type FunctionResource,
} from '@ofn/resources';
import { ASSUMED } from '../dapr/components.ts';
import { PlatformError } from '../errors.ts';
import { frameworkImports } from './bundle.ts';

/** A function, and where its code is. */
export interface Source {
  readonly function: FunctionResource;
  /** Absolute. */
  readonly folder: string;
  /** The file that is loaded first. Absolute. */
  readonly entry: string;
  /** The Function file that says so. Absolute; absent where the Function is inferred. */
  readonly file?: string;
  /** Dapr's Components that stand beside the Function, in its file. */
  readonly components: readonly ComponentResource[];
  /** What of its file is not looked at, in words for a person. */
  readonly warnings: readonly string[];
}

/** The key of a function: `namespace/name`. */
export function keyOf({ function: { metadata } }: Pick<Source, 'function'>): string {
  return `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

/** The name of a Function file in a folder. */
const FUNCTION_FILE = 'function.yaml';

/**
 * Finds the functions of a path.
 *
 * @throws PlatformError `OFN_PLATFORM_SOURCE_INVALID`; ResourceError for a Function file that is not valid.
 */
export async function findSources(path: string): Promise<readonly Source[]> {
  const full = resolve(path);
  const found = await stat(full).catch(() => undefined);
  if (found === undefined) {
    throw invalid(`${path} does not exist; name a Function file or a folder with code`);
  }
  if (found.isFile()) return sourcesOfFile(path, full);
  const file = join(full, FUNCTION_FILE);
  if (await isFile(file)) return sourcesOfFile(join(path, FUNCTION_FILE), file);
  const entry = await entryOf(path, full);
  const imports = await frameworkImports(entry, full);
  const takesEvents = imports.some((name) => TAKES_EVENTS.has(name));
  const beside = await readComponents(full);
  return [
    {
      function: infer(full, takesEvents),
      folder: full,
      entry,
      components: takesEvents ? withDefaults(beside) : beside,
      warnings: [],
    },
  ];
}

async function sourcesOfFile(path: string, full: string): Promise<readonly Source[]> {
  const { components, functions, ignored } = parseResources(await readFile(full, 'utf8'), {
    file: path,
  });
  if (functions.length === 0) throw invalid(`${path} has no Function in it`);
  const root = dirname(full);
  const beside = [...components, ...(await readComponents(root))];
  const warnings = ignored.map((name) => `${path}: ${name} is not looked at`);
  return Promise.all(
    functions.map(async (given): Promise<Source> => {
      const subPath = given.spec.build?.srcRepo.sourceSubPath ?? '.';
      const folder = resolve(root, subPath);
      if (folder !== root && !folder.startsWith(root + sep)) {
        throw invalid(`${path}: sourceSubPath ${subPath} leads out of the folder of the file`);
      }
      const entry = await entryOf(path, folder);
      return { function: given, folder, entry, file: full, components: beside, warnings };
    }),
  );
}

// What code imports that registers a function for events.
const TAKES_EVENTS = new Set(['binding', 'topic']);

/**
 * Dapr's Components in the folder `components`, as its own command line has them.
 *
 * @throws ResourceError for one that is not valid.
 */
async function readComponents(folder: string): Promise<readonly ComponentResource[]> {
  const path = join(folder, 'components');
  const names = await readdir(path).catch(() => []);
  const files = names.filter((name) => /\.ya?ml$/.test(name)).toSorted();
  const found = await Promise.all(
    files.map(async (name) => {
      const file = join(path, name);
      return parseResources(await readFile(file, 'utf8'), { file }).components;
    }),
  );
  return found.flat();
}

// The names that Dapr's command line gives what it starts with.
const DEFAULTS = { pubsub: 'pubsub.redis', statestore: 'state.redis' };

function withDefaults(components: readonly ComponentResource[]): readonly ComponentResource[] {
  const names = new Set(components.map(({ metadata }) => metadata.name));
  const missing = Object.entries(DEFAULTS).filter(([name]) => !names.has(name));
  return [
    ...components,
    ...missing.map(([name, type]): ComponentResource => ({
      apiVersion: 'dapr.io/v1alpha1',
      kind: 'Component',
      metadata: { name, annotations: { [ASSUMED]: 'true' } },
      spec: { type, version: 'v1', metadata: [] },
      scopes: [],
    })),
  ];
}

// Names that are made of it, such as those of its Service, have to fit into 63 characters too.
const LONGEST_NAME = 50;

/**
 * Makes the name of a function of the name of its folder, as Kubernetes would take it.
 *
 * @example
 * toFunctionName('/home/ada/My Shop'); // my-shop
 */
export function toFunctionName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, LONGEST_NAME)
    .replace(/-+$/, '');
  return name === '' ? 'function' : name;
}

// One that takes events has a process for them.
function infer(folder: string, takesEvents: boolean): FunctionResource {
  const name = toFunctionName(folder);
  const hostnames = [`${name}.localhost`];
  const rules = [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }];
  const manifest = {
    apiVersion: 'core.openfunction.io/v1beta2',
    kind: 'Function',
    metadata: { name },
    spec: {
      image: 'local',
      serving: {
        triggers: { http: { engine: 'keda', route: { hostnames, rules } } },
        ...(takesEvents
          ? {
              annotations: { 'openfunction.io/enable-dapr': 'true' },
              scaleOptions: { minReplicas: 1, keda: { httpScaledObject: {} } },
            }
          : {}),
      },
    },
  };
  return parseFunction(JSON.stringify(manifest), { file: folder });
}

const EXTENSIONS = ['ts', 'mts', 'js', 'mjs', 'cjs'];

async function entryOf(path: string, folder: string): Promise<string> {
  const { main } = await readManifest(folder);
  if (typeof main === 'string') {
    const entry = resolve(folder, main);
    if (entry.startsWith(folder + sep) && (await isFile(entry))) return entry;
  }
  const names = new Set(await readdir(folder).catch(() => []));
  for (const base of ['index', 'function', 'src/index']) {
    for (const extension of EXTENSIONS) {
      const name = `${base}.${extension}`;
      const isThere = base.includes('/') ? await isFile(join(folder, name)) : names.has(name);
      if (isThere) return join(folder, name);
    }
  }
  throw invalid(
    `${path} has no code to run: an index.ts, index.js or function.js, or a file that "main" of package.json names`,
  );
}

async function readManifest(folder: string): Promise<{ readonly main?: unknown }> {
  const file = join(folder, 'package.json');
  const text = await readFile(file, 'utf8').catch(() => '{}');
  try {
    return JSON.parse(text) as { main?: unknown };
  } catch (cause) {
    throw new PlatformError('OFN_PLATFORM_SOURCE_INVALID', `${file} is no JSON`, { cause });
  }
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true;
}

function invalid(message: string): PlatformError {
  return new PlatformError('OFN_PLATFORM_SOURCE_INVALID', message);
}

/**
 * Finds the functions of all paths.
 *
 * @throws PlatformError also `OFN_PLATFORM_FUNCTION_INVALID`, for a name that is taken.
 */
export async function findAllSources(paths: readonly string[]): Promise<readonly Source[]> {
  const sources = (await Promise.all(paths.map(findSources))).flat();
  const seen = new Map<string, string>();
  for (const source of sources) {
    const key = keyOf(source);
    const other = seen.get(key);
    if (other !== undefined) {
      const message = `there are two functions ${key}: in ${other} and in ${source.folder}; give one another name`;
      throw new PlatformError('OFN_PLATFORM_FUNCTION_INVALID', message);
    }
    seen.set(key, source.folder);
  }
  return sources;
}

// Loads user code: a source path becomes definitions, of what it registers or of what it exports.
import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exports, type Package } from 'resolve.exports';
import { OfnError } from '../errors.ts';
import type { HookPlugin } from '../invocation/openfunction-plugin.ts';
import { isHookPlugin } from '../invocation/openfunction-plugin.ts';
import { assertPlugin, type Plugin } from '../invocation/plugin.ts';
import { defineFunction, toHandler } from './definition.ts';
import { registry } from './registry.ts';
import type { FunctionDefinition, SignatureType } from './signature.ts';

/** Which functions of a source are wanted. */
export interface LoadRequest {
  readonly source: string;
  /** `undefined` for every registered function, or else the export `function`. */
  readonly target: string | undefined;
  /** The signature of an exported function; a registered one knows its own. */
  readonly signatureType: SignatureType;
}

/** What a source holds. */
export interface LoadedSource {
  readonly functions: readonly FunctionDefinition[];
  /** Plugins of the `plugins` folder, made with `definePlugin`. */
  readonly plugins: readonly Plugin[];
  /** Plugins of the `plugins` folder, of OpenFunction's kind. */
  readonly hookPlugins: readonly HookPlugin[];
}

const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];
const DECLARATION = /\.d\.[mc]?ts$/;
const TYPESCRIPT = /\.[mc]?ts$/;
const DEFAULT_TARGET = 'function';

/**
 * Loads the functions of a source.
 *
 * @throws OfnError `OFN_SOURCE_NOT_FOUND`, `OFN_SOURCE_FAILED`, `OFN_TYPESCRIPT_UNSUPPORTED`,
 *   `OFN_TARGET_NOT_FOUND`, `OFN_FUNCTION_INVALID`, `OFN_PLUGIN_INVALID`.
 */
export async function loadSource(request: LoadRequest): Promise<LoadedSource> {
  const file = resolveSource(request.source);
  const exported = await importFile(file);
  const functions = await selectFunctions(exported, request, file);
  const folder = statSync(resolve(request.source)).isDirectory()
    ? resolve(request.source)
    : dirname(file);
  return { functions, ...(await loadPlugins(join(folder, 'plugins'))) };
}

/**
 * The file of a source: a file as it is; of a folder what its package.json says, else `index` or
 * `function` with one of the extensions Node knows.
 */
export function resolveSource(source: string): string {
  const path = resolve(source);
  if (!existsSync(path)) throw notFound(`there is nothing at ${path}`);
  if (!statSync(path).isDirectory()) return path;
  const found = resolveManifest(path) ?? resolveIndex(path);
  if (found !== undefined) return found;
  const looked =
    'a package.json with main or exports, an index.js or a function.js (or .mjs, .cjs, .ts)';
  throw notFound(`the folder ${path} has none of ${looked}; name the file with --source`);
}

function notFound(message: string, cause?: unknown): OfnError {
  return new OfnError('OFN_SOURCE_NOT_FOUND', message, cause === undefined ? {} : { cause });
}

interface Manifest {
  readonly name?: unknown;
  readonly main?: unknown;
  readonly exports?: unknown;
}

function resolveManifest(folder: string): string | undefined {
  const path = join(folder, 'package.json');
  if (!existsSync(path)) return undefined;
  const manifest = readManifest(path);
  const field = manifest.exports === undefined ? 'main' : 'exports';
  let found: string;
  try {
    const entry = field === 'exports' ? resolveExports(manifest) : manifest.main;
    if (typeof entry !== 'string') return undefined;
    found = createRequire(path).resolve(join(folder, entry));
  } catch (cause) {
    // As Node does, and as the main that npm writes by default needs.
    const fallback = field === 'main' ? resolveIndex(folder) : undefined;
    if (fallback !== undefined) return fallback;
    const message = `${field} of ${path} leads nowhere: ${firstLine(cause)}`;
    throw notFound(`${message}; build the source first, or name the file with --source`, cause);
  }
  assertInside(folder, found, path);
  return found;
}

// As `import` of the package by its name would, or else as `require`.
function resolveExports(manifest: Manifest): string | undefined {
  const whole = { name: 'the package', ...manifest } as Package;
  try {
    return exports(whole, '.')?.[0];
  } catch {
    return exports(whole, '.', { require: true })?.[0];
  }
}

function readManifest(path: string): Manifest {
  const invalid = (reason: string, cause?: unknown): OfnError =>
    new OfnError('OFN_SOURCE_FAILED', `${path} is not valid: ${reason}`, { cause });
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw invalid(firstLine(cause), cause);
  }
  if (typeof manifest === 'object' && manifest !== null) return manifest;
  throw invalid('it must hold a JSON object');
}

function resolveIndex(folder: string): string | undefined {
  return ['index', DEFAULT_TARGET]
    .flatMap((name) => EXTENSIONS.map((extension) => join(folder, name + extension)))
    .find((path) => existsSync(path));
}

function assertInside(folder: string, file: string, said: string): void {
  const root = realpathSync(folder) + sep;
  if (!realpathSync(file).startsWith(root)) {
    throw notFound(`${said} leads to ${file}, which is outside of the source folder`);
  }
}

type Exports = Readonly<Record<string, unknown>>;

async function importFile(file: string): Promise<Exports> {
  try {
    return (await import(pathToFileURL(file).href)) as Exports;
  } catch (cause) {
    if (cause instanceof OfnError) throw cause;
    throw toLoadError(file, cause);
  }
}

function toLoadError(file: string, cause: unknown): OfnError {
  // Whatever was thrown: null too.
  const code = (cause as NodeJS.ErrnoException | null | undefined)?.code;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && TYPESCRIPT.test(extname(file))) {
    return new OfnError(
      'OFN_TYPESCRIPT_UNSUPPORTED',
      `Node.js ${process.version} cannot run ${file}: use Node.js 22.18 or newer, or compile it to ` +
        `JavaScript and name the result with --source, or add a loader (NODE_OPTIONS="--import tsx")`,
      { cause },
    );
  }
  const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  const hint = missing ? '; install its dependencies, or check the path it imports' : '';
  const message = `${file} failed while it was loaded: ${firstLine(cause)}${hint}`;
  return new OfnError('OFN_SOURCE_FAILED', message, { cause });
}

function firstLine(cause: unknown): string {
  const message = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return message.split('\n', 1)[0] ?? '';
}

async function selectFunctions(
  exported: Exports,
  { target, signatureType }: LoadRequest,
  file: string,
): Promise<readonly FunctionDefinition[]> {
  if (target === undefined && registry.functions.size > 0) return [...registry.functions.values()];
  const name = target ?? DEFAULT_TARGET;
  const registered = registry.functions.get(name);
  if (registered !== undefined) return [registered];

  const value = exportedValue(exported, name, target === undefined);
  if (toHandler(value, signatureType) !== undefined) {
    return [defineFunction(name, signatureType, value)];
  }
  const there = [...registry.functions.keys(), ...callableNames(exported, signatureType)];
  if (value !== undefined && target !== undefined) {
    const kind =
      typeof value === 'function'
        ? 'a class'
        : Array.isArray(value)
          ? 'an array'
          : `of type ${typeof value}`;
    const message = `"${name}" of ${file} is no function but ${kind}; there is ${list(there)}`;
    throw new OfnError('OFN_FUNCTION_INVALID', message);
  }
  const near = await nearest(name, there);
  const remedy =
    target === undefined
      ? `name one with --target; there is ${list(there)}`
      : `${near === undefined ? '' : `did you mean "${near}"? `}there is ${list(there)}`;
  throw new OfnError('OFN_TARGET_NOT_FOUND', `${file} has no function "${name}": ${remedy}`);
}

// `a.b` reaches into an exported object. A CommonJS module is its own default export, and what tsc
// made of `export default` is one level below.
function exportedValue(exported: Exports, name: string, orDefault: boolean): unknown {
  const module = exported['default'];
  const isCompiled = isObject(module) && '__esModule' in module;
  const fallback = isCompiled ? (module as Exports)['default'] : module;
  for (const root of [exported, module, fallback]) {
    const found = reach(root, name.split('.'));
    if (found !== undefined) return found;
  }
  return orDefault ? fallback : undefined;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

// Methods of a class are found too, and keep their `this`; what every object has is not.
function reach(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key, depth) => {
    if (!isObject(value) || key in Function.prototype) return undefined;
    const found = (value as Exports)[key];
    const isMethod = depth > 0 && typeof found === 'function' && !('handle' in found);
    return isMethod ? (found.bind(value) as unknown) : found;
  }, root);
}

function callableNames(exported: Exports, signatureType: SignatureType): string[] {
  const fallback = exported['default'];
  const all = { ...(typeof fallback === 'object' ? (fallback as Exports) : {}), ...exported };
  return Object.entries(all)
    .filter(([name, value]) => name !== 'module.exports' && toHandler(value, signatureType))
    .map(([name]) => name);
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}

// Loaded only to explain a mistake.
async function nearest(name: string, names: readonly string[]): Promise<string | undefined> {
  if (names.length === 0) return undefined;
  const { closest, distance } = await import('fastest-levenshtein');
  const near = closest(name, names);
  return distance(name.toLowerCase(), near.toLowerCase()) <= Math.max(2, name.length / 3)
    ? near
    : undefined;
}

async function loadPlugins(folder: string): Promise<Omit<LoadedSource, 'functions'>> {
  const plugins: Plugin[] = [];
  const hookPlugins: HookPlugin[] = [];
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return { plugins, hookPlugins };
  const files = readdirSync(folder).filter(
    (file) => EXTENSIONS.includes(extname(file)) && !DECLARATION.test(file),
  );
  for (const file of files.toSorted()) {
    const path = join(folder, file);
    assertInside(folder, path, folder);
    const exported = await importFile(path);
    const { default: fallback, ...named } = exported;
    const isModule = typeof fallback === 'object' && fallback !== null && !('name' in fallback);
    const values = isModule ? Object.values({ ...fallback, ...named }) : Object.values(exported);
    for (const value of new Set(values)) {
      const plugin = instantiate(value, path);
      if (isHookPlugin(plugin)) hookPlugins.push(plugin);
      else if (isPluginLike(plugin)) {
        assertPlugin(plugin);
        plugins.push(plugin);
      }
    }
  }
  return { plugins, hookPlugins };
}

// OpenFunction's plugin modules export classes; the framework makes one instance of each.
function instantiate(value: unknown, path: string): unknown {
  if (typeof value !== 'function' || !isHookPlugin(value.prototype)) return value;
  try {
    return new (value as unknown as new () => unknown)();
  } catch (cause) {
    const message = `the plugin ${value.name} of ${path} failed when it was made: ${firstLine(cause)}`;
    throw new OfnError('OFN_PLUGIN_INVALID', message, { cause });
  }
}

function isPluginLike(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('name' in value)) return false;
  return 'wrap' in value || 'setup' in value || 'close' in value;
}

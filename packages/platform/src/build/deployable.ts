// buildDeployable: a function becomes a folder that an image is made of.
import { cp, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PlatformError } from '../errors.ts';
import { bundleDeployable, packagesOfPlugins } from './deployable-code.ts';
import { MADE_BY, renderDockerfile } from './dockerfile.ts';
import { findPackage, isNative, needsInstallScript, type InstalledPackage } from './package.ts';
import type { Source } from './source.ts';

/** Where a function is built to. */
export interface DeployableOptions {
  /** The folder; it is made, or must be of an earlier build. */
  readonly out: string;
  /** Names of packages that are not bundled, besides those that cannot be. Default none. */
  readonly external?: readonly string[];
}

/** What was built. */
export interface Deployable {
  /** Of the function. */
  readonly name: string;
  /** The image that the Function names. */
  readonly image: string;
  /** Bytes of the code. */
  readonly size: number;
  /** Versions of the packages that were not bundled, by their names. */
  readonly packages: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly duration: number;
}

/**
 * Builds a function for deployment: its code and packages as one file, a `package.json` with the packages that
 * cannot be bundled, and a Dockerfile. The same code gives the same files, byte by byte. What cannot be
 * built leaves the folder as it is.
 *
 * @throws PlatformError `OFN_PLATFORM_BUILD_FAILED`, `OFN_PLATFORM_FUNCTION_INVALID`, and
 *   `OFN_PLATFORM_FOLDER_UNFIT` for a folder with other files in it, or that cannot be written.
 * @example
 * const [source] = await findSources('./hello');
 * const { size } = await buildDeployable(source, { out: './hello/dist' });
 */
export async function buildDeployable(
  source: Source,
  { external = [], out }: DeployableOptions,
): Promise<Deployable> {
  const begin = performance.now();
  const { entry, folder, function: given } = source;
  await assertOwn(out);
  const plugins = await pluginsOf(folder);
  const project = await readProject(folder);
  const apart = new Set([
    ...external,
    ...(project.dependencies[TRACING] === undefined ? [] : HOOKED),
  ]);
  assertInstalled(external, folder);
  const { code, map, packages: imported } = await bundleDeployable(entry, folder, apart);
  const framework = findFramework(folder);
  const packages = [
    ...new Map(
      [
        framework,
        ...wantedByName(project, folder),
        ...imported,
        ...(plugins.length === 0 ? [] : await packagesOfPlugins(plugins, folder)),
      ].map((each) => [each.name, each]),
    ).values(),
  ].toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const versions = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
  const packed = packedOf(project, packages);
  const { name } = given.metadata;
  const files = {
    // First, so that a build that was cut off is known as one.
    Dockerfile: renderDockerfile(given, {
      framework: posix.join('node_modules/@ofn/core', binOf(framework)),
      isPacked: packed.size > 0,
      scripted: packages.filter((each) => isNative(each) && needsInstallScript(each)).map(nameOf),
    }),
    '.dockerignore': 'node_modules\nDockerfile\n.dockerignore\n',
    'package.json': toJson({
      name,
      private: true,
      type: 'module',
      dependencies: { ...versions, ...specifiersOf(packed) },
    }),
    'index.mjs.map': map,
    'index.mjs': `${code.trimEnd()}\n//# sourceMappingURL=index.mjs.map\n`,
  };
  try {
    await mkdir(out, { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(join(out, file), text);
    await copyPlugins(folder, out);
    await rm(join(out, 'packages'), { recursive: true, force: true });
    for (const file of packed.values()) {
      await cp(file, join(out, 'packages', basename(file)), { recursive: true });
    }
  } catch (cause) {
    throw unfit(out, `cannot be written: ${(cause as Error).message}`, cause);
  }
  return {
    name,
    image: given.spec.image,
    size: Buffer.byteLength(files['index.mjs']),
    packages: versions,
    duration: performance.now() - begin,
  };
}

const TRACING = '@ofn/tracing';
// What it hooks when they are loaded, which bundled code is not.
const HOOKED = ['amqplib', 'aws-sdk', 'ioredis', 'mongodb', 'mongoose', 'mysql', 'mysql2', 'pg'];

function assertInstalled(names: readonly string[], folder: string): void {
  const missing = names.find((name) => findPackage(name, folder) === undefined);
  if (missing === undefined) return;
  const message = `the package "${missing}", which is not to be bundled, is not installed`;
  throw new PlatformError('OFN_PLATFORM_BUILD_FAILED', message);
}

// What a build makes, and what installing its packages adds.
const OWN = new Set([
  'Dockerfile',
  '.dockerignore',
  'package.json',
  'index.mjs',
  'index.mjs.map',
  'plugins',
  'packages',
  'node_modules',
  'package-lock.json',
]);

const REMEDY = 'name another folder with --out, or remove it';

async function assertOwn(out: string): Promise<void> {
  const found = await stat(out).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isDirectory()) throw unfit(out, `is a file; ${REMEDY}`);
  const names = await readdir(out);
  const dockerfile = await readFile(join(out, 'Dockerfile'), 'utf8').catch(() => '');
  const isOwn = dockerfile.startsWith(`${MADE_BY}\n`);
  const others = names.filter((name) => !isOwn || !OWN.has(name)).toSorted();
  if (others.length === 0) return;
  const shown = others.length > 3 ? [...others.slice(0, 3), '…'] : others;
  throw unfit(out, `has files that ofn build has not made (${shown.join(', ')}); ${REMEDY}`);
}

function unfit(out: string, reason: string, cause?: unknown): PlatformError {
  return new PlatformError('OFN_PLATFORM_FOLDER_UNFIT', `${out} ${reason}`, { cause });
}

// That of the function itself, where it has one: what its code registers is registered there.
function findFramework(folder: string): InstalledPackage {
  const found =
    findPackage('@ofn/core', folder) ??
    findPackage('@ofn/core', fileURLToPath(new URL('.', import.meta.url)));
  if (found === undefined) throw new Error('@ofn/core is not installed');
  return found;
}

function binOf({ manifest }: InstalledPackage): string {
  const { bin } = manifest;
  return typeof bin === 'object' ? (bin['functions-framework'] ?? '') : '';
}

/** The package that the code of a function is in. */
interface Project {
  readonly folder: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

async function readProject(folder: string): Promise<Project> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
  if (text === undefined && dirname(folder) !== folder) return readProject(dirname(folder));
  const { dependencies = {} } = JSON.parse(text ?? '{}') as Partial<Project>;
  return { folder, dependencies };
}

// Such as @ofn/tracing, which nothing imports: the framework looks for it.
function wantedByName({ dependencies }: Project, folder: string): readonly InstalledPackage[] {
  return Object.keys(dependencies)
    .filter((name) => name.startsWith('@ofn/'))
    .flatMap((name) => findPackage(name, folder) ?? []);
}

// Packages that are installed of a packed file are on no registry: the file goes with them.
function packedOf(
  { dependencies, folder }: Project,
  packages: readonly InstalledPackage[],
): ReadonlyMap<string, string> {
  const found = packages.flatMap(({ name }): [string, string][] => {
    const [, path] = /^file:(.+\.(?:tgz|tar\.gz))$/.exec(dependencies[name] ?? '') ?? [];
    return path === undefined ? [] : [[name, resolve(folder, path)]];
  });
  return new Map(found);
}

function specifiersOf(packed: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    [...packed].map(([name, file]) => [name, `file:packages/${basename(file)}`]),
  );
}

const CODE = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

async function pluginsOf(folder: string): Promise<readonly string[]> {
  const names = await readdir(join(folder, 'plugins')).catch(() => []);
  return names
    .filter((name) => CODE.includes(extname(name)) && !/\.d\.[mc]?ts$/.test(name))
    .toSorted()
    .map((name) => join(folder, 'plugins', name));
}

async function copyPlugins(folder: string, out: string): Promise<void> {
  await rm(join(out, 'plugins'), { recursive: true, force: true });
  const plugins = join(folder, 'plugins');
  if ((await stat(plugins).catch(() => undefined)) === undefined) return;
  await cp(plugins, join(out, 'plugins'), { recursive: true, dereference: true });
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function nameOf({ name }: InstalledPackage): string {
  return name;
}

// The project that a function is in: what it depends on, and the plugins beside its code.
import { readFile, readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { PlatformError } from '../errors.ts';
import { findPackage, type InstalledPackage } from './package.ts';

/** The package that the code of a function is in. */
export interface Project {
  /** The folder of the code. Absolute. */
  readonly source: string;
  /** The folder of its `package.json`: that of the code, or one above it. */
  readonly folder: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * Reads the project of a folder with code.
 *
 * @throws PlatformError `OFN_PLATFORM_SOURCE_INVALID` for a `package.json` that is no JSON.
 */
export async function readProject(source: string, folder = source): Promise<Project> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
  if (text === undefined && dirname(folder) !== folder) return readProject(source, dirname(folder));
  try {
    const { dependencies = {} } = JSON.parse(text ?? '{}') as Partial<Project>;
    return { source, folder, dependencies };
  } catch (cause) {
    const message = `${join(folder, 'package.json')} is no JSON`;
    throw new PlatformError('OFN_PLATFORM_SOURCE_INVALID', message, { cause });
  }
}

/** Finds what nothing imports, such as `@ofn/tracing`: the framework looks for it. */
export function wantedBy({ dependencies, source }: Project): readonly InstalledPackage[] {
  return Object.keys(dependencies)
    .filter((name) => name.startsWith('@ofn/'))
    .flatMap((name) => findPackage(name, source) ?? []);
}

/** The packed files that packages are installed of, by their names; such a package may be on no registry. */
export function packedOf(
  { dependencies, folder }: Project,
  packages: readonly InstalledPackage[],
): ReadonlyMap<string, string> {
  const found = packages.flatMap(({ name }): [string, string][] => {
    const [, path] = /^file:(.+\.(?:tgz|tar\.gz))$/.exec(dependencies[name] ?? '') ?? [];
    return path === undefined ? [] : [[name, resolve(folder, path)]];
  });
  return new Map(found);
}

/** How a build asks for these. */
export function specifiersOf(packed: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    [...packed].map(([name, file]) => [name, `file:packages/${basename(file)}`]),
  );
}

// As the framework takes them.
const CODE = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** Files of the plugins that stand beside the code. */
export async function pluginsOf(folder: string): Promise<readonly string[]> {
  const names = await readdir(join(folder, 'plugins')).catch(() => []);
  return names
    .filter((name) => CODE.includes(extname(name)) && !/\.d\.[mc]?ts$/.test(name))
    .toSorted()
    .map((name) => join(folder, 'plugins', name));
}

// Installed packages: where they are, and whether they are more than code.
import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** A package that is installed. */
export interface InstalledPackage {
  /** As it is imported. */
  readonly name: string;
  /** As `package.json` asks for exactly this one. */
  readonly version: string;
  /** Absolute, without links. */
  readonly folder: string;
  readonly manifest: Manifest;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly gypfile?: boolean;
  readonly binary?: unknown;
  readonly napi?: unknown;
  readonly os?: unknown;
  readonly cpu?: unknown;
}

/** The package that a specifier such as `@scope/name/part` is of; `undefined` for a path. */
export function packageNameOf(specifier: string): string | undefined {
  return /^(?:@[^/]+\/)?[^./#@][^/:]*(?=\/|$)/.exec(specifier)?.[0];
}

/** Finds a package as Node.js does: in `node_modules` of the folder, or of one above it. */
export function findPackage(name: string, folder: string): InstalledPackage | undefined {
  for (let parent = folder; ; parent = dirname(parent)) {
    const found = readPackage(name, join(parent, 'node_modules', name));
    if (found !== undefined || parent === dirname(parent)) return found;
  }
}

const NODE_MODULES = `${sep}node_modules${sep}`;

/** Finds the package that a file was installed with; `undefined` for code of the user. */
export function ownerOf(file: string): InstalledPackage | undefined {
  const begin = file.lastIndexOf(NODE_MODULES);
  if (begin === -1) return undefined;
  const folders = begin + NODE_MODULES.length;
  const name = packageNameOf(file.slice(folders).replaceAll(sep, '/'));
  if (name === undefined) return undefined;
  return readPackage(name, join(file.slice(0, folders), name));
}

function readPackage(name: string, folder: string): InstalledPackage | undefined {
  const manifest = readManifest(folder);
  if (manifest === undefined) return undefined;
  const { name: own = name, version = '0.0.0' } = manifest;
  return {
    name,
    // Installed by another name: an alias.
    version: own === name ? version : `npm:${own}@${version}`,
    folder: realpathSync(folder),
    manifest,
  };
}

function readManifest(folder: string): Manifest | undefined {
  const file = join(folder, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : undefined;
}

/** Finds the packages that a package shares with those who use it. */
export function peersOf({ folder, manifest }: InstalledPackage): readonly InstalledPackage[] {
  const names = Object.keys(manifest.peerDependencies ?? {});
  return names.flatMap((name) => findPackage(name, folder) ?? []);
}

/** Whether a package has compiled code, of itself or in a package for each kind of machine. */
export function isNative({ folder, manifest }: InstalledPackage): boolean {
  const { binary, gypfile, napi, optionalDependencies = {} } = manifest;
  if (gypfile === true || binary !== undefined || napi !== undefined) return true;
  if (existsSync(join(folder, 'binding.gyp')) || hasAddon(folder)) return true;
  return Object.keys(optionalDependencies).some((name) => {
    const { cpu, os } = findPackage(name, folder)?.manifest ?? {};
    return os !== undefined || cpu !== undefined;
  });
}

function hasAddon(folder: string): boolean {
  return readdirSync(folder, { withFileTypes: true }).some((entry) =>
    entry.isDirectory()
      ? entry.name !== 'node_modules' && hasAddon(join(folder, entry.name))
      : entry.name.endsWith('.node'),
  );
}

/** Whether a package is only whole once its install script has run. */
export function needsInstallScript({ folder, manifest }: InstalledPackage): boolean {
  const { install, postinstall, preinstall } = manifest.scripts ?? {};
  const isScripted = (install ?? postinstall ?? preinstall) !== undefined;
  return isScripted || existsSync(join(folder, 'binding.gyp'));
}

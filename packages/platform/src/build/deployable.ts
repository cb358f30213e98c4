// buildDeployable: a function becomes a folder that an image is made of.
import { join, posix } from 'node:path';
import { PlatformError } from '../errors.ts';
import { bundleDeployable, packagesOfPlugins } from './deployable-code.ts';
import { assertFolder, writeFolder } from './deployable-folder.ts';
import { renderDockerfile } from './dockerfile.ts';
import { findPackage, isNative, needsInstallScript, type InstalledPackage } from './package.ts';
import { binOf, frameworkOf } from './packages.ts';
import {
  packedOf,
  pluginsOf,
  readProject,
  specifiersOf,
  wantedBy,
  type Project,
} from './project.ts';
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
  await assertFolder(out);
  const project = await readProject(folder);
  const plugins = await pluginsOf(folder);
  const apart = apartOf(project, external);
  const { code, map, packages: imported } = await bundleDeployable(entry, folder, apart);
  const ofPlugins = plugins.length === 0 ? [] : await packagesOfPlugins(plugins, folder);
  const framework = frameworkOf(folder);
  const packages = sortedByName([framework, ...wantedBy(project), ...imported, ...ofPlugins]);
  const versions = Object.fromEntries(packages.map((each) => [each.name, each.version]));
  const packed = packedOf(project, packages);
  const { metadata, spec } = given;
  const index = `${code.trimEnd()}\n//# sourceMappingURL=index.mjs.map\n`;
  await writeFolder(out, {
    dockerfile: renderDockerfile(given, {
      framework: posix.join('node_modules/@ofn/core', binOf(framework)),
      isPacked: packed.size > 0,
      scripted: packages.filter((each) => isNative(each) && needsInstallScript(each)).map(nameOf),
    }),
    manifest: {
      name: metadata.name,
      private: true,
      type: 'module',
      dependencies: { ...versions, ...specifiersOf(packed) },
    },
    code: index,
    map,
    plugins: plugins.length === 0 ? undefined : join(folder, 'plugins'),
    packed: [...packed.values()],
  });
  return {
    name: metadata.name,
    image: spec.image,
    size: Buffer.byteLength(index),
    packages: versions,
    duration: performance.now() - begin,
  };
}

function sortedByName(given: readonly InstalledPackage[]): readonly InstalledPackage[] {
  const byName = new Map(given.map((each) => [each.name, each]));
  return [...byName.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

const TRACING = '@ofn/tracing';
// What it hooks when they are loaded, which bundled code is not.
const HOOKED = ['amqplib', 'aws-sdk', 'ioredis', 'mongodb', 'mongoose', 'mysql', 'mysql2', 'pg'];

function apartOf({ dependencies, source }: Project, external: readonly string[]): Set<string> {
  const missing = external.find((name) => findPackage(name, source) === undefined);
  if (missing !== undefined) {
    const message = `the package "${missing}", which is not to be bundled, is not installed`;
    throw new PlatformError('OFN_PLATFORM_BUILD_FAILED', message);
  }
  return new Set([...external, ...(dependencies[TRACING] === undefined ? [] : HOOKED)]);
}

function nameOf({ name }: InstalledPackage): string {
  return name;
}

// The packages that code imports, and what is wrong with its imports.
import { dirname, relative } from 'node:path';
import { PlatformError } from '../errors.ts';
import { findPackage, packageNameOf, type InstalledPackage } from './package.ts';

/** What code imports, and what is wrong with it. */
export interface Imports {
  /** Notes a package; `undefined` when it is not installed. */
  readonly take: (specifier: string, importer: string) => InstalledPackage | undefined;
  /** Notes what is wrong with an import of a file. */
  readonly fail: (importer: string, message: string) => void;
  /** @throws PlatformError `OFN_PLATFORM_BUILD_FAILED`, with all that is wrong. */
  readonly finish: () => readonly InstalledPackage[];
}

/** Starts with none; paths of failures are relative to the folder. */
export function createImports(folder: string): Imports {
  const packages = new Map<string, InstalledPackage>();
  const failures = new Set<string>();
  return {
    take(specifier, importer) {
      const name = packageNameOf(specifier);
      const found = name === undefined ? undefined : findPackage(name, dirname(importer));
      if (found === undefined) return undefined;
      const other = packages.get(found.name);
      if (other !== undefined && other.version !== found.version) {
        failures.add(
          `"${found.name}" cannot be bundled, and is needed in the versions ${other.version} and ` +
            `${found.version}: have one of them installed, with "overrides" in package.json`,
        );
      }
      packages.set(found.name, found);
      return found;
    },
    fail: (importer, message) => void failures.add(`${relative(folder, importer)} ${message}`),
    finish() {
      if (failures.size > 0) {
        throw new PlatformError('OFN_PLATFORM_BUILD_FAILED', [...failures].join('\n'));
      }
      return [...packages.values()];
    },
  };
}

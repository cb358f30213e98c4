// The code of a function and its packages become one file; what must stay a package is named.
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { rolldown, type OutputChunk, type Plugin } from 'rolldown';
import { PlatformError } from '../errors.ts';
import { messageOf } from './bundle.ts';
import { createImports, type Imports } from './imports.ts';
import { isNative, ownerOf, packageNameOf, peersOf, type InstalledPackage } from './package.ts';

/** Code for deployment, and the packages that it imports. */
export interface DeployableCode {
  readonly code: string;
  readonly map: string;
  readonly packages: readonly InstalledPackage[];
}

/**
 * Bundles a function with its packages. Those of `@ofn` stay packages, as all of a process must share them;
 * so do those with native code, those that look for files of their own, and what these share with their users.
 *
 * @param apart Names of more packages that are not bundled.
 * @throws PlatformError `OFN_PLATFORM_BUILD_FAILED`, with the place, or the import that leads to nothing.
 */
export async function bundleDeployable(
  entry: string,
  folder: string,
  apart: ReadonlySet<string>,
): Promise<DeployableCode> {
  const kept = createKept(apart);
  // What a package does is only known once its code has been seen: then it is left out of the next round.
  for (;;) {
    const imports = createImports(folder);
    const before = kept.count();
    const [chunk] = await generate(entry, folder, packagesApart(imports, kept));
    if (kept.count() > before) continue;
    return {
      code: chunk.code,
      map: chunk.map?.toString() ?? '{}',
      packages: imports.finish(),
    };
  }
}

/**
 * Finds what plugins import.
 *
 * @throws PlatformError `OFN_PLATFORM_BUILD_FAILED` for a plugin that imports a file outside of its folder.
 */
export async function packagesOfPlugins(
  files: readonly string[],
  folder: string,
): Promise<readonly InstalledPackage[]> {
  const imports = createImports(folder);
  await generate([...files], folder, {
    name: 'ofn-plugins',
    async resolveId(id, importer, { kind }) {
      if (importer === undefined || isBuiltin(id) || !isSpecifier(id)) return undefined;
      const found = await this.resolve(id, importer, { kind, skipSelf: true });
      if (packageNameOf(id) === undefined) {
        if (found !== null && !found.id.startsWith(join(folder, 'plugins') + sep)) {
          imports.fail(importer, `imports ${id}, and only the folder plugins is deployed with it`);
        }
        return found;
      }
      if (imports.take(id, importer) === undefined && kind === 'import-statement') {
        imports.fail(importer, `imports "${id}", which is not installed`);
      }
      return { id, external: true };
    },
  });
  return imports.finish();
}

/** The packages that are not bundled. */
interface Kept {
  readonly has: (given: InstalledPackage) => boolean;
  readonly keep: (given: InstalledPackage) => void;
  readonly count: () => number;
}

function createKept(apart: ReadonlySet<string>): Kept {
  const folders = new Set<string>();
  const seen = new Set<string>();
  function keep(given: InstalledPackage): void {
    if (folders.has(given.folder)) return;
    folders.add(given.folder);
    // Bundled, there would be two of them.
    for (const peer of peersOf(given)) keep(peer);
  }
  return {
    has(given) {
      if (!seen.has(given.folder)) {
        seen.add(given.folder);
        if (apart.has(given.name) || isNative(given)) keep(given);
      }
      return folders.has(given.folder);
    },
    keep,
    count: () => folders.size,
  };
}

function packagesApart(imports: Imports, kept: Kept): Plugin {
  return {
    name: 'ofn-packages',
    async resolveId(id, importer, { kind }) {
      if (importer === undefined || isBuiltin(id) || !isSpecifier(id)) return undefined;
      const outside = { id, external: true };
      if (id.startsWith('@ofn/')) {
        if (imports.take(id, importer) === undefined) {
          imports.fail(importer, `imports "${id}", which is not installed`);
        }
        return outside;
      }
      const found = await this.resolve(id, importer, { kind, skipSelf: true });
      if (found === null) {
        // The bundler itself tells of a file that is not there. What a package may do without, it asks for.
        const isOptional = kind !== 'import-statement' && ownerOf(importer) !== undefined;
        if (packageNameOf(id) === undefined && kind === 'import-statement') return undefined;
        if (!isOptional) imports.fail(importer, `imports "${id}", which is not installed`);
        return outside;
      }
      const owner = found.external === false ? ownerOf(found.id) : undefined;
      if (owner === undefined) {
        if (!found.id.endsWith('.node')) return found;
        imports.fail(importer, `imports ${id}: a native addon has to be in a package`);
        return outside;
      }
      if (!kept.has(owner)) return found;
      imports.take(id, importer);
      return outside;
    },
    transform(code, file) {
      const owner = LOOKS_FOR_FILES.test(code) ? ownerOf(file) : undefined;
      if (owner !== undefined) kept.keep(owner);
    },
  };
}

// Where the code of a package is. In a bundle that is another folder.
const LOOKS_FOR_FILES =
  /\b__(?:dirname|filename)\b|\bimport\.meta\.(?:url|dirname|filename|resolve)\b/;

// Modules that the bundler makes have names that no file has.
function isSpecifier(id: string): boolean {
  return !id.startsWith('\0') && !id.startsWith('rolldown/') && !id.startsWith('data:');
}

async function generate(
  input: string | string[],
  folder: string,
  plugin: Plugin,
): Promise<readonly [OutputChunk, ...unknown[]]> {
  try {
    const build = await rolldown({
      input,
      cwd: folder,
      platform: 'node',
      logLevel: 'silent',
      plugins: [plugin],
    });
    try {
      const { output } = await build.generate({
        format: 'esm',
        sourcemap: 'hidden',
        keepNames: true,
        ...(typeof input === 'string' ? { codeSplitting: false, entryFileNames: 'index.mjs' } : {}),
        // The same wherever it is built.
        sourcemapPathTransform: (path, map) =>
          relative(folder, resolve(dirname(map), path)).replaceAll(sep, '/'),
      });
      return output;
    } finally {
      await build.close();
    }
  } catch (cause) {
    throw new PlatformError('OFN_PLATFORM_BUILD_FAILED', messageOf(cause), { cause });
  }
}

// The packages that a function has of the platform: the framework, and tracing, where its folder has none.
import { mkdir, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Source } from './source.ts';

const PACKAGES = ['@ofn/core', '@ofn/tracing'];

/**
 * Links them beside the builds of the function, where Node.js finds them from a build: after those of its own
 * folder would have been found, if there were any.
 */
export async function linkPackages({ folder }: Source): Promise<void> {
  await Promise.all(
    PACKAGES.map(async (name) => {
      const link = join(folder, '.ofn', 'node_modules', name);
      const target = findPackage(import.meta.url, name);
      const own = findPackage(join(folder, 'package.json'), name);
      if (own !== undefined || target === undefined) {
        await rm(link, { force: true, recursive: true });
        return;
      }
      await mkdir(dirname(link), { recursive: true });
      // The platform may be another one by now.
      await rm(link, { force: true, recursive: true });
      await symlink(target, link, 'junction');
    }),
  );
}

/** The folder of a package as it is found from a file; `undefined` when it is not. */
export function findPackage(from: string, name: string): string | undefined {
  try {
    return dirname(createRequire(from).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

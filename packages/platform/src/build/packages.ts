// The packages that a function has of the platform: the framework, and tracing, where its folder has none.
import { mkdir, readlink, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPackage, type InstalledPackage } from './package.ts';
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
      const target = findPackage(name, folder) === undefined ? findOwn(name) : undefined;
      const known = await readlink(link).catch(() => undefined);
      if (known === target?.folder) return;
      // The platform may be another one by now.
      await rm(link, { force: true, recursive: true });
      if (target === undefined) return;
      await mkdir(dirname(link), { recursive: true });
      // Another function of the folder may have been first.
      await symlink(target.folder, link, 'junction').catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }),
  );
}

/** The framework of the function itself, where it has one: what it registers is registered there. */
export function frameworkOf(folder: string): InstalledPackage {
  const found = findPackage('@ofn/core', folder) ?? findOwn('@ofn/core');
  if (found === undefined) throw new Error('@ofn/core is not installed');
  return found;
}

/** The bin of the framework, in its folder. */
export function binOf({ manifest }: InstalledPackage): string {
  const { bin } = manifest;
  return typeof bin === 'object' ? (bin['functions-framework'] ?? '') : '';
}

function findOwn(name: string): InstalledPackage | undefined {
  return findPackage(name, fileURLToPath(new URL('.', import.meta.url)));
}

// The code of a function becomes one file with its source map, by the hash of what is in it.
import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { rolldown } from 'rolldown';
import { PlatformError } from '../errors.ts';
import type { Source } from './source.ts';

/** What was built. */
export interface Bundle {
  /** The file to run. Absolute. */
  readonly file: string;
  /** Of the code; the same code has the same hash. */
  readonly hash: string;
  /** Milliseconds. */
  readonly duration: number;
}

// What other packages are is left to Node.js: they are found from the folder of the function.
const isPackage = (id: string, importer: string | undefined): boolean =>
  importer !== undefined && !/^[./]/.test(id) && !id.startsWith('\0') && !/^[a-z]:[\\/]/i.test(id);

/**
 * Builds a function.
 *
 * @param cache Folder of builds; it must be in that of the function, so that its packages are found.
 * @throws PlatformError `OFN_PLATFORM_BUILD_FAILED`, with the place and the code around it.
 */
export async function bundle(source: Source, cache: string): Promise<Bundle> {
  const begin = performance.now();
  const { code, map } = await generate(source);
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 12);
  const folder = join(cache, hash);
  const file = join(folder, 'index.mjs');
  if ((await stat(file).catch(() => undefined)) === undefined) {
    // Whole or not at all: a build that was cut off is none.
    const unfinished = `${folder}.${process.pid}`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    await linkPlugins(source.folder, unfinished);
    await writeFile(join(unfinished, 'index.mjs.map'), map);
    await writeFile(join(unfinished, 'index.mjs'), `${code}\n//# sourceMappingURL=index.mjs.map\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  }
  return { file, hash, duration: performance.now() - begin };
}

async function generate({ entry, folder }: Source): Promise<{ code: string; map: string }> {
  try {
    const build = await rolldown({
      input: entry,
      cwd: folder,
      platform: 'node',
      external: isPackage,
      logLevel: 'silent',
    });
    try {
      const { output } = await build.generate({
        format: 'esm',
        sourcemap: true,
        codeSplitting: false,
        // Where the user has them, wherever the build is.
        sourcemapPathTransform: (path, map) => resolve(dirname(map), path),
      });
      const [{ code, map }] = output;
      return { code, map: map?.toString() ?? '{}' };
    } finally {
      await build.close();
    }
  } catch (cause) {
    throw new PlatformError('OFN_PLATFORM_BUILD_FAILED', messageOf(cause), { cause });
  }
}

// Plugins of OpenFunction stand beside the source.
async function linkPlugins(folder: string, build: string): Promise<void> {
  const plugins = join(folder, 'plugins');
  if ((await stat(plugins).catch(() => undefined)) === undefined) return;
  await symlink(plugins, join(build, 'plugins'), 'junction');
}

// Without the colors that the bundler gives it, and its count of errors.
function messageOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return stripVTControlCharacters(text)
    .replace(/^Build failed with \d+ errors?:\s*/, '')
    .trim();
}

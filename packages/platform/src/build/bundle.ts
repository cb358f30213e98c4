// The code of a function becomes one file with its source map, by the hash of what is in it.
import { createHash } from 'node:crypto';
import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
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
    await mkdir(folder, { recursive: true });
    await linkPlugins(source.folder, folder);
    await writeFile(`${file}.map`, map);
    await writeFile(file, `${code}\n//# sourceMappingURL=index.mjs.map\n`);
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
        // Paths as the user knows them.
        sourcemapPathTransform: (path) => relative(folder, join(folder, path)),
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

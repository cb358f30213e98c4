// The code of a function becomes one file with its source map, by the hash of what is in it.
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import {
  mkdir,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { rolldown, type Plugin } from 'rolldown';
import { PlatformError } from '../errors.ts';
import { ownerOf } from './package.ts';
import type { Source } from './source.ts';

// Functions of one folder may have the same code: whoever is first has built it for all.
async function move(unfinished: string, folder: string): Promise<void> {
  try {
    await rename(unfinished, folder);
  } catch (error) {
    const isWhole = (await stat(join(folder, 'index.mjs')).catch(() => undefined)) !== undefined;
    await rm(isWhole ? unfinished : folder, { recursive: true, force: true });
    if (isWhole) return;
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'EPERM') throw error;
    await rename(unfinished, folder);
  }
}

/** The builds of a function: in its folder, so that its packages are found from them. */
function buildsOf({ folder }: Source): string {
  return join(folder, '.ofn', 'builds');
}

/** The file to run of a build; it is there when it was built. */
export function fileOf(source: Source, digest: string): string {
  return join(buildsOf(source), digest.replace(/^sha256:/, '').slice(0, 12), 'index.mjs');
}

const isPackage = (id: string, importer: string | undefined): boolean =>
  importer !== undefined && !/^[./]/.test(id) && !id.startsWith('\0') && !/^[a-z]:[\\/]/i.test(id);

// What packages are is left to Node.js: they are found from the folder of the function. By `paths` of tsconfig.json,
// or `imports` of package.json, a name may be that of a file in there.
function packagesApart(folder: string): Plugin {
  return {
    name: 'ofn-packages',
    async resolveId(id, importer, { kind }) {
      if (!isPackage(id, importer)) return undefined;
      if (isBuiltin(id) || id.startsWith('@ofn/')) return { id, external: true };
      const found = await this.resolve(id, importer, { kind, skipSelf: true });
      const isOwn =
        found?.external === false &&
        ownerOf(found.id) === undefined &&
        found.id.startsWith(`${realpathSync(folder)}${sep}`);
      return isOwn ? found : { id, external: true };
    },
  };
}

let unfinishedCount = 0;

/**
 * Builds a function.
 *
 * @returns Digest of the code, such as `sha256:…`: the same code has the same one.
 * @throws PlatformError `OFN_PLATFORM_BUILD_FAILED`, with the place and the code around it.
 */
export async function bundle(source: Source): Promise<string> {
  const { code, map } = await generate(source);
  const digest = `sha256:${createHash('sha256').update(code).digest('hex')}`;
  const file = fileOf(source, digest);
  if ((await stat(file).catch(() => undefined)) !== undefined) return digest;
  try {
    await write(source, dirname(file), code, map);
  } catch (cause) {
    const message = `the build cannot be written: ${(cause as Error).message}`;
    throw new PlatformError('OFN_PLATFORM_BUILD_FAILED', message, { cause });
  }
  return digest;
}

// Whole or not at all: a build that was cut off is none.
async function write(source: Source, folder: string, code: string, map: string): Promise<void> {
  const unfinished = `${folder}.${process.pid}.${(unfinishedCount += 1)}`;
  try {
    await mkdir(unfinished, { recursive: true });
    await linkPlugins(source.folder, unfinished);
    await writeFile(join(unfinished, 'index.mjs.map'), map);
    await writeFile(join(unfinished, 'index.mjs'), `${code}\n//# sourceMappingURL=index.mjs.map\n`);
    await move(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The files of a build that are not in the folder of its function, such as `../shared/a.ts`.
 *
 * @returns Absolute paths, by its source map; none for a build that is gone.
 */
export async function filesOutside(source: Source, digest: string): Promise<readonly string[]> {
  const text = await readFile(`${fileOf(source, digest)}.map`, 'utf8').catch(() => '{}');
  const { sources = [] } = JSON.parse(text) as { sources?: readonly string[] };
  const own = `${await realpath(source.folder).catch(() => source.folder)}${sep}`;
  const isOutside = (file: string): boolean =>
    isAbsolute(file) && !file.startsWith(own) && ownerOf(file) === undefined;
  return sources.filter(isOutside).toSorted();
}

// Enough to go back to, few enough for a disk.
const KEPT = 20;

/**
 * Removes builds of a function's folder, but the latest.
 *
 * @param used Digests of those that stay in any case.
 */
export async function pruneBuilds(source: Source, used: readonly string[]): Promise<void> {
  const folder = buildsOf(source);
  const needed = new Set(used.map((digest) => dirname(fileOf(source, digest))));
  const names = await readdir(folder).catch(() => []);
  if (names.length <= KEPT) return;
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const status = await stat(path).catch(() => undefined);
      return { path, at: status?.mtimeMs ?? 0 };
    }),
  );
  const old = found.toSorted((one, other) => other.at - one.at).slice(KEPT);
  await Promise.all(
    old
      .filter(({ path }) => !needed.has(path))
      // What cannot be removed does no harm.
      .map(({ path }) => rm(path, { recursive: true, force: true }).catch(() => {})),
  );
}

/**
 * The names that code imports of `@ofn/core`: by them it says what kind of function it is.
 *
 * @returns None for code that cannot be built.
 */
export async function frameworkImports(entry: string, folder: string): Promise<readonly string[]> {
  try {
    const { code } = await generate({ entry, folder });
    // As the bundler writes them.
    const found = code.matchAll(/^import \{([^}]*)\} from "@ofn\/core";$/gm);
    return [...found].flatMap(([, names = '']) =>
      names.split(',').map((name) => name.trim().split(' ', 1)[0] ?? ''),
    );
  } catch {
    return [];
  }
}

async function generate({
  entry,
  folder,
}: Pick<Source, 'entry' | 'folder'>): Promise<{ code: string; map: string }> {
  try {
    const build = await rolldown({
      input: entry,
      cwd: folder,
      platform: 'node',
      plugins: [packagesApart(folder)],
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

/** What the bundler says, without the colors that it gives it, and its count of errors. */
export function messageOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return stripVTControlCharacters(text)
    .replace(/^Build failed with \d+ errors?:\s*/, '')
    .trim();
}

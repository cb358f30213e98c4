// The folder of a build: whether it may be written to, and what is written.
import { cp, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PlatformError } from '../errors.ts';
import { MADE_BY } from './dockerfile.ts';

/** What a build makes. */
export interface FolderContent {
  readonly dockerfile: string;
  readonly manifest: object;
  readonly code: string;
  readonly map: string;
  /** The folder of the plugins; `undefined` without any. */
  readonly plugins: string | undefined;
  /** Packed files of packages. */
  readonly packed: readonly string[];
}

// What a build makes, and what installing its packages adds.
const OWN = new Set([
  'Dockerfile',
  '.dockerignore',
  'package.json',
  'index.mjs',
  'index.mjs.map',
  'plugins',
  'packages',
  'node_modules',
  'package-lock.json',
]);

const REMEDY = 'name another folder with --out, or remove it';

/**
 * Makes sure that nothing is lost by building to a folder.
 *
 * @throws PlatformError `OFN_PLATFORM_FOLDER_UNFIT` when it has files that no build has made.
 */
export async function assertFolder(out: string): Promise<void> {
  const found = await stat(out).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isDirectory()) throw unfit(out, `is a file; ${REMEDY}`);
  const names = await readdir(out);
  const dockerfile = await readFile(join(out, 'Dockerfile'), 'utf8').catch(() => '');
  const isOwn = dockerfile.startsWith(`${MADE_BY}\n`);
  const others = names.filter((name) => !isOwn || !OWN.has(name)).toSorted();
  if (others.length === 0) return;
  const shown = others.length > 3 ? [...others.slice(0, 3), '…'] : others;
  throw unfit(out, `has files that ofn build has not made (${shown.join(', ')}); ${REMEDY}`);
}

function unfit(out: string, reason: string, cause?: unknown): PlatformError {
  return new PlatformError('OFN_PLATFORM_FOLDER_UNFIT', `${out} ${reason}`, { cause });
}

/**
 * Writes what was built, in the place of what was there.
 *
 * @throws PlatformError `OFN_PLATFORM_FOLDER_UNFIT` when it cannot be written.
 */
export async function writeFolder(out: string, content: FolderContent): Promise<void> {
  const { code, dockerfile, manifest, map, packed, plugins } = content;
  const files = {
    // First, so that a build that was cut off is known as one.
    Dockerfile: dockerfile,
    '.dockerignore': 'node_modules\nDockerfile\n.dockerignore\n',
    'package.json': `${JSON.stringify(manifest, null, 2)}\n`,
    'index.mjs.map': map,
    'index.mjs': code,
  };
  try {
    await mkdir(out, { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(join(out, file), text);
    for (const name of ['plugins', 'packages']) {
      await rm(join(out, name), { recursive: true, force: true });
    }
    if (plugins !== undefined) {
      await cp(plugins, join(out, 'plugins'), { recursive: true, dereference: true });
    }
    for (const file of packed) await cp(file, join(out, 'packages', basename(file)));
  } catch (cause) {
    throw unfit(out, `cannot be written: ${(cause as Error).message}`, cause);
  }
}

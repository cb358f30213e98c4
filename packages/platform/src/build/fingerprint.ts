// The code in a folder as one text that differs when one of them was saved.
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { VERSION } from 'rolldown';
import { leadsBack } from './links.ts';

// What is no code of a function.
const IGNORED = new Set(['node_modules', '.git', '.ofn', 'coverage']);

/** Whether a file or folder of that name is left alone, with all that is in it. */
export function isIgnored(name: string): boolean {
  return IGNORED.has(name);
}

// What code may be made of. Others, such as a log or a database that the function itself writes, are data.
const SOURCE = /(?:\.(?:[cm]?[jt]sx?|json|ya?ml|wasm|node)|^\.env)$/;

/** Whether a file of that name may be of the code of a function, or say what it is. */
export function isSource(name: string): boolean {
  return SOURCE.test(name);
}

/**
 * By path, size and time of the last change; also by the bundler, which makes the same of the same.
 *
 * @param outside Files that belong to it beside those of the folder.
 */
export async function fingerprint(
  folder: string,
  outside: readonly string[] = [],
): Promise<string> {
  const files = [...(await listFiles(folder)), ...outside].toSorted();
  const hash = createHash('sha256').update(VERSION);
  const found = await Promise.all(
    // A file may be gone by now.
    files.map((file) => stat(file).catch(() => undefined)),
  );
  for (const [index, each] of found.entries()) {
    const path = relative(folder, files[index] ?? '');
    hash.update(`\n${path} ${each?.size ?? ''} ${each?.mtimeMs ?? ''}`);
  }
  return hash.digest('hex').slice(0, 12);
}

// Folders that are links too.
async function listFiles(folder: string, root = folder): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files = entries
    .filter(({ name }) => !isIgnored(name))
    .map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return listFiles(path, root);
      const files = isSource(entry.name) ? [path] : [];
      if (!entry.isSymbolicLink()) return files;
      if (leadsBack(path, root)) return [];
      return (await isFolderBehind(path)) ? listFiles(path, root) : files;
    });
  return (await Promise.all(files)).flat();
}

async function isFolderBehind(link: string): Promise<boolean> {
  const found = await stat(link).catch(() => undefined);
  return found?.isDirectory() === true;
}

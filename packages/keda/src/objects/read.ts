// Paths become scaling objects: files, and the YAML and JSON files of folders.
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KedaError } from '../errors.ts';
import { parseObjects, type ParsedObjects } from './parse.ts';

/**
 * Reads files, and the `.yaml`, `.yml` and `.json` files of folders, but not those of folders in them.
 *
 * @throws KedaError `OFN_KEDA_OBJECT_UNREADABLE`, or `OFN_KEDA_OBJECT_INVALID` for the first file that is
 *   not valid.
 */
export async function readObjects(paths: readonly string[]): Promise<ParsedObjects> {
  const parsed: ParsedObjects[] = [];
  for (const file of (await Promise.all(paths.map(filesOf))).flat()) {
    parsed.push(parseObjects(await read(file), file));
  }
  return {
    objects: parsed.flatMap(({ objects }) => objects),
    services: parsed.flatMap(({ services }) => services),
    replyBodies: parsed.flatMap(({ replyBodies }) => replyBodies),
    ignored: parsed.flatMap(({ ignored }) => ignored),
  };
}

async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path);
    return names
      .filter((name) => /\.(?:ya?ml|json)$/i.test(name))
      .toSorted()
      .map((name) => join(path, name));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(path: string, cause: unknown): KedaError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason = code === 'ENOENT' ? 'there is no such file or folder' : message;
  return new KedaError('OFN_KEDA_OBJECT_UNREADABLE', `cannot read ${path}: ${reason}`, { cause });
}

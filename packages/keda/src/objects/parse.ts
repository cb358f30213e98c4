// YAML becomes scaling objects: files, folders, and several documents in one.
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LineCounter, parseAllDocuments } from 'yaml';
import { KedaError } from '../errors.ts';
import type { ScalingObject } from './objects.ts';
import { schemaOf } from './schemas.ts';
import { validate } from './validate.ts';

/** What a text, or several files, had in them. */
export interface ParsedObjects {
  readonly objects: readonly ScalingObject[];
  /** Objects of other kinds, such as a Deployment, as `kind name`. */
  readonly ignored: readonly string[];
}

/**
 * Parses YAML or JSON.
 *
 * @param file What errors call the text.
 * @throws KedaError `OFN_KEDA_OBJECT_INVALID`, naming file, line and field.
 */
export function parseObjects(text: string, file = 'the text'): ParsedObjects {
  const lines = new LineCounter();
  const objects: ScalingObject[] = [];
  const ignored: string[] = [];
  for (const document of parseAllDocuments(text, { lineCounter: lines })) {
    const [error] = document.errors;
    if (error !== undefined) {
      const { col, line } = lines.linePos(error.pos[0]);
      const message = `${file}:${line}:${col} is not valid YAML: ${error.message.split('\n', 1)[0]}`;
      throw new KedaError('OFN_KEDA_OBJECT_INVALID', message, { cause: error });
    }
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null || value === undefined) continue;
    const { kind, metadata } = value as { kind?: unknown; metadata?: { name?: unknown } };
    const name = `${String(kind)} ${JSON.stringify(metadata?.name ?? '')}`;
    const schema = schemaOf(value);
    if (schema === undefined) {
      ignored.push(name);
      continue;
    }
    const { line } = lines.linePos(document.range?.[0] ?? 0);
    objects.push(validate(schema, value, `${file}:${line}: ${name}`) as ScalingObject);
  }
  return { objects, ignored };
}

/**
 * Reads files, and the YAML and JSON files of folders.
 *
 * @throws KedaError `OFN_KEDA_OBJECT_UNREADABLE`, `OFN_KEDA_OBJECT_INVALID`.
 */
export async function readObjects(paths: readonly string[]): Promise<ParsedObjects> {
  const objects: ScalingObject[] = [];
  const ignored: string[] = [];
  for (const file of (await Promise.all(paths.map(filesOf))).flat()) {
    const parsed = parseObjects(await read(file), file);
    objects.push(...parsed.objects);
    ignored.push(...parsed.ignored);
  }
  return { objects, ignored };
}

async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path);
    return names
      .filter((name) => /\.(?:ya?ml|json)$/.test(name))
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

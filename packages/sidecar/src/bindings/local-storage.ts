// The output binding `bindings.localstorage`: files below a folder.
import { randomUUID } from 'node:crypto';
import {
  lstat,
  mkdir,
  readFile,
  readdir,
  realpath,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, normalize, relative, resolve, sep } from 'node:path';
import type { Component } from '../contract.ts';
import { SidecarError } from '../errors.ts';
import type { OutputBinding } from './output.ts';

/** @throws SidecarError `ERR_RESOURCE_INVALID` when it has no `rootPath`. */
export function createLocalStorage({ name, metadata }: Component): OutputBinding {
  const { rootPath = '' } = metadata;
  if (rootPath === '') {
    throw new SidecarError(
      'ERR_RESOURCE_INVALID',
      `component ${name}: property rootPath must not be empty`,
    );
  }
  const root = resolve(rootPath);

  // A name stays below the root, whatever its dots say, and links do not lead out of it.
  async function pathOf(fileName: string): Promise<string> {
    const path = join(root, normalize(join('/', fileName)));
    await mkdir(root, { recursive: true });
    const realRoot = await realpath(root);
    for (let folder = path; folder.length >= root.length; folder = dirname(folder)) {
      const isThere = await lstat(folder).catch(() => undefined);
      if (isThere === undefined) continue;
      // A link to nowhere is not followed either: what is written would appear there.
      const real = await realpath(folder).catch(() => '');
      if (real === realRoot || real.startsWith(realRoot + sep)) return path;
      break;
    }
    throw new Error(`${fileName} is not below the root path`);
  }

  return {
    operations: ['create', 'get', 'list', 'delete'],
    async invoke({ operation, data, metadata }) {
      const { fileName = '' } = metadata;
      switch (operation) {
        case 'create': {
          const path = await pathOf(fileName === '' ? randomUUID() : fileName);
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, decode(data));
          return toReply({ fileName: relative(root, path) });
        }
        case 'get': {
          const path = await pathOf(fileName);
          const content = await readFile(path).catch((error: NodeJS.ErrnoException) => {
            if (error.code !== 'ENOENT') throw error;
            throw new Error(`file not found: ${path}`);
          });
          return { data: content, metadata: {} };
        }
        case 'delete':
          await unlink(await pathOf(fileName));
          return { data: undefined, metadata: {} };
        default:
          return toReply(await list(await pathOf(fileName)));
      }
    },
  };
}

async function list(path: string): Promise<string[] | null> {
  if (!(await stat(path)).isDirectory()) {
    throw new Error(`unable to list files as the file specified is not a directory: ${path}`);
  }
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  // Go writes a list that was never filled as null.
  if (files.length === 0) return null;
  return files.map((entry) => join(entry.parentPath, entry.name)).toSorted();
}

// As daprd does: a JSON string is unquoted, and what is base64 is decoded.
function decode(data: Buffer): Buffer {
  let bytes = data;
  if (data[0] === 0x22) {
    try {
      const text: unknown = JSON.parse(data.toString('utf8'));
      if (typeof text === 'string') bytes = Buffer.from(text);
    } catch {
      // Not a JSON string: the bytes are meant as they are.
    }
  }
  const text = bytes.toString('latin1').replaceAll(/[\r\n]/g, '');
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length > 0;
  return isBase64 ? Buffer.from(text, 'base64') : bytes;
}

function toReply(value: unknown): { data: Buffer; metadata: Readonly<Record<string, string>> } {
  return { data: Buffer.from(JSON.stringify(value)), metadata: {} };
}

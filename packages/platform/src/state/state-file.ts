// What is kept of a platform, as a file that is whole or not there.
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SavedState } from './store.ts';

/** The file of a platform. */
export interface StateFile {
  /** What was kept last; nothing where there is no such file. */
  readonly read: () => Promise<SavedState>;
  /** Keeps what there is by then, soon; what comes in between is kept once. */
  readonly save: () => void;
  /** Resolves when all is kept that there is. */
  readonly flush: () => Promise<void>;
}

const VERSION = 1;
const EMPTY: SavedState = { functions: {}, events: [] };

/**
 * Makes the file.
 *
 * @param state What there is to keep.
 * @param warn Called with why it cannot be kept or read; once until it can.
 */
export function createStateFile(
  path: string,
  state: () => SavedState,
  warn: (message: string) => void,
): StateFile {
  let isDirty = false;
  let failed = false;
  let running: Promise<void> | undefined;

  async function write(): Promise<void> {
    while (isDirty) {
      isDirty = false;
      try {
        await replace(path, JSON.stringify({ version: VERSION, ...state() }));
        failed = false;
      } catch (error) {
        const { message } = error as Error;
        if (!failed) warn(`the state cannot be kept in ${path}: ${message}; it goes on in memory`);
        failed = true;
      }
    }
    running = undefined;
  }

  return {
    async read() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code !== 'ENOENT') warn(`${path} cannot be read: ${message}; all begins anew`);
        return EMPTY;
      }
      const found = parse(text);
      if (found !== undefined) return found;
      await rename(path, `${path}.broken`).catch(() => {});
      warn(
        `${path} is no state of this version; it is kept as ${path}.broken, and all begins anew`,
      );
      return EMPTY;
    },
    save() {
      isDirty = true;
      // After what happens together with this.
      running ??= Promise.resolve().then(write);
    },
    async flush() {
      await running;
    },
  };
}

function parse(text: string): SavedState | undefined {
  try {
    const { events, functions, version } = JSON.parse(text) as Partial<SavedState> & {
      version?: unknown;
    };
    if (version !== VERSION || !isRecord(functions) || !Array.isArray(events)) return undefined;
    if (!Object.values(functions).every(isProgress) || !events.every(isEvent)) return undefined;
    return { functions, events };
  } catch {
    return undefined;
  }
}

// What the rest of it is made of by: an older version, or a person, may have written something else.
function isProgress(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { build, serving } = value;
  if (!isRecord(build) || !isRecord(serving)) return false;
  return (
    isRecord(build['condition']) &&
    Array.isArray(build['canceling']) &&
    Array.isArray(build['history']) &&
    typeof build['count'] === 'number' &&
    isRecord(serving['condition']) &&
    typeof serving['count'] === 'number' &&
    [...build['canceling'], ...build['history']].every(isObject) &&
    [build['builder'], serving['serving'], serving['previous'], value['function']].every(
      (each) => each === undefined || isObject(each),
    )
  );
}

function isEvent(value: unknown): boolean {
  return isObject(value) && isRecord(value['regarding']) && typeof value['reason'] === 'string';
}

// An event has no spec; whatever is built or served has one.
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isRecord(value) || !isRecord(value['metadata'])) return false;
  const { kind, metadata, spec } = value;
  return typeof metadata['name'] === 'string' && (kind === 'Event' || isRecord(spec));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function replace(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`;
  await mkdir(dirname(path), { recursive: true });
  // What functions said last is in it, too: for its user alone.
  const file = await open(unfinished, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
}

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
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (text === undefined) return EMPTY;
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
    if (version !== VERSION || functions === undefined || !Array.isArray(events)) return undefined;
    return { functions, events };
  } catch {
    return undefined;
  }
}

async function replace(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`;
  await mkdir(dirname(path), { recursive: true });
  const file = await open(unfinished, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
}

// Files that change, as one call for each burst of changes.
import { watch as watchFolder, type FSWatcher as FolderWatcher } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { isIgnored, isSource } from './fingerprint.ts';
import { leadsBack } from './links.ts';

// Milliseconds that changes of one save may be apart.
const BURST = 10;
// How long a storm of changes may put that off.
const LONGEST_BURST = 200;
// The watcher may miss a change that comes just after another one: it is looked at once more.
const SETTLED = 150;

/** Watches until it is closed. */
export interface Watcher {
  readonly close: () => Promise<void>;
}

/**
 * Watches a folder, or one file.
 *
 * @param changed Called after a change, and again a moment later. `isStructure`: what the functions are may
 *   be another now, as files have come or gone, or one changed that describes them.
 * @returns What ends it, once all of it is watched.
 */
export async function watchFiles(
  path: string,
  changed: (isStructure: boolean) => void,
): Promise<Watcher> {
  let timer: NodeJS.Timeout | undefined;
  let begun: number | undefined;
  let isChanged = false;
  let isStructure = false;
  // Of what is still to be looked at once more.
  let again: { readonly isStructure: boolean } | undefined;
  let isClosed = false;
  let identities = await identify(path);
  let checking: Promise<void> = Promise.resolve();
  let watcher = await open();
  const parent = watchEntry(path, schedule);
  // What was replaced while the watcher went through it.
  check();

  async function open(): Promise<FSWatcher> {
    const opened = watch(path, {
      ignoreInitial: true,
      ignored: (each) =>
        each.slice(path.length).split(sep).some(isIgnored) || leadsBack(each, path),
    });
    opened.on('all', (event, file) => {
      const isFolder = event === 'addDir' || event === 'unlinkDir';
      if (!isFolder && !isSource(basename(file))) return;
      isChanged = true;
      isStructure ||= event !== 'change' || /\.(?:ya?ml|json)$/.test(file);
      schedule();
    });
    opened.on('raw', schedule);
    // A folder that cannot be read is no reason to end.
    opened.on('error', schedule);
    await new Promise<void>((resolve) => opened.on('ready', resolve));
    return opened;
  }

  function schedule(): void {
    if (isClosed) return;
    clearTimeout(timer);
    isChanged ||= again !== undefined;
    isStructure ||= again?.isStructure === true;
    again = undefined;
    begun ??= performance.now();
    const left = LONGEST_BURST - (performance.now() - begun);
    timer = setTimeout(tell, Math.min(BURST, Math.max(0, left)));
  }

  function tell(): void {
    const told = isChanged;
    const toldStructure = isStructure;
    begun = undefined;
    isChanged = false;
    isStructure = false;
    if (told) changed(toldStructure);
    check();
    if (told) again = { isStructure: toldStructure };
    timer = setTimeout(() => {
      again = undefined;
      if (told) changed(toldStructure);
      check();
    }, SETTLED);
  }

  function check(): void {
    checking = checking.then(renew);
  }

  // A folder that another one has taken the place of, by a rename or a checkout, is watched no longer, without a
  // word: all of it is watched anew.
  async function renew(): Promise<void> {
    if (isClosed) return;
    const found = await identify(path);
    const isReplaced = [...found].some(([folder, identity]) => {
      const known = identities.get(folder);
      return known !== undefined && known !== identity;
    });
    for (const folder of identities.keys()) if (!found.has(folder)) found.set(folder, GONE);
    identities = found;
    if (!isReplaced) return;
    await watcher.close();
    watcher = await open();
    changed(true);
    // It may have gone on in the meantime.
    await renew();
  }

  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      parent?.close();
      await checking;
      await watcher.close();
    },
  };
}

const GONE = 'gone';

// Each folder below a path, and the path itself, with what differs when another one is in its place.
async function identify(path: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  async function visit(each: string, isFolder: boolean): Promise<void> {
    const status = await stat(each).catch(() => undefined);
    if (status === undefined) return;
    found.set(each, `${status.dev} ${status.ino} ${status.birthtimeMs}`);
    if (!isFolder && !status.isDirectory()) return;
    const entries = await readdir(each, { withFileTypes: true }).catch(() => []);
    const folders = entries.filter((entry) => entry.isDirectory() && !isIgnored(entry.name));
    await Promise.all(folders.map(({ name }) => visit(join(each, name), true)));
  }
  await visit(path, false);
  return found;
}

// What has come to, or gone from, the place of a file or folder; nothing where its parent cannot be watched.
function watchEntry(path: string, changed: () => void): FolderWatcher | undefined {
  try {
    const name = basename(path);
    const watcher = watchFolder(dirname(path), (_, entry) => {
      if (entry === null || entry === name) changed();
    });
    watcher.on('error', () => {});
    return watcher;
  } catch {
    return undefined;
  }
}

// Files that change, as one call for each burst of changes.
import { sep } from 'node:path';
import { watch } from 'chokidar';
import { isIgnored } from './fingerprint.ts';

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
  const watcher = watch(path, {
    ignoreInitial: true,
    ignored: (each) => each.slice(path.length).split(sep).some(isIgnored),
  });
  let timer: NodeJS.Timeout | undefined;
  let begun: number | undefined;
  let isStructure = false;
  watcher.on('all', (event, file) => {
    clearTimeout(timer);
    begun ??= performance.now();
    isStructure ||= event !== 'change' || /\.(?:ya?ml|json)$/.test(file);
    const left = LONGEST_BURST - (performance.now() - begun);
    timer = setTimeout(
      () => {
        const told = isStructure;
        begun = undefined;
        isStructure = false;
        changed(told);
        timer = setTimeout(() => changed(told), SETTLED);
      },
      Math.min(BURST, Math.max(0, left)),
    );
  });
  await new Promise<void>((resolve) => watcher.on('ready', resolve));
  return {
    async close() {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}

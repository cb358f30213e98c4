// A folder whose files change, as one call for each burst of changes.
import { sep } from 'node:path';
import { watch } from 'chokidar';

// Milliseconds that changes of one save may be apart.
const BURST = 10;
// The watcher may miss a change that comes just after another one: it is looked at once more.
const SETTLED = 150;

const IGNORED = new Set(['node_modules', '.git', '.ofn', 'coverage']);

/**
 * Watches a folder.
 *
 * @param changed Called after a change, and again a moment later.
 * @returns What ends it, once all of it is watched.
 */
export async function watchFolder(
  folder: string,
  changed: () => void,
): Promise<{ close(): Promise<void> }> {
  const watcher = watch(folder, {
    ignoreInitial: true,
    ignored: (path) =>
      path
        .slice(folder.length)
        .split(sep)
        .some((part) => IGNORED.has(part)),
  });
  let timer: NodeJS.Timeout | undefined;
  watcher.on('all', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      changed();
      timer = setTimeout(changed, SETTLED);
    }, BURST);
  });
  await new Promise<void>((resolve) => watcher.on('ready', resolve));
  return {
    async close() {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}

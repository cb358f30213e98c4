// Links in a folder that lead back to where they are: who follows them goes round for ever.
import { lstatSync, realpathSync } from 'node:fs';
import { dirname, sep } from 'node:path';

/**
 * Whether a path is a link to a folder that it is in itself, be that by way of other links.
 *
 * @param root The folder that is gone through.
 */
export function leadsBack(path: string, root: string): boolean {
  try {
    if (!lstatSync(path).isSymbolicLink()) return false;
    const place = realpathSync(path);
    for (let above = path; above !== root && above !== dirname(above);) {
      above = dirname(above);
      if (`${realpathSync(above)}${sep}`.startsWith(`${place}${sep}`)) return true;
    }
    return false;
  } catch {
    // It is gone, or leads nowhere.
    return false;
  }
}

// Texts of others, such as functions and their callers, as a terminal may get them: without what controls it.
import { stripVTControlCharacters } from 'node:util';

// Of C0 and C1, all but the tabulator and the end of a line.
const CONTROLS = /[^\P{Cc}\t\n]/gu;

/**
 * Removes what a terminal would take for a command, colours too.
 *
 * @example
 * toPrintable('\u001b[2Jgone\u0007'); // gone
 */
export function toPrintable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(CONTROLS, '');
}

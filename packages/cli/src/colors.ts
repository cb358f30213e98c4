// Colours of the output: whether there are any, and a text in some of them.
import { styleText } from 'node:util';

/** Names of `node:util`, such as `red` or `['bold', 'red']`. */
type Format = Parameters<typeof styleText>[0];

/** Gives a text colours, or leaves it as it is. */
export type Style = (format: Format, text: string) => string;

/**
 * Whether output has colours: on a terminal that has them. `FORCE_COLOR` wins over all, as in Node.js; `0` and
 * `false` turn it off; `NO_COLOR` turns it off.
 */
export function hasColors(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return false;
  return isTerminal;
}

/** Creates what gives colours; it leaves texts as they are where there are none. */
export function createStyle(isColored: boolean): Style {
  if (!isColored) return (_, text) => text;
  // Whether the stream has colours is decided already.
  return (format, text) => styleText(format, text, { validateStream: false });
}

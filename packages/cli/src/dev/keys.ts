// The keys of `ofn dev`: what each does, and help.
import type { Style } from '../colors.ts';

/** What keys do. */
export interface KeyActions {
  readonly restart: () => void;
  readonly open: () => void;
  readonly clear: () => void;
  readonly help: () => void;
  readonly quit: () => void;
}

/** Every key; `docs/ofn.md` lists the same. */
export const KEYS = [
  { key: 'r', action: 'restart', does: 'Restart all functions' },
  { key: 'o', action: 'open', does: 'Open the first function in the browser' },
  { key: 'c', action: 'clear', does: 'Clear the screen, and print the functions again' },
  { key: 'h', action: 'help', does: 'Print the keys' },
  { key: 'q', action: 'quit', does: 'End, as Ctrl-C does; a second Ctrl-C does not wait' },
] as const satisfies readonly { key: string; action: keyof KeyActions; does: string }[];

/** Does what a key is for; `Enter` and those of no meaning do nothing. */
export function press(key: string, actions: KeyActions): void {
  const wanted = key === '?' ? 'h' : key.toLowerCase();
  const found = KEYS.find((each) => each.key === wanted);
  if (found !== undefined) actions[found.action]();
}

/** Renders help as lines. */
export function renderKeys(style: Style): readonly string[] {
  return ['', ...KEYS.map(({ does, key }) => `  ${style('bold', key)}  ${does}`), ''];
}

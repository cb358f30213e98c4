// Lines on the terminal, above one line of what is waited for where what was written can be changed.
import type { Style } from '../colors.ts';
import type { Terminal } from '../terminal.ts';

/** What is written to. */
export interface Screen {
  /** Whether the last line can be changed. */
  readonly isLive: boolean;
  readonly print: (lines: readonly string[]) => void;
  /**
   * Shows a last line below all others; none for an empty text. Does nothing where it cannot be changed.
   *
   * @param text Without colours.
   */
  readonly setStatus: (text: string) => void;
  /** Removes all that is on it; does nothing where that cannot be. */
  readonly clear: () => void;
}

const ESCAPE = '\u001b[';
const ERASE_LINE = `\r${ESCAPE}2K`;
const ERASE_ALL = `${ESCAPE}2J${ESCAPE}3J${ESCAPE}H`;

/** Creates it; nothing is written yet. */
export function createScreen(
  { columns, out }: Pick<Terminal, 'columns'> & { readonly out: (text: string) => void },
  style: Style,
): Screen {
  let status = '';

  function renderStatus(): string {
    if (status === '') return '';
    // A longer one would take two lines, of which one could be removed; a terminal may not know its width.
    return style('dim', status.slice(0, (columns?.() || 80) - 1));
  }

  const erase = (): string => (status === '' ? '' : ERASE_LINE);
  return {
    isLive: columns !== undefined,
    print(lines) {
      if (lines.length > 0) out(`${erase()}${lines.join('\n')}\n${renderStatus()}`);
    },
    setStatus(text) {
      if (columns === undefined || text === status) return;
      const erased = erase();
      status = text;
      out(`${erased}${renderStatus()}`);
    },
    clear() {
      if (columns !== undefined) out(`${ERASE_ALL}${renderStatus()}`);
    },
  };
}

// Rows become columns, as kubectl prints them.
import { toPrintable } from '../printable.ts';

/** The cells of a row. */
export type Row = readonly string[];

/** Prints rows below one head, as they come: no column is narrower than before. */
export interface Table {
  /** The rows as lines; the head first, the first time. */
  readonly render: (rows: readonly Row[]) => string;
}

const GAP = '   ';

/** Creates a table; nothing is printed by then. */
export function createTable(head: Row): Table {
  let widths: readonly number[] = head.map(() => 0);
  let isHeadDue = true;
  return {
    render(rows) {
      const printable = rows.map((row) => row.map(toPrintable));
      const lines = isHeadDue ? [head, ...printable] : printable;
      isHeadDue = false;
      widths = widths.map((width, column) =>
        Math.max(width, ...lines.map((line) => (line[column] ?? '').length)),
      );
      return lines.map((line) => renderLine(line, widths)).join('');
    },
  };
}

function renderLine(line: Row, widths: readonly number[]): string {
  const cells = widths.map((width, column) => (line[column] ?? '').padEnd(width));
  return `${cells.join(GAP).trimEnd()}\n`;
}

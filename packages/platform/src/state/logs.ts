// The lines that instances print: the latest of them, and who follows them.

/** A line of an instance. */
export interface LogLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly namespace: string;
  readonly function: string;
  readonly instance: string;
  readonly line: string;
}

/** The lines of a platform. */
export interface Logs {
  readonly write: (line: LogLine) => void;
  /** The latest lines, oldest first. */
  readonly list: () => readonly LogLine[];
  /** Calls back with each line from now on. Returns what ends that. */
  readonly watch: (listener: (line: LogLine) => void) => () => void;
}

const LIMIT = 10_000;
// Characters: there are lines of a megabyte.
const SIZE_LIMIT = 32 * 1024 * 1024;

/** Creates the logs, with no line in them. */
export function createLogs(): Logs {
  const lines: LogLine[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  let size = 0;

  function shorten(): void {
    let count = 0;
    while (lines.length - count > LIMIT || size > SIZE_LIMIT) {
      size -= lines[count]?.line.length ?? size;
      count += 1;
    }
    lines.splice(0, count);
  }

  return {
    write(line) {
      lines.push(line);
      size += line.line.length;
      // In one go, now and then: removing the first of many each time would cost too much.
      if (lines.length > LIMIT * 1.25 || size > SIZE_LIMIT * 1.25) shorten();
      for (const listener of listeners) listener(line);
    },
    list: () => lines.slice(-LIMIT),
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

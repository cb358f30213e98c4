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

/** Creates the logs, with no line in them. */
export function createLogs(): Logs {
  const lines: LogLine[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  return {
    write(line) {
      lines.push(line);
      // In one go, now and then: removing the first of many each time would cost too much.
      if (lines.length > LIMIT * 1.25) lines.splice(0, lines.length - LIMIT);
      for (const listener of listeners) listener(line);
    },
    list: () => lines.slice(-LIMIT),
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

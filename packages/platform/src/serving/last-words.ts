// Why a process ended, by what it printed last.

interface LoggedError {
  readonly level?: string;
  readonly msg?: string;
  readonly err?: { readonly message?: unknown };
}

/** The error that the framework or Node.js has told of; empty when there is none. */
export function lastWords(lines: readonly string[]): string {
  for (const line of lines.toReversed()) {
    const words = line.startsWith('{') ? ofLog(line) : ofNode(line);
    if (words !== '') return words;
  }
  return '';
}

function ofLog(line: string): string {
  try {
    const { err, level, msg = '' } = JSON.parse(line) as LoggedError;
    if (level !== 'error' && level !== 'fatal') return '';
    const message = typeof err?.message === 'string' ? err.message : '';
    return message === '' || msg.includes(message) ? msg : `${msg}: ${message}`;
  } catch {
    return '';
  }
}

// Such as `TypeError: x is not a function`, above its stack.
function ofNode(line: string): string {
  return /^(?:Uncaught )?[A-Za-z]*Error\b.*:/.test(line) ? line : '';
}

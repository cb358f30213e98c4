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

// A line of the framework as people read it, or `TypeError: x is not a function` above its stack.
function ofNode(line: string): string {
  const [, logged] = /^\[[\d:.]+\] (?:ERROR|FATAL): (.*)$/.exec(line) ?? [];
  if (logged !== undefined) return logged.replace(/ \{".*\}$/, '');
  const [, refused] = /^functions-framework: (OFN_.*)$/.exec(line) ?? [];
  if (refused !== undefined) return refused;
  if (/^Starting inspector on .* failed: /.test(line)) return line;
  // `FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory`
  const [, fatal] = /^FATAL ERROR: (?:.* - )?(JavaScript heap out of memory)$/.exec(line) ?? [];
  if (fatal !== undefined) return fatal;
  return /^(?:Uncaught )?[A-Za-z]*Error\b.*:/.test(line) ? line : '';
}

// Starts an example as its `start` script does, in a process of its own, on a free port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** One line of an example's log. */
interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** An example that serves. */
export interface RunningExample {
  /** Where it listens, such as `http://127.0.0.1:41873`. */
  readonly origin: string;
  readonly lines: readonly LogLine[];
  /** Everything it has written to its standard output. */
  output(): string;
  /** The first log line that fits, past or to come. Rejects when the process ends before. */
  line(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** Sends SIGTERM. Resolves to the exit code, `null` when it was killed. */
  stop(): Promise<number | null>;
}

/**
 * Starts an example; it is killed when the test ends. For use inside a test.
 *
 * @throws Error with the exit code and what it wrote to its standard error, when it does not start.
 */
export async function startExample(folder: string): Promise<RunningExample> {
  const require = createRequire(join(folder, 'package.json'));
  const { scripts } = require('./package.json') as { scripts: { start: string } };
  const [command, ...args] = scripts.start.split(' ');
  const manifest = require.resolve('@ofn/core/package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> };
  const file = join(dirname(manifest), bin[command ?? ''] ?? 'no such bin');

  // Nothing of this process's environment: NODE_ENV and PORT would change what is tested.
  const child = spawn(process.execPath, [file, ...args, '--port', '0'], {
    cwd: folder,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const closed = once(child, 'close') as Promise<[number | null]>;

  const texts: string[] = [];
  const lines: LogLine[] = [];
  let errors = '';
  let notify: () => void = () => {};
  let changed = new Promise<void>((resolve) => (notify = resolve));
  createInterface({ input: child.stdout }).on('line', (text) => {
    texts.push(text);
    if (text.startsWith('{')) lines.push(JSON.parse(text) as LogLine);
    notify();
    changed = new Promise((resolve) => (notify = resolve));
  });
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));

  async function line(fits: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = lines.find(fits);
      if (found !== undefined) return found;
      const ended = await Promise.race([changed, closed]);
      if (ended !== undefined && !lines.some(fits)) {
        throw new Error(`the example ended with exit code ${ended[0]}: ${errors}`);
      }
    }
  }

  const { msg } = await line(({ msg }) => msg.startsWith('serving '));
  const port = /:(\d+)\//.exec(msg)?.[1];
  return {
    origin: `http://127.0.0.1:${port}`,
    lines,
    output: () => texts.join('\n'),
    line,
    async stop() {
      child.kill('SIGTERM');
      const [code] = await closed;
      return code;
    },
  };
}

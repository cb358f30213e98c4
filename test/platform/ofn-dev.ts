// `ofn dev` as a process.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

const require = createRequire(import.meta.url);

/** The command as it is installed. */
export const BIN = join(dirname(require.resolve('@ofn/cli/package.json')), 'bin/ofn.js');

/**
 * Starts it on a free port in a folder; it is killed when the test ends.
 *
 * @param options `args`: further ones. `env`: beside PATH.
 */
export function startDev(
  folder: string,
  { args = [], env = {} }: { args?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
) {
  const child = spawn(process.execPath, [BIN, 'dev', folder, '--port', '0', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  }
  return {
    child,
    /** Resolves to its port once it serves. */
    port: (): Promise<number> =>
      vi.waitFor(
        () => {
          const [, found] = /http:\/\/localhost:(\d+)\//.exec(output) ?? [];
          if (found === undefined) throw new Error(`it does not serve: ${output}`);
          return Number(found);
        },
        { timeout: 20_000, interval: 10 },
      ),
    /** What it has printed. */
    output: (): string => output,
  };
}

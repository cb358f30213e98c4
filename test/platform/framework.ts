// The bin of the framework in a folder, as the scripts of a project and the image of a function start it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

const require = createRequire(import.meta.url);

/** Has a folder find a package, as if it was installed there. */
export function install(folder: string, name: string): void {
  const link = join(folder, 'node_modules', name);
  if (existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(dirname(require.resolve(`${name}/package.json`)), link, 'junction');
}

/** The bin of a package. */
export function binOf(name: string, command: string): string {
  const manifest = require.resolve(`${name}/package.json`);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> };
  return join(dirname(manifest), bin[command] ?? '');
}

/** How a command ended. */
interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a script of Node.js to its end. */
export async function runNode(folder: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const printed = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (printed.out += String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => (printed.err += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...printed };
}

/** A function that serves. */
interface Served {
  readonly port: number;
  /** What it has printed. */
  readonly output: () => string;
  /** Tells it to stop; resolves to its exit code. */
  readonly end: () => Promise<number | null>;
}

/** Starts the framework; it ends with the test. */
export async function serve(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const given = [binOf('@ofn/core', 'functions-framework'), ...args];
  const child = spawn(process.execPath, ['--enable-source-maps', ...given], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  }
  const port = await vi.waitFor(
    () => {
      const [, found] = /(?: at http:\/\/localhost:|--app-port )(\d+)/.exec(output) ?? [];
      if (found === undefined) throw new Error(`it does not serve: ${output}`);
      return Number(found);
    },
    { timeout: 20_000 },
  );
  return {
    port,
    output: () => output,
    async end() {
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    },
  };
}

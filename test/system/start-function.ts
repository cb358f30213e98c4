// The bin as a process: functions go in as files of a temporary folder, and the process is killed
// at the end of the test whatever came of it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test as base } from 'vitest';
import { connect, type Connection } from './connection.ts';

/** What a process is started with. */
export interface StartOptions {
  /** Files of the working directory, by relative path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Packages that the function finds beside @ofn/core: their folders, by their names. */
  readonly packages?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Variables; of the surrounding environment only PATH is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** The bin. Default: the one that the manifest of @ofn/core names. */
  readonly bin?: string;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of the log, or of what the function prints, that is a JSON object. */
export interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

/** A process of the bin. */
export interface Command {
  /** The working directory. */
  readonly folder: string;
  readonly exit: Promise<Exit>;
  /** Resolves with the first line of the log that matches; rejects when the process ends without. */
  readonly logged: (matches: (line: LogLine) => boolean) => Promise<LogLine>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** A process that serves. */
export interface ServingFunction extends Command {
  readonly port: number;
  readonly url: string;
}

/** A process, and what ends it for those that no test ends. */
export interface Process extends Command {
  /** Kills what still runs, and removes the folder. */
  readonly end: () => Promise<void>;
}

interface Fixtures {
  /** Runs the bin, and does not wait. */
  run: (options: StartOptions) => Command;
  /** Runs the bin with `--port 0`, and resolves once it serves. */
  start: (options: StartOptions) => Promise<ServingFunction>;
  /** Opens a connection to a port of this machine. */
  open: (port: number) => Promise<Connection>;
}

const require = createRequire(import.meta.url);
const manifestPath = require.resolve('@ofn/core/package.json');
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as { bin: Record<string, string> };
const BIN = join(dirname(manifestPath), manifest.bin['functions-framework'] ?? '');

/** `test`, with processes and connections that end with it. */
export const test = base.extend<Fixtures>({
  run: async ({ onTestFinished }, use) => {
    await use((options) => {
      const started = startProcess(options);
      onTestFinished(started.end);
      return started;
    });
  },
  start: async ({ run }, use) => {
    await use(async (options) => {
      return serving(run({ ...options, args: ['--port', '0', ...(options.args ?? [])] }));
    });
  },
  open: async ({ onTestFinished }, use) => {
    await use(async (port) => {
      const connection = await connect(port);
      onTestFinished(() => connection.destroy());
      return connection;
    });
  },
});

/** Runs the bin, and does not wait; for what outlives a test. Whoever calls it ends it. */
export function startProcess(options: StartOptions): Process {
  const folder = createFolder(options);
  const child = launch(folder, options);
  const end = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  };
  return { ...observe(child, folder), end };
}

// Callers, or a sidecar.
const SERVES = /(?:^serving .* at http:\/\/localhost:|--app-port )(\d+)/;

/** Resolves once a process serves. */
export async function serving<Running extends Command>(
  command: Running,
): Promise<Running & ServingFunction> {
  const { msg = '' } = await command.logged(({ msg }) => SERVES.test(msg ?? ''));
  const port = Number(SERVES.exec(msg)?.[1]);
  return { ...command, port, url: `http://localhost:${port}` };
}

// Outside of the workspace, so that no package.json of it decides what kind of module a file is.
function createFolder({ files = {}, packages = {} }: StartOptions): string {
  const folder = mkdtempSync(join(tmpdir(), 'ofn-function-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const [name, path] of Object.entries({ '@ofn/core': dirname(manifestPath), ...packages })) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(path, link, 'junction');
  }
  return folder;
}

function launch(folder: string, { args = [], env = {}, bin }: StartOptions): ChildProcess {
  const [command, first] = bin === undefined ? [process.execPath, [BIN]] : [bin, []];
  return spawn(command, [...first, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function observe(child: ChildProcess, folder: string): Command {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exit = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  exit.catch(() => {});

  function logged(matches: (line: LogLine) => boolean): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = toLines(stdout).find(matches);
        if (found === undefined) return;
        child.stdout?.removeListener('data', look);
        resolve(found);
      };
      child.stdout?.on('data', look);
      look();
      exit.then(
        () => reject(new Error(`the process ended without that line:\n${stdout}\n${stderr}`)),
        reject,
      );
    });
  }

  return { folder, exit, logged, kill: (signal) => void child.kill(signal) };
}

function toLines(text: string): LogLine[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}

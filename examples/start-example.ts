// Starts an example as its scripts do, in processes of their own, on free ports.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished, vi } from 'vitest';

/** One line of an example's log. */
interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** An example that serves. */
export interface RunningExample {
  /** Where it listens, such as `http://127.0.0.1:41873`. */
  readonly origin: string;
  /** Where its sidecar listens; `undefined` for an example without one. */
  readonly sidecar: string | undefined;
  readonly lines: readonly LogLine[];
  /** Everything it has written to its standard output. */
  output(): string;
  /** The first log line that fits, past or to come. Rejects when the process ends before. */
  line(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** Sends SIGTERM. Resolves to the exit code, `null` when it was killed. */
  stop(): Promise<number | null>;
}

/**
 * Starts an example, with its sidecar when it has one; both are killed when the test ends. For use
 * inside a test.
 *
 * @param protocol How the sidecar delivers. Default `http`.
 * @throws Error with the exit code and what it wrote to its standard error, when it does not start.
 */
export async function startExample(
  folder: string,
  protocol: 'http' | 'grpc' = 'http',
): Promise<RunningExample> {
  const { start, function: serve, sidecar: script } = readScripts(folder);
  if (serve === undefined || script === undefined) {
    const example = run(folder, [...commandOf(folder, start), '--port', '0'], {});
    const { msg } = await example.line(({ msg }) => msg.startsWith('serving '));
    const port = /:(\d+)\//.exec(msg)?.[1];
    return { ...example, origin: `http://127.0.0.1:${port}`, sidecar: undefined };
  }

  const port = await freePort();
  const sidecarPorts = ['--app-port', port, '--dapr-http-port', '0', '--dapr-grpc-port', '0'];
  const sidecarFlags = [...sidecarPorts, '--app-protocol', protocol];
  const sidecar = run(folder, [...commandOf(folder, script), ...sidecarFlags], {});
  const { msg } = await sidecar.line(({ msg }) => msg.startsWith('ofn-sidecar: ready'));
  const apiPort = /HTTP API at [^:]+:(\d+)/.exec(msg)?.[1] ?? '';

  const flags = ['--port', port, '--app-protocol', protocol];
  const env = { NODE_ENV: 'production', DAPR_HTTP_PORT: apiPort };
  const example = run(folder, [...commandOf(folder, serve), ...flags], env);
  await example.line(({ msg }) => /^serving | receives the /.test(msg));
  const api = `http://127.0.0.1:${apiPort}`;
  // 204 when it has found the app and read its subscriptions.
  await vi.waitFor(
    async () => {
      const { status } = await fetch(`${api}/v1.0/healthz`);
      if (status !== 204) throw new Error(`the sidecar answers ${status}`);
    },
    { timeout: 10_000, interval: 20 },
  );
  return { ...example, origin: `http://127.0.0.1:${port}`, sidecar: api };
}

type Scripts = Readonly<Record<string, string>> & { readonly start: string };

/** The scripts of an example. */
export function readScripts(folder: string): Scripts {
  const manifest = readFileSync(join(folder, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { scripts: Scripts }).scripts;
}

// As npm would find it, with the bins of our packages.
function commandOf(folder: string, script: string): readonly string[] {
  const [command = '', ...args] = script.split(' ');
  if (command === 'node') return [process.execPath, ...args];
  const require = createRequire(join(folder, 'package.json'));
  const manifest = require.resolve(
    `${command === 'ofn-sidecar' ? '@ofn/sidecar' : '@ofn/core'}/package.json`,
  );
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> };
  return [process.execPath, join(dirname(manifest), bin[command] ?? 'no such bin'), ...args];
}

/** A port that nobody listens on, as text. */
export async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

type Running = Omit<RunningExample, 'origin' | 'sidecar'>;

function run(
  folder: string,
  [command = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Running {
  // Nothing of this process's environment: NODE_ENV and PORT would change what is tested.
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return followOutput(child);
}

/** Reads what a process writes. */
export function followOutput(child: ChildProcess): Running {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the output of the process is not piped');
  const closed = once(child, 'close') as Promise<[number | null]>;
  const texts: string[] = [];
  const lines: LogLine[] = [];
  let errors = '';
  let notify: () => void = () => {};
  let changed = new Promise<void>((resolve) => (notify = resolve));
  createInterface({ input: stdout }).on('line', (text) => {
    texts.push(text);
    if (text.startsWith('{')) lines.push(JSON.parse(text) as LogLine);
    else lines.push({ msg: text });
    notify();
    changed = new Promise((resolve) => (notify = resolve));
  });
  stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));

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

  return {
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

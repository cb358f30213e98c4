// One instance: a process that is started, asked until it is ready, and ended.
import { spawn as spawnProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { isReady } from './probe.ts';
import { ownGroup } from './process-group.ts';

/** Where an instance is in its life; `unready` when it was ready, and its probe fails now. */
export type InstanceState = 'starting' | 'ready' | 'unready' | 'stopping' | 'exited';

/** What an instance is started with; times in milliseconds. */
export interface InstanceSettings {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly host: string;
  /** The port that it finds in `PORT`. */
  readonly port: number;
  readonly sidecar: Sidecar | undefined;
  readonly spawn: Spawn;
  /** Path of a probe that answers 2xx when it is ready; `undefined` to be content with its port. */
  readonly readyPath: string | undefined;
  /** Between two probes of one that is ready. */
  readonly readyPeriod: number;
  readonly stopTimeout: number;
  /** Called when it is no longer ready, as it has ended or its probe fails, and when it is again. */
  readonly onReadiness: () => void;
  readonly onLine: (line: string) => void;
}

/** Makes the process of an instance: one with pipes for its streams, and a group of its own. */
export type Spawn = (
  command: readonly [string, ...string[]],
  options: {
    readonly cwd: string | undefined;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
) => ChildProcessWithoutNullStreams;

/** What runs beside an instance for as long as that does, as a sidecar in its pod. */
export interface Sidecar {
  /** Added to the environment of the instance. */
  readonly env: Readonly<Record<string, string>>;
  /** When the instance counts as ready, once it says so itself; a rejection is nobody's matter. Default: at once. */
  readonly ready?: Promise<unknown>;
  /** Called before the instance is told to end: nothing new is to come to it. */
  readonly release: () => void;
  /** Called when the instance has exited, and waited for. */
  readonly stop: () => Promise<void>;
}

/** How a process ended. */
export interface InstanceExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started, if that is so. */
  readonly error: Error | undefined;
}

/** A process of a function. */
export interface Instance {
  readonly name: string;
  readonly pid: number | undefined;
  readonly state: InstanceState;
  /** `host:port`. */
  readonly address: string;
  /** Resolves when it is ready, or has exited before. */
  readonly ready: Promise<void>;
  readonly exited: Promise<InstanceExit>;
  /** Has it count as one that ends: nothing new is to come to it. */
  retire(): void;
  /** Sends SIGTERM, and SIGKILL to all that is left after the time for it. */
  stop(): Promise<InstanceExit>;
}

// Milliseconds between two looks at one that starts: as late as it is seen, requests are answered.
const LONGEST_WAIT = 20;

// Milliseconds that the output of one that has exited may take to be read.
const OUTPUT_WAIT = 100;

/** Starts an instance. */
export function startInstance(settings: InstanceSettings): Instance {
  const {
    command,
    cwd,
    env,
    host,
    name,
    onLine,
    onReadiness,
    port,
    readyPath,
    readyPeriod,
    sidecar,
    spawn,
    stopTimeout,
  } = settings;
  let state: InstanceState = 'starting';
  const child = spawn(command, {
    cwd,
    env: { ...env, ...sidecar?.env, PORT: String(port) },
  });
  child.stdin.on('error', () => {});
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', onLine);
  }
  const group = ownGroup(child);
  const killGroup = (): void => group.signal('SIGKILL');
  const exited = new Promise<InstanceExit>((resolve) => {
    const end = (exit: InstanceExit): void => {
      state = 'exited';
      killGroup();
      group.release();
      if (sidecar === undefined) resolve(exit);
      else void sidecar.stop().finally(() => resolve(exit));
    };
    child.on('error', (error) => end({ code: null, signal: null, error }));
    child.on('exit', (code, signal) => {
      // Nobody listens at its address any more, whatever there is still to read.
      state = 'exited';
      onReadiness();
      // What it has started would keep its output open.
      killGroup();
      const exit = { code, signal, error: undefined };
      const timer = setTimeout(() => end(exit), OUTPUT_WAIT);
      // All that it has printed has been read by then.
      child.on('close', () => {
        clearTimeout(timer);
        end(exit);
      });
    });
  });

  const found = sidecar?.ready?.catch(() => {});

  async function untilReady(): Promise<void> {
    for (let wait = 5; state === 'starting'; wait = Math.min(wait * 1.5, LONGEST_WAIT)) {
      const answered = await isReady(host, port, readyPath);
      if (answered) await Promise.race([found, exited]);
      // It may have ended, or been told to, in the meantime.
      if (answered && (state as InstanceState) === 'starting') state = 'ready';
      else await Promise.race([elapse(wait), exited]);
    }
  }

  // Without a path, that it accepts connections is all there is to know, and its exit says the rest.
  async function watchReadiness(): Promise<void> {
    if (readyPath === undefined) return;
    while (state === 'ready' || state === 'unready') {
      await Promise.race([elapse(readyPeriod), exited]);
      const answered = await isReady(host, port, readyPath);
      const next = answered ? 'ready' : 'unready';
      if ((state !== 'ready' && state !== 'unready') || state === next) continue;
      state = next;
      onReadiness();
    }
  }

  function retire(): void {
    if (state === 'exited' || state === 'stopping') return;
    state = 'stopping';
    sidecar?.release();
  }

  const ready = untilReady();
  void ready.then(watchReadiness);
  return {
    name,
    pid: child.pid,
    get state() {
      return state;
    },
    address: `${host}:${port}`,
    ready,
    exited,
    retire,
    async stop() {
      if (state === 'exited') return exited;
      retire();
      group.signal('SIGTERM');
      const timer = setTimeout(killGroup, stopTimeout);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
  };
}

/** Starts a command. */
export const spawnCommand: Spawn = ([file, ...args], options) =>
  spawnProcess(file, args, {
    ...options,
    // Its standard input ends when this process does, however that ends: an instance may listen for it.
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: what it starts itself ends with it.
    detached: true,
  });

function elapse(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A port that nobody listens on. */
export async function freePort(host: string): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

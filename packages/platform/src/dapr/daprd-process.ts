// One daprd: started, told of, started again when it ends by itself, as a kubelet does, and stopped.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as elapse } from 'node:timers/promises';
import { ownGroup } from '@ofn/keda';

/** What a daprd is started with. */
export interface DaprdOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Port of its HTTP API, on 127.0.0.1. */
  readonly httpPort: number;
  /** Called with what a person should know. */
  readonly onWarning: (message: string) => void;
}

/** A daprd that answers. */
export interface Daprd {
  /** Resolves when it has found its app, and knows what that takes. */
  readonly running: Promise<void>;
  /** Ends it: SIGTERM, and SIGKILL after five seconds. */
  readonly stop: () => Promise<void>;
}

// Milliseconds: until its APIs answer, from SIGTERM to SIGKILL, and between two starts.
const START_LIMIT = 60_000;
const STOP_LIMIT = 5000;
const FIRST_BACK_OFF = 1000;
const LONGEST_BACK_OFF = 10_000;
const STABLE_AFTER = 10_000;

// Milliseconds between two looks at whether it answers.
const PROBE_PERIOD = 10;

// What it says of the way it is started here, of waiting for its app, and not of a function.
const EXPECTED =
  /^(?:mTLS is disabled|Actor runtime disabled|No scheduler host addresses|App channel is not initialized|The default value for 'spec\.metric|Error processing operation DaprBuiltInInitializationRetries)/;

// What a program in Go says when it crashes.
const CRASH = /^(?:panic|fatal error): /;

/**
 * Starts one; resolves when its APIs answer, so that its components work.
 *
 * @throws Error for one that ends before, with its last words.
 */
export async function startDaprd(options: DaprdOptions): Promise<Daprd> {
  const { onWarning } = options;
  let found = (): void => {};
  const running = new Promise<void>((resolve) => (found = resolve));
  const stopping = new AbortController();
  let current = begin(options, found);
  await current.answers.catch(async (error: unknown) => {
    await current.end();
    throw error;
  });

  async function keep(): Promise<void> {
    let backOff = 0;
    for (let begun = performance.now(); ; begun = performance.now()) {
      const how = await current.exited;
      if (stopping.signal.aborted) return;
      if (performance.now() - begun > STABLE_AFTER) backOff = 0;
      backOff = Math.min(Math.max(FIRST_BACK_OFF, backOff * 2), LONGEST_BACK_OFF);
      onWarning(`daprd ended by itself: ${how}; it is started again in ${backOff / 1000} s`);
      await elapse(backOff, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      current = begin(options, found);
      current.answers.catch(() => {});
    }
  }

  const kept = keep();
  return {
    running,
    async stop() {
      stopping.abort();
      await current.end();
      await kept;
    },
  };
}

/** One process of it. */
interface Begun {
  readonly answers: Promise<void>;
  /** Resolves to how it ended. */
  readonly exited: Promise<string>;
  readonly end: () => Promise<void>;
}

function begin(
  { args, cwd, env, httpPort, onWarning, program }: DaprdOptions,
  found: () => void,
): Begun {
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: a Ctrl-C is not for it, as its function ends first.
    detached: true,
  });
  const group = ownGroup(child);
  const early: string[] = [];
  let isUp = false;
  let isEnding = false;
  let lastWords = '';
  let lastLine = '';

  function take(line: string): void {
    const { level, message } = parseLine(line);
    if (message.includes('dapr initialized. Status: Running')) found();
    if (level === undefined && (!isUp || CRASH.test(message))) lastLine = message;
    if (level === undefined || level === 'info' || EXPECTED.test(message)) return;
    if (!isUp || level === 'fatal') lastWords = message;
    // What it says before it fails to start is said by its last words.
    if (!isUp) early.push(message);
    else if (!isEnding && level !== 'fatal') onWarning(message);
  }

  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', take);
  const exited = new Promise<string>((resolve) => {
    child.on('error', ({ message }) => {
      group.release();
      resolve(message);
    });
    child.on('exit', () => {
      group.signal('SIGKILL');
      group.release();
    });
    // All that it has printed has been read by then.
    child.on('close', (code, signal) => {
      const how = signal ?? `exit code ${code}`;
      const words = lastWords === '' ? lastLine : lastWords;
      resolve(words === '' ? how : `${how}: ${words}`);
    });
  });

  async function end(): Promise<void> {
    isEnding = true;
    group.signal('SIGTERM');
    const timer = setTimeout(group.signal, STOP_LIMIT, 'SIGKILL');
    await exited;
    clearTimeout(timer);
  }

  async function untilItAnswers(): Promise<void> {
    const over = new AbortController();
    void exited.then(() => over.abort());
    const limit = AbortSignal.any([over.signal, AbortSignal.timeout(START_LIMIT)]);
    while (!(await answers(httpPort, limit))) {
      if (over.signal.aborted) throw new Error(`daprd ended: ${await exited}`);
      if (limit.aborted) {
        const words = lastWords === '' ? '' : `: ${lastWords}`;
        throw new Error(`daprd does not answer after ${START_LIMIT / 1000} s${words}`);
      }
      await elapse(PROBE_PERIOD, undefined, { signal: limit }).catch(() => {});
    }
    isUp = true;
    lastWords = '';
    lastLine = '';
    for (const message of early) onWarning(message);
  }

  return { answers: untilItAnswers(), exited, end };
}

// Once its components work; the app need not be there.
async function answers(port: number, signal: AbortSignal): Promise<boolean> {
  try {
    const { ok } = await fetch(`http://127.0.0.1:${port}/v1.0/healthz/outbound`, { signal });
    return ok;
  } catch {
    return false;
  }
}

// It is told to log as JSON; libraries of its components print as they like, and a crash does.
function parseLine(line: string): { readonly level?: string; readonly message: string } {
  try {
    const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
    return { level: String(level), message: String(msg) };
  } catch {
    return { message: line };
  }
}

// A process that stands by: the framework is loaded in it, so that the next instance starts in a fraction of
// the time. There is one, for whichever function is next.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What a process is to run. */
interface Command {
  /** The bin of the framework. Absolute. */
  readonly bin: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Port of Node's inspector. Default: it is off. */
  readonly inspect?: number | undefined;
}

/** Makes processes of functions. */
export interface Standby {
  /** Makes one: of the process that stands by where that can be, and another one is made for the next. */
  readonly spawn: (command: Command) => ChildProcessWithoutNullStreams;
  /** Makes the process that stands by for that bin, if there is none. */
  readonly prepare: (bin: string) => void;
  readonly stop: () => void;
}

// Milliseconds: whoever starts just now has the processor for itself.
const AFTER_START = 150;

const PRELOAD = pathToFileURL(fileURLToPath(new URL('./preload.js', import.meta.url))).href;
const RUNTIME = ['--import', PRELOAD, '--enable-source-maps'];

interface Waiting {
  readonly bin: string;
  /** Of the framework that it has loaded. */
  readonly version: string;
  readonly child: ChildProcessWithoutNullStreams;
}

/** What functions need beside the framework itself. */
interface Needs {
  /** They are traced to SkyWalking. */
  readonly tracing: boolean;
  /** They take events. */
  readonly events: boolean;
}

/** Creates it; nothing stands by yet. */
export function createStandby(needs: () => Needs): Standby {
  let waiting: Waiting | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function prepare(bin: string): void {
    if (stopped || waiting !== undefined) return;
    const wanted = Object.entries(needs()).filter(([, isNeeded]) => isNeeded);
    const mode = ['--standby', ...wanted.map(([name]) => name)];
    const child = start([...RUNTIME, bin, ...mode], undefined, process.env);
    waiting = { bin, child, version: versionOf(bin) };
    const gone = (): void => {
      if (waiting?.child === child) waiting = undefined;
    };
    child.on('error', gone).on('exit', gone);
    child.stdin.on('error', () => {});
    // It must not keep this process.
    child.unref();
  }

  return {
    prepare,
    spawn({ args, bin, cwd, env, inspect }) {
      // Its port is said when it starts.
      if (inspect !== undefined)
        return start([`--inspect=127.0.0.1:${inspect}`, ...RUNTIME, bin, ...args], cwd, env);
      clearTimeout(timer);
      timer = setTimeout(prepare, AFTER_START, bin).unref();
      const ready = waiting;
      if (ready !== undefined && ready.version !== versionOf(ready.bin)) {
        ready.child.kill('SIGKILL');
        waiting = undefined;
      }
      if (waiting?.bin !== bin || ready === undefined || !mayTake(env))
        return start([...RUNTIME, bin, ...args], cwd, env);
      waiting = undefined;
      ready.child.ref();
      ready.child.stdin.write(`${JSON.stringify({ args, cwd, env })}\n`);
      return ready.child;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      waiting?.child.kill('SIGKILL');
    },
  };
}

// Another one may be installed, or built, in its place.
function versionOf(bin: string): string {
  try {
    const file = realpathSync(join(dirname(bin), '../dist/index.js'));
    const { ino, mtimeMs, size } = statSync(file);
    return [file, ino, mtimeMs, size].join(' ');
  } catch {
    return '';
  }
}

// What Node.js, the libraries in it and SkyWalking's agent read once, when they start.
const READ_AT_START =
  /^(?:NODE_(?!ENV$)|UV_|LD_|TZ$|LANG|LC_|SSL_|OPENSSL_|SW_(?!AGENT_(?:COLLECTOR_BACKEND_SERVICES|NAME|NAMESPACE|KEEP_TRACING)$))/;

// That cannot be told later.
function mayTake(env: Readonly<Record<string, string | undefined>>): boolean {
  const names = new Set([...Object.keys(env), ...Object.keys(process.env)]);
  return [...names].every((name) => !READ_AT_START.test(name) || env[name] === process.env[name]);
}

function start(
  args: readonly string[],
  cwd: string | undefined,
  env: NodeJS.ProcessEnv,
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, args, {
    cwd,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: what it starts itself ends with it.
    detached: true,
  });
}

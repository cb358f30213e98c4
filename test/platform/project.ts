// A folder with a function for one test, and what happens on a platform.
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { request, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  createPlatform,
  type Platform,
  type PlatformEvent,
  type PlatformOptions,
} from '@ofn/platform';
import { onTestFinished, vi } from 'vitest';

/** Files of a project, which is removed when the test ends. */
export interface Project {
  readonly folder: string;
  readonly write: (file: string, code: string) => void;
}

/**
 * Writes a project.
 *
 * @param options `framework`: whether `@ofn/core` is installed in it.
 */
export function createProject(
  files: Readonly<Record<string, string>>,
  { framework = false } = {},
): Project {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ofn-platform-')));
  const folder = join(root, 'hello');
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  function write(file: string, code: string): void {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), code);
  }
  for (const [file, code] of Object.entries(files)) write(file, code);
  if (framework) {
    const manifest = createRequire(import.meta.url).resolve('@ofn/core/package.json');
    mkdirSync(join(folder, 'node_modules/@ofn'), { recursive: true });
    symlinkSync(dirname(manifest), join(folder, 'node_modules/@ofn/core'), 'junction');
  }
  return { folder, write };
}

/** A platform with what happened on it. */
export interface Running extends Platform {
  readonly events: readonly PlatformEvent[];
  readonly types: () => readonly string[];
  /** Resolves once something has happened so often. */
  readonly happened: (type: PlatformEvent['type'], times?: number) => Promise<void>;
}

/** Starts a platform on a free port; it ends with the test. */
export async function start(
  paths: readonly string[],
  options: Partial<PlatformOptions> = {},
): Promise<Running> {
  const events: PlatformEvent[] = [];
  const platform = await createPlatform({
    paths,
    port: 0,
    directory: paths[0] ?? '',
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => platform.stop());
  return {
    ...platform,
    events,
    types: () =>
      events.map(({ type }) => type).filter((type) => type !== 'line' && type !== 'request'),
    happened: (type, times = 1) =>
      vi.waitFor(
        () => {
          const seen = events.filter((event) => event.type === type).length;
          if (seen < times)
            throw new Error(`${type} has happened ${seen} times: ${JSON.stringify(events)}`);
        },
        { timeout: 20_000, interval: 5 },
      ),
  };
}

/** A reply, read to its end. */
interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Posts JSON to a function. */
export function post(port: number, host: string, body: unknown): Promise<Reply> {
  return ask(port, host, '/', JSON.stringify(body));
}

/** Asks a function. */
export async function ask(
  port: number,
  host = 'localhost',
  path = '/',
  body?: string,
): Promise<Reply> {
  const outgoing = request({
    port,
    host: '127.0.0.1',
    path,
    agent: false,
    method: body === undefined ? 'GET' : 'POST',
    headers: { host, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
  }).end(body);
  const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
  const { headers, statusCode = 0 } = response;
  return { status: statusCode, headers, body: await text(response) };
}

/** What is kept of a function: its states, and names. */
interface KeptFunction {
  readonly build: {
    readonly condition: KeptCondition;
    readonly count: number;
    readonly builder?: { readonly metadata: { readonly name: string } };
  };
  readonly serving: {
    readonly condition: KeptCondition;
    readonly count: number;
    readonly serving?: { readonly metadata: { readonly name: string } };
  };
}

interface KeptCondition {
  readonly state?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** What is kept of a platform. */
export interface Kept {
  readonly version: number;
  readonly functions: Readonly<Record<string, KeptFunction>>;
  readonly events: readonly {
    readonly metadata: { readonly name: string };
    readonly regarding: { readonly kind: string; readonly name: string };
    readonly reason: string;
    readonly note: string;
    readonly series?: { readonly count: number };
  }[];
}

/** The state of a platform, as it is kept by now. */
export function state(folder: string): Kept {
  return JSON.parse(readFileSync(join(folder, '.ofn/state.json'), 'utf8')) as Kept;
}

/** The function `hello`, as it is kept by now. */
export function hello(folder: string): KeptFunction {
  const found = state(folder).functions['default/hello'];
  if (found === undefined) throw new Error('there is no function hello');
  return found;
}

/** Events of a kind of object, each as `reason: note`, with how often it has happened where that is not once. */
export function told(folder: string, kind: string): readonly string[] {
  return state(folder)
    .events.filter(({ regarding }) => regarding.kind === kind)
    .map(
      ({ note, reason, series }) =>
        `${reason}: ${note}${series === undefined ? '' : ` (x${series.count})`}`,
    );
}

/** The processes whose working directory is a folder, or is in it. */
export function processesIn(folder: string): readonly number[] {
  const isIn = (path: string): boolean => path === folder || path.startsWith(`${folder}/`);
  return workingDirectories().flatMap(([pid, path]) => (isIn(path) ? [pid] : []));
}

function workingDirectories(): readonly (readonly [number, string])[] {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => {
        try {
          return [Number(name), readlinkSync(`/proc/${name}/cwd`)];
        } catch {
          // It has ended.
          return [0, ''];
        }
      });
  }
  const { stdout } = spawnSync('lsof', ['-w', '-d', 'cwd', '-F', 'pn'], { encoding: 'utf8' });
  return [...stdout.matchAll(/^p(\d+)\n(?:f.*\n)?n(.*)$/gm)].map(([, pid, path = '']) => [
    Number(pid),
    path,
  ]);
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Requests one after the other, on several connections, until they are ended. */
export interface Traffic {
  /** Resolves to how often there was which status; `failed` for a connection without a reply. */
  readonly end: () => Promise<Readonly<Record<string, number>>>;
}

/** Starts requests of GET and POST in turns. */
export function startTraffic(port: number, connections = 4): Traffic {
  const counts: Record<string, number> = {};
  const ended = new AbortController();
  async function askOn(): Promise<void> {
    for (let count = 0; !ended.signal.aborted; count += 1) {
      const reply = ask(port, 'localhost', '/', count % 2 === 0 ? undefined : '{}');
      const status = await reply.then((each) => String(each.status)).catch(() => 'failed');
      counts[status] = (counts[status] ?? 0) + 1;
    }
  }
  const running = Array.from({ length: connections }, askOn);
  return {
    async end() {
      ended.abort();
      await Promise.all(running);
      return counts;
    },
  };
}

/** A Function file for the folder it is in. */
export function functionFile(name = 'hello', serving = '', path = '.'): string {
  return `apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: ${name} }
spec:
  image: example/${name}:v1
  build: { builder: local, srcRepo: { url: 'https://example.com/a.git', sourceSubPath: ${path} } }
  serving:
    ${serving}
    triggers: { http: { engine: keda, route: { hostnames: [${name}.example.com] } } }
`;
}

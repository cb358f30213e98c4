// A folder with a function for one test, and what happens on a platform.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

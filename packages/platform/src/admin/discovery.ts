// The file by which a platform is found: at most one runs for a folder.
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { PlatformError } from '../errors.ts';

/** What the file says. */
export interface Discovery {
  readonly pid: number;
  /** Port of all functions. */
  readonly port: number;
  readonly adminPort: number;
  /** As ISO 8601 has it. */
  readonly startedAt: string;
}

/** How long a platform may take to answer. */
const PATIENCE = 2000;

/** The path of the file of a folder. */
export function discoveryPath(directory: string): string {
  return join(directory, '.ofn', 'platform.json');
}

/**
 * Throws where the file names a platform that runs.
 *
 * @throws PlatformError `OFN_PLATFORM_RUNNING`.
 */
export async function refuseSecond(directory: string): Promise<void> {
  await readStale(directory);
}

/**
 * Writes the file, whole or not at all; one of a platform that runs no more is taken over.
 *
 * @returns What removes it again.
 * @throws PlatformError `OFN_PLATFORM_RUNNING`.
 */
export async function claim(directory: string, own: Discovery): Promise<() => Promise<void>> {
  const path = discoveryPath(directory);
  const text = `${JSON.stringify(own)}\n`;
  const unfinished = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(unfinished, text, { mode: 0o600 });
  try {
    while (!(await linkOnce(unfinished, path))) {
      await remove(path, await readStale(directory), `${unfinished}.stale`);
    }
  } finally {
    await unlink(unfinished).catch(ignoreMissing);
  }
  return async () => {
    if ((await read(path)) === text) await unlink(path).catch(ignoreMissing);
  };
}

/** The text of a file that names no platform that runs. */
async function readStale(directory: string): Promise<string> {
  const text = await read(discoveryPath(directory));
  const found = parseDiscovery(text);
  if (found !== undefined && (await isRunning(found))) throw running(directory, found);
  return text;
}

// Aside in one step first: of two who find it stale, one must not remove what the other has written.
async function remove(path: string, text: string, aside: string): Promise<void> {
  try {
    await rename(path, aside);
    if ((await read(aside)) !== text) await linkOnce(aside, path);
    await unlink(aside);
  } catch (error) {
    ignoreMissing(error as NodeJS.ErrnoException);
  }
}

function parseDiscovery(text: string): Discovery | undefined {
  try {
    const { adminPort, pid, port, startedAt } = JSON.parse(text) as Partial<Discovery>;
    const isWhole = Number.isInteger(pid) && Number.isInteger(port) && Number.isInteger(adminPort);
    return isWhole ? ({ adminPort, pid, port, startedAt } as Discovery) : undefined;
  } catch {
    return undefined;
  }
}

async function isRunning({ adminPort, pid }: Discovery): Promise<boolean> {
  const signal = AbortSignal.timeout(PATIENCE);
  try {
    const told = await ask(adminPort, signal);
    // Another program may have the port by now.
    return told.kind === 'Platform' && told.pid === pid;
  } catch {
    // One that hangs is there, too.
    return signal.aborted && isProcess(pid);
  }
}

async function ask(port: number, signal: AbortSignal): Promise<{ kind?: unknown; pid?: unknown }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/', agent: false, signal })
      .on('response', (response) => void json(response).then(resolve as () => void, reject))
      .on('error', reject)
      .end();
  });
}

function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function linkOnce(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

function running(directory: string, { adminPort, pid, port }: Discovery): PlatformError {
  const message =
    `ofn dev runs in ${directory} already: process ${pid}, functions at http://localhost:${port}/, ` +
    `admin API at http://localhost:${adminPort}/; end it first, or start this one in another folder`;
  return new PlatformError('OFN_PLATFORM_RUNNING', message);
}

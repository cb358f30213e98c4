// The admin API of a platform, and the file by which it is found.
import { PlatformError } from '../errors.ts';
import type { AppOptions } from './app.ts';
import { claim, discoveryPath } from './discovery.ts';
import { LINKS, platformVersion, type PlatformInfo } from './platform-info.ts';
import { startAdminServer } from './server.ts';

/** What it is made from. */
export interface AdminOptions extends Omit<AppOptions, 'info' | 'stop'> {
  /** Folder in whose `.ofn` the file is. */
  readonly directory: string;
  /** Port of all functions. */
  readonly port: number;
  /** 0 picks a free one. */
  readonly adminPort: number;
  readonly functions: () => PlatformInfo['functions'];
  /** Called with why the file cannot be written. */
  readonly warn: (message: string) => void;
}

/** The admin API, listening. */
export interface Admin {
  readonly port: number;
  /** Removes the file, and ends the streams and the connections. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts it.
 *
 * @throws PlatformError `OFN_PLATFORM_PORT_UNAVAILABLE`, `OFN_PLATFORM_RUNNING`.
 */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { adminPort, directory, functions, port, warn, ...app } = options;
  const startedAt = new Date().toISOString();
  const server = await startAdminServer(adminPort, {
    ...app,
    info: () => ({
      apiVersion: 'platform.ofn/v1',
      kind: 'Platform',
      version: platformVersion(),
      ...known,
      directory,
      functions: functions().map(({ name, namespace, urls }) => ({ namespace, name, urls })),
      links: LINKS,
    }),
  });
  const known = { pid: process.pid, port, adminPort: server.port, startedAt };
  // It answers by now: who finds the file finds it running.
  const release = await claim(directory, known).catch(async (cause: unknown) => {
    if (cause instanceof PlatformError) {
      await server.close();
      throw cause;
    }
    const { message } = cause as Error;
    warn(`${discoveryPath(directory)} cannot be written: ${message}; other commands need --admin`);
    return async () => {};
  });
  return {
    port: server.port,
    async stop() {
      await release();
      await server.close();
    },
  };
}

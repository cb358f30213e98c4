// Where the admin API of the platform is: as the user says, or by the file of the nearest folder that has one.
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { Option } from 'commander';
import { CommandError } from '../terminal.ts';
import { createClient, type AdminClient } from './client.ts';

/** The option of each command that asks a platform. */
export function adminOption(): Option {
  return new Option(
    '--admin <url>',
    'Admin API of the platform; by default that of this folder, or the nearest above',
  ).env('OFN_ADMIN');
}

const NOT_RUNNING = 'no ofn dev runs in this folder or above it; start it with: ofn dev';

/**
 * Finds the platform.
 *
 * @param admin URL of its admin API, where the user says so.
 * @throws CommandError when there is none.
 */
export async function findPlatform(admin: string | undefined): Promise<AdminClient> {
  if (admin !== undefined) {
    if (!URL.canParse(admin)) {
      throw new CommandError(`--admin must be a URL such as http://localhost:4000, not "${admin}"`);
    }
    return createClient(new URL(admin).origin, `no platform answers at ${admin}`);
  }
  const port = await findPort(process.cwd());
  if (port === undefined) throw new CommandError(NOT_RUNNING);
  return createClient(`http://127.0.0.1:${port}`, NOT_RUNNING);
}

async function findPort(folder: string): Promise<number | undefined> {
  const text = await readFile(join(folder, '.ofn', 'platform.json'), 'utf8').catch(() => '');
  const port = parsePort(text);
  // The file of one that was killed is still there.
  if (port !== undefined && (await isListening(port))) return port;
  const parent = dirname(folder);
  return parent === folder ? undefined : findPort(parent);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

function parsePort(text: string): number | undefined {
  try {
    const { adminPort } = JSON.parse(text) as { adminPort?: unknown };
    return Number.isInteger(adminPort) ? (adminPort as number) : undefined;
  } catch {
    return undefined;
  }
}

// Finds a daprd that runs: the one that is named, or the first of those where one is usually.
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { PlatformError } from '../errors.ts';

const HINT =
  'Install one with "dapr init --slim" or from https://github.com/dapr/dapr/releases, and name it with --daprd <path> or DAPRD; without --daprd, components are played in memory';

// Milliseconds that it may take to say its version.
const LIMIT = 10_000;

/**
 * Finds it.
 *
 * @param given Its path; `true` for what DAPRD names, for the one on PATH, or that of `dapr init`.
 * @returns Its path, or its name on PATH.
 * @throws PlatformError `OFN_PLATFORM_DAPRD_UNAVAILABLE`.
 */
export async function findDaprd(
  given: string | true,
  { DAPRD = '' }: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const named = given === true ? DAPRD : given;
  if (named !== '') {
    const path = resolve(named);
    if (await runs(path)) return path;
    throw unavailable(`${given === true ? 'DAPRD: ' : ''}${named} does not exist`);
  }
  const installed = join(homedir(), '.dapr', 'bin', 'daprd');
  for (const candidate of ['daprd', installed]) if (await runs(candidate)) return candidate;
  throw unavailable(`there is no daprd on PATH, and none at ${installed}`);
}

/** Whether there is such a program. @throws PlatformError for one that does not run. */
async function runs(program: string): Promise<boolean> {
  try {
    await promisify(execFile)(program, ['--version'], { timeout: LIMIT });
    return true;
  } catch (error) {
    const { code, killed, stderr } = error as Failure;
    if (code === 'ENOENT') return false;
    if (code === 'EACCES') throw unavailable(await whyDenied(program));
    const [words] = (stderr ?? '').trim().split('\n').slice(-1);
    const how = killed === true ? `it does not end within ${LIMIT / 1000} s` : `exit code ${code}`;
    const told = words === undefined || words === '' ? how : `${how}: ${words}`;
    throw unavailable(`${program} --version fails, so it is no daprd that runs here: ${told}`);
  }
}

interface Failure {
  readonly code?: string | number | null;
  readonly killed?: boolean;
  readonly stderr?: string;
}

async function whyDenied(program: string): Promise<string> {
  const found = await stat(program).catch(() => undefined);
  return found?.isDirectory() === true
    ? `${program} is a folder, and no daprd: paths of functions stand before --daprd`
    : `${program} may not be executed`;
}

function unavailable(what: string): PlatformError {
  return new PlatformError('OFN_PLATFORM_DAPRD_UNAVAILABLE', `${what}. ${HINT}`);
}

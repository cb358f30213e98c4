// One run of `ofn`: arguments become a command, and its outcome an exit code.
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { KedaError } from '@ofn/keda/objects';
import { PlatformError } from '@ofn/platform';
import { ResourceError } from '@ofn/resources';
import { addBuild } from './commands/build.ts';
import { addDescribe } from './commands/describe.ts';
import { addDev } from './commands/dev.ts';
import { addGet } from './commands/get.ts';
import { addInit } from './commands/init.ts';
import { addInvoke } from './commands/invoke.ts';
import { addLogs } from './commands/logs.ts';
import { addTrace } from './commands/trace.ts';
import { addRender } from './commands/render.ts';
import { addValidate } from './commands/validate.ts';
import { CommandError, type Terminal } from './terminal.ts';

// Those that say to their user all there is to say.
const EXPECTED = [CommandError, KedaError, PlatformError, ResourceError];

/**
 * Runs; resolves to the exit code: 0, 1 when the command failed, 2 for arguments that are not valid.
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!EXPECTED.some((known) => error instanceof known)) throw error;
    terminal.err(`${(error as Error).message}\n`);
    return 1;
  }
}

/** The commands, with their arguments and options. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('ofn')
    .description(
      'Functions: written, served, called and watched here, built, checked, and rendered for a cluster.',
    )
    .version(version(), '--version', 'Print the version')
    .helpOption('-h, --help', 'Print help')
    .helpCommand(false)
    .showHelpAfterError('See ofn --help.')
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  addInit(program, terminal);
  addDev(program, terminal);
  addInvoke(program, terminal);
  addGet(program, terminal);
  addDescribe(program, terminal);
  addLogs(program, terminal);
  addTrace(program, terminal);
  addValidate(program, terminal);
  addBuild(program, terminal);
  addRender(program, terminal);
  return program;
}

function version(): string {
  const manifest = createRequire(import.meta.url)('../package.json') as { version: string };
  return manifest.version;
}

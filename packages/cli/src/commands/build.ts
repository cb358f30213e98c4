// ofn build: functions become folders that images are made of.
import { stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Command } from 'commander';
import {
  PlatformError,
  buildDeployable,
  findSources,
  type Deployable,
  type DeployableOptions,
  type Source,
} from '@ofn/platform';
import { DEFAULT_FILE } from '../files.ts';
import { quote } from '../shell.ts';
import { CommandError, type Terminal } from '../terminal.ts';

interface BuildFlags {
  readonly out?: string;
  readonly external?: readonly string[];
}

/** Adds the command. */
export function addBuild(program: Command, terminal: Terminal): void {
  program
    .command('build')
    .description('Build functions as folders that images are made of')
    .argument('[path]', 'A Function file, or a folder with code', '.')
    .option(
      '--out <folder>',
      'Where to; by default dist beside the Function file. Of several functions each gets a folder in it',
    )
    .option(
      '--external <package>',
      'A package that is not bundled, besides those that cannot be; may be given again',
      (name: string, names: readonly string[] | undefined) => [...(names ?? []), name],
    )
    .action(async (path: string, { external = [], out: given }: BuildFlags) => {
      const sources = await findSources(path);
      const { file, root } = await placeOf(path);
      const parent = given ?? join(root, 'dist');
      const names = sources.map((source) => source.function.metadata.name);
      const twice = names.find((name, index) => names.indexOf(name) !== index);
      if (twice !== undefined) {
        throw new CommandError(
          `there are two functions "${twice}"; each needs a folder of its own`,
        );
      }
      const commands: string[] = [];
      for (const source of sources) {
        const { name } = source.function.metadata;
        const out = sources.length === 1 ? parent : join(parent, name);
        const built = await build(source, { external, out });
        const shown = relative('.', out) || '.';
        terminal.out(`${renderBuilt(built, shown)}\n`);
        const image = file === undefined ? name : built.image;
        commands.push(`docker build -t ${image} ${quote(shown)}`);
      }
      if (file !== undefined) commands.push(`npx ofn render ${quote(file)} | kubectl apply -f -`);
      terminal.out(`\nNext:\n${commands.map((command) => `  ${command}\n`).join('')}`);
    });
}

// Files of several functions may have one name.
async function build(source: Source, options: DeployableOptions): Promise<Deployable> {
  try {
    return await buildDeployable(source, options);
  } catch (cause) {
    if (!(cause instanceof PlatformError && cause.code === 'OFN_PLATFORM_BUILD_FAILED'))
      throw cause;
    const message = `${source.function.metadata.name}: cannot be built\n${cause.message}`;
    throw new CommandError(message, { cause });
  }
}

// The Function file, where there is one, and the folder that it is in.
async function placeOf(path: string): Promise<{ file: string | undefined; root: string }> {
  if ((await stat(path)).isFile()) return { file: path, root: dirname(path) };
  const file = join(path, DEFAULT_FILE);
  const found = await stat(file).catch(() => undefined);
  return { file: found?.isFile() === true ? file : undefined, root: path };
}

function renderBuilt({ duration, name, packages, size }: Deployable, folder: string): string {
  const others = Object.keys(packages).filter((each) => each !== '@ofn/core');
  const beside = others.length === 0 ? '' : `, beside ${others.join(', ')}`;
  return `${name}: built in ${Math.ceil(duration)} ms: ${folder} (index.mjs ${renderSize(size)}${beside})`;
}

function renderSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000
    ? `${(bytes / 1000).toFixed(1)} kB`
    : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

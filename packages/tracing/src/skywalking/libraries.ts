// The agent's hooks of libraries: installed for what the function depends on, found from its folder.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import type installer from 'skywalking-backend-js/lib/core/PluginInstaller.js';
import type { Agent } from './agent.ts';

type PluginInstaller = (typeof installer)['default'];

// What the agent can hook, by the names of its plugins, with the packages whose use it follows.
const PACKAGES: Readonly<Record<string, string>> = {
  AMQPLib: 'amqplib',
  AWS2DynamoDB: 'aws-sdk',
  AWS2Lambda: 'aws-sdk',
  AWS2SNS: 'aws-sdk',
  AWS2SQS: 'aws-sdk',
  IORedis: 'ioredis',
  MongoDB: 'mongodb',
  Mongoose: 'mongoose',
  MySQL: 'mysql',
  MySQL2: 'mysql2',
  Pg: 'pg',
};

// What is traced in another way: calls by the framework, what goes out by the hooks of `outgoing-requests.ts`.
const REPLACED = ['Http', 'Express', 'Axios'];

/**
 * Hooks the libraries that the package of the source depends on, itself or through one of its
 * dependencies. A library is loaded in order to be hooked, so others are left alone.
 *
 * @param source Folder or file of the functions.
 * @param disabled Plugins that are not to be used, in any letter case.
 */
export function hookLibraries(agent: Agent, source: string, disabled: readonly string[]): void {
  const folder = folderOf(source);
  const used = dependenciesOf(folder);
  const isOff = new Set(disabled.map((name) => name.toLowerCase()));
  const off = Object.entries(PACKAGES)
    .filter(([plugin, library]) => isOff.has(plugin.toLowerCase()) || !used.has(library))
    .map(([plugin]) => plugin);
  if (off.length === Object.keys(PACKAGES).length) return;
  agent.config.disablePlugins = [...REPLACED, ...off].join(',');
  agent.finalizeConfig(agent.config);
  const { default: Installer } = agent.load('core/PluginInstaller') as {
    default: PluginInstaller;
  };
  // The agent would look from where it is installed itself, which is not where the function is.
  const require = createRequire(join(folder, 'function.js'));
  const installer = Object.assign(new Installer(), { require, resolve: require.resolve });
  installer.install();
}

function folderOf(source: string): string {
  const path = resolve(source);
  return existsSync(path) && statSync(path).isDirectory() ? path : dirname(path);
}

// Their names, down to the second level: a driver is often a dependency of what a function uses.
function dependenciesOf(folder: string): ReadonlySet<string> {
  const manifest = manifestAbove(folder);
  if (manifest === undefined) return new Set();
  const own = readDependencies(manifest);
  const require = createRequire(manifest);
  const second = own.flatMap((name) => {
    const found = (require.resolve.paths(name) ?? [])
      .map((path) => join(path, name, 'package.json'))
      .find((path) => existsSync(path));
    return found === undefined ? [] : readDependencies(found);
  });
  return new Set([...own, ...second]);
}

function manifestAbove(folder: string): string | undefined {
  const path = join(folder, 'package.json');
  if (existsSync(path)) return path;
  const above = dirname(folder);
  return above === folder ? undefined : manifestAbove(above);
}

function readDependencies(manifest: string): string[] {
  try {
    const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(
      readFileSync(manifest, 'utf8'),
    ) as Record<string, object | undefined>;
    return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  } catch {
    // A manifest that cannot be read is reported by whoever loads the source.
    return [];
  }
}

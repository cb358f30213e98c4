// ofn get: the objects of the platform, listed and watched.
import { Option, type Command } from 'commander';
import type { PlatformObject } from '@ofn/platform';
import type { AdminClient, StreamEvent } from '../admin/client.ts';
import { adminOption, findPlatform } from '../admin/find.ts';
import { KIND_NAMES, parseKind, type KindPath } from '../admin/kinds.ts';
import { HEADS, toRow } from '../output/columns.ts';
import { createTable } from '../output/table.ts';
import { CommandError, type Terminal } from '../terminal.ts';

interface GetFlags {
  readonly namespace?: string;
  readonly function?: string;
  readonly output: 'table' | 'json' | 'yaml';
  readonly watch?: true;
  readonly admin?: string;
}

/** Adds the command. */
export function addGet(program: Command, terminal: Terminal): void {
  program
    .command('get')
    .description('List what ofn dev keeps: functions, builders, servings, instances, events')
    .argument('<kind>', KIND_NAMES, parseKind)
    .argument('[name]', 'One of them')
    .option('-n, --namespace <namespace>', 'Those of a namespace; by default of all')
    .option('--function <name>', 'Those of a function')
    .addOption(
      new Option('-o, --output <format>', 'Format')
        .choices(['table', 'json', 'yaml'])
        .default('table'),
    )
    .option('-w, --watch', 'Go on with what changes')
    .addOption(adminOption())
    .action(async (kind: KindPath, name: string | undefined, flags: GetFlags) => {
      const client = await findPlatform(flags.admin);
      if (flags.watch === true) return watch(client, kind, name, flags, terminal);
      const all = await client.list(kind, filterOf(flags));
      const found = all.filter((object) => isNamed(object, name));
      if (name !== undefined && found.length === 0) throw notFound(kind, name);
      terminal.out(await renderAll(kind, found, name === undefined, flags.output));
      if (found.length === 0 && flags.output === 'table') terminal.err(`there are no ${kind}\n`);
    });
}

/** Why there is nothing to show. */
export function notFound(kind: KindPath, name: string): CommandError {
  return new CommandError(`there is no ${name} among the ${kind}; ofn get ${kind} lists them`);
}

async function watch(
  client: AdminClient,
  kind: KindPath,
  name: string | undefined,
  { output, ...flags }: GetFlags,
  terminal: Terminal,
): Promise<void> {
  const print = output === 'table' ? createRows(kind, terminal) : createDocuments(output, terminal);
  for await (const event of client.stream(kind, filterOf(flags), terminal.stop)) {
    if (event.event === 'synced' || isNamed(event.data as PlatformObject, name)) await print(event);
  }
}

// What is there already is one table, so that its columns fit; what follows are rows of it.
function createRows(kind: KindPath, terminal: Terminal): (event: StreamEvent) => Promise<void> {
  const table = createTable(['EVENT', ...HEADS[kind]]);
  let first: string[][] | undefined = [];
  return async ({ data, event }) => {
    if (event === 'synced') {
      terminal.out(table.render(first ?? []));
      first = undefined;
      return;
    }
    const row = [event.toUpperCase(), ...toRow(data as PlatformObject, Date.now())];
    if (first === undefined) terminal.out(table.render([row]));
    else first.push(row);
  };
}

function createDocuments(
  output: 'json' | 'yaml',
  terminal: Terminal,
): (event: StreamEvent) => Promise<void> {
  return async ({ data, event }) => {
    if (event === 'synced') return;
    const text = await renderDocument({ type: event.toUpperCase(), object: data }, output);
    terminal.out(output === 'yaml' ? `---\n${text}` : text);
  };
}

function filterOf({ function: name, namespace }: Pick<GetFlags, 'function' | 'namespace'>) {
  return { namespace, function: name };
}

function isNamed({ metadata }: PlatformObject, name: string | undefined): boolean {
  return name === undefined || metadata.name === name;
}

async function renderAll(
  kind: KindPath,
  objects: readonly PlatformObject[],
  isList: boolean,
  output: GetFlags['output'],
): Promise<string> {
  if (output === 'table') {
    const now = Date.now();
    if (objects.length === 0) return '';
    return renderTable(kind, objects, now);
  }
  const [only] = objects;
  const isOne = !isList && objects.length === 1;
  return renderDocument(isOne ? only : { apiVersion: 'v1', kind: 'List', items: objects }, output);
}

// The namespace is told where there are others than the one that is there by itself.
function renderTable(kind: KindPath, objects: readonly PlatformObject[], now: number): string {
  const namespaces = objects.map(({ metadata }) => metadata.namespace ?? 'default');
  if (namespaces.every((namespace) => namespace === 'default')) {
    return createTable(HEADS[kind]).render(objects.map((object) => toRow(object, now)));
  }
  const rows = objects.map((object, index) => [namespaces[index] ?? '', ...toRow(object, now)]);
  return createTable(['NAMESPACE', ...HEADS[kind]]).render(rows);
}

async function renderDocument(value: unknown, output: 'json' | 'yaml'): Promise<string> {
  if (output === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  const { stringify } = await import('yaml');
  return stringify(value, { aliasDuplicateObjects: false });
}

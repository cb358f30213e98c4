// ofn describe: one object of the platform in full, and what happened to it.
import type { Command } from 'commander';
import type { EventResource, InstanceResource, PlatformObject } from '@ofn/platform';
import type { AdminClient } from '../admin/client.ts';
import { adminOption, findPlatform } from '../admin/find.ts';
import { KIND_NAMES, parseKind, singularOf, type KindPath } from '../admin/kinds.ts';
import {
  describeBuilder,
  describeFunction,
  describeInstance,
  describeServing,
} from '../output/description.ts';
import { CommandError, type Terminal } from '../terminal.ts';
import { notFound } from './get.ts';

interface DescribeFlags {
  readonly namespace?: string;
  readonly admin?: string;
}

/** Adds the command. */
export function addDescribe(program: Command, terminal: Terminal): void {
  program
    .command('describe')
    .description('Describe an object that ofn dev keeps, and what happened to it')
    .argument('<kind>', KIND_NAMES.replace(/, events.*/, ''), parseKind)
    .argument('<name>', 'Which one')
    .option('-n, --namespace <namespace>', 'Its namespace; by default any')
    .addOption(adminOption())
    .action(async (kind: KindPath, name: string, { admin, namespace }: DescribeFlags) => {
      const client = await findPlatform(admin);
      const all = await client.list(kind, { namespace });
      const found = all.filter(({ metadata }) => metadata.name === name);
      if (found.length === 0) throw notFound(kind, name);
      const texts = await Promise.all(found.map((object) => describe(client, object)));
      terminal.out(texts.join('\n'));
    });
}

async function describe(client: AdminClient, object: PlatformObject): Promise<string> {
  const { metadata } = object;
  const { namespace = 'default' } = metadata;
  const now = Date.now();
  const list = <Item>(kind: KindPath, name: string | undefined) =>
    client.list<Item>(kind, { namespace, function: name });
  if (object.kind === 'Event') {
    throw new CommandError(`an ${singularOf('events')} is told in full by: ofn get events -o yaml`);
  }
  if (object.kind === 'Instance') return describeInstance(object);
  const isOwn = ({ regarding }: EventResource): boolean =>
    regarding.kind === object.kind && regarding.name === metadata.name;
  const owner =
    object.kind === 'Function' ? metadata.name : metadata.labels?.['openfunction.io/function'];
  const [events, instances] = await Promise.all([
    list<EventResource>('events', owner),
    list<InstanceResource>('instances', owner),
  ]);
  if (object.kind === 'Function') return describeFunction(object, instances, events, now);
  const own = events.filter(isOwn);
  if (object.kind === 'Builder') return describeBuilder(object, own, now);
  const processes = instances.filter(
    ({ metadata: { labels } }) => labels?.['openfunction.io/serving'] === metadata.name,
  );
  return describeServing(object, processes, own, now);
}

// ofn invoke: a function is called, over HTTP or by an event, once or many times.
import { setMaxListeners } from 'node:events';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { FunctionResource } from '@ofn/resources';
import type { AdminClient } from '../admin/client.ts';
import { adminOption, findPlatform } from '../admin/find.ts';
import { readData } from '../invoke/data.ts';
import { createMessages, type EventFlags } from '../invoke/message.ts';
import { renderSummary, repeat } from '../invoke/repeat.ts';
import { createSender, type Reply, type RequestFlags } from '../invoke/send.ts';
import { parseTopic, targetOf, type Target, type TargetFlags } from '../invoke/target.ts';
import { CommandError, type Terminal } from '../terminal.ts';
import { notFound } from './get.ts';

interface InvokeFlags extends EventFlags, RequestFlags, TargetFlags {
  readonly namespace: string;
  readonly header: Readonly<Record<string, string>>;
  readonly data?: string;
  readonly include?: true;
  readonly count: number;
  readonly rate?: number;
  readonly admin?: string;
}

// Enough to load a function of this machine, few enough for its sockets.
const CONCURRENCY = 50;

/** Adds the command. */
export function addInvoke(program: Command, terminal: Terminal): void {
  const ofEvent = (flags: string, description: string): Option =>
    new Option(flags, description).implies({ cloudevent: true });
  program
    .command('invoke')
    .description('Call a function that ofn dev serves: over HTTP, by a topic or by a binding')
    .argument('[function]', 'Which one; not needed with --topic pubsub/topic')
    .option('-n, --namespace <namespace>', 'Its namespace', 'default')
    .option('-X, --method <method>', 'Method; by default GET, or POST with data', parseMethod)
    .option('-p, --path <path>', 'Path, with a query if it has one', parsePath, '/')
    .option('-H, --header <header>', '"Name: value"; may be repeated', addHeader, {})
    .option('-d, --data <data>', 'Text, @file, or - for the standard input')
    .option('--topic <topic>', 'Publish to this topic of the function, or to pubsub/topic')
    .addOption(new Option('--binding <name>', 'Trigger this binding').conflicts('topic'))
    .option('--cloudevent', 'Send a CloudEvent')
    .addOption(ofEvent('--structured', 'All of the event in the body'))
    .addOption(ofEvent('--type <type>', 'Type of the event').default('ofn.invoke'))
    .addOption(ofEvent('--source <source>', 'Source of the event').default('/ofn/invoke'))
    .addOption(ofEvent('--id <id>', 'Id of the event; by default another for each'))
    .addOption(ofEvent('--subject <subject>', 'Subject of the event'))
    .option(
      '--count <number>',
      'How many times; a summary is printed, not the replies',
      parseCount,
      1,
    )
    .option('--rate <number>', 'How many a second; by default as fast as it goes', parseRate)
    .option('-i, --include', 'Print status and headers of the reply too')
    .addOption(adminOption())
    .action(async (name: string | undefined, flags: InvokeFlags, command: Command) => {
      if (name === undefined && flags.topic === undefined) {
        command.error("error: missing required argument 'function'");
      }
      const client = await findPlatform(flags.admin);
      const target = await findTarget(client, name, flags);
      const messages = await createMessages(await readData(flags.data, terminal), flags.header, {
        ...flags,
        // Topics and bindings have no headers for its attributes.
        ...(target.type === 'http' ? {} : { structured: true as const }),
      });
      const isMany = flags.count > 1;
      const signal = isMany ? neverAborted() : terminal.stop;
      const send = await createSender(client, target, flags, signal);
      if (isMany) return sendMany(flags, () => send(messages()), terminal);
      print(await send(messages()), target, flags.include === true, terminal);
    });
}

async function findTarget(
  client: AdminClient,
  name: string | undefined,
  flags: InvokeFlags,
): Promise<Target> {
  if (name === undefined) return parseTopic(flags.topic ?? '');
  const { namespace } = flags;
  const [found] = await client.list<FunctionResource>('functions', { namespace, function: name });
  if (found === undefined) throw notFound('functions', name);
  return targetOf(found, flags);
}

function print(reply: Reply, target: Target, isIncluded: boolean, terminal: Terminal): void {
  const { body, headers, ok, outcome } = reply;
  // An event has no reply, unless a binding has one.
  if (target.type !== 'http' && body.length === 0) terminal.out(`${outcome}\n`);
  if (isIncluded && target.type === 'http') terminal.out(renderHead(outcome, headers));
  if (body.length > 0) terminal.out(body);
  // On a terminal the prompt would stand right behind it.
  if (body.length > 0 && body.at(-1) !== 0x0a && terminal.columns !== undefined) terminal.out('\n');
  if (!ok && target.type === 'http') throw new CommandError(`${target.name} answered ${outcome}`);
}

function renderHead(outcome: string, headers: readonly string[]): string {
  const lines = headers.flatMap((name, index) =>
    index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : [],
  );
  return [`HTTP/1.1 ${outcome}`, ...lines, '', ''].join('\n');
}

// Of many, those under way are waited for when it is to end: they would count as failed.
function neverAborted(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(CONCURRENCY, signal);
  return signal;
}

async function sendMany(
  { count, rate }: InvokeFlags,
  send: () => Promise<Reply>,
  terminal: Terminal,
): Promise<void> {
  const summary = await repeat(
    {
      count,
      concurrency: CONCURRENCY,
      signal: terminal.stop,
      ...(rate === undefined ? {} : { rate }),
    },
    async () => {
      const { ok, outcome } = await send();
      return ok ? undefined : outcome;
    },
  );
  terminal.out(renderSummary(summary));
  if (summary.failures.size === 0) return;
  const reasons = [...summary.failures].map(([reason, times]) => `${times} failed: ${reason}`);
  throw new CommandError(reasons.join('\n'));
}

function parseMethod(text: string): string {
  if (/^[A-Za-z]+$/.test(text)) return text.toUpperCase();
  throw new InvalidArgumentError('It must be a method such as GET.');
}

function parsePath(text: string): string {
  if (/^\/[\x21-\x7e]*$/.test(text)) return text;
  throw new InvalidArgumentError('It must begin with a / and have no characters to be encoded.');
}

function addHeader(
  text: string,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const [, name = '', value = ''] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*)$/.exec(text) ?? [];
  if (name !== '') return { ...given, [name.toLowerCase()]: value };
  throw new InvalidArgumentError('It must be "Name: value".');
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 1.');
}

function parseRate(text: string): number {
  if (/^\d{1,9}(?:\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be a number above 0.');
}

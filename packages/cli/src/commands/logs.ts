// ofn logs: what the instances of functions print.
import { InvalidArgumentError, type Command } from 'commander';
import { adminOption, findPlatform } from '../admin/find.ts';
import type { Terminal } from '../terminal.ts';
import { notFound } from './get.ts';

interface LogsFlags {
  readonly follow?: true;
  readonly tail?: string;
  readonly instance?: string;
  readonly namespace?: string;
  readonly admin?: string;
}

interface Line {
  readonly instance: string;
  readonly line: string;
}

/** Adds the command. */
export function addLogs(program: Command, terminal: Terminal): void {
  program
    .command('logs')
    .description('Print what the instances of functions print')
    .argument('[function]', 'Of which function; by default of all')
    .option('-f, --follow', 'Go on with what they print from now on')
    .option('--tail <lines>', 'The latest lines only', parseLines)
    .option('--instance <name>', 'Of one instance')
    .option('-n, --namespace <namespace>', 'Of the functions of a namespace; by default of all')
    .addOption(adminOption())
    .action(async (name: string | undefined, { admin, follow, ...flags }: LogsFlags) => {
      const client = await findPlatform(admin);
      const { instance, namespace, tail } = flags;
      if (name !== undefined) {
        const functions = await client.list('functions', { namespace, function: name });
        if (functions.length === 0) throw notFound('functions', name);
      }
      const print = (line: Line): void => terminal.out(`${line.instance} | ${line.line}\n`);
      const parameters = { function: name, namespace, instance, tail };
      if (follow !== true) {
        const lines = await client.list<Line>('logs', parameters);
        lines.forEach(print);
        return;
      }
      for await (const { data, event } of client.stream('logs', parameters, terminal.stop)) {
        if (event === 'line') print(data as Line);
      }
    });
}

function parseLines(text: string): string {
  if (/^\d{1,9}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a number of lines.');
}

// ofn trace: the calls of functions, and what they called in turn.
import type { Command } from 'commander';
import type { Trace, TraceSummary } from '@ofn/platform';
import { adminOption, findPlatform } from '../admin/find.ts';
import { renderAge } from '../output/age.ts';
import { createTable } from '../output/table.ts';
import type { Terminal } from '../terminal.ts';

interface TraceFlags {
  readonly function?: string;
  readonly admin?: string;
}

/** Adds the command. */
export function addTrace(program: Command, terminal: Terminal): void {
  program
    .command('trace')
    .description('Show a trace as a tree, or list the latest ones')
    .argument('[id]', 'Which one; its beginning is enough')
    .option('--function <name>', 'Those that went through a function')
    .addOption(adminOption())
    .action(async (id: string | undefined, { admin, function: name }: TraceFlags) => {
      const client = await findPlatform(admin);
      if (id !== undefined) {
        const { tree } = await client.find<Trace>(`/traces/${encodeURIComponent(id)}`);
        terminal.out(`${tree}\n`);
        return;
      }
      const traces = await client.list<TraceSummary>('traces', { function: name });
      if (traces.length === 0) terminal.err('there are no traces yet: they come a second late\n');
      else terminal.out(createTable(HEAD).render(traces.map((each) => toRow(each, Date.now()))));
    });
}

const HEAD = ['ID', 'AGE', 'DURATION', 'SPANS', 'STATUS', 'OPERATION', 'FUNCTIONS'];

// As much of an id as tells traces apart.
const SHORT = 12;

function toRow(trace: TraceSummary, now: number): readonly string[] {
  const { duration, id, isError, operation, services, spans, start } = trace;
  return [
    id.slice(0, SHORT),
    renderAge(now - start),
    `${Math.round(duration)} ms`,
    String(spans),
    isError ? 'error' : 'ok',
    operation,
    services.join(', '),
  ];
}

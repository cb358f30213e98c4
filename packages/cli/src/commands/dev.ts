// ofn dev: functions on this machine, behind the interceptor, from zero, and reloaded on save.
import { InvalidArgumentError, type Command } from 'commander';
import { createPlatform, type PlatformEvent } from '@ofn/platform';
import type { Terminal } from '../terminal.ts';

interface DevFlags {
  readonly port: number;
  readonly adminPort: number;
  readonly watch: boolean;
}

/** Adds the command. */
export function addDev(program: Command, terminal: Terminal): void {
  program
    .command('dev')
    .description('Serve functions on this machine: scaled from zero, and reloaded on save')
    .argument('[paths...]', 'Function files, or folders with code', ['.'])
    .option('-p, --port <port>', 'Port of all functions; 0 picks a free one', parsePort, 8080)
    .option('--admin-port <port>', 'Port of the admin API; 0 picks a free one', parsePort, 0)
    .option('--no-watch', 'Do not reload when code changes')
    .action(async (paths: string[], { adminPort, port, watch }: DevFlags) => {
      const say = (text: string): void => terminal.out(`${text}\n`);
      const platform = await createPlatform({
        paths,
        port,
        adminPort,
        watch,
        onEvent: (event) => say(render(event)),
      });
      for (const { name, urls } of platform.functions())
        say(urls.length === 0 ? `${name} takes events` : `${name} is at ${urls.join(' and ')}`);
      say(`${watch ? 'Save a file to reload it. ' : ''}Ctrl-C ends it.`);
      await aborted(terminal.stop);
      say('stopping: requests in flight end first');
      await platform.stop();
    });
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It must be a port from 0 to 65535.');
}

function render(event: PlatformEvent): string {
  switch (event.type) {
    case 'built':
      return `${event.function}: built in ${event.duration}`;
    case 'build-failed':
      return `${event.function}: cannot be built\n${event.message}`;
    case 'scaled':
      return `${event.function}: ${event.replicas} ${event.replicas === 1 ? 'replica' : 'replicas'}`;
    case 'ready':
      return `${event.instance} is ready after ${Math.round(event.after)} ms`;
    case 'crashed':
      return `${event.instance} ended by itself: ${event.how}`;
    case 'kept':
      return `${event.function}: the new code does not serve; the old one goes on`;
    case 'line':
      return `${event.instance} | ${renderLine(event.line)}`;
    case 'request':
      return renderRequest(event);
    case 'warning':
      return event.message;
  }
}

function renderRequest(event: Extract<PlatformEvent, { readonly type: 'request' }>): string {
  const { coldStart, duration, method, path, route, status, trace = '' } = event;
  const name = route.slice(route.indexOf('/') + 1);
  const cold = coldStart ? ' cold start' : '';
  return `${name}: ${method} ${path} ${status} ${Math.round(duration)} ms${cold} ${trace}`.trimEnd();
}

// A line of the framework's log as its message, and what of its fields a person wants to see.
function renderLine(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { err, level, msg } = JSON.parse(line) as LogLine;
    const text = level === 'info' || level === undefined ? msg : `${level}: ${msg}`;
    return typeof err?.stack === 'string' ? `${text}\n${err.stack}` : (text ?? line);
  } catch {
    return line;
  }
}

interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  readonly err?: { readonly stack?: unknown };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

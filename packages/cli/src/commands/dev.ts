// ofn dev: functions on this machine, behind the interceptor, from zero, and reloaded on save.
import { InvalidArgumentError, type Command } from 'commander';
import { createPlatform, type Platform } from '@ofn/platform';
import { createDisplay, type Display } from '../dev/display.ts';
import { press } from '../dev/keys.ts';
import type { Terminal } from '../terminal.ts';

interface DevFlags {
  readonly daprd?: string | true;
  readonly inspect?: number | true;
  readonly port: number;
  readonly adminPort: number;
  readonly watch: boolean;
}

/** Node's own. */
const INSPECT_PORT = 9229;

/** Adds the command. */
export function addDev(program: Command, terminal: Terminal): void {
  program
    .command('dev')
    .description('Serve functions on this machine: scaled from zero, and reloaded on save')
    .argument('[paths...]', 'Function files, or folders with code', ['.'])
    .option('-p, --port <port>', 'Port of all functions; 0 picks a free one', parsePort, 8080)
    .option('--admin-port <port>', 'Port of the admin API; 0 picks a free one', parsePort, 0)
    .option('--no-watch', 'Do not reload when code changes')
    .option(
      '--inspect [port]',
      "Run functions under Node's inspector, from port 9229 on: one process each, from the start",
      parseInspect,
    )
    .option(
      '--daprd [path]',
      'Run a real daprd beside each instance that uses Dapr; by default that of DAPRD, PATH or ~/.dapr/bin',
    )
    .action((paths: string[], flags: DevFlags) => serve(paths, flags, terminal));
}

async function serve(paths: string[], flags: DevFlags, terminal: Terminal): Promise<void> {
  const { adminPort, daprd, inspect, port, watch } = flags;
  const begin = performance.now();
  const display = createDisplay(terminal, watch);
  const platform = await createPlatform({
    paths,
    port,
    adminPort,
    watch,
    ...(inspect === undefined ? {} : { inspect: inspect === true ? INSPECT_PORT : inspect }),
    ...(daprd === undefined ? {} : { daprd }),
    onEvent: display.take,
  }).finally(display.built);
  display.started(platform, performance.now() - begin);
  const endKeys = readKeys(platform, display, terminal);
  await aborted(terminal.stop);
  endKeys();
  const stopped = display.stopping();
  await platform.stop().finally(stopped);
}

function readKeys(platform: Platform, display: Display, terminal: Terminal): () => void {
  const { keyboard, openUrl } = terminal;
  if (keyboard === undefined) return () => {};

  async function open(): Promise<void> {
    const url = platform.functions().find(({ urls }) => urls.length > 0)?.urls[0];
    if (url === undefined) display.say('no function has a URL to open');
    else {
      display.say(`opening ${url}`);
      await openUrl?.(url).catch((error: unknown) =>
        display.say(`cannot open it: ${(error as Error).message}`),
      );
    }
  }

  function restart(): void {
    const isRunning = platform.functions().some(({ instances }) => instances.length > 0);
    display.say(isRunning ? 'restarting all functions' : 'no function runs: a request starts it');
    platform.restart();
  }

  return keyboard.read((key) =>
    press(key, {
      restart,
      open: () => void open(),
      clear() {
        display.clear();
        display.showStart();
      },
      help: display.help,
      quit: keyboard.interrupt,
    }),
  );
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It must be a port from 0 to 65535.');
}

function parseInspect(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It must be a port from 1 to 65535; paths stand before it.');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

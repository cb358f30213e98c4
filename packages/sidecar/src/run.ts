// One run of the bin: arguments become a sidecar that runs until it is told to stop, then an exit code.
import { createRequire } from 'node:module';
import { SidecarError, toMessage } from './errors.ts';
import { renderHelp } from './flags.ts';
import { parseOptions, type BinOptions, type Environment, type LogLevel } from './options.ts';
import { createSidecar } from './sidecar.ts';
import type { Tell } from './narration.ts';

/** What a run has of its process. */
export interface Terminal {
  readonly env: Environment;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Aborts when the process is told to stop. */
  readonly stop: AbortSignal;
}

// From what is told always to what is told last.
const LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'info', 'debug'];

/**
 * Runs the bin.
 *
 * @returns The exit code: 0 after a stop, 1 when the sidecar cannot start, 2 for a wrong option.
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const command = parseOptions(args, terminal.env);
    if (command.kind === 'help') terminal.out(renderHelp());
    else if (command.kind === 'version') terminal.out(`${readVersion()}\n`);
    else await serve(command.options, terminal);
    return 0;
  } catch (thrown) {
    const code = thrown instanceof SidecarError ? thrown.code : undefined;
    terminal.err(`ofn-sidecar: ${code === undefined ? '' : `${code}: `}${toMessage(thrown)}\n`);
    return code?.startsWith('ERR_OPTION_') === true ? 2 : 1;
  }
}

async function serve(options: BinOptions, { env, out, err, stop }: Terminal): Promise<void> {
  const { ignored, logLevel, appPort, appMaxConcurrency, apiToken, appApiToken, ...rest } = options;
  const tell: Tell = (message, level) => {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(logLevel)) return;
    (level === 'warn' ? err : out)(`ofn-sidecar: ${message}\n`);
  };
  if (ignored.length > 0) {
    const flags = ignored.map((flag) => `--${flag}`).join(', ');
    tell(`${flags}: accepted, but nothing here needs it`, 'warn');
  }
  const stopping = new AbortController();
  const end = (): void => stopping.abort();
  if (stop.aborted) end();
  stop.addEventListener('abort', end, { once: true });
  const sidecar = await createSidecar({
    ...rest,
    ...(appPort === undefined ? {} : { appPort }),
    ...(appMaxConcurrency === undefined ? {} : { appMaxConcurrency }),
    ...(apiToken === undefined ? {} : { apiToken }),
    ...(appApiToken === undefined ? {} : { appApiToken }),
    env,
    log: tell,
    onShutdown: end,
  });
  const { appId, httpPort, grpcPort, engine } = sidecar;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  out(
    `ofn-sidecar: ready for app "${appId}": HTTP API at ${host}:${httpPort}, gRPC API at ${host}:${grpcPort}\n`,
  );
  const components = engine.components
    .map(({ name, type, emulates = type }) => `${name} (${emulates})`)
    .join(', ');
  tell(`components: ${components || 'none; --resources-path names a folder of them'}`, 'info');
  if (appPort === undefined) tell('no --app-port: nothing is delivered to an app', 'info');
  await new Promise<void>((resolve) => {
    if (stopping.signal.aborted) resolve();
    else stopping.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await sidecar.stop();
}

function readVersion(): string {
  const manifest = createRequire(import.meta.url)('../package.json') as { version: string };
  return manifest.version;
}

// One run of the bin: arguments become a sidecar that runs until it is told to stop, then an exit code.
import { createRequire } from 'node:module';
import { SidecarError, toMessage } from './errors.ts';
import { renderHelp } from './flags.ts';
import { parseOptions, type BinOptions, type Environment, type LogLevel } from './options.ts';
import { createSidecar } from './sidecar.ts';

/** What a run has of its process. */
export interface Terminal {
  readonly env: Environment;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Aborts when the process is told to stop. */
  readonly stop: AbortSignal;
}

// Levels below which warnings are not told.
const QUIET: readonly LogLevel[] = ['error', 'fatal'];

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
  const warn = (message: string): void => {
    if (!QUIET.includes(logLevel)) err(`ofn-sidecar: ${message}\n`);
  };
  if (ignored.length > 0) {
    warn(`${ignored.map((flag) => `--${flag}`).join(', ')}: accepted, but nothing here needs it`);
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
    log: warn,
    onShutdown: end,
  });
  const { appId, httpPort, grpcPort } = sidecar;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  out(
    `ofn-sidecar: ready for app "${appId}": HTTP API at ${host}:${httpPort}, gRPC API at ${host}:${grpcPort}\n`,
  );
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

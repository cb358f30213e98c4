// The bin: arguments and environment become a runtime that serves until it is told to stop.
import { createRequire } from 'node:module';
import { OfnError, toError } from './errors.ts';
import { loadSource } from './function/load.ts';
import { supervise } from './lifecycle.ts';
import { createLogger, type Logger } from './logger.ts';
import { parseOptions, renderHelp, type Options } from './options.ts';
import { createRuntime, type Addresses, type Runtime } from './runtime.ts';

try {
  const isTerminal = process.stdout.isTTY;
  const command = parseOptions(process.argv.slice(2), process.env, isTerminal);
  if (command.kind === 'help') process.stdout.write(renderHelp());
  else if (command.kind === 'version') process.stdout.write(`${version()}\n`);
  else await serve(command.options);
} catch (error) {
  process.stderr.write(renderError(error));
  process.exit(error instanceof OfnError ? error.exitCode : 1);
}

async function serve(options: Options): Promise<void> {
  const log = createLogger({ level: options.logLevel, readable: options.development });
  const loaded = await loadSource(options);
  const metrics =
    options.adminPort === undefined
      ? undefined
      : (await import('./http/metrics.ts')).createMetrics();
  const runtime = createRuntime(options, log, loaded, metrics);
  supervise(runtime, log);
  const addresses = await runtime.start().catch((error: unknown) => {
    if (runtime.stopping) return undefined;
    throw error;
  });
  // A signal came first: the process ends as it asked.
  if (addresses === undefined) return;
  // A cold start has a caller waiting: it is answered before the first log line.
  setTimeout(announce, 20, runtime, addresses, log);
}

function announce(runtime: Runtime, addresses: Addresses, log: Logger): void {
  const { host, port, adminPort } = addresses;
  for (const definition of runtime.functions) {
    const { name, signature, methods } = definition;
    const path = runtime.pathOf(definition) ?? '/';
    log.info(
      { function: name, signature, ...(methods === undefined ? {} : { methods }) },
      `serving ${name} at http://${host}:${port}${path}`,
    );
  }
  if (adminPort !== undefined) log.info(`health and metrics at http://${host}:${adminPort}`);
}

function version(): string {
  const manifest = createRequire(import.meta.url)('../package.json') as { version: string };
  return manifest.version;
}

// One line that names what is wrong; below it the stack of user code that failed, never our own.
function renderError(thrown: unknown): string {
  const error = toError(thrown);
  if (!(error instanceof OfnError)) return `functions-framework: ${error.stack ?? error.message}\n`;
  const { cause } = error;
  const isUserCode = error.code === 'OFN_SOURCE_FAILED' || error.code === 'OFN_START_FAILED';
  const stack = isUserCode && cause instanceof Error ? `${cause.stack ?? cause.message}\n` : '';
  return `functions-framework: ${error.code}: ${error.message}\n${stack}`;
}

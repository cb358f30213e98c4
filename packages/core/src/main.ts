// The bin: arguments and environment become a runtime that serves until it is told to stop.
import { createRequire } from 'node:module';
import { OfnError, toError } from './errors.ts';
import { loadSource } from './function/load.ts';
import { supervise } from './lifecycle.ts';
import { createLogger, type Logger } from './logger.ts';
import { parseOptions, renderHelp, type AppProtocol, type Options } from './options.ts';
import { createRuntime, type Addresses, type Runtime } from './runtime.ts';

// Codes whose cause is user code, and shown with its stack.
const USER_CODE = ['OFN_SOURCE_FAILED', 'OFN_START_FAILED', 'OFN_UNCAUGHT'];

// Until the process is supervised, whatever goes wrong ends it, with one line that says why.
process.on('uncaughtException', endWith);
process.on('unhandledRejection', endWith);
process.on('beforeExit', endUnfinished);

try {
  const command = parseOptions(process.argv.slice(2), process.env, process.stdout.isTTY);
  if (command.kind === 'help') process.stdout.write(renderHelp());
  else if (command.kind === 'version') process.stdout.write(`${version()}\n`);
  else await serve(command.options);
} catch (error) {
  end(error);
}
process.off('beforeExit', endUnfinished);

async function serve(options: Options): Promise<void> {
  const log = createLogger({ level: options.logLevel, readable: options.development });
  // Before user code: a library can be traced that is loaded afterwards.
  const tracing =
    options.tracing === undefined
      ? undefined
      : await (await import('./tracing.ts')).loadTracing(options, process.env, log);
  const loaded = await loadSource(options);
  const metrics =
    options.adminPort === undefined
      ? undefined
      : (await import('./http/metrics.ts')).createMetrics();
  const runtime = createRuntime(options, log, loaded, metrics, tracing);
  supervise(runtime, log);
  process.off('uncaughtException', endWith);
  process.off('unhandledRejection', endWith);
  const addresses = await runtime.start().catch((error: unknown) => {
    if (runtime.stopping) return undefined;
    throw error;
  });
  // A signal came first: the process ends as it asked.
  if (addresses === undefined) return;
  // A cold start has a caller waiting: it is answered before the first log line.
  setTimeout(announce, 20, runtime, addresses, options.appProtocol, log);
}

function end(thrown: unknown): void {
  process.stderr.write(renderError(thrown));
  process.exit(thrown instanceof OfnError ? thrown.exitCode : 1);
}

function endWith(thrown: unknown): void {
  const message = `an error while the source was loaded: ${toError(thrown).message}`;
  end(new OfnError('OFN_UNCAUGHT', message, { cause: thrown }));
}

// Node would exit with 13 and without a word.
function endUnfinished(): void {
  const message = 'a module or a start hook waits for something that can never happen';
  end(new OfnError('OFN_START_FAILED', message));
}

function announce(
  runtime: Runtime,
  addresses: Addresses,
  protocol: AppProtocol,
  log: Logger,
): void {
  const { host, port, adminPort } = addresses;
  for (const definition of runtime.overHttp) {
    const { name, signature, methods } = definition;
    const path = runtime.pathOf(definition) ?? '/';
    log.info(
      { function: name, signature, ...(methods === undefined ? {} : { methods }) },
      `serving ${name} at http://${host}:${port}${path}`,
    );
  }
  for (const { definition, kind, component, topic } of runtime.inputs) {
    const what = kind === 'topic' ? `topic ${topic} of ${component}` : `binding ${component}`;
    log.info({ function: definition.name }, `${definition.name} receives the ${what}`);
  }
  if (runtime.inputs.length > 0) {
    log.info(`a Dapr sidecar delivers with --app-port ${port} --app-protocol ${protocol}`);
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
  const stack =
    USER_CODE.includes(error.code) && cause instanceof Error
      ? `${cause.stack ?? cause.message}\n`
      : '';
  return `functions-framework: ${error.code}: ${error.message}\n${stack}`;
}

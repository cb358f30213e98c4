// One run of the bin: objects become an interceptor with what is behind it, until it is told to stop.
import { createRequire } from 'node:module';
import { KedaError } from './errors.ts';
import { renderHelp } from './flags.ts';
import { createInstances, type Instances } from './instances/instances.ts';
import { watchBackends } from './instances/watch.ts';
import type { Log } from './interceptor/call.ts';
import { createInterceptor, type Interceptor } from './interceptor/interceptor.ts';
import { readObjects } from './objects/read.ts';
import { toRoutes, type ScaledRoute } from './objects/to-route.ts';
import { parseOptions, type BinOptions } from './options.ts';
import { keyOf } from './routing/route.ts';
import { createExternalScaler, type ExternalScaler } from './scaler/external-scaler.ts';
import { createAutoscaler, type Autoscaler } from './scaler/autoscaler.ts';

/** What a run has of its process. */
export interface RunSettings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Ends the run when it aborts; without the delay of a cluster, unless its reason is `SIGTERM`. */
  readonly stop: AbortSignal;
}

/** Runs; resolves to the exit code: 0, 1 for a failure, 2 for arguments and objects that are not valid. */
export async function run(args: readonly string[], settings: RunSettings): Promise<number> {
  try {
    const command = parseOptions(args, settings.env);
    if (command.kind === 'help') settings.out(renderHelp());
    else if (command.kind === 'version') settings.out(`${version()}\n`);
    else await serve(command.options, settings);
    return 0;
  } catch (error) {
    if (!(error instanceof KedaError)) throw error;
    settings.err(`ofn-interceptor: ${error.code}: ${error.message}\n`);
    return error.code === 'OFN_KEDA_PORT_UNAVAILABLE' ? 1 : 2;
  }
}

async function serve(options: BinOptions, { out, stop }: RunSettings): Promise<void> {
  const say = (text: string): void => out(`ofn-interceptor: ${text}\n`);
  const { ignored, objects, ...referents } = await readObjects(options.paths);
  const routes = toRoutes(objects, referents);
  if (routes.length === 0) {
    throw new KedaError(
      'OFN_KEDA_OBJECT_INVALID',
      `${options.paths.join(', ')}: there is no HTTPScaledObject or InterceptorRoute in it`,
    );
  }
  const log: Log = {
    info: (_, message) => say(message),
    warn: (_, message) => say(message),
    error: (_, message) => say(message),
  };
  const interceptor = createInterceptor({
    routes: routes.map(({ route }) => route),
    profile: options.profile,
    host: options.host,
    port: options.port,
    adminPort: options.adminPort,
    settings: { ...options.settings, ...(options.verbose ? { logRequests: true } : {}) },
    log,
  });
  const commands = commandsOf(routes, options);
  const { adminPort, port } = await interceptor.start();
  for (const name of ignored) say(`${name} is not needed here`);
  for (const name of options.ignored) say(`${name} is set, and does nothing here`);
  for (const { route } of routes) {
    const hosts = route.rules.flatMap((rule) => rule.hosts).join(', ') || 'any host';
    say(`${keyOf(route)}: ${hosts} → ${route.target.service} at http://localhost:${port}`);
  }
  const queue = `http://localhost:${adminPort}/queue`;
  say(`pending requests at ${queue}`);
  const scaler = await startScaler(options, routes, queue, log).catch(async (error: unknown) => {
    await interceptor.stop({ skipDelay: true });
    throw error;
  });
  if (scaler !== undefined) say(`KEDA's external scaler at ${scaler.address}`);
  const running = commands.map((entry) => startFunction(interceptor, entry, options, log, say));
  const watching = watchBackends(options.backends, options.readinessPath, (service, addresses) => {
    say(`${service}: ${addresses.length} ready`);
    interceptor.setEndpoints(service, addresses);
  });
  await aborted(stop);
  say('stopping: requests in flight end first');
  // What is held still gets its instance.
  await interceptor.stop({ skipDelay: stop.reason !== 'SIGTERM' });
  for (const { autoscaler } of running) autoscaler.stop();
  watching.stop();
  await scaler?.stop();
  await Promise.all(running.map(({ instances }) => instances.stop()));
}

async function startScaler(
  { host, profile, scalerPort }: BinOptions,
  routes: readonly ScaledRoute[],
  queue: string,
  log: Log,
): Promise<ExternalScaler | undefined> {
  if (scalerPort === undefined) return undefined;
  const scaler = createExternalScaler({
    endpoints: [queue],
    routes,
    profile,
    host,
    port: scalerPort,
    log,
  });
  await scaler.start();
  return scaler;
}

// Milliseconds.
const HINT_AFTER = 3000;

interface RunningFunction {
  readonly autoscaler: Autoscaler;
  readonly instances: Instances;
}

interface FunctionCommand {
  readonly scaled: ScaledRoute;
  readonly service: string;
  readonly command: readonly [string, ...string[]];
}

function commandsOf(
  routes: readonly ScaledRoute[],
  { backends, commands }: BinOptions,
): FunctionCommand[] {
  const found = routes.flatMap((scaled): FunctionCommand[] => {
    const { route } = scaled;
    const service = `${route.namespace}/${route.target.service}`;
    const command = commands.get(service) ?? (routes.length === 1 ? commands.get('') : undefined);
    return command === undefined ? [] : [{ scaled, service, command }];
  });
  const used = new Set([
    ...found.map(({ service }) => service),
    ...(routes.length === 1 ? [''] : []),
  ]);
  const services = routes.map(({ route }) => `${route.namespace}/${route.target.service}`);
  for (const name of commands.keys()) {
    if (used.has(name)) continue;
    const message =
      name === ''
        ? `--run needs the service that it is for: ${services.map((each) => `${each}=…`).join(', ')}`
        : `--run: no route leads to ${name}; there is ${services.join(', ')}`;
    throw new KedaError('OFN_KEDA_OPTION_INVALID', message);
  }
  for (const name of backends.keys()) {
    const known = [
      ...services,
      ...routes.map(({ route }) => `${route.namespace}/${route.fallback?.service}`),
    ];
    if (known.includes(name)) continue;
    const message = `--backend: no route leads to ${name}; there is ${services.join(', ')}`;
    throw new KedaError('OFN_KEDA_OPTION_INVALID', message);
  }
  return found;
}

function startFunction(
  interceptor: Interceptor,
  { command, scaled, service }: FunctionCommand,
  { host, readinessPath }: BinOptions,
  log: Log,
  say: (text: string) => void,
): RunningFunction {
  const key = keyOf(scaled.route);
  // What waits for a probe that nobody answers would look like a hang.
  const hints = new Map<string, NodeJS.Timeout>();
  const hint = (instance: string): void => {
    const must =
      readinessPath === undefined
        ? 'accept connections on the port in PORT'
        : `answer 2xx at ${readinessPath} on the port in PORT; --readiness-path names another, or ""`;
    say(`${instance} is not ready yet: it must ${must}`);
  };
  const instances = createInstances({
    command,
    name: scaled.route.name,
    host,
    ready: readinessPath === undefined ? {} : { path: readinessPath },
    onEndpoints: (addresses) => interceptor.setEndpoints(service, addresses),
    onEvent({ after, instance, type }) {
      clearTimeout(hints.get(instance));
      hints.delete(instance);
      if (type === 'started') hints.set(instance, setTimeout(hint, HINT_AFTER, instance).unref());
      else if (type === 'ready') say(`${instance} is ready after ${Math.round(after)} ms`);
      else if (type === 'stopped') say(`${instance} has stopped`);
    },
    log: {
      ...log,
      info: ({ instance }: { instance?: string }, line) => say(`${instance ?? key} | ${line}`),
    },
  });
  const autoscaler = createAutoscaler({
    counts: () => interceptor.counts()[key],
    onPending: (listener) =>
      interceptor.onPending((pending) => {
        if (pending === key) listener();
      }),
    options: scaled.scaling,
    scale(replicas) {
      say(`${key}: ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`);
      void instances.scale(replicas);
    },
  });
  autoscaler.start();
  return { autoscaler, instances };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function version(): string {
  const manifest = createRequire(import.meta.url)('../package.json') as { version: string };
  return manifest.version;
}

// Options become a running server: what is resolved here, once, is all that a call ever needs.
import { Server as NetServer, type AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { OfnError, toError } from './errors.ts';
import { createDeliveries } from './dapr/delivery.ts';
import type { GrpcChannel } from './dapr/grpc-channel.ts';
import { createHttpChannel } from './dapr/http-channel.ts';
import { resolveInputs, type Input } from './dapr/input.ts';
import { createOutgoing } from './outgoing/outgoing.ts';
import type { LoadedSource } from './function/load.ts';
import { registry, type Hook } from './function/registry.ts';
import type { FunctionDefinition } from './function/signature.ts';
import { createAdminServer } from './http/admin.ts';
import { createEndpoint } from './http/endpoint.ts';
import { createTracker } from './http/exchange.ts';
import { toFetchCall } from './http/fetch-handler.ts';
import type { Health } from './http/health.ts';
import type { Metrics } from './http/metrics.ts';
import { createDispatch, createUpgradeFinder, pathOf, type Route } from './http/router.ts';
import { createFunctionServer } from './http/server.ts';
import { createSharedPort, type SharedPort } from './http/shared-port.ts';
import type { StageSettings } from './http/stage.ts';
import { createUpgradeEndpoint, toUpgradeCall } from './http/upgrade.ts';
import { toCall } from './invocation/handler.ts';
import { createInstance } from './invocation/instance.ts';
import type { ServedFunction } from './invocation/invocation.ts';
import { fromHookPlugins } from './invocation/openfunction-plugin.ts';
import { assertPlugin, wrapCall, type Call, type Plugin } from './invocation/plugin.ts';
import type { Tracing } from './invocation/trace.ts';
import { createHeaderGuard } from './keda/header-guard.ts';
import { toQueue } from './keda/queue.ts';
import type { LifecycleState } from './lifecycle.ts';
import type { Logger } from './logger.ts';
import type { Options } from './options.ts';

/** Where a started runtime can be reached. */
export interface Addresses {
  /** What stands for this machine in a URL: `localhost` unless `--host` names another. */
  readonly host: string;
  readonly port: number;
  readonly adminPort: number | undefined;
}

/** Functions being served. */
export interface Runtime {
  readonly state: LifecycleState;
  /** Whether `stop` was called. */
  readonly stopping: boolean;
  readonly functions: readonly FunctionDefinition[];
  /** Those of the functions that are served over HTTP. */
  readonly overHttp: readonly FunctionDefinition[];
  /** The topics and bindings whose events it takes. */
  readonly inputs: readonly Input[];
  /** The server of the functions; `start` makes it listen. */
  readonly server: Server;
  /** Path of each function; `undefined` for one that is served at every path. */
  pathOf(definition: FunctionDefinition): string | undefined;
  /**
   * Runs the set-up of plugins and the start hooks, without listening.
   *
   * @throws OfnError `OFN_START_FAILED`. Nothing is left running then.
   */
  open(): Promise<void>;
  /**
   * Opens, then listens.
   *
   * @throws OfnError `OFN_START_FAILED`, `OFN_PORT_UNAVAILABLE`. Nothing is left running then.
   */
  start(): Promise<Addresses>;
  /**
   * Drains and stops. Calling it again returns the same promise.
   *
   * @throws OfnError `OFN_DRAIN_INCOMPLETE` when calls were cut off at the deadline;
   *   `OFN_STOP_FAILED` when a stop hook or the close of a plugin failed. All the rest is done first.
   */
  stop(options?: { skipDelay?: boolean }): Promise<void>;
}

/**
 * Creates a runtime; nothing listens yet.
 *
 * @param metrics Where calls are counted; served on the admin port.
 * @param tracing Traces each call; set up before all plugins, and closed after them.
 * @throws OfnError for a function, plugin, route or context that is not valid.
 */
export function createRuntime(
  options: Options,
  log: Logger,
  { functions, plugins, hookPlugins }: LoadedSource,
  metrics?: Metrics,
  tracing?: Tracing,
): Runtime {
  const { context } = options;
  const { inputs, ignored } = resolveInputs(functions, context);
  const hooks = fromHookPlugins(hookPlugins, {
    pre: context?.preHooks,
    post: context?.postHooks,
  });
  const everywhere: Plugin[] = [
    ...(tracing === undefined ? [] : [tracing]),
    ...registry.plugins,
    ...plugins,
    ...(hookPlugins.length > 0 ? [hooks] : []),
  ];
  const all = new Set([...everywhere, ...functions.flatMap((definition) => definition.plugins)]);
  for (const plugin of all) assertPlugin(plugin);

  // Plugins whose set-up is done, and whose close is due.
  const ready = new Set<Plugin>();
  let state: LifecycleState = 'idle';
  let stopped: Promise<void> | undefined;
  const instance = createInstance();
  const tracker = createTracker(() => guard?.watch());
  const guard =
    options.keda &&
    createHeaderGuard(options.keda, tracker, ({ invocation }) => {
      if (invocation !== undefined) metrics?.late(invocation.function);
    });
  const outgoing = createOutgoing({
    context,
    sidecar: options.sidecar,
    timeout: options.daprTimeout,
    namespace: options.namespace,
    traceEnvelope: options.traceEnvelope,
    log,
  });
  const serve = (definition: FunctionDefinition, call: Call): ServedFunction =>
    Object.freeze({
      definition,
      context,
      log,
      hookPlugins: hooks.hookPlugins,
      call: wrapCall(call, [...everywhere, ...definition.plugins]),
      tracer: tracing,
      instance,
      outgoing,
      timeout: options.timeout,
    });
  const served = new Map(
    functions.map((definition) => {
      const call = definition.style === 'fetch' ? toFetchCall(definition) : toCall(definition);
      return [definition, serve(definition, call)];
    }),
  );
  const deliveries = createDeliveries({
    inputs,
    servedOf: ({ definition }) => served.get(definition) as ServedFunction,
    maxConcurrency: options.maxConcurrency,
    observer: metrics?.observer,
  });
  // On the async runtime a function has nothing but its inputs.
  const overHttp = functions.filter(
    ({ trigger }) => trigger === undefined && context?.runtime !== 'async',
  );
  const stage: StageSettings = {
    bodyLimit: options.bodyLimit,
    showDetails: options.development,
    tracker,
    observer: metrics?.observer,
  };
  const routes = overHttp.map((definition): Route => {
    const endpoint = createEndpoint(served.get(definition) as ServedFunction, stage);
    const upgrade =
      definition.upgrade &&
      createUpgradeEndpoint(serve(definition, toUpgradeCall(definition)), stage);
    return { definition, endpoint, upgrade };
  });

  const isOnly = functions.length === 1;
  const functionPaths = overHttp.flatMap((definition) => pathOf(definition, isOnly) ?? []);
  const usesDapr = inputs.length > 0 || isNamed(context?.outputs) || isNamed(context?.states);
  const hasChannel = usesDapr || routes.length === 0;
  const channel = hasChannel
    ? createHttpChannel({
        inputs,
        outputs: Object.values(context?.outputs ?? {}).map(
          ({ componentName = '' }) => componentName,
        ),
        deliveries,
        tracker,
        bodyLimit: options.bodyLimit,
        token: options.appApiToken,
        log,
        functionPaths,
        hasFunctions: routes.length > 0,
      })
    : undefined;
  const health: Health = {
    state: () => state,
    // A sidecar stops delivering to an app that is not healthy.
    stopsWhenDraining: inputs.length > 0,
    isSidecarReachable: usesDapr ? () => outgoing.isReachable() : undefined,
  };
  const server = createFunctionServer({
    ...options,
    dispatch: createDispatch(routes, isOnly, options.development),
    findUpgrade: createUpgradeFinder(routes, isOnly),
    isStopping: () => instance.isStopping,
    channel,
    showDetails: options.development,
    tracker,
    healthRoutes: options.healthRoutes ?? inputs.length > 0,
    ignoredRoutes: ignoredRoutes(options, functions),
    functionPaths,
    health,
  });
  // What listens: over gRPC, the port is shared with what comes over HTTP.
  let listener: NetServer = server;
  let grpc: GrpcChannel | undefined;
  let sharedPort: SharedPort | undefined;
  const { keda, namespace = 'default' } = options;
  const key = `${namespace}/${context?.name ?? options.target ?? functions[0]?.name ?? 'function'}`;
  const queue = keda && (() => toQueue(keda.addOn, key, tracker));
  const admin = metrics && createAdminServer(metrics, health, queue);

  async function prepare(): Promise<void> {
    state = 'starting';
    try {
      for (const plugin of all) {
        await plugin.setup?.({ functions, inputs, context, log });
        ready.add(plugin);
      }
      for (const hook of registry.startHooks) await hook();
      assertStarting();
    } catch (cause) {
      await close().catch(() => {});
      if (cause instanceof OfnError) throw cause;
      const message = `start-up failed: ${toError(cause).message}`;
      throw new OfnError('OFN_START_FAILED', message, { cause });
    }
  }

  // A signal may come while plugins and hooks do their work.
  function assertStarting(): void {
    if (stopped === undefined) return;
    throw new OfnError('OFN_START_FAILED', 'it was stopped while it was starting');
  }

  async function start(): Promise<Addresses> {
    await prepare();
    try {
      const { host, adminPort: wanted = 0 } = options;
      const adminPort =
        admin && (await listen(admin, { port: wanted, host, flag: '--admin-port' }));
      if (inputs.length > 0 && options.appProtocol === 'grpc') await addGrpc();
      const port = await listen(listener, { port: options.port, host, flag: '--port' });
      assertStarting();
      state = 'running';
      metrics?.ready(performance.now() / 1000);
      if (ignored.length > 0) log.warn({ inputs: ignored }, IGNORED_INPUTS);
      if (routes.length === 0 && inputs.length === 0) log.warn(NOTHING_TO_DO);
      if (usesDapr) outgoing.preload();
      return { host: urlHost(options.host), port, adminPort };
    } catch (error) {
      await close().catch(() => {});
      throw error;
    }
  }

  // Loaded by those who need it: gRPC takes as long to load as all the rest.
  async function addGrpc(): Promise<void> {
    const { createGrpcChannel } = await import('./dapr/grpc-channel.ts');
    const { bodyLimit, appApiToken: token, headersTimeout: timeout } = options;
    const created = createGrpcChannel({
      inputs,
      deliveries,
      bodyLimit,
      token,
      log,
      state: () => state,
      server,
    });
    grpc = created;
    sharedPort = createSharedPort({
      http1: (socket) => server.emit('connection', socket),
      http2: (socket) => created.accept(socket),
      timeout,
    });
    listener = sharedPort.server;
  }

  async function drain(skipDelay: boolean): Promise<OfnError | undefined> {
    if (!skipDelay && options.drainDelay > 0) await elapse(options.drainDelay);
    instance.stop();
    // Only stops accepting: the close of an HTTP server also cuts connections that are idle, or new,
    // and with them the request that is on its way.
    const closing = new Promise<void>((resolve) => {
      NetServer.prototype.close.call(listener, () => resolve());
    });
    const isDrained = await within(options.drainTimeout, drainCalls(closing));
    if (isDrained) {
      // What a connection that is still open brings now would find its plugins closed.
      deliveries.cutOff(new OfnError('OFN_STOPPING', 'the server has stopped'));
      return undefined;
    }
    const seconds = options.drainTimeout / 1000;
    const late = new OfnError('OFN_STOPPING', `the server stopped after waiting ${seconds} s`);
    const cut = deliveries.cutOff(late) + tracker.cutOff(late);
    await within(LAST_REQUEST, Promise.all([tracker.drained(), grpc?.drained()]));
    // Handlers that go on though their callers have their answers are not worth a failure.
    if (cut === 0) return undefined;
    const calls = cut === 1 ? 'call was' : 'calls were';
    return new OfnError('OFN_DRAIN_INCOMPLETE', `${cut} ${calls} cut off after ${seconds} s`);
  }

  // A connection that is open may have a request on its way: it gets a moment to arrive.
  async function drainCalls(closing: Promise<void>): Promise<void> {
    // Longer than what is waited for: what is cut off then is still answered.
    grpc?.drain(options.drainTimeout + LAST_REQUEST);
    await Promise.all([deliveries.drained(), tracker.drained()]);
    await within(LAST_REQUEST, closing);
    await Promise.all([deliveries.drained(), tracker.drained()]);
  }

  let closed: Promise<void> | undefined;
  function close(): Promise<void> {
    return (closed ??= closeAll());
  }

  // Stop hooks and plugins, in reverse order; each gets its turn whatever the others do.
  async function closeAll(): Promise<void> {
    const errors: unknown[] = [];
    const closers: Hook[] = [...ready]
      .filter((plugin) => plugin !== tracing)
      .map((plugin) => () => plugin.close?.());
    for (const closer of [...closers, ...registry.stopHooks].toReversed()) {
      try {
        const isDone = await within(options.drainTimeout, closer());
        if (!isDone) errors.push(`it did not end within ${options.drainTimeout / 1000} s`);
      } catch (error) {
        errors.push(error);
      }
    }
    if (tracing !== undefined && ready.has(tracing)) await closeTracing(tracing);
    grpc?.close();
    sharedPort?.server.close();
    sharedPort?.closeUndecided();
    server.close();
    server.closeAllConnections();
    outgoing.close();
    guard?.stop();
    admin?.close();
    admin?.closeAllConnections();
    state = 'stopped';
    if (errors.length === 0) return;
    const message = `a stop hook failed: ${errors.map((error) => toError(error).message).join('; ')}`;
    throw new OfnError('OFN_STOP_FAILED', message, { cause: errors[0] });
  }

  // After all that may still make spans. What it cannot send is lost, and no failure of the process.
  async function closeTracing(plugin: Tracing): Promise<void> {
    const time = Math.max(options.drainTimeout, LAST_REQUEST);
    try {
      if (await within(time, plugin.close?.())) return;
      log.warn(`tracing did not end within ${time / 1000} s: what it has not sent is lost`);
    } catch (err) {
      log.warn({ err: toError(err) }, 'tracing failed to end: what it has not sent is lost');
    }
  }

  return {
    get state() {
      return state;
    },
    get stopping() {
      return stopped !== undefined;
    },
    functions,
    overHttp,
    inputs,
    server,
    pathOf: (definition) => pathOf(definition, isOnly),
    async open() {
      await prepare();
      state = 'running';
    },
    start,
    stop({ skipDelay = false } = {}) {
      stopped ??= (async () => {
        const wasServing = state === 'running';
        if (state !== 'stopped') state = 'draining';
        const incomplete = wasServing ? await drain(skipDelay) : undefined;
        await close();
        if (incomplete !== undefined) throw incomplete;
      })();
      return stopped;
    },
  };
}

const IGNORED_INPUTS =
  'inputs of the function context are not received: an http handler cannot take events; ' +
  'register one with openfunction(), cloudEvent(), topic() or binding()';

const NOTHING_TO_DO =
  'nothing calls a function of this process: the function context asks for the async runtime, and ' +
  'names no input; add one under "inputs", or register a function with topic() or binding()';

function isNamed(components: object | undefined): boolean {
  return components !== undefined && Object.keys(components).length > 0;
}

function ignoredRoutes(
  { ignoredRoutes: given }: Options,
  functions: readonly FunctionDefinition[],
): readonly string[] {
  if (given !== undefined) return given;
  // As in the peers: what browsers and crawlers ask for on their own is not for an http function.
  return functions.every(({ signature }) => signature === 'http')
    ? ['/favicon.ico', '/robots.txt']
    : [];
}

function listen(
  server: NetServer,
  { port, host, flag }: { port: number; host: string | undefined; flag: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => {
      const reason =
        cause.code === 'EADDRINUSE'
          ? `it is in use; stop the other process or choose another with ${flag}`
          : cause.code === 'EACCES'
            ? `this user may not listen on it; choose one above 1023 with ${flag}`
            : cause.message;
      const where = host === undefined ? `port ${port}` : `${host}:${port}`;
      reject(
        new OfnError('OFN_PORT_UNAVAILABLE', `cannot listen on ${where}: ${reason}`, { cause }),
      );
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.removeListener('error', onError);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function urlHost(host: string | undefined): string {
  const local = ['0.0.0.0', '::', '127.0.0.1', '::1'];
  if (host === undefined || local.includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

// Milliseconds for a request that was on its way when the server stopped accepting connections.
const LAST_REQUEST = 500;

// Whether a promise resolves within a time. The timer keeps the process alive meanwhile.
async function within(milliseconds: number, promise: unknown): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
  });
  try {
    return await Promise.race([Promise.resolve(promise).then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function elapse(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

// createPlatform: paths become functions behind one interceptor, built, scaled from zero and reloaded.
import { join } from 'node:path';
import { startAdmin } from './admin/admin.ts';
import { refuseSecond } from './admin/discovery.ts';
import { findAllSources } from './build/source.ts';
import { toApp } from './dapr/app.ts';
import { tellEvents } from './dapr/event-outcomes.ts';
import { inputsOf, type FunctionInput } from './dapr/inputs.ts';
import { createDaprdMesh } from './dapr/daprd-mesh.ts';
import { findDaprd } from './dapr/daprd-program.ts';
import { createMesh } from './dapr/mesh.ts';
import { PlatformError } from './errors.ts';
import { assertRunnable, createFunctions, usesDapr, type Member } from './function/functions.ts';
import type { PlatformEvent } from './platform-event.ts';
import { createGateway } from './serving/gateway.ts';
import { frameworkBin } from './serving/revision.ts';
import { localHosts, servesHttp } from './serving/route.ts';
import { createStandby } from './serving/standby.ts';
import { createLogs } from './state/logs.ts';
import type { InstanceResource } from './state/objects.ts';
import { createStateFile } from './state/state-file.ts';
import { createStore } from './state/store.ts';
import { createTraces } from './traces/traces.ts';

/** What a platform is made from. */
export interface PlatformOptions {
  /** Function files, or folders with code. */
  readonly paths: readonly string[];
  /** Port of all functions; 0 picks a free one. Default 8080. */
  readonly port?: number;
  /** Port of the admin API; 0 picks a free one. Default 0. */
  readonly adminPort?: number;
  /** Whether functions are built anew when their code changes. Default true. */
  readonly watch?: boolean;
  /** Whether functions are traced here where this machine does not say otherwise. Default true. */
  readonly traces?: boolean;
  /** Folder in whose `.ofn` the state is kept. Default: the working directory. */
  readonly directory?: string;
  /**
   * Port of Node's inspector for the first function; the next one has the next port, and so on. Each function
   * has one process then, from the start, and a new one begins when the old one has ended. Default: it is off.
   */
  readonly inspect?: number;
  /**
   * Milliseconds that a process, and requests in flight when the platform stops, get to end. Default 12,000: the
   * framework gives its calls 10,000.
   */
  readonly stopTimeout?: number;
  /**
   * Runs a real daprd beside each instance of a function that uses Dapr: the one at this path; `true` for the one
   * that the variable `DAPRD` names, or on `PATH`, or in `~/.dapr/bin`. Default: components are played in memory.
   */
  readonly daprd?: string | true;
  /** Called with what happens. */
  readonly onEvent?: (event: PlatformEvent) => void;
}

/** A function of a platform. */
export interface FunctionInfo {
  readonly name: string;
  readonly namespace: string;
  /** Where it is served. */
  readonly urls: readonly string[];
  /** The events that it takes, as far as its Function says so. */
  readonly inputs: readonly FunctionInput[];
  /** Names of the variables of its `.env` file. */
  readonly variables: readonly string[];
  /** What of its file is not looked at, in words for a person. */
  readonly warnings: readonly string[];
  /** Port of Node's inspector; absent where that is off. */
  readonly inspect?: number;
  /** How many requests wait for it, or are in flight. */
  readonly requests: number;
  readonly instances: readonly InstanceResource[];
}

/** A platform that runs. */
export interface Platform {
  readonly port: number;
  /** Port of the admin API, on 127.0.0.1. */
  readonly adminPort: number;
  readonly functions: () => readonly FunctionInfo[];
  /** The processes of all functions. */
  readonly instances: () => readonly InstanceResource[];
  /** New processes take the place of those that run. */
  readonly restart: () => void;
  /** Lets requests in flight end, and then the processes. More calls wait for the same. */
  readonly stop: () => Promise<void>;
}

/**
 * Creates a platform, and resolves when all functions have been built once and their port listens; they have
 * no process until their first request. What is known of the functions is kept in `.ofn/state.json`, and
 * goes on from there when a platform is created again.
 *
 * @throws PlatformError `OFN_PLATFORM_SOURCE_INVALID`, `OFN_PLATFORM_FUNCTION_INVALID`,
 *   `OFN_PLATFORM_DAPRD_UNAVAILABLE`, `OFN_PLATFORM_PORT_UNAVAILABLE`, and `OFN_PLATFORM_RUNNING` when another one runs for the folder;
 *   ResourceError for a Function file that is not valid; KedaError `OFN_KEDA_PORT_UNAVAILABLE`.
 * @example
 * const platform = await createPlatform({ paths: ['./hello'], port: 0 });
 * const response = await fetch(`http://localhost:${platform.port}/`);
 * await platform.stop();
 */
export async function createPlatform(options: PlatformOptions): Promise<Platform> {
  const { onEvent = () => {}, paths, port = 8080, stopTimeout = 12_000, watch = true } = options;
  const sources = await findAllSources(paths);
  const warn = (message: string): void => onEvent({ type: 'warning', message });
  const directory = options.directory ?? process.cwd();
  const tellOf = (appId: string, message: string): void => warn(`${appId}: ${message}`);
  const mesh =
    options.daprd === undefined
      ? createMesh(tellOf, tellEvents(nameOf, onEvent))
      : createDaprdMesh(await findDaprd(options.daprd), directory, tellOf);
  // What no process could be made of is said before anything runs.
  for (const source of sources) assertRunnable(source, mesh);

  await refuseSecond(directory);
  const path = join(directory, '.ofn', 'state.json');
  const file = createStateFile(path, () => store.save(), warn);
  const store = createStore(await file.read(), file.save);
  const logs = createLogs();
  const standby = createStandby(() => ({
    tracing: options.traces !== false,
    events: functions.list().some(({ source }) => usesDapr(source)),
  }));
  const traces = options.traces === false ? undefined : await createTraces();
  const gateway = createGateway(port, stopTimeout, onEvent);
  const listening = await gateway.start().catch(async (error: unknown) => {
    await traces?.stop();
    throw error;
  });
  const functions = createFunctions({
    gateway,
    inspect: options.inspect,
    logs,
    mesh,
    onEvent,
    paths,
    standby,
    stopTimeout,
    store,
    traces,
    warn,
    watch,
  });
  const infos = (): readonly FunctionInfo[] => functions.list().map(infoOf);
  let stopped: Promise<void> | undefined;
  const admin = await startAdmin({
    directory,
    port: listening,
    adminPort: options.adminPort ?? 0,
    store,
    logs,
    traces,
    functions: infos,
    urls: (namespace, name) =>
      infos().find((each) => each.namespace === namespace && each.name === name)?.urls ?? [],
    restart(namespace, name) {
      const member = functions.find(namespace, name);
      member?.controller.restart();
      return member !== undefined;
    },
    events: {
      publish: mesh.publish,
      async trigger(namespace, name, binding, data, metadata) {
        const source = functions.find(namespace, name)?.source;
        const app = source && toApp(source.function, source.components);
        if (app !== undefined) return mesh.trigger(app, binding, data, metadata);
        const message = `${namespace}/${name} takes no events: its Function has no inputs, and its code names none`;
        throw new PlatformError('OFN_PLATFORM_NO_INSTANCE', message);
      },
    },
    warn,
  }).catch(async (error: unknown) => {
    await Promise.all([gateway.stop(), traces?.stop()]);
    throw error;
  });

  async function stop(): Promise<void> {
    await functions.unwatch();
    standby.stop();
    await gateway.stop();
    await functions.stop();
    await Promise.all([file.flush(), traces?.stop()]);
    await admin.stop();
  }

  try {
    await functions.start(sources);
    const [first] = sources;
    if (first !== undefined) standby.prepare(frameworkBin(first.folder));
  } catch (error) {
    stopped = stop();
    await stopped;
    throw error;
  }
  return {
    port: listening,
    adminPort: admin.port,
    functions: infos,
    instances,
    restart() {
      for (const { controller } of functions.list()) controller.restart();
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };

  // Of the function that the app is.
  function nameOf(appId: string): string {
    const found = functions
      .list()
      .find(({ source }) => toApp(source.function, source.components)?.appId === appId);
    return found?.source.function.metadata.name ?? appId;
  }

  function instances(): readonly InstanceResource[] {
    return store.list('Instance') as readonly InstanceResource[];
  }

  function infoOf({ controller, entrance, inspect }: Member): FunctionInfo {
    const { source, variables } = controller;
    const { name, namespace = 'default' } = source.function.metadata;
    const all = functions.list().map((each) => each.source.function);
    const hosts = servesHttp(source.function) ? localHosts(source.function, all) : [];
    return {
      name,
      namespace,
      // The last one is for programs, unless there is no other.
      urls: hosts
        .slice(0, Math.max(1, hosts.length - 1))
        .map((host) => `http://${host}:${listening}/`),
      inputs: inputsOf(source.function, source.components),
      variables,
      warnings: source.warnings,
      ...(inspect === undefined ? {} : { inspect }),
      requests: entrance.requests(),
      instances: instances().filter(
        ({ metadata }) =>
          metadata.namespace === namespace &&
          metadata.labels?.['openfunction.io/function'] === name,
      ),
    };
  }
}

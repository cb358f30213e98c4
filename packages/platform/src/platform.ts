// createPlatform: paths become functions behind one interceptor, built, scaled from zero and reloaded.
import { join } from 'node:path';
import { startAdmin } from './admin/admin.ts';
import { refuseSecond } from './admin/discovery.ts';
import { findAllSources, keyOf, type Source } from './build/source.ts';
import { watchFiles, type Watcher } from './build/watch.ts';
import { toApp } from './dapr/app.ts';
import { tellEvents } from './dapr/event-outcomes.ts';
import { inputsOf, type FunctionInput } from './dapr/inputs.ts';
import { createDaprdMesh } from './dapr/daprd-mesh.ts';
import { findDaprd } from './dapr/daprd-program.ts';
import { createMesh, type Mesh } from './dapr/mesh.ts';
import { PlatformError } from './errors.ts';
import { createController, forgetFunction, type Controller } from './function/controller.ts';
import type { PlatformEvent } from './platform-event.ts';
import { environmentOf } from './serving/environment.ts';
import { scaleByEvents } from './serving/event-scaling.ts';
import { createGateway, type Entrance } from './serving/gateway.ts';
import { frameworkBin } from './serving/revision.ts';
import { localHosts, servesHttp, toLocalRoute } from './serving/route.ts';
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
  // By the ids of their apps.
  const functionNames = new Map<string, string>();
  const tellOf = (appId: string, message: string): void => warn(`${appId}: ${message}`);
  const mesh =
    options.daprd === undefined
      ? createMesh(
          tellOf,
          tellEvents((appId) => functionNames.get(appId) ?? appId, onEvent),
        )
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
    events: [...members.values()].some(({ controller: { source } }) => usesDapr(source)),
  }));
  const traces = options.traces === false ? undefined : await createTraces();
  const gateway = createGateway(port, stopTimeout, onEvent);
  const listening = await gateway.start().catch(async (error: unknown) => {
    await traces?.stop();
    throw error;
  });
  const members = new Map<string, Member>();
  const inspected = new Map<string, number>();
  const infos = (): readonly FunctionInfo[] => [...members.values()].map(infoOf);
  // Of whose scaling has been told.
  const unscaled = new Set<string>();
  let changing: Promise<unknown> = Promise.resolve();
  let warned = '';
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
      const member = members.get(`${namespace}/${name}`);
      member?.controller.restart();
      return member !== undefined;
    },
    events: {
      publish: mesh.publish,
      async trigger(namespace, name, binding, data, metadata) {
        const source = members.get(`${namespace}/${name}`)?.controller.source;
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

  function add(source: Source): Member {
    const key = keyOf(source);
    const entrance = gateway.add(key, {
      replicas: () => controller.replicas,
      scale: (replicas) => controller.scale(replicas),
    });
    const inspect = inspectPortOf(key);
    const controller = createController(source, {
      store,
      logs,
      mesh,
      standby,
      drain: gateway.idle,
      traces,
      ...(inspect === undefined ? {} : { inspect }),
      stopTimeout,
      onEvent,
      onEndpoints: entrance.setEndpoints,
      onTrouble: entrance.setTrouble,
    });
    const member: Member = {
      controller,
      entrance,
      source,
      watchers: [],
      stopScaling: () => {},
    };
    members.set(key, member);
    if (inspect !== undefined) controller.scale(1);
    return member;
  }

  // A function keeps its port, whatever functions come and go.
  function inspectPortOf(key: string): number | undefined {
    if (options.inspect === undefined) return undefined;
    const port = inspected.get(key) ?? options.inspect + inspected.size;
    inspected.set(key, port);
    return port;
  }

  function watchAnew(member: Member): void {
    if (!watch) return;
    const { source, watchers } = member;
    // Not waited for: one of them may be what has called this.
    void close(watchers);
    member.watchers = watchSource(source);
    // What was saved before they were there.
    void Promise.all(member.watchers).then(() => look(source.folder, false));
  }

  function watchSource({ file: functionFile, folder }: Source): readonly Promise<Watcher>[] {
    const changed = (isStructure: boolean): void => void look(folder, isStructure);
    const watchers = [watchFiles(folder, changed)];
    if (functionFile !== undefined) watchers.push(watchFiles(functionFile, changed));
    return watchers;
  }

  async function remove({ controller, entrance, stopScaling, watchers }: Member): Promise<void> {
    members.delete(keyOf(controller.source));
    stopScaling();
    await close(watchers);
    await controller.remove();
    const app = toApp(controller.source.function, controller.source.components);
    if (app !== undefined) mesh.forget(app.appId);
    entrance.close();
  }

  /** Makes the functions those of the sources. Resolves to what waits until those in the folder are built. */
  async function apply(next: readonly Source[], folder?: string): Promise<() => Promise<unknown>> {
    const keys = new Set(next.map(keyOf));
    const gone = [...members].filter(([key]) => !keys.has(key));
    await Promise.all(gone.map(([, member]) => remove(member)));
    for (const key of store.keys()) if (!keys.has(key)) forgetFunction(store, key);
    if (next.some(usesDapr)) await mesh.open();
    const functions = next.map((source) => source.function);
    const looks = next.map(async (source) => {
      const known = members.get(keyOf(source));
      const member = known ?? add(source);
      const { source: before } = member;
      // The controller has it a moment later.
      member.source = source;
      if (known === undefined || !isAtSamePlace(source, before)) watchAnew(member);
      const hosts = localHosts(source.function, functions);
      const route = toLocalRoute(source.function, hosts);
      member.entrance.setRoute(route);
      const app = toApp(source.function, source.components);
      if (app !== undefined) {
        functionNames.set(app.appId, source.function.metadata.name);
        mesh.expect(app);
      }
      if (route === undefined) scaleEvents(member, source, app?.appId ?? '');
      else member.stopScaling();
      const isAffected = source.folder === folder || !isSame(source, before);
      if (known === undefined || isAffected) await member.controller.look(source);
    });
    const all = Promise.all(looks);
    // Whoever waits for it hears of it.
    all.catch(() => {});
    return () => all;
  }

  function scaleEvents(member: Member, { function: given }: Source, appId: string): void {
    member.stopScaling();
    member.stopScaling = scaleByEvents({
      appId,
      mesh,
      options: given.spec.serving?.scaleOptions,
      replicas: member.controller.replicas,
      scale: member.controller.scale,
    });
    const { triggers = [] } = given.spec.serving?.scaleOptions?.keda ?? {};
    const key = keyOf(member.controller.source);
    if (mesh.countsEvents || triggers.length === 0 || unscaled.has(key)) return;
    unscaled.add(key);
    const { name } = given.metadata;
    warn(`${name}: with daprd it is not scaled by events, and has its least replicas`);
  }

  async function look(folder: string, isStructure: boolean): Promise<void> {
    try {
      if (!isStructure) {
        const affected = [...members.values()].filter((each) => each.source.folder === folder);
        await Promise.all(affected.map(({ controller }) => controller.look()));
        return;
      }
      // One after the other: what was found earlier is not to come after what was found later.
      const found = changing.then(async () => {
        if (stopped !== undefined) return undefined;
        const latest = await findAllSources(paths);
        for (const source of latest) assertRunnable(source, mesh);
        return apply(latest, folder);
      });
      changing = found.catch(() => {});
      const built = await found;
      warned = '';
      await built?.();
    } catch (error) {
      // Files come and go while they are read; all of them are looked at again after the next change.
      const { message } = error as Error;
      if (message !== warned) warn(message);
      warned = message;
    }
  }

  async function stop(): Promise<void> {
    await changing;
    const all = [...members.values()];
    await Promise.all(all.map(({ watchers }) => close(watchers)));
    for (const { stopScaling } of all) stopScaling();
    standby.stop();
    await gateway.stop();
    await Promise.all(all.map(({ controller }) => controller.stop()));
    await Promise.all([file.flush(), traces?.stop()]);
    await admin.stop();
  }

  try {
    const built = await apply(sources);
    await built();
    await Promise.all([...members.values()].flatMap(({ watchers }) => watchers));
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
      for (const { controller } of members.values()) controller.restart();
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };

  function instances(): readonly InstanceResource[] {
    return store.list('Instance') as readonly InstanceResource[];
  }

  function infoOf({ controller, entrance }: Member): FunctionInfo {
    const { source, variables } = controller;
    const inspect = inspected.get(keyOf(source));
    const { name, namespace = 'default' } = source.function.metadata;
    const all = [...members.values()].map((each) => each.source.function);
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

interface Member {
  readonly controller: Controller;
  /** Ends the scaling by events. */
  stopScaling: () => void;
  readonly entrance: Entrance;
  /** As it was found last. */
  source: Source;
  /** Of where its code is now. */
  watchers: readonly Promise<Watcher>[];
}

function usesDapr({ components, function: given }: Source): boolean {
  return toApp(given, components) !== undefined;
}

function assertRunnable(source: Source, mesh: Mesh): void {
  environmentOf(source, {}, {});
  const app = toApp(source.function, source.components);
  if (app !== undefined) mesh.check(app);
  toLocalRoute(source.function, []);
}

async function close(watchers: readonly Promise<Watcher>[]): Promise<void> {
  await Promise.all(watchers.map(async (watcher) => (await watcher).close()));
}

function isAtSamePlace(one: Source, other: Source): boolean {
  return one.folder === other.folder && one.file === other.file;
}

function isSame(one: Source, other: Source): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

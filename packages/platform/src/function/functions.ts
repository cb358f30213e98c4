// The functions of a platform: those of its paths, which come, change and go as files do.
import { findAllSources, keyOf, type Source } from '../build/source.ts';
import { watchFiles, type Watcher } from '../build/watch.ts';
import { toApp } from '../dapr/app.ts';
import type { Mesh } from '../dapr/mesh.ts';
import { environmentOf } from '../serving/environment.ts';
import { scaleByEvents } from '../serving/event-scaling.ts';
import type { Entrance, Gateway } from '../serving/gateway.ts';
import { localHosts, toLocalRoute } from '../serving/route.ts';
import {
  createController,
  forgetFunction,
  type Controller,
  type ControllerOptions,
} from './controller.ts';

/** What functions are made from. */
export interface FunctionsOptions extends Omit<
  ControllerOptions,
  'drain' | 'inspect' | 'onEndpoints' | 'onOutside' | 'onTrouble'
> {
  /** Function files, or folders with code. */
  readonly paths: readonly string[];
  /** Whether files are watched. */
  readonly watch: boolean;
  /** Port of Node's inspector for the first of them. Default: it is off. */
  readonly inspect: number | undefined;
  readonly gateway: Gateway;
  readonly warn: (message: string) => void;
}

/** A function of a platform. */
export interface Member {
  readonly controller: Controller;
  readonly entrance: Entrance;
  /** As it was found last. */
  readonly source: Source;
  /** Port of Node's inspector. */
  readonly inspect: number | undefined;
}

/** The functions of a platform. */
export interface Functions {
  /** In the order of their sources, as far as these have not changed since. */
  readonly list: () => readonly Member[];
  readonly find: (namespace: string, name: string) => Member | undefined;
  /** Resolves when the first functions are built, or cannot be, and their files are watched. */
  readonly start: (sources: readonly Source[]) => Promise<void>;
  /** Follows no change any more. */
  readonly unwatch: () => Promise<void>;
  /** Ends their processes. */
  readonly stop: () => Promise<void>;
}

interface Watched extends Member {
  source: Source;
  /** Ends the scaling by events. */
  stopScaling: () => void;
  /** Of where its code is now. */
  watchers: readonly Promise<Watcher>[];
  /** Of files of other folders that its code has. */
  outside: readonly Promise<Watcher>[];
}

/** Creates them; there are none yet. */
export function createFunctions(options: FunctionsOptions): Functions {
  const { gateway, inspect: inspectPort, mesh, paths, store, warn, watch, ...rest } = options;
  const members = new Map<string, Watched>();
  const inspected = new Map<string, number>();
  // Of whose scaling has been told.
  const unscaled = new Set<string>();
  let changing: Promise<unknown> = Promise.resolve();
  let warned = '';
  let isStopped = false;

  function add(source: Source): Watched {
    const key = keyOf(source);
    const entrance = gateway.add(key, {
      replicas: () => controller.replicas,
      scale: (replicas) => controller.scale(replicas),
    });
    const inspect = inspectPortOf(key);
    const controller = createController(source, {
      ...rest,
      mesh,
      store,
      ...(inspect === undefined ? {} : { inspect }),
      drain: gateway.idle,
      onOutside: (files) => watchOutside(member, files),
      onEndpoints: entrance.setEndpoints,
      onTrouble: entrance.setTrouble,
    });
    const member: Watched = {
      controller,
      entrance,
      inspect,
      source,
      watchers: [],
      outside: [],
      stopScaling: () => {},
    };
    members.set(key, member);
    if (inspect !== undefined) controller.scale(1);
    return member;
  }

  // A function keeps its port, whatever functions come and go.
  function inspectPortOf(key: string): number | undefined {
    if (inspectPort === undefined) return undefined;
    const port = inspected.get(key) ?? inspectPort + inspected.size;
    inspected.set(key, port);
    return port;
  }

  function watchAnew(member: Watched): void {
    if (!watch) return;
    const { source, watchers } = member;
    // Not waited for: one of them may be what has called this.
    void close(watchers);
    member.watchers = watchSource(source);
    // What was saved before they were there.
    void Promise.all(member.watchers).then(() => look(source.folder, false));
  }

  function watchOutside(member: Watched, files: readonly string[]): void {
    if (!watch || isStopped) return;
    void close(member.outside);
    member.outside = files.map((file) =>
      watchFiles(file, () => void look(member.source.folder, false)),
    );
  }

  function watchSource({ file: functionFile, folder }: Source): readonly Promise<Watcher>[] {
    const changed = (isStructure: boolean): void => void look(folder, isStructure);
    const watchers = [watchFiles(folder, changed)];
    if (functionFile !== undefined) watchers.push(watchFiles(functionFile, changed));
    return watchers;
  }

  async function remove({
    controller,
    entrance,
    outside,
    stopScaling,
    watchers,
  }: Watched): Promise<void> {
    members.delete(keyOf(controller.source));
    stopScaling();
    await close([...watchers, ...outside]);
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

  function scaleEvents(member: Watched, { function: given }: Source, appId: string): void {
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
        if (isStopped) return undefined;
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

  return {
    list: () => [...members.values()],
    find: (namespace, name) => members.get(`${namespace}/${name}`),
    async start(sources) {
      const built = await apply(sources);
      await built();
      await Promise.all([...members.values()].flatMap(({ watchers }) => watchers));
    },
    async unwatch() {
      isStopped = true;
      await changing;
      const all = [...members.values()];
      await Promise.all(all.map(({ outside, watchers }) => close([...watchers, ...outside])));
      for (const { stopScaling } of all) stopScaling();
    },
    async stop() {
      await Promise.all([...members.values()].map(({ controller }) => controller.stop()));
    },
  };
}

/**
 * Checks that a process can be made of a function.
 *
 * @throws PlatformError, ResourceError.
 */
export function assertRunnable(source: Source, mesh: Pick<Mesh, 'check'>): void {
  environmentOf(source, {}, {});
  const app = toApp(source.function, source.components);
  if (app !== undefined) mesh.check(app);
  toLocalRoute(source.function, []);
}

/** Whether a function has a sidecar. */
export function usesDapr({ components, function: given }: Source): boolean {
  return toApp(given, components) !== undefined;
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

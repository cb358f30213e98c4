// One function: what is observed of it changes what is known of it, and that is what is built and run.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  NO_FUNCTION,
  reduceFunction,
  type FunctionObservation,
  type FunctionProgress,
  type ServingResource,
} from '@ofn/resources';
import { createBuilds } from '../build/builds.ts';
import { fileOf, filesOutside, pruneBuilds } from '../build/bundle.ts';
import { fingerprint } from '../build/fingerprint.ts';
import { linkPackages } from '../build/packages.ts';
import { keyOf, type Source } from '../build/source.ts';
import { toApp } from '../dapr/app.ts';
import type { Mesh } from '../dapr/mesh.ts';
import type { PlatformEvent } from '../platform-event.ts';
import { environmentOf, readVariables } from '../serving/environment.ts';
import { createServings } from '../serving/servings.ts';
import type { Standby } from '../serving/standby.ts';
import type { Logs } from '../state/logs.ts';
import type { Store } from '../state/store.ts';
import type { Traces } from '../traces/traces.ts';
import { toLocalFunction } from './local-function.ts';
import { troubleOf, type Trouble } from './trouble.ts';

/** What a controller is made from. */
export interface ControllerOptions {
  readonly store: Store;
  readonly logs: Logs;
  readonly mesh: Mesh;
  readonly standby: Standby;
  /** Resolves when no request is under way to an address. */
  readonly drain: (address: string) => Promise<void>;
  /** Default: functions are traced as they are configured. */
  readonly traces: Traces | undefined;
  /** Port of Node's inspector: there is one process at any time then. Default: the inspector is off. */
  readonly inspect?: number;
  /** Milliseconds that a process gets to end. */
  readonly stopTimeout: number;
  /** The addresses that requests go to now; none while they are held. */
  readonly onEndpoints: (addresses: readonly string[]) => void;
  /** What is wrong with the function, if that is so. */
  readonly onTrouble: (trouble: Trouble | undefined) => void;
  /** The files of other folders that its code has now. */
  readonly onOutside: (files: readonly string[]) => void;
  readonly onEvent: (event: PlatformEvent) => void;
}

/** Reconciles one function. */
export interface Controller {
  readonly source: Source;
  /** Names of the variables of its `.env` file. */
  readonly variables: readonly string[];
  /**
   * Looks at what it is made of, which may be another source now. Requests wait until the function as it is
   * now serves, or cannot. Resolves when it is built, or cannot be.
   */
  readonly look: (source?: Source) => Promise<void>;
  /** How many are wanted. */
  readonly replicas: number;
  readonly scale: (replicas: number) => void;
  readonly restart: () => void;
  /** Ends its processes; the function stays. */
  readonly stop: () => Promise<void>;
  /** Ends its processes, and forgets the function. */
  readonly remove: () => Promise<void>;
}

// Milliseconds: a person takes longer to save the same mistake again.
const REPEATED_WITHIN = 1000;

/** Creates a controller; it has not looked yet. */
export function createController(first: Source, options: ControllerOptions): Controller {
  const { onEvent, store } = options;
  const { name, namespace = 'default' } = first.function.metadata;
  const key = keyOf(first);
  let source = first;
  let variables: Readonly<Record<string, string>> = {};
  let progress = resume(store.progress(key), first);
  let looks = 0;
  let running: Promise<void> = Promise.resolve();
  let waiting: (() => void)[] = [];
  let trouble = '';
  let outside: readonly string[] = [];
  let builtDigest = '';
  let failure = { message: '', at: -Infinity };
  let replicas = 0;
  let stopped = false;
  let isRetried = progress.function === undefined;

  const servings = createServings({
    source: () => source,
    settings() {
      const app = toApp(source.function, source.components);
      return {
        standby: options.standby,
        drain: options.drain,
        stopTimeout: options.stopTimeout,
        environment: environmentOf(
          source,
          variables,
          options.traces?.variables(name, namespace) ?? {},
        ),
        sidecar: app && ((port) => options.mesh.join(app, port)),
        inspect: options.inspect,
      };
    },
    observe,
    onEndpoints: options.onEndpoints,
    onInstances: (instances) => store.setInstances(key, instances),
    onReady: (instance, after) => onEvent({ type: 'ready', function: name, instance, after }),
    onCrash: (instance, how) => onEvent({ type: 'crashed', function: name, instance, how }),
    onLine(instance, line) {
      options.logs.write({ at: Date.now(), namespace, function: name, instance, line });
      onEvent({ type: 'line', function: name, instance, line });
    },
    record: (event) => store.record({ ...event, at: Date.now() }),
    isExclusive: options.inspect !== undefined,
  });
  const builds = createBuilds({ source: () => source, observe });

  function observe(observation: FunctionObservation): void {
    // What ends now is begun again when this goes on.
    if (stopped) return;
    const step = reduceFunction(progress, observation);
    if (step.state === progress && step.events.length === 0) return;
    progress = step.state;
    store.setProgress(key, progress);
    for (const event of step.events) store.record(event);
    if (observation.type === 'build-ended') tellBuild(observation.builder);
    reconcile();
    // Who saves again after a timeout wants it tried again, also where the code is the same.
    const isSaved = observation.type === 'build-ended' && observation.result.state === 'Succeeded';
    if (isSaved && progress.serving.condition.state === 'Timeout') retryServing();
  }

  function reconcile(): void {
    tellTrouble();
    builds.reconcile(progress.build);
    servings.reconcile(progress.serving);
    if (isBuilding() || looks > 0) return;
    servings.hold(false);
    for (const resolve of waiting.splice(0)) resolve();
  }

  const isBuilding = (): boolean =>
    ['', 'Created', 'Building'].includes(progress.build.condition.state ?? '') ||
    progress.build.canceling.length > 0;

  function tellBuild(builder: string): void {
    const { metadata, status } = progress.build.builder ?? {};
    if (metadata?.name !== builder) return;
    const { buildDuration: duration = '', message = '', state } = status ?? {};
    if (state === 'Succeeded') {
      const { digest = '' } = status?.output ?? {};
      // What is told may be written to a file of the folder, which is looked at then.
      if (digest !== builtDigest) onEvent({ type: 'built', function: name, duration });
      builtDigest = digest;
      void findOutside(source);
      // Functions of one folder have the same builds.
      const servings = store.list('Serving') as readonly ServingResource[];
      void pruneBuilds(
        source,
        servings.map(({ spec }) => digestOf(spec.image)),
      );
      return;
    }
    builtDigest = '';
    const now = performance.now();
    const isRepeated = message === failure.message && now - failure.at < REPEATED_WITHIN;
    failure = { message, at: now };
    if (!isRepeated) onEvent({ type: 'build-failed', function: name, message });
  }

  function tellTrouble(): void {
    const found = troubleOf(progress);
    const text = JSON.stringify(found ?? '');
    if (text === trouble) return;
    trouble = text;
    options.onTrouble(found);
    if (
      found?.code === 'OFN_PLATFORM_START_FAILED' &&
      progress.serving.condition.state === 'Timeout'
    )
      onEvent({ type: 'start-timeout', function: name, message: found.message });
    if (found?.isServed === true) onEvent({ type: 'kept', function: name });
  }

  // What the latest build has of other folders: a save of it is a save of the function.
  async function findOutside(from: Source): Promise<void> {
    const digest = progress.build.imageDigest;
    const found = digest === undefined ? [] : await filesOutside(from, digest);
    if (found.join('\n') !== outside.join('\n')) options.onOutside(found);
    outside = found;
  }

  async function lookOnce(next: Source): Promise<void> {
    await findOutside(next);
    const revision = await fingerprint(next.folder, outside);
    const pluginFolder = join(next.folder, 'plugins');
    const plugins = existsSync(pluginFolder) ? await fingerprint(pluginFolder) : undefined;
    variables = await readVariables(next.folder);
    await linkPackages(next);
    source = next;
    looks -= 1;
    if (stopped) return;
    const given = toLocalFunction(next, { revision, plugins, variables });
    observe({ type: 'function-applied', function: given, at: Date.now() });
    retry();
    reconcile();
  }

  // What failed before this process began may have had a reason outside of the code.
  function retry(): void {
    if (isRetried) return;
    isRetried = true;
    const { build } = progress;
    const at = Date.now();
    if (build.builder !== undefined && isFailed(build.condition.state))
      observe({ type: 'builder-deleted', builder: build.builder.metadata.name, at });
    retryServing();
  }

  // Another Serving of the same code.
  function retryServing(): void {
    const { condition, serving } = progress.serving;
    if (serving === undefined || !isFailed(condition.state)) return;
    observe({ type: 'serving-deleted', serving: serving.metadata.name, at: Date.now() });
  }

  async function built(): Promise<void> {
    if (!isBuilding() || stopped) return;
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  async function stop(): Promise<void> {
    stopped = true;
    for (const resolve of waiting.splice(0)) resolve();
    await running;
    await builds.stop();
    await servings.stop();
    store.setInstances(key, []);
  }

  return {
    get source() {
      return source;
    },
    get variables() {
      return Object.keys(variables);
    },
    get replicas() {
      return replicas;
    },
    async look(next) {
      looks += 1;
      servings.hold(true);
      const looked = running.then(() => lookOnce(next ?? source));
      running = looked.catch(() => {});
      await looked;
      await built();
    },
    scale(wanted) {
      // A debugger is to find it at once, and always the same one.
      const count = options.inspect === undefined ? wanted : 1;
      if (count === replicas) return;
      replicas = count;
      if (stopped) return;
      onEvent({ type: 'scaled', function: name, replicas });
      servings.scale(replicas);
    },
    restart() {
      servings.restart();
      retryServing();
    },
    stop,
    async remove() {
      await stop();
      forgetFunction(store, key);
    },
  };
}

function isFailed(state: string | undefined): boolean {
  return state === 'Failed' || state === 'Timeout';
}

/** Tells that a function and all that was made of it are deleted, and forgets them. */
export function forgetFunction(store: Store, key: string): void {
  const step = reduceFunction(store.progress(key), { type: 'function-deleted', at: Date.now() });
  store.setProgress(key, undefined);
  for (const event of step.events) store.record(event);
}

// What was known before this process began, unless what was built then is gone. What could not be built is
// built again: who starts anew has not seen why.
function resume(progress: FunctionProgress, source: Source): FunctionProgress {
  const { function: given, serving } = progress;
  const build = isFailed(progress.build.condition.state) ? forget(progress.build) : progress.build;
  const servings = [serving.serving, serving.previous].flatMap((each) => each?.spec.image ?? []);
  const digests = servings.map(digestOf);
  if (digests.every((digest) => existsSync(fileOf(source, digest)))) return { ...progress, build };
  return {
    ...(given === undefined ? {} : { function: given }),
    build: forget(build),
    serving: { ...NO_FUNCTION.serving, count: serving.count },
  };
}

function digestOf(image: string): string {
  return image.split('@', 2)[1] ?? '';
}

const forget = ({ count }: FunctionProgress['build']): FunctionProgress['build'] => ({
  ...NO_FUNCTION.build,
  count,
});

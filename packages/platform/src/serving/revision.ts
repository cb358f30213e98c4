// One serving of a function as its processes.
import { join } from 'node:path';
import { createInstances, type InstanceSidecar } from '@ofn/keda';
import { parseDuration } from '@ofn/resources';
import { binOf, frameworkOf } from '../build/packages.ts';
import type { Source } from '../build/source.ts';
import type { InstanceResource } from '../state/objects.ts';
import { lastWords } from './last-words.ts';
import type { Standby } from './standby.ts';

/** What a revision is made from. */
export interface RevisionSettings {
  readonly source: Source;
  /** Name of the Serving. */
  readonly serving: string;
  /** The file to run. Absolute. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds from SIGTERM to SIGKILL. */
  readonly stopTimeout: number;
  /** Starts what runs beside an instance that will listen at the port. Default: nothing does. */
  readonly sidecar: ((port: number) => Promise<InstanceSidecar>) | undefined;
  readonly standby: Pick<Standby, 'spawn'>;
  /** Resolves when no request is under way to an address. */
  readonly drain: (address: string) => Promise<void>;
  /** Port of Node's inspector. Default: it is off. */
  readonly inspect: number | undefined;
}

/** What a revision tells. */
export interface RevisionListeners {
  /** Its instances, or the addresses of those that are ready, are others. */
  readonly onChange: () => void;
  readonly onReady: (instance: string, after: number) => void;
  readonly onCrash: (instance: string, how: string, wasReady: boolean) => void;
  /** An instance that was ready does not answer its probe. */
  readonly onUnready: (instance: string) => void;
  readonly onLine: (instance: string, line: string) => void;
}

/** The processes of one serving. */
export interface Revision {
  /** Of the instances that are ready. */
  readonly addresses: readonly string[];
  /** Milliseconds that its first instance has to be ready. */
  readonly startTimeout: number | undefined;
  readonly scale: (replicas: number) => void;
  readonly instances: () => readonly InstanceResource[];
  /** Lets requests in flight end, and then the processes. More calls wait for the same. */
  readonly stop: () => Promise<void>;
}

// Milliseconds that a process has to end when a debugger may have paused it: it does not see the signal then.
const INSPECTED_STOP_TIMEOUT = 2000;

// What is on its way to an instance that is told to end is taken before its idle connections are closed.
const DRAIN_DELAY = '300ms';

// Lines of an instance that are kept to tell why it ended.
const TAIL = 50;

/** Makes the revision of a serving; it has no process yet. */
export function createRevision(
  {
    drain,
    environment,
    file,
    inspect,
    serving,
    sidecar,
    source,
    standby,
    stopTimeout,
  }: RevisionSettings,
  { onChange, onCrash, onLine, onReady, onUnready }: RevisionListeners,
): Revision {
  const { build, serving: spec } = source.function.spec;
  const { name, namespace = 'default' } = source.function.metadata;
  const target = build?.env?.['FUNC_NAME'];
  const started = new Map<string, string>();
  const tails = new Map<string, string[]>();
  const ready = new Set<string>();
  const unready = new Set<string>();
  let addresses: readonly string[] = [];
  let replicas = 0;
  let stopped: Promise<void> | undefined;
  const bin = frameworkBin(source.folder);
  const args = [
    '--source',
    file,
    '--host',
    '127.0.0.1',
    '--health-routes',
    '--drain-delay',
    DRAIN_DELAY,
    // What holds behind the interceptor.
    ...(spec?.triggers.http === undefined ? [] : ['--keda', '--keda-add-on', 'current']),
    ...(target === undefined ? [] : ['--target', target]),
  ];
  const labels = { 'openfunction.io/function': name, 'openfunction.io/serving': serving };
  const instances = createInstances({
    command: [bin],
    spawn: (_, { cwd = source.folder, env }) => standby.spawn({ bin, args, cwd, env, inspect }),
    // Those of two servings have different names.
    name: `${name}-${serving.replace(/^serving-/, '')}`,
    cwd: source.folder,
    env: environment,
    ready: { path: '/readyz' },
    drain,
    stopTimeout: inspect === undefined ? stopTimeout : INSPECTED_STOP_TIMEOUT,
    ...(sidecar === undefined ? {} : { sidecar: ({ port }) => sidecar(port) }),
    onEndpoints(next) {
      addresses = next;
      onChange();
      for (const { name: instance, state } of instances.list()) {
        if (state === 'unready' && !unready.has(instance)) onUnready(instance);
        if (state === 'unready') unready.add(instance);
        else unready.delete(instance);
      }
    },
    onEvent({ after, exit, instance, type }) {
      if (type === 'started') started.set(instance, new Date().toISOString());
      if (type === 'ready') {
        ready.add(instance);
        onReady(instance, after);
      }
      if (type === 'crashed') {
        const how = exit?.error?.message ?? exit?.signal ?? `exit code ${exit?.code}`;
        const words = lastWords(tails.get(instance) ?? []);
        onCrash(instance, words === '' ? how : `${how}: ${words}`, ready.has(instance));
      }
      if (type === 'crashed' || type === 'stopped') {
        started.delete(instance);
        tails.delete(instance);
        ready.delete(instance);
        unready.delete(instance);
      }
      onChange();
    },
    log: {
      info({ instance = '' }: { instance?: string }, line) {
        const tail = tails.get(instance) ?? [];
        tails.set(instance, [...tail, line].slice(-TAIL));
        onLine(instance, line);
      },
      warn() {},
      error() {},
    },
  });
  return {
    get addresses() {
      return addresses;
    },
    // One that stands at a breakpoint takes its time.
    startTimeout: inspect === undefined ? parseDuration(spec?.timeout ?? '') : undefined,
    scale(count) {
      if (count === replicas || stopped !== undefined) return;
      replicas = count;
      void instances.scale(count);
    },
    instances: () =>
      instances.list().map(({ address, name: instance, pid, state }) => ({
        apiVersion: 'platform.ofn/v1',
        kind: 'Instance',
        metadata: {
          name: instance,
          namespace,
          labels,
          creationTimestamp: `${(started.get(instance) ?? '').slice(0, 19)}Z`,
        },
        status: { state, ...(pid === undefined ? {} : { pid }), address },
      })),
    stop() {
      stopped ??= instances.stop();
      return stopped;
    },
  };
}

/** The bin of a function's framework. Absolute. */
export function frameworkBin(folder: string): string {
  const framework = frameworkOf(folder);
  return join(framework.folder, binOf(framework));
}

// createInstances: a command and a number become that many processes of one function, and the addresses of
// those that are ready.
import { KedaError } from '../errors.ts';
import type { Log } from '../interceptor/call.ts';
import { parseCommand } from './command.ts';
import {
  freePort,
  spawnCommand,
  startInstance,
  type Instance,
  type InstanceExit,
  type InstanceState,
  type Sidecar,
  type Spawn,
} from './instance.ts';

/** What instances are made from; times in milliseconds. */
export interface InstancesOptions {
  /** A file with its arguments, or a line of them; no shell reads it. The port is in `PORT`. */
  readonly command: string | readonly [string, ...string[]];
  /** Name of the function, for the log. Default `function`. */
  readonly name?: string;
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Address that instances listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /**
   * `path` of a probe that answers 2xx while it is ready; default: ready when its port accepts. `period`:
   * milliseconds between two probes of one that is ready, default 1,000.
   */
  readonly ready?: { readonly path?: string; readonly period?: number };
  /** Makes the process of an instance. Default: the command is started. */
  readonly spawn?: Spawn;
  /** Starts what runs beside an instance. Default: nothing does. */
  readonly sidecar?: (instance: {
    readonly name: string;
    readonly port: number;
  }) => Promise<Sidecar>;
  /**
   * Waited for before an instance that gets no more requests is told to end, for a second at most: what is on
   * its way to it arrives. Default: it is told at once.
   *
   * @param address As `host:port`.
   */
  readonly drain?: (address: string) => Promise<void>;
  /** After SIGTERM, until SIGKILL. Default 30,000, as Kubernetes. */
  readonly stopTimeout?: number;
  /** Called with the addresses (`host:port`) of the ready instances whenever they change. */
  readonly onEndpoints?: (addresses: readonly string[]) => void;
  /** Called with what happens to instances. */
  readonly onEvent?: (event: InstanceEvent) => void;
  /** Gets the lines that instances print. Default: nothing is logged. */
  readonly log?: Log;
}

/** Something that happened to an instance. */
export interface InstanceEvent {
  readonly type: 'started' | 'ready' | 'crashed' | 'stopped';
  readonly instance: string;
  /** Milliseconds since it was started. */
  readonly after: number;
  /** How it ended. */
  readonly exit?: InstanceExit;
}

/** What can be seen of an instance. */
export interface InstanceInfo {
  readonly name: string;
  readonly pid: number | undefined;
  readonly state: InstanceState;
  readonly address: string;
}

/** The instances of one function. */
export interface Instances {
  /**
   * Resolves when so many are ready and no more are left, or another number is wanted by then.
   *
   * @throws KedaError `OFN_KEDA_OPTION_INVALID` for what is no whole number from 0 up.
   */
  scale(replicas: number): Promise<void>;
  /** Those that have not exited. */
  list(): readonly InstanceInfo[];
  /** Ends all of them. */
  stop(): Promise<void>;
}

// Milliseconds: how long a crash keeps the next start waiting, and when it is forgotten.
const FIRST_BACK_OFF = 100;
const LONGEST_BACK_OFF = 10_000;
const STABLE_AFTER = 10_000;
// Milliseconds.
const LONGEST_DRAIN = 1000;

/**
 * Creates instances; there are none yet.
 *
 * @throws KedaError `OFN_KEDA_OPTION_INVALID` for a command that is no line of words.
 * @example
 * const instances = createInstances({
 *   command: 'npx functions-framework --keda',
 *   ready: { path: '/readyz' },
 *   onEndpoints: (addresses) => interceptor.setEndpoints('default/hello', addresses),
 * });
 * await instances.scale(2);
 */
export function createInstances(options: InstancesOptions): Instances {
  const { host = '127.0.0.1', log, name: base = 'function', onEndpoints, onEvent } = options;
  const command =
    typeof options.command === 'string' ? parseCommand(options.command) : options.command;
  const running = new Set<Instance>();
  let wanted = 0;
  let starting = 0;
  let count = 0;
  let backOff = 0;
  let askedAt = -Infinity;
  let retry: NodeJS.Timeout | undefined;
  let published = '';
  let waiting: (() => void)[] = [];

  const live = (): Instance[] =>
    [...running].filter((instance) => !ending.has(instance) && instance.state !== 'stopping');

  function publish(): void {
    const ready = [...running].filter(({ state }) => state === 'ready');
    const addresses = ready.map(({ address }) => address);
    const text = addresses.join();
    if (text !== published) onEndpoints?.(addresses);
    published = text;
    const isReached = ready.length === wanted && running.size === wanted && starting === 0;
    if (!isReached && wanted > 0) return;
    if (running.size + starting > wanted) return;
    for (const resolve of waiting.splice(0)) resolve();
  }

  // Starts what is missing; ends what is too much, the youngest first.
  function reconcile(): void {
    const instances = live();
    for (const instance of instances.slice(wanted).toReversed()) void end(instance);
    for (let missing = wanted - instances.length - starting; missing > 0; missing -= 1) {
      if (retry !== undefined) break;
      void begin();
    }
    publish();
  }

  async function begin(): Promise<void> {
    starting += 1;
    count += 1;
    const name = `${base}-${count}`;
    const at = performance.now();
    const begun = await tryStart({
      name,
      command,
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      host,
      readyPath: options.ready?.path,
      readyPeriod: options.ready?.period ?? 1000,
      onReadiness: publish,
      stopTimeout: options.stopTimeout ?? 30_000,
      onLine: (line) => log?.info({ instance: name }, line),
      spawn: options.spawn ?? spawnCommand,
      startSidecar: options.sidecar,
    });
    starting -= 1;
    const tell = (type: InstanceEvent['type'], exit?: InstanceExit): void =>
      onEvent?.({
        type,
        instance: name,
        after: performance.now() - at,
        ...(exit === undefined ? {} : { exit }),
      });
    if (begun instanceof Error) {
      const exit = { code: null, signal: null, error: begun };
      tell('crashed', exit);
      crashed(name, exit, 0, false);
      return;
    }
    const instance = begun;
    running.add(instance);
    let wasReady = false;
    tell('started');
    void tellReady();
    void tellExit();
    async function tellReady(): Promise<void> {
      await instance.ready;
      if (instance.state !== 'ready') return;
      wasReady = true;
      tell('ready');
      publish();
    }
    async function tellExit(): Promise<void> {
      const exit = await instance.exited;
      const wasWanted = !ending.has(instance);
      running.delete(instance);
      tell(wasWanted ? 'crashed' : 'stopped', exit);
      if (wasWanted) crashed(name, exit, performance.now() - at, wasReady);
      reconcile();
    }
    // Less may be wanted by now.
    reconcile();
  }

  const ending = new WeakSet<Instance>();

  async function end(instance: Instance): Promise<void> {
    if (ending.has(instance)) return;
    ending.add(instance);
    instance.retire();
    // No request goes to it from now on.
    publish();
    if (options.drain !== undefined) {
      await Promise.race([options.drain(instance.address), elapse(LONGEST_DRAIN)]);
    }
    await instance.stop();
  }

  function crashed(
    name: string,
    { code, error, signal }: InstanceExit,
    after: number,
    wasReady: boolean,
  ): void {
    const how = error?.message ?? (signal === null ? `exit code ${code}` : signal);
    // Asked to end by someone else, it is replaced at once. One that never was ready was not asked, and one that
    // soon ends again like this does so in a loop.
    const now = performance.now();
    const isAsked =
      wasReady && (code === 0 || signal === 'SIGTERM') && now - askedAt > STABLE_AFTER;
    if (isAsked) askedAt = now;
    if (isAsked || after > STABLE_AFTER) backOff = 0;
    else backOff = Math.min(Math.max(FIRST_BACK_OFF, backOff * 2), LONGEST_BACK_OFF);
    const next = backOff === 0 ? 'at once' : `in ${backOff} ms`;
    log?.warn({ instance: name }, `${name} ended by itself: ${how}; it is started again ${next}`);
    if (backOff === 0 || retry !== undefined) return;
    retry = setTimeout(() => {
      retry = undefined;
      reconcile();
    }, backOff);
  }

  return {
    scale(replicas) {
      if (!Number.isInteger(replicas) || replicas < 0) {
        const message = `the replicas of ${base} must be a whole number from 0 up, not ${replicas}`;
        throw new KedaError('OFN_KEDA_OPTION_INVALID', message);
      }
      wanted = replicas;
      for (const resolve of waiting.splice(0)) resolve();
      const reached = new Promise<void>((resolve) => waiting.push(resolve));
      reconcile();
      return reached;
    },
    list: () =>
      [...running].map(({ address, name, pid, state }) => ({ address, name, pid, state })),
    async stop() {
      wanted = 0;
      clearTimeout(retry);
      retry = undefined;
      const reached = new Promise<void>((resolve) => waiting.push(resolve));
      reconcile();
      await reached;
    },
  };
}

type Start = Omit<Parameters<typeof startInstance>[0], 'port' | 'sidecar'> & {
  readonly startSidecar: InstancesOptions['sidecar'];
};

// A port that cannot be had, a sidecar that does not start, or a command that no process can have, is an
// instance that did not come to be.
async function tryStart({ startSidecar, ...settings }: Start): Promise<Instance | Error> {
  let sidecar: Sidecar | undefined;
  try {
    const port = await freePort(settings.host);
    sidecar = await startSidecar?.({ name: settings.name, port });
    return startInstance({ ...settings, port, sidecar });
  } catch (error) {
    await sidecar?.stop();
    return error instanceof Error ? error : new Error(String(error));
  }
}

function elapse(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

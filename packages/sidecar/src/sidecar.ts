// The sidecar: options become an engine and both APIs, on their ports.
import type { AppAddress } from './app/channel.ts';
import type { HealthCheck } from './app/health.ts';
import type { AppConnection } from './api/context.ts';
import { serveApis } from './api/serve.ts';
import { realClock, type Clock } from './clock.ts';
import type { Engine } from './contract.ts';
import { startEngine } from './engine.ts';
import { createHub } from './hub.ts';
import { createJournal, type Journal } from './journal.ts';
import { createNarration } from './narration.ts';
import type { Network } from './network.ts';
import { toPayload, toPublishRequest, type PublishOptions } from './payload.ts';
import type { ResiliencySpec } from './resiliency.ts';
import {
  loadResources,
  toComponent,
  type ComponentInput,
  type Resources,
} from './resources/load.ts';
import { resolveTypes } from './resources/component-type.ts';
import { parseSubscriptionSpec } from './resources/subscription.ts';
import { createStateStore, STATE_STORE_TYPES } from './state/create.ts';

/** The `spec` of a Subscription resource, v1alpha1 (`route`) or v2alpha1 (`routes`). */
export interface SubscriptionSpec {
  pubsubname: string;
  topic: string;
  route?: string;
  routes?: { rules?: readonly { match: string; path: string }[]; default?: string };
  metadata?: Readonly<Record<string, string>>;
  deadLetterTopic?: string;
  bulkSubscribe?: { enabled: boolean; maxMessagesCount?: number; maxAwaitDurationMs?: number };
}

/** What a sidecar is made from. */
export interface SidecarOptions {
  /** Components, beside those of `resourcesPath`. */
  components?: readonly ComponentInput[];
  /** Files, or folders of YAML files, as daprd reads them. */
  resourcesPath?: string | readonly string[];
  /**
   * Whether components of types that are not here are played in memory: `pubsub.*` and `state.*` by
   * `pubsub.in-memory` and `state.in-memory`, `bindings.*` by a queue, whose `create` is an event for
   * each app that has such an input. Default `false`: they are refused.
   */
  emulate?: boolean;
  /** Declarative subscriptions, beside those of `resourcesPath`. */
  subscriptions?: readonly SubscriptionSpec[];
  /** Specs of Resiliency resources, beside those of `resourcesPath`. */
  resiliency?: ResiliencySpec | readonly ResiliencySpec[];
  /** Default `app`. */
  appId?: string;
  /** What it shares with other sidecars of this process. Default: nothing, a network of its own. */
  network?: Network;
  /** Where the app listens, now or later. Default: there is no app to deliver to. */
  appPort?: number;
  /** Default `http`. */
  appProtocol?: 'http' | 'grpc';
  /** Default `127.0.0.1`. */
  appChannelAddress?: string;
  /** Sent to the app as `dapr-api-token`. Default: not sent. */
  appApiToken?: string;
  /** What callers of the APIs must send as `dapr-api-token`. Default: nothing. */
  apiToken?: string;
  /** Default 0: a free one. */
  httpPort?: number;
  /** Default 0: a free one. */
  grpcPort?: number;
  /** Address that both APIs listen on. Default `127.0.0.1`. */
  host?: string;
  /** Calls of the app at a time, as daprd counts them: no events over gRPC. Default: no limit. */
  appMaxConcurrency?: number;
  /** Checks of the app's health. Default: none. */
  healthCheck?: { enabled?: boolean } & Partial<HealthCheck>;
  /** Bytes of a body or message. Default 4 MiB. */
  maxBodySize?: number;
  /** Where cron, backoff, bulk waits, ttl and health checks get their time from. Default: real. */
  clock?: Clock;
  /** Told of warnings, of what was found at the start, and of each event. Default: nobody is. */
  log?: (message: string, level: 'debug' | 'info' | 'warn') => void;
  /** Seconds that `stop` gives what is in flight. Default 5. */
  gracefulShutdownSeconds?: number;
  /** Entries that the journal keeps. Default 100,000. */
  journalLimit?: number;
  /** Called when a caller of the API asked the sidecar to stop. Default: it stops. */
  onShutdown?: () => void;
  /** For the key prefix `namespace` of state stores. Default: none. */
  namespace?: string | undefined;
  /** What `envRef` in a component reads. Default `process.env`. */
  env?: Readonly<Record<string, string | undefined>>;
}

/** A sidecar that runs. */
export interface Sidecar {
  readonly appId: string;
  /** Port of the HTTP API. */
  readonly httpPort: number;
  /** Port of the gRPC API. */
  readonly grpcPort: number;
  /** What happened to each event. */
  readonly journal: Journal;
  /** What the APIs call. */
  readonly engine: Engine;
  readonly clock: Clock;
  /**
   * Resolves when the app was found, and its subscriptions and bindings are known.
   *
   * @throws Error when the app cannot tell them, or there is no `appPort`.
   */
  appReady(): Promise<void>;
  /**
   * Publishes an event.
   *
   * @throws SidecarError `ERR_PUBSUB_NOT_FOUND` or `ERR_PUBSUB_FORBIDDEN`.
   */
  publish(pubsub: string, topic: string, data: unknown, options?: PublishOptions): Promise<void>;
  /**
   * Hands an event of an input binding to the app, as if it had come in.
   *
   * @returns What the app answered.
   * @throws SidecarError when there is no such binding, or the app did not take it.
   */
  trigger(
    binding: string,
    data?: unknown,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<Buffer>;
  /**
   * Resolves when no event is in flight, waits, or will be retried. In a network, of this app: at this
   * and other sidecars of its app id.
   */
  idle(): Promise<void>;
  /**
   * Stops inputs; what is in flight goes on, and so do both APIs. For who ends the app before the sidecar:
   * what comes from now on waits for the next one, in a network.
   */
  release(): void;
  /** Stops inputs, waits for what is in flight, and closes both APIs. More calls change nothing. */
  stop(): Promise<void>;
}

const MAX_BODY_SIZE = 4 * 1024 * 1024;
const DEFAULT_GRACE = 5;
const DEFAULT_JOURNAL_LIMIT = 100_000;

/**
 * Creates a Dapr sidecar in this process, for development and tests. It speaks Dapr's HTTP and gRPC
 * APIs, and calls the app as daprd 1.18 does: the same order at the start, the same retries, dead
 * letters and acknowledgements. An app cannot tell the two apart.
 *
 * It resolves when both APIs answer. The app may start later, and again: the sidecar looks for it
 * every 100 ms, and `appReady` tells when it was found.
 *
 * What it has: `pubsub.in-memory`, `state.in-memory`, `bindings.cron`, `bindings.localstorage`,
 * `bindings.http`; Subscription and Resiliency resources (retries and timeouts). Any other
 * component type is refused: run daprd for it, or have it played in memory (`emulate`). It keeps
 * nothing when it stops, unless it is in a network (`createNetwork`), which does.
 *
 * Where it is not like daprd: its in-memory broker hands an app up to 100 events at a time (metadata
 * `concurrency`; daprd one), it keeps events while the app is not healthy (daprd's loses them), and
 * backoff has no random part, so that a test knows when a retry is due.
 *
 * @throws SidecarError `ERR_RESOURCE_INVALID` for a resource that is not valid,
 *   `ERR_COMPONENT_UNSUPPORTED` for a component type that is not here, `ERR_PORT_UNAVAILABLE`.
 * @example
 * const sidecar = await createSidecar({
 *   components: [{ name: 'pubsub', type: 'pubsub.in-memory' }],
 *   resiliency: {
 *     policies: { retries: { thrice: { duration: '100ms', maxRetries: 3 } } },
 *     targets: { components: { pubsub: { inbound: { retry: 'thrice' } } } },
 *   },
 *   appPort: 8080,
 * });
 * await sidecar.appReady();
 * await sidecar.publish('pubsub', 'orders', { id: 1 });
 * await sidecar.idle();
 * console.log(sidecar.journal.entries.map(({ outcome }) => outcome)); // published, delivered, acked
 * await sidecar.stop();
 */
export async function createSidecar(options: SidecarOptions = {}): Promise<Sidecar> {
  const { appId = 'app', clock = realClock, log } = options;
  const grace = (options.gracefulShutdownSeconds ?? DEFAULT_GRACE) * 1000;
  const maxBodySize = options.maxBodySize ?? MAX_BODY_SIZE;
  const resources = await collectResources(options, appId);
  const app = toAddress(options, appId, maxBodySize);
  const healthCheck = toHealthCheck(options.healthCheck);
  const tell = log ?? (() => undefined);
  for (const { name, emulates } of resources.components) {
    if (emulates === undefined) continue;
    tell(`component "${name}" is of type ${emulates}, played in memory`, 'info');
  }
  const hub =
    options.network?.hub ??
    createHub({ kept: false, limit: Infinity, tell, record: () => undefined });
  const narrate = log && createNarration(log);
  const journal = createJournal(clock, options.journalLimit ?? DEFAULT_JOURNAL_LIMIT, (entry) => {
    narrate?.(entry);
    hub.record(appId, entry);
  });
  const stores = new Map(
    resources.components
      .filter(({ type }) => STATE_STORE_TYPES.includes(type))
      .map((component) => [
        component.name,
        createStateStore(component, {
          appId,
          namespace: options.namespace,
          clock,
          items: hub.items(component.name),
        }),
      ]),
  );
  const engine = startEngine({
    appId,
    hub,
    protocol: options.appProtocol ?? 'http',
    app,
    resources,
    healthCheck,
    clock,
    journal,
    tell,
  });
  const context = {
    engine,
    stores,
    app: toConnection(options, healthCheck),
    attributes: new Map<string, string>(),
    onShutdown: options.onShutdown ?? (() => void stop()),
  };
  const apis = await serveApis(context, {
    host: options.host ?? '127.0.0.1',
    httpPort: options.httpPort ?? 0,
    grpcPort: options.grpcPort ?? 0,
    maxBodySize,
    apiToken: options.apiToken,
  }).catch(async (error: unknown) => {
    await engine.stop(0);
    throw error;
  });

  let stopped: Promise<void> | undefined;
  function stop(): Promise<void> {
    // The APIs last: what is in flight may still need them.
    stopped ??= stopAll();
    return stopped;
  }

  async function stopAll(): Promise<void> {
    await engine.stop(grace);
    await apis.stop(grace);
  }

  return {
    appId,
    httpPort: apis.httpPort,
    grpcPort: apis.grpcPort,
    journal,
    engine,
    clock,
    appReady: () => engine.appReady,
    publish: (pubsub, topic, data, publishOptions) =>
      engine.publish(toPublishRequest(pubsub, topic, data, publishOptions)),
    async trigger(binding, data, metadata = {}) {
      const bytes = data === undefined ? Buffer.alloc(0) : toPayload(data).data;
      const reply = await engine.trigger(binding, bytes, metadata);
      return reply.data;
    },
    idle: () => engine.idle(),
    release: () => engine.release(),
    stop,
  };
}

async function collectResources(options: SidecarOptions, appId: string): Promise<Resources> {
  const { resourcesPath = [], components = [], subscriptions = [], resiliency = [] } = options;
  const { env = process.env, emulate = false } = options;
  const paths = typeof resourcesPath === 'string' ? [resourcesPath] : resourcesPath;
  const loaded = await loadResources(paths, appId, env, emulate);
  const given = components
    .map(toComponent)
    .filter(({ scopes }) => scopes.length === 0 || scopes.includes(appId));
  return {
    components: resolveTypes([...loaded.components, ...given], emulate),
    subscriptions: [...loaded.subscriptions, ...subscriptions.map(parseSubscriptionSpec)],
    resiliency: [...loaded.resiliency, ...[resiliency].flat()],
  };
}

function toAddress(
  options: SidecarOptions,
  appId: string,
  maxBodySize: number,
): AppAddress | undefined {
  const { appPort, appChannelAddress, appApiToken, appMaxConcurrency } = options;
  if (appPort === undefined) return undefined;
  return {
    host: appChannelAddress ?? '127.0.0.1',
    port: appPort,
    apiToken: appApiToken,
    appId,
    maxConcurrency: appMaxConcurrency,
    maxBodySize,
  };
}

function toHealthCheck(given: SidecarOptions['healthCheck']): HealthCheck | undefined {
  if (given === undefined || given.enabled === false) return undefined;
  return {
    path: given.path ?? '/healthz',
    intervalMs: given.intervalMs ?? 5000,
    timeoutMs: given.timeoutMs ?? 500,
    threshold: given.threshold ?? 3,
  };
}

function toConnection(
  options: SidecarOptions,
  healthCheck: HealthCheck | undefined,
): AppConnection {
  return {
    port: options.appPort,
    protocol: options.appProtocol ?? 'http',
    channelAddress: options.appChannelAddress ?? '127.0.0.1',
    maxConcurrency: options.appMaxConcurrency,
    healthCheck,
  };
}

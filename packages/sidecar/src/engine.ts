// The engine: components, the app, and what goes between them.
import { status as grpc } from '@grpc/grpc-js';
import { setMaxListeners } from 'node:events';
import { createActivity } from './activity.ts';
import { pubsubNotFound } from './api/fault.ts';
import type { AppAddress, AppChannel, BindingReply } from './app/channel.ts';
import { dial } from './app/dial.ts';
import { createGrpcChannel } from './app/grpc-channel.ts';
import { startHealthProbes, type HealthCheck, type HealthProbes } from './app/health.ts';
import { createHttpChannel } from './app/http-channel.ts';
import { createBindings } from './bindings/component.ts';
import { realClock, type Clock } from './clock.ts';
import type { Engine } from './contract.ts';
import { SidecarError, toMessage } from './errors.ts';
import type { Hub, Member } from './hub.ts';
import type { WritableJournal } from './journal.ts';
import type { Tell } from './narration.ts';
import { createPause } from './pause.ts';
import { compileRule } from './pubsub/route.ts';
import { STOPPED } from './pubsub/delivery.ts';
import { createPubsub, type EngineParts, type Pubsub } from './pubsub/component.ts';
import { runUnder } from './policy.ts';
import { createPolicies, INITIALIZATION_POLICY } from './resiliency.ts';
import type { Resources } from './resources/load.ts';
import {
  mergeSubscriptions,
  toSubscriptionInfo,
  type Subscription,
} from './resources/subscription.ts';

/** What an engine is made from. */
export interface EngineSettings {
  readonly appId: string;
  /** What it shares with the other sidecars of its network; its own without one. */
  readonly hub: Hub;
  readonly protocol: 'http' | 'grpc';
  /** `undefined`: there is no app to deliver to. */
  readonly app: AppAddress | undefined;
  readonly resources: Resources;
  readonly healthCheck: HealthCheck | undefined;
  readonly clock: Clock;
  readonly journal: WritableJournal;
  readonly tell: Tell;
}

/** An engine that runs. */
export interface RunningEngine extends Engine {
  /** Resolves when the app's subscriptions and bindings are known; rejects when they cannot be. */
  readonly appReady: Promise<void>;
  trigger(
    binding: string,
    data: Buffer,
    metadata: Readonly<Record<string, string>>,
  ): Promise<BindingReply>;
  /** Resolves when nothing is in flight, waits, or will be retried. */
  idle(): Promise<void>;
  /** Takes nothing new; what is in flight goes on, and what the app asks for. */
  release(): void;
  /** Takes nothing new, gives what is in flight that many milliseconds, and ends. */
  stop(grace: number): Promise<void>;
}

/**
 * Creates an engine, and begins to look for the app.
 *
 * @throws SidecarError when a resource is not valid.
 */
export function startEngine(settings: EngineSettings): RunningEngine {
  const { appId, hub, app, resources, clock, journal, tell } = settings;
  const warn = (message: string): void => tell(message, 'warn');
  const { components } = resources;
  const stopping = new AbortController();
  // Each delivery listens to it, and there may be many.
  setMaxListeners(0, stopping.signal);
  const policies = createPolicies(resources.resiliency, warn);
  const parts: EngineParts = {
    appId,
    hub,
    clock,
    journal,
    policies,
    pause: createPause(),
    activity: createActivity(hub.activityOf(appId)),
    stop: stopping.signal,
    warn,
  };
  const pubsubs = new Map<string, Pubsub>();
  for (const component of components) {
    if (component.type.startsWith('pubsub.')) {
      pubsubs.set(component.name, createPubsub(component, parts));
    }
  }
  const bindings = createBindings(components, parts);
  const create = settings.protocol === 'grpc' ? createGrpcChannel : createHttpChannel;
  const channel = app === undefined ? undefined : create(app);
  let subscriptions: readonly Subscription[] = resources.subscriptions;
  const streams = new Set<Subscription>();
  let probes: HealthProbes | undefined;
  let ready = false;
  let leaving = false;

  async function connect(address: AppAddress, to: AppChannel): Promise<void> {
    const where = `${address.host}:${address.port}`;
    await dial(address.host, address.port, stopping.signal, () => {
      tell(`waiting for the app at ${where}`, 'info');
    });
    if (settings.healthCheck !== undefined && !stopping.signal.aborted) {
      probes = startHealthProbes(settings.healthCheck, { ...parts, channel: to });
      await probes.healthy;
    }
    stopping.signal.throwIfAborted();
    try {
      await to.readConfig();
    } catch (error) {
      warn(`failed to read the app's configuration: ${toMessage(error)}`);
    }
    const subscribed = subscribe(to);
    await subscribed.catch(() => undefined);
    let started: readonly string[] = [];
    try {
      started = await bindings.start(to);
    } catch (error) {
      warn(`failed to read from bindings: ${toMessage(error)}`);
    }
    // As with daprd, an app whose subscriptions cannot be read is served for the rest.
    ready = true;
    await subscribed;
    tell(
      `found the app at ${where} (${settings.protocol}); ${renderTaken(
        subscriptions.filter(({ pubsub }) => pubsubs.has(pubsub)),
        started,
      )}`,
      'info',
    );
  }

  async function subscribe(to: AppChannel): Promise<void> {
    if (pubsubs.size > 0) {
      subscriptions = mergeSubscriptions(resources.subscriptions, await listSubscriptions(to));
    }
    // What is kept is not for who is about to stop.
    if (leaving) throw new Error(STOPPED);
    hub.renew('brokers', appId, () => subscribeAll(to));
  }

  function subscribeAll(to: AppChannel): void {
    if (pubsubs.size === 0) return;
    for (const subscription of subscriptions) {
      const pubsub = pubsubs.get(subscription.pubsub);
      if (pubsub === undefined) {
        const { topic, pubsub: name } = subscription;
        const known = [...pubsubs.keys()].join(', ') || 'none';
        warn(
          `topic ${topic} is subscribed on pubsub ${name}, which does not exist; there is ${known}`,
        );
        continue;
      }
      try {
        pubsub.subscribe(subscription, to);
      } catch (error) {
        warn(`failed to subscribe: ${toMessage(error)}`);
      }
    }
  }

  // An app that listens already may still be starting; daprd asks again for a while.
  async function listSubscriptions(to: AppChannel): Promise<readonly Subscription[]> {
    const listed = await runUnder(INITIALIZATION_POLICY, realClock, stopping.signal, () =>
      to.listSubscriptions().catch((error: unknown) => {
        // A list that is not valid will not become so.
        if (error instanceof SidecarError) return error;
        throw error;
      }),
    );
    if (listed instanceof SidecarError) throw listed;
    return listed;
  }

  function pubsubOf(name: string): Pubsub {
    const pubsub = pubsubs.get(name);
    if (pubsub !== undefined) return pubsub;
    throw pubsubNotFound(name);
  }

  const own: Member = {
    appId,
    components,
    get ready() {
      return ready;
    },
    async invoke(request, signal) {
      if (channel === undefined) throw notConnected();
      return channel.invoke(request, signal);
    },
  };
  const leave = hub.enter(own);
  const appReady = app === undefined || channel === undefined ? never() : connect(app, channel);
  // Who wants to know waits on it; who does not must not be ended by it.
  appReady.catch((error: unknown) => {
    if (app === undefined || stopping.signal.aborted) return;
    warn(`the app is not ready: ${toMessage(error)}${renderHint(settings.protocol, error)}`);
  });

  function release(): void {
    leaving = true;
    leave();
    bindings.release();
    for (const pubsub of pubsubs.values()) pubsub.release();
  }

  return {
    appId,
    clock,
    components,
    appReady,
    get subscriptions() {
      return [...subscriptions, ...streams].map(toSubscriptionInfo);
    },
    get ready() {
      return ready;
    },
    async publish(request) {
      await pubsubOf(request.pubsub).publish(request);
    },
    async publishBulk({ entries, metadata, ...request }) {
      const pubsub = pubsubOf(request.pubsub);
      const failed: { entryId: string; error: string }[] = [];
      for (const { entryId, data, contentType, metadata: own } of entries) {
        try {
          const merged = { ...metadata, ...own };
          await pubsub.publish({ ...request, data, contentType, metadata: merged });
        } catch (error) {
          failed.push({ entryId, error: toMessage(error) });
        }
      }
      return { failed };
    },
    invokeBinding: (name, request) => bindings.invoke(name, request),
    async invokeApp(request, target = appId) {
      if (target === appId && channel === undefined) throw notConnected();
      try {
        return await runUnder(policies.app(target), clock, stopping.signal, async ({ signal }) => {
          const member = target === appId ? own : hub.find(target);
          if (member === undefined) throw unknownApp(target);
          return member.invoke(request, signal);
        });
      } catch (cause) {
        if (cause instanceof SidecarError) throw cause;
        const message = `failed to invoke ${target}: ${toMessage(cause)}`;
        throw new SidecarError('ERR_DIRECT_INVOKE', message, { cause });
      }
    },
    subscribeStream({ pubsub: name, topic, deadLetterTopic, metadata }, deliver) {
      const subscription: Subscription = {
        pubsub: name,
        topic,
        deadLetterTopic,
        metadata,
        rules: [compileRule('', '/')],
        bulk: undefined,
        type: 'STREAMING',
      };
      const end = pubsubOf(name).subscribe(subscription, { deliver, deliverBulk: noBulk });
      streams.add(subscription);
      return () => {
        streams.delete(subscription);
        end();
      };
    },
    trigger: (name, data, metadata) => bindings.trigger(name, data, metadata),
    idle: () => hub.activityOf(appId).idle(),
    release,
    async stop(grace) {
      release();
      let cut: NodeJS.Timeout | undefined;
      const deadline = new Promise<void>((resolve) => {
        cut = setTimeout(resolve, grace);
      });
      await Promise.race([parts.activity.idle(), deadline]);
      clearTimeout(cut);
      stopping.abort(new Error(STOPPED));
      probes?.close();
      for (const pubsub of pubsubs.values()) pubsub.close();
      bindings.close();
      await parts.activity.idle();
      channel?.close();
    },
  };
}

function renderTaken(subscriptions: readonly Subscription[], bindings: readonly string[]): string {
  const inputs = [
    ...subscriptions.map(({ pubsub, topic }) => `topic ${topic} of ${pubsub}`),
    ...bindings.map((name) => `binding ${name}`),
  ];
  return inputs.length === 0 ? 'it takes no topic and no binding' : `it takes ${inputs.join(', ')}`;
}

function renderHint(protocol: 'http' | 'grpc', error: unknown): string {
  if (protocol === 'http' || !/Protocol error/i.test(toMessage(error))) return '';
  return '; it may not serve gRPC: set APP_PROTOCOL=grpc for it, or --app-protocol http here';
}

function noBulk(): Promise<never> {
  return Promise.reject(new Error('a stream has no bulk deliveries'));
}

function notConnected(): SidecarError {
  return new SidecarError('ERR_DIRECT_INVOKE', 'app channel is not initialized', {
    grpcStatus: grpc.UNAVAILABLE,
  });
}

// The reason as name resolution gives it to daprd.
function unknownApp(appId: string): Error {
  return new Error(`failed to resolve address for '${appId}': couldn't find service: ${appId}`);
}

function never(): Promise<never> {
  return Promise.reject(new Error('there is no app: the sidecar was given no appPort'));
}

// A pub/sub component: events come in from publishers, and go out to the app's subscriptions.
import { status as grpc } from '@grpc/grpc-js';
import type { Activity } from '../activity.ts';
import type { AppChannel } from '../app/channel.ts';
import type { Clock } from '../clock.ts';
import type { Component, PublishRequest } from '../contract.ts';
import { SidecarError } from '../errors.ts';
import type { WritableJournal } from '../journal.ts';
import type { Pause } from '../pause.ts';
import { runUnder, type Policy } from '../policy.ts';
import { REDELIVERY } from '../resiliency.ts';
import type { Policies } from '../resiliency.ts';
import type { Subscription } from '../resources/subscription.ts';
import type { Hub } from '../hub.ts';
import { createBulkDelivery } from './bulk-delivery.ts';
import { createDelivery } from './delivery.ts';
import { wrapEvent } from './envelope.ts';
import type { Membership } from './group.ts';
import type { Message } from './queue.ts';
import { createTopicScopes } from './topic-scopes.ts';

/** What the parts of the engine share. */
export interface EngineParts {
  readonly appId: string;
  readonly hub: Hub;
  readonly clock: Clock;
  readonly journal: WritableJournal;
  readonly policies: Policies;
  readonly pause: Pause;
  readonly activity: Activity;
  /** Aborts when the sidecar stops. */
  readonly stop: AbortSignal;
  readonly warn: (message: string) => void;
}

/** A pub/sub component that runs. */
export interface Pubsub {
  publish(request: PublishRequest): Promise<void>;
  /**
   * @returns Ends the subscription.
   * @throws SidecarError when the app may not subscribe to the topic.
   */
  subscribe(
    subscription: Subscription,
    channel: Pick<AppChannel, 'deliver' | 'deliverBulk'>,
  ): () => void;
  /** Takes nothing more of what is kept for the next sidecar of the app. */
  release(): void;
  /** Ends all subscriptions. */
  close(): void;
}

// daprd's own in-memory broker hands over one event at a time. Real brokers do not, and with one at
// a time neither batches nor races would ever happen in a test.
const DEFAULT_CONCURRENCY = 100;

/**
 * Creates a `pubsub.in-memory`. Its metadata may say `concurrency`: how many calls of the app one
 * subscription has at a time (default 100; `1` is what daprd does).
 */
export function createPubsub(component: Component, parts: EngineParts): Pubsub {
  const { name, metadata } = component;
  const { appId, hub, clock, journal, policies, pause, activity, stop } = parts;
  const scopes = createTopicScopes(metadata, appId);
  const concurrency = parseConcurrency(component);
  const broker = hub.broker(name);
  const memberships = new Set<Membership>();
  pause.onChange(() => {
    for (const membership of memberships) membership.run();
  });

  async function send(topic: string, message: Message): Promise<void> {
    if (!scopes.mayPublish(topic)) throw forbidden(topic, appId);
    await runUnder(policies.outbound(name, 'Pubsub'), clock, stop, () => {
      broker.publish(topic, message, journal);
      return Promise.resolve();
    });
  }

  return {
    publish(request) {
      const { topic, metadata } = request;
      return send(topic, { data: wrapEvent(request, appId, clock), metadata });
    },
    subscribe(subscription, channel) {
      const { topic, bulk, type } = subscription;
      if (!scopes.maySubscribe(topic)) {
        throw new SidecarError(
          'ERR_PUBSUB_FORBIDDEN',
          `subscription to topic '${topic}' on pubsub '${name}' is not allowed`,
        );
      }
      // A stream is over when its client is gone: nobody would come for what is kept.
      const kept = hub.kept && type !== 'STREAMING';
      const context = {
        ...parts,
        subscription,
        channel,
        kept,
        policy: toDelivered(policies.inbound(name, 'Pubsub'), kept, subscription),
        publish: send,
      };
      const membership = broker.subscribe({
        appId,
        topic,
        kept,
        bulk,
        concurrency,
        consume: bulk === undefined ? createDelivery(context) : createBulkDelivery(context),
        clock,
        pause,
        activity,
        groupActivity: kept ? hub.activityOf(appId) : activity,
      });
      memberships.add(membership);
      return () => {
        memberships.delete(membership);
        membership.leave();
      };
    },
    release() {
      for (const membership of memberships) membership.release();
    },
    close() {
      for (const membership of memberships) membership.leave();
      memberships.clear();
    },
  };
}

// Brokers that outlast the sidecar hand over what has failed again, unless it has another place to go.
function toDelivered(policy: Policy, kept: boolean, { deadLetterTopic }: Subscription): Policy {
  if (!kept || policy.retry !== undefined || deadLetterTopic !== undefined) return policy;
  return { ...policy, retry: REDELIVERY };
}

/** How many calls of the app there are at a time, for a topic or a queue. */
export function parseConcurrency({ name, metadata, emulates }: Component): number {
  const text = metadata['concurrency'];
  if (text === undefined) return DEFAULT_CONCURRENCY;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  // Of another type it may mean something else.
  if (emulates !== undefined) return DEFAULT_CONCURRENCY;
  throw new SidecarError(
    'ERR_RESOURCE_INVALID',
    `component ${name}: concurrency: "${text}" is not a number above 0`,
  );
}

function forbidden(topic: string, appId: string): SidecarError {
  return new SidecarError(
    'ERR_PUBSUB_FORBIDDEN',
    `topic ${topic} is not allowed for app id ${appId}`,
    { httpStatus: 403, grpcStatus: grpc.PERMISSION_DENIED },
  );
}

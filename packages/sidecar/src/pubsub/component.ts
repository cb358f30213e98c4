// A pub/sub component: events come in from publishers, and go out to the app's subscriptions.
import { status as grpc } from '@grpc/grpc-js';
import type { Activity } from '../activity.ts';
import type { AppChannel } from '../app/channel.ts';
import type { Clock } from '../clock.ts';
import type { Component, PublishRequest } from '../contract.ts';
import { SidecarError } from '../errors.ts';
import type { WritableJournal } from '../journal.ts';
import type { Pause } from '../pause.ts';
import { runUnder } from '../policy.ts';
import type { Policies } from '../resiliency.ts';
import type { Subscription } from '../resources/subscription.ts';
import { createBroker, type Message } from './broker.ts';
import { createBulkDelivery } from './bulk-delivery.ts';
import { createDelivery } from './delivery.ts';
import { wrapEvent } from './envelope.ts';
import { createTopicScopes } from './topic-scopes.ts';

/** What the parts of the engine share. */
export interface EngineParts {
  readonly appId: string;
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
  const { appId, clock, journal, policies, stop } = parts;
  const scopes = createTopicScopes(metadata, appId);
  const broker = createBroker(parseConcurrency(component), parts);

  async function send(topic: string, message: Message): Promise<void> {
    if (!scopes.mayPublish(topic)) throw forbidden(topic, appId);
    await runUnder(policies.outbound(name, 'Pubsub'), clock, stop, () => {
      const subscribers = broker.count(topic);
      const { data } = message;
      // Written before it is on its way, so that the journal tells things in their order.
      journal.write({ outcome: 'published', pubsub: name, topic, subscribers, data });
      broker.publish(topic, message);
      return Promise.resolve();
    });
  }

  return {
    publish(request) {
      const { topic, metadata } = request;
      return send(topic, { data: wrapEvent(request, appId, clock), metadata });
    },
    subscribe(subscription, channel) {
      const { topic, bulk } = subscription;
      if (!scopes.maySubscribe(topic)) {
        throw new SidecarError(
          'ERR_PUBSUB_FORBIDDEN',
          `subscription to topic '${topic}' on pubsub '${name}' is not allowed`,
        );
      }
      const context = {
        ...parts,
        subscription,
        channel,
        policy: policies.inbound(name, 'Pubsub'),
        publish: send,
      };
      const one = createDelivery(context);
      const many = createBulkDelivery(context);
      return broker.subscribe({
        topic,
        bulk,
        consume: async (messages) => {
          const [message] = messages;
          if (bulk !== undefined) await many(messages);
          else if (message !== undefined) await one(message);
        },
      });
    },
    close: () => broker.close(),
  };
}

function parseConcurrency({ name, metadata }: Component): number {
  const text = metadata['concurrency'];
  if (text === undefined) return DEFAULT_CONCURRENCY;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
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

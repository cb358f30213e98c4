// A network: what sidecars share, for whoever runs several of them in one process.
import { pubsubNotFound } from './api/fault.ts';
import { realClock, type Clock } from './clock.ts';
import { createHub, type Hub } from './hub.ts';
import { createJournal, type EventSource, type Journal, type JournalEntry } from './journal.ts';
import { toPayload, toPublishRequest, type PublishOptions } from './payload.ts';
import { wrapEvent } from './pubsub/envelope.ts';

/** What a network is made from. */
export interface NetworkOptions {
  /** Where its journal and what it publishes get their time from. Default: real. */
  clock?: Clock;
  /** Events that wait for one subscription of an app that has no sidecar. Default 10,000. */
  backlogLimit?: number;
  /** Entries that the journal keeps. Default 10,000. */
  journalLimit?: number;
  /** Told of each entry of its journal. Default: nobody is. */
  onEntry?: (entry: Omit<JournalEntry, 'time'>) => void;
  /** Told of events that are given up. Default: nobody is. */
  log?: (message: string, level: 'debug' | 'info' | 'warn') => void;
}

/** A component of a network. */
export interface NetworkComponent {
  readonly name: string;
  /** As its resource names it, such as `pubsub.in-memory`. */
  readonly type: string;
  /** The apps that have it, by what their latest sidecars had. */
  readonly appIds: readonly string[];
}

/** A network that sidecars share. */
export interface Network {
  /** What happened to each event at all sidecars, with `appId`. */
  readonly journal: Journal;
  /** What its sidecars share. */
  readonly hub: Hub;
  /** The components of all apps, those that have no sidecar just now too. */
  components(): readonly NetworkComponent[];
  /** How many events wait for an app, without those that a sidecar is busy with. */
  backlog(appId: string): number;
  /** How many events are under way for an app: those that wait, and those that a sidecar is busy with. */
  load(appId: string): number;
  /**
   * Publishes an event from outside of all apps; its source is `ofn`, and topic scopes do not apply.
   *
   * @throws SidecarError `ERR_PUBSUB_NOT_FOUND` when no app has had such a component.
   */
  publish(pubsub: string, topic: string, data: unknown, options?: PublishOptions): Promise<void>;
  /**
   * Sends an event from outside of all apps to an emulated binding: each app that takes it as an input gets
   * it, as soon as there is a sidecar of it.
   */
  send(binding: string, data: unknown, metadata?: Readonly<Record<string, string>>): void;
  /** Keeps what comes of a topic, or of an emulated binding, for an app that has had no sidecar yet. */
  expect(appId: string, source: EventSource): void;
  /** Gives up what is kept for an app that will not come back. Does nothing while it has a sidecar. */
  forget(appId: string): void;
  /**
   * Resolves when no event is in flight, waits, or will be retried, for any app. What waits for an app
   * without a sidecar counts.
   */
  idle(): Promise<void>;
}

const SOURCE = 'ofn';
const DEFAULT_BACKLOG_LIMIT = 10_000;
const DEFAULT_JOURNAL_LIMIT = 10_000;

/**
 * Creates a network for the sidecars of several apps in this process.
 *
 * Components `pubsub.in-memory` of one name are one broker, `state.in-memory` of one name one store,
 * and each app can invoke the others. An event goes to each app that has subscribed, and to one of its
 * sidecars when it has several. What waits for an app, and what a sidecar has not settled when it
 * stops, is for the next sidecar of that app id. All lasts as long as the network is referred to:
 * there is nothing to close.
 *
 * @example
 * const network = createNetwork();
 * const components = [{ name: 'pubsub', type: 'pubsub.in-memory' }];
 * const orders = await createSidecar({ network, appId: 'orders', appPort: 8080, components });
 * await orders.appReady();
 * await orders.stop();
 * await network.publish('pubsub', 'orders', { id: 1 });
 * console.log(network.backlog('orders')); // 1, when the app subscribes to the topic
 */
export function createNetwork(options: NetworkOptions = {}): Network {
  const { clock = realClock, log: tell = () => undefined } = options;
  const journal = createJournal(
    clock,
    options.journalLimit ?? DEFAULT_JOURNAL_LIMIT,
    options.onEntry,
  );
  const hub = createHub({
    kept: true,
    limit: options.backlogLimit ?? DEFAULT_BACKLOG_LIMIT,
    tell,
    record: (appId, entry) => journal.write({ ...entry, appId }),
  });

  return {
    journal,
    hub,
    components: () => listComponents(hub),
    backlog: (appId) => hub.backlog(appId),
    load: (appId) => hub.activityOf(appId).ongoing,
    async publish(pubsub, topic, data, publishOptions) {
      const broker = hub.brokers.get(pubsub);
      if (broker === undefined) throw pubsubNotFound(pubsub);
      const request = toPublishRequest(pubsub, topic, data, publishOptions);
      const message = { data: wrapEvent(request, SOURCE, clock), metadata: request.metadata };
      broker.publish(topic, message, { write: (entry) => hub.record(SOURCE, entry) });
    },
    send(binding, data, metadata = {}) {
      const message = { data: toPayload(data).data, metadata };
      hub.queue(binding).publish(binding, message, { write: (entry) => hub.record(SOURCE, entry) });
    },
    expect(appId, { binding, pubsub = '', topic = '' }) {
      const activity = hub.activityOf(appId);
      if (binding === undefined) hub.broker(pubsub).expect(appId, topic, activity);
      else hub.queue(binding).expect(appId, binding, activity);
    },
    forget: (appId) => hub.forget(appId),
    idle: () => hub.activity.idle(),
  };
}

function listComponents({ components }: Hub): readonly NetworkComponent[] {
  const found = new Map<string, { name: string; type: string; appIds: string[] }>();
  for (const [appId, own] of components) {
    for (const { name, type: played, emulates: type = played } of own) {
      const key = `${type} ${name}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { name, type, appIds: [appId] });
      else known.appIds.push(appId);
    }
  }
  return [...found.values()];
}

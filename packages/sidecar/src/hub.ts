// What the sidecars of a network share: brokers, the values of state stores, and each other's apps.
import { createActivity, type Activity } from './activity.ts';
import type { AppRequest, AppResponse, Component } from './contract.ts';
import { renderSource, type EventSource, type JournalRecord } from './journal.ts';
import type { Tell } from './narration.ts';
import { createBroker, type Broker } from './pubsub/broker.ts';
import type { StateItem } from './state/store.ts';

/** What a hub is made from. */
export interface HubSettings {
  /** Whether what is published to an app waits for its next sidecar while there is none. */
  readonly kept: boolean;
  /** How many events wait for an app and subscription while there is no sidecar. */
  readonly limit: number;
  readonly tell: Tell;
  /** Told of what happens to each event. */
  readonly record: (appId: string, entry: JournalRecord) => void;
}

/** A sidecar, as the others see it. */
export interface Member {
  readonly appId: string;
  readonly components: readonly Component[];
  /** Whether its app was found. */
  readonly ready: boolean;
  /** Calls its app. */
  invoke(request: AppRequest, signal: AbortSignal): Promise<AppResponse>;
}

/** What sidecars share. */
export interface Hub {
  readonly kept: boolean;
  readonly activity: Activity;
  readonly record: HubSettings['record'];
  /** The brokers of pub/sub components, by their names. */
  readonly brokers: ReadonlyMap<string, Broker>;
  /** The components of each app, as its latest sidecar has them. */
  readonly components: ReadonlyMap<string, readonly Component[]>;
  /** The broker of that name, which is made when there is none. */
  broker(name: string): Broker;
  /** The queue of the bindings of that name, as a broker whose only topic is the name. */
  queue(name: string): Broker;
  /** The values of the store of that name. */
  items(name: string): Map<string, StateItem>;
  /** What goes on for an app, at all of its sidecars and in what waits for it. */
  activityOf(appId: string): Activity;
  /** @returns Takes the sidecar out again. */
  enter(member: Member): () => void;
  /** A sidecar of the app; each in turn, but those whose app was found first. */
  find(appId: string): Member | undefined;
  /**
   * Has a sidecar subscribe to what its app wants of brokers, or of queues. What the app wanted before,
   * and not now, is given up as soon as no other sidecar of it takes it.
   */
  renew(of: 'brokers' | 'queues', appId: string, subscribe: () => void): void;
  /** How many events wait for an app. */
  backlog(appId: string): number;
  /** Gives up what is kept for an app that has no sidecar. */
  forget(appId: string): void;
}

/** Creates a hub that nobody has entered. */
export function createHub({ kept, limit, tell, record }: HubSettings): Hub {
  const brokers = new Map<string, Broker>();
  const queues = new Map<string, Broker>();
  const stores = new Map<string, Map<string, StateItem>>();
  const activity = createActivity();
  const activities = new Map<string, Activity>();
  const components = new Map<string, readonly Component[]>();
  let members: Member[] = [];

  const all = (): Broker[] => [...brokers.values(), ...queues.values()];

  function create(sourceOf: (topic: string) => EventSource): Broker {
    return createBroker({
      sourceOf,
      limit,
      onOverflow({ appId, subscribed, event, first }) {
        const reason = `the app is away, and ${limit} events wait for it`;
        const { data } = event.message;
        record(appId, { outcome: 'lost', ...sourceOf(event.topic), reason, data });
        if (!first) return;
        tell(
          `${limit} events of ${renderSource(sourceOf(subscribed))} wait for app ${appId}, which is away: the oldest are lost`,
          'warn',
        );
      },
      onDropped(appId, subscribed, backlog) {
        if (backlog === 0) return;
        tell(
          `app ${appId} does not take ${renderSource(sourceOf(subscribed))} any more: ${backlog} events that waited are dropped`,
          'warn',
        );
      },
    });
  }

  return {
    kept,
    activity,
    record,
    brokers,
    components,
    broker: (name) =>
      getOrCreate(brokers, name, () => create((topic) => ({ pubsub: name, topic }))),
    queue: (name) => getOrCreate(queues, name, () => create(() => ({ binding: name }))),
    items: (name) => getOrCreate(stores, name, () => new Map()),
    activityOf: (appId) => getOrCreate(activities, appId, () => createActivity(activity)),
    enter(member) {
      members = [...members, member];
      components.set(member.appId, member.components);
      return () => {
        members = members.filter((one) => one !== member);
      };
    },
    find(appId) {
      const own = members.filter((member) => member.appId === appId);
      const found = own.find(({ ready }) => ready) ?? own[0];
      if (found !== undefined) members = [...members.filter((one) => one !== found), found];
      return found;
    },
    renew(of, appId, subscribe) {
      const renewed = of === 'brokers' ? brokers : queues;
      for (const broker of renewed.values()) broker.renew(appId);
      subscribe();
      for (const broker of renewed.values()) broker.prune(appId);
    },
    backlog: (appId) => all().reduce((sum, broker) => sum + broker.backlog(appId), 0),
    forget(appId) {
      if (members.some((member) => member.appId === appId)) return;
      for (const broker of all()) {
        broker.renew(appId);
        broker.prune(appId);
      }
      components.delete(appId);
    },
  };
}

function getOrCreate<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}

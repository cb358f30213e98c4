// The in-memory broker: what is published to a topic goes to each group that has subscribed to it.
import type { Activity } from '../activity.ts';
import type { EventSource, WritableJournal } from '../journal.ts';
import type { ConsumerSettings } from './consumer.ts';
import { createGroup, type Group, type Membership } from './group.ts';
import type { Message, Queued } from './queue.ts';

/** What is told of an event that nobody will get. */
interface Overflow {
  readonly appId: string;
  /** What the group subscribed to. */
  readonly subscribed: string;
  readonly event: Queued;
  /** Whether it is the first since the app was there. */
  readonly first: boolean;
}

/** What a broker is made from. */
export interface BrokerSettings {
  /** What the journal calls a topic of it. */
  readonly sourceOf: (topic: string) => EventSource;
  /** How many events a group keeps while it has no consumer. */
  readonly limit: number;
  readonly onOverflow: (overflow: Overflow) => void;
  /** Told of a group that is given up, with how many events waited. */
  readonly onDropped: (appId: string, topic: string, backlog: number) => void;
}

/** A consumer, and the group that it belongs to. */
interface Subscriber extends ConsumerSettings {
  readonly appId: string;
  readonly topic: string;
  /**
   * Whether it shares the events of the topic with the other consumers of its app, and these are
   * kept while there is none. Otherwise it is a group of its own, which ends with it.
   */
  readonly kept: boolean;
  /** What an event of the group counts to, until it is settled. */
  readonly groupActivity: Activity;
}

/** An in-memory broker. */
export interface Broker {
  /** Writes it down and hands it out. */
  publish(topic: string, message: Message, journal: Pick<WritableJournal, 'write'>): void;
  subscribe(subscriber: Subscriber): Membership;
  /** Keeps the events of a topic for an app from now on, until it has told what it takes. */
  expect(appId: string, topic: string, activity: Activity): void;
  /** How many events wait for an app. */
  backlog(appId: string): number;
  /** Takes all groups of an app for unwanted, but those that are joined from now on. */
  renew(appId: string): void;
  /** Gives up the groups of an app that are unwanted and have no consumer. */
  prune(appId: string): void;
}

interface Entry {
  readonly appId: string;
  readonly group: Group;
}

/** Creates a broker without groups. */
export function createBroker({ sourceOf, limit, onOverflow, onDropped }: BrokerSettings): Broker {
  const entries = new Set<Entry>();

  function drop(entry: Entry): void {
    const { appId, group } = entry;
    entries.delete(entry);
    if (group.kept) onDropped(appId, group.topic, group.backlog);
    group.close();
  }

  function findKept(appId: string, topic: string): Entry | undefined {
    return [...entries].find(
      ({ appId: owner, group }) => group.kept && owner === appId && group.topic === topic,
    );
  }

  function createEntry({
    appId,
    topic,
    kept,
    groupActivity: activity,
  }: Pick<Subscriber, 'appId' | 'groupActivity' | 'kept' | 'topic'>): Entry {
    const group = createGroup(
      {
        topic,
        kept,
        limit,
        activity,
        onOverflow: (event, first) => onOverflow({ appId, subscribed: topic, event, first }),
      },
      () => {
        if (!kept || group.unwanted) drop(entry);
      },
    );
    const entry: Entry = { appId, group };
    entries.add(entry);
    return entry;
  }

  function of(appId: string): Group[] {
    return [...entries].filter((entry) => entry.appId === appId).map(({ group }) => group);
  }

  return {
    publish(topic, message, journal) {
      const groups = [...entries].map(({ group }) => group).filter((one) => matches(one, topic));
      const { data } = message;
      // Written before it is on its way, so that the journal tells things in their order.
      journal.write({
        outcome: 'published',
        ...sourceOf(topic),
        subscribers: groups.length,
        data,
      });
      for (const group of groups) group.add(topic, message);
    },
    subscribe(subscriber) {
      const { appId, topic, kept } = subscriber;
      const known = kept ? findKept(appId, topic) : undefined;
      return (known ?? createEntry(subscriber)).group.join(subscriber);
    },
    expect(appId, topic, groupActivity) {
      if (findKept(appId, topic) === undefined)
        createEntry({ appId, topic, kept: true, groupActivity });
    },
    backlog: (appId) => of(appId).reduce((sum, group) => sum + group.backlog, 0),
    renew(appId) {
      for (const group of of(appId)) group.unwanted = group.kept;
    },
    prune(appId) {
      for (const entry of entries) {
        const { group } = entry;
        if (entry.appId === appId && group.unwanted && group.size === 0) drop(entry);
      }
    },
  };
}

function matches({ topic: pattern }: Group, topic: string): boolean {
  if (pattern === topic) return true;
  if (!pattern.endsWith('*')) return false;
  const beginning = pattern.slice(0, -1);
  return topic.startsWith(beginning) && topic !== beginning;
}

// The consumers that share the events of one subscription: each event goes to one of them.
import type { Activity } from '../activity.ts';
import { createConsumer, type Consumer, type ConsumerSettings } from './consumer.ts';
import { createQueue, type Message, type Queued } from './queue.ts';

/** What a group is made from. */
export interface GroupSettings {
  /** A topic; with `*` as its end, every topic that begins like it. */
  readonly topic: string;
  /** Whether it goes on without consumers, and keeps its events for the next one. */
  readonly kept: boolean;
  /** How many events it keeps without consumers; no more than there are already come in. */
  readonly limit: number;
  /** What an event counts to, from when it is published until it is settled. */
  readonly activity: Activity;
  /** Told of an event that is given up because there are too many; `first` since the last consumer. */
  readonly onOverflow: (event: Queued, first: boolean) => void;
}

/** The place of a consumer in a group. */
export interface Membership {
  /** Starts what can be started, after something changed for the consumer. */
  run(): void;
  /** Takes nothing more, when the group keeps what waits. */
  release(): void;
  /** Takes nothing more. What it has not settled goes back, where the group keeps it. */
  leave(): void;
}

/** Consumers, and what waits for them. */
export interface Group {
  readonly topic: string;
  readonly kept: boolean;
  /** How many consumers it has. */
  readonly size: number;
  /** How many events wait. */
  readonly backlog: number;
  /** Whether the app said, after its consumers came, that it does not want these events. */
  unwanted: boolean;
  add(topic: string, message: Message): void;
  join(settings: ConsumerSettings): Membership;
  /** Gives up what waits, and what comes back. */
  close(): void;
}

/**
 * @param onEmpty Called when the last consumer has left.
 */
export function createGroup(settings: GroupSettings, onEmpty: () => void): Group {
  const { topic: pattern, kept, limit, activity, onOverflow } = settings;
  const queue = createQueue();
  // The one that got something last is the last.
  let consumers: Consumer[] = [];
  let overflown = false;
  let closed = false;

  function dispatch(): void {
    for (let next = pick(); next !== undefined; next = pick()) {
      const chosen = next;
      consumers = [...consumers.filter((one) => one !== chosen), chosen];
      chosen.start();
    }
    for (const consumer of consumers) consumer.wait();
  }

  // A fair share: who has the least to do, and of these who has waited longest.
  function pick(): Consumer | undefined {
    let best: Consumer | undefined;
    for (const consumer of consumers) {
      if (best !== undefined && consumer.running >= best.running) continue;
      if (consumer.ready() > 0) best = consumer;
    }
    return best;
  }

  function settle(batch: readonly Queued[], unsettled: readonly Message[]): void {
    const back = closed ? [] : batch.filter(({ message }) => unsettled.includes(message));
    if (back.length > 0) queue.putBack(back);
    dispatch();
    for (const event of batch) if (!back.includes(event)) event.end();
  }

  const group: Group = {
    topic: pattern,
    kept,
    unwanted: false,
    get size() {
      return consumers.length;
    },
    get backlog() {
      return queue.length;
    },
    add(topic, message) {
      if (consumers.length === 0 && queue.length >= limit) {
        for (const oldest of queue.take(1)) {
          onOverflow(oldest, !overflown);
          overflown = true;
          oldest.end();
        }
      }
      queue.add({ topic, message, end: activity.begin() });
      dispatch();
    },
    join(consumerSettings) {
      const consumer = createConsumer(consumerSettings, queue, dispatch, settle);
      consumers = [...consumers, consumer];
      group.unwanted = false;
      overflown = false;
      dispatch();
      function leave(): void {
        if (!consumers.includes(consumer)) return;
        consumers = consumers.filter((one) => one !== consumer);
        consumer.close();
        if (consumers.length === 0) onEmpty();
        // A sibling may be able to take what waited for a batch of this one.
        else dispatch();
      }
      return {
        run: dispatch,
        release() {
          if (kept) leave();
        },
        leave,
      };
    },
    close() {
      closed = true;
      for (const { end } of queue.take(queue.length)) end();
    },
  };
  return group;
}

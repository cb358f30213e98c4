// What happened to each event, as a list that a test can read and wait on.
import type { Clock } from './clock.ts';

/**
 * What happened to an event.
 *
 * - `published`: it came in. With `subscribers` 0, nobody gets it.
 * - `delivered`: the app was called with it; one of the following comes next.
 * - `acked`: the app took it.
 * - `retried`: it failed, and comes again by the retry policy.
 * - `dropped`: it is gone, because the app said so, or it has expired, or no route matched.
 * - `deadLettered`: it went to the dead-letter topic.
 * - `lost`: it failed, and neither a policy nor a dead-letter topic was left to save it; or, in a
 *   network, too many waited for an app that is away.
 * - `returned`: the sidecar stopped before it was settled. It waits for the next sidecar of the app,
 *   in a network.
 */
export type JournalOutcome =
  | 'published'
  | 'delivered'
  | 'acked'
  | 'retried'
  | 'dropped'
  | 'deadLettered'
  | 'lost'
  | 'returned';

/** One thing that happened to one event. */
export interface JournalEntry {
  readonly outcome: JournalOutcome;
  /** By the clock of the sidecar, in milliseconds. */
  readonly time: number;
  /** Whose sidecar tells; in the journal of a network only. */
  readonly appId?: string;
  /** Pub/sub component; `undefined` for a binding. */
  readonly pubsub?: string;
  readonly topic?: string;
  /** Binding; `undefined` for pub/sub. */
  readonly binding?: string;
  /** Path that the app got it at. */
  readonly path?: string;
  /** `id` of the CloudEvent. */
  readonly id?: string;
  /** Id within a bulk delivery. */
  readonly entryId?: string;
  /** Which attempt to deliver it is, from 1. */
  readonly attempt?: number;
  /** Why it was not acked. */
  readonly reason?: string;
  /** Of a published event: how many subscriptions get it. */
  readonly subscribers?: number;
  /** The event as the broker holds it; the payload of a binding. */
  readonly data?: Buffer;
}

/** An entry that is not dated yet. */
export type JournalRecord = Omit<JournalEntry, 'time'>;

/** What an event is of: a topic of a pub/sub, or a binding. */
export type EventSource = Pick<JournalEntry, 'pubsub' | 'topic' | 'binding'>;

/** An event's source, as a line names it. */
export function renderSource({ pubsub, topic, binding }: EventSource): string {
  return binding === undefined ? `topic ${topic} of ${pubsub}` : `binding ${binding}`;
}

/** What has happened so far. */
export interface Journal {
  /** The latest entries, oldest first: at most as many as the limit. */
  readonly entries: readonly JournalEntry[];
  /** How often something happened, also beyond the limit of `entries`. */
  count(outcome: JournalOutcome): number;
  /**
   * Resolves as soon as the condition holds; it is asked again at each entry.
   *
   * @example
   * await sidecar.journal.until((journal) => journal.count('acked') === 3);
   */
  until(condition: (journal: Journal) => boolean): Promise<void>;
  /** Forgets the entries and the counts. */
  clear(): void;
}

/** A journal that can be written. */
export interface WritableJournal extends Journal {
  write(entry: JournalRecord): void;
}

/**
 * @param limit How many entries are kept.
 * @param onEntry Told of each entry.
 */
export function createJournal(
  clock: Clock,
  limit: number,
  onEntry?: (entry: JournalRecord) => void,
): WritableJournal {
  const counts = new Map<JournalOutcome, number>();
  const waiting = new Set<{ condition: (journal: Journal) => boolean; done: () => void }>();
  const entries: JournalEntry[] = [];

  const journal: WritableJournal = {
    entries,
    count: (outcome) => counts.get(outcome) ?? 0,
    async until(condition) {
      if (condition(journal)) return;
      await new Promise<void>((resolve, reject) => {
        const waiter = {
          // A condition that throws is the error of who waits, not of the delivery.
          condition: (current: Journal): boolean => {
            try {
              return condition(current);
            } catch (error) {
              waiting.delete(waiter);
              reject(error instanceof Error ? error : new Error(String(error)));
              return false;
            }
          },
          done: resolve,
        };
        waiting.add(waiter);
      });
    },
    clear() {
      entries.length = 0;
      counts.clear();
    },
    write(entry) {
      onEntry?.(entry);
      entries.push({ ...entry, time: clock.now() });
      // In one go, now and then: removing the first of many each time would cost too much.
      if (entries.length > limit * 1.25) entries.splice(0, entries.length - limit);
      counts.set(entry.outcome, (counts.get(entry.outcome) ?? 0) + 1);
      for (const waiter of waiting) {
        if (!waiter.condition(journal)) continue;
        waiting.delete(waiter);
        waiter.done();
      }
    },
  };
  return journal;
}

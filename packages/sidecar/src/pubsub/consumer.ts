// A consumer: what one sidecar takes from a queue, how many calls at a time, alone or in batches.
import type { Activity } from '../activity.ts';
import type { Clock } from '../clock.ts';
import type { Pause } from '../pause.ts';
import type { BulkSubscribe } from '../resources/subscription.ts';
import type { Message, Queue, Queued } from './queue.ts';

/** What a consumer is made from. */
export interface ConsumerSettings {
  /** How events are collected. `undefined`: each alone. */
  readonly bulk: BulkSubscribe | undefined;
  /** How many calls run at a time. */
  readonly concurrency: number;
  /**
   * Settles when the broker may forget the events, but for those that it resolves with: these were
   * not settled. Does not reject.
   */
  readonly consume: (messages: readonly Message[]) => Promise<readonly Message[]>;
  readonly clock: Clock;
  readonly pause: Pause;
  /** Of the sidecar. */
  readonly activity: Activity;
}

/** Takes events from a queue. */
export interface Consumer {
  /** How many calls run. */
  readonly running: number;
  /** How many events it would take now: 0 when it cannot, or waits for a batch to fill. */
  ready(): number;
  /** Takes as many, and calls the app. */
  start(): void;
  /** Sees to it that what does not fill a batch goes in time. */
  wait(): void;
  /** Takes nothing more. What runs still settles. */
  close(): void;
}

/**
 * @param onDue Called when a batch has waited long enough.
 * @param onSettled Called with what was taken, and what of it was not settled.
 */
export function createConsumer(
  { bulk, concurrency, consume, clock, pause, activity }: ConsumerSettings,
  queue: Queue,
  onDue: () => void,
  onSettled: (batch: readonly Queued[], unsettled: readonly Message[]) => void,
): Consumer {
  const most = bulk?.maxMessagesCount ?? 1;
  // A batch goes when it is full, or when its first event has waited long enough: what has is
  // before this place.
  let due = 0;
  let cancelTimer: (() => void) | undefined;
  let running = 0;

  function stopTimer(): void {
    cancelTimer?.();
    cancelTimer = undefined;
  }

  function ready(): number {
    if (pause.paused || running >= concurrency) return 0;
    if (bulk === undefined || queue.length >= most) return Math.min(queue.length, most);
    return queue.countBefore(due, most);
  }

  async function run(batch: readonly Queued[]): Promise<void> {
    const end = activity.begin();
    let unsettled: readonly Message[] = [];
    try {
      unsettled = await consume(batch.map(({ message }) => message));
    } finally {
      running--;
      onSettled(batch, unsettled);
      end();
    }
  }

  return {
    get running() {
      return running;
    },
    ready,
    start() {
      const batch = queue.take(ready());
      running++;
      // What is left begins a batch of its own, with its full time.
      stopTimer();
      void run(batch);
    },
    wait() {
      if (bulk === undefined) return;
      if (queue.isBefore(due)) stopTimer();
      else {
        cancelTimer ??= clock.setTimeout(() => {
          cancelTimer = undefined;
          due = queue.next;
          onDue();
        }, bulk.maxAwaitDurationMs);
      }
    },
    close: stopTimer,
  };
}

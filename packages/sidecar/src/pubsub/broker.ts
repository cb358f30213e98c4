// The in-memory broker: what is published to a topic goes to each of its subscriptions.
import type { Activity } from '../activity.ts';
import type { Clock } from '../clock.ts';
import type { Pause } from '../pause.ts';
import type { BulkSubscribe } from '../resources/subscription.ts';

/** One event, as the broker holds it. */
export interface Message {
  readonly data: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Who gets the events of a topic. */
interface Consumer {
  /** A topic; with `*` as its end, every topic that begins like it. */
  readonly topic: string;
  /** How events are collected. `undefined`: each alone. */
  readonly bulk: BulkSubscribe | undefined;
  /** Settles when the broker may forget the events. Does not reject. */
  readonly consume: (messages: readonly Message[]) => Promise<void>;
}

/** An in-memory broker. */
export interface Broker {
  publish(topic: string, message: Message): void;
  /** How many subscriptions get what is published to a topic. */
  count(topic: string): number;
  subscribe(consumer: Consumer): () => void;
  /** Nothing is consumed any more. */
  close(): void;
}

/**
 * @param concurrency How many calls of one consumer run at a time.
 */
export function createBroker(
  concurrency: number,
  { clock, pause, activity }: { clock: Clock; pause: Pause; activity: Activity },
): Broker {
  const lines = new Set<Line>();
  pause.onChange(() => {
    for (const line of lines) line.run();
  });

  return {
    publish(topic, message) {
      for (const line of lines) {
        if (matches(line.topic, topic)) line.add(message);
      }
    },
    count: (topic) => [...lines].filter((line) => matches(line.topic, topic)).length,
    subscribe(consumer) {
      const line = createLine(consumer, concurrency, clock, pause, activity);
      lines.add(line);
      return () => {
        lines.delete(line);
        line.close();
      };
    },
    close() {
      for (const line of lines) line.close();
      lines.clear();
    },
  };
}

function matches(pattern: string, topic: string): boolean {
  if (pattern === topic) return true;
  if (!pattern.endsWith('*')) return false;
  const beginning = pattern.slice(0, -1);
  return topic.startsWith(beginning) && topic !== beginning;
}

/** The events that wait for one consumer. */
interface Line {
  readonly topic: string;
  add(message: Message): void;
  /** Starts what can be started. */
  run(): void;
  close(): void;
}

interface Waiting {
  readonly message: Message;
  readonly end: () => void;
}

function createLine(
  { topic, bulk, consume }: Consumer,
  concurrency: number,
  clock: Clock,
  pause: Pause,
  activity: Activity,
): Line {
  const most = bulk?.maxMessagesCount ?? 1;
  let waiting: Waiting[] = [];
  // Taken from the front by an index, as to shift a long array costs its length.
  let front = 0;
  // A batch goes when it is full, or when its first event has waited long enough.
  let due = 0;
  let cancelTimer: (() => void) | undefined;
  let running = 0;
  let closed = false;

  function length(): number {
    return waiting.length - front;
  }

  function take(count: number): Waiting[] {
    const taken = waiting.slice(front, front + count);
    front += taken.length;
    if (front > 1024 && front * 2 > waiting.length) {
      waiting = waiting.slice(front);
      front = 0;
    }
    due = Math.max(0, due - taken.length);
    return taken;
  }

  function run(): void {
    if (closed) return;
    while (!pause.paused && running < concurrency) {
      const ready = bulk === undefined ? length() : length() >= most ? most : due;
      if (ready === 0) break;
      start(take(Math.min(ready, most)));
    }
    startTimer();
  }

  function startTimer(): void {
    if (bulk === undefined || closed) return;
    if (length() - due === 0) {
      cancelTimer?.();
      cancelTimer = undefined;
    } else {
      cancelTimer ??= clock.setTimeout(() => {
        cancelTimer = undefined;
        due = length();
        run();
      }, bulk.maxAwaitDurationMs);
    }
  }

  function start(batch: readonly Waiting[]): void {
    running++;
    if (bulk !== undefined) {
      // What is left begins a batch of its own, with its full time.
      cancelTimer?.();
      cancelTimer = undefined;
    }
    void consume(batch.map(({ message }) => message)).finally(() => {
      running--;
      run();
      for (const { end } of batch) end();
    });
  }

  return {
    topic,
    add(message) {
      waiting.push({ message, end: activity.begin() });
      run();
    },
    run,
    close() {
      closed = true;
      cancelTimer?.();
      for (const { end } of take(length())) end();
    },
  };
}

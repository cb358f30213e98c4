// Events of the broker, one by one, to the app: parsed, routed, tried under the policy, settled.
import type { AppChannel, CloudEventFields, Delivery, Verdict } from '../app/channel.ts';
import type { Clock } from '../clock.ts';
import { toMessage } from '../errors.ts';
import type { JournalOutcome, WritableJournal } from '../journal.ts';
import type { Pause } from '../pause.ts';
import { AttemptError, runUnder, type Policy } from '../policy.ts';
import type { Subscription } from '../resources/subscription.ts';
import { NO_TRACE } from '../trace.ts';
import { hasExpired, isRawPayload, parseEvent, wrapRawPayload } from './envelope.ts';
import type { Message } from './queue.ts';
import { findRoute } from './route.ts';

/** What a delivery needs beside the event. */
export interface DeliveryContext {
  readonly subscription: Subscription;
  readonly channel: Pick<AppChannel, 'deliver'>;
  /** Whether what is not settled when the sidecar stops is delivered by the next one. */
  readonly kept: boolean;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly pause: Pause;
  readonly journal: WritableJournal;
  /** Aborts when the sidecar stops. */
  readonly stop: AbortSignal;
  /** Publishes to another topic of the same component; rejects when that is not possible. */
  readonly publish: (topic: string, message: Message) => Promise<void>;
}

/** What the journal can say of one event. */
export interface EventNote {
  readonly id?: string;
  readonly entryId?: string;
  readonly path?: string;
  readonly attempt?: number;
  readonly reason?: string;
  readonly data?: Buffer;
}

/** Writes what happens to the events of a subscription. */
export function createNotes({ journal, subscription: { pubsub, topic } }: DeliveryContext) {
  return (outcome: JournalOutcome, note: EventNote): void => {
    journal.write({ outcome, pubsub, topic, ...note });
  };
}

/** Why an event is not settled. */
export const STOPPED = 'the sidecar stopped';

/**
 * Where an event ends that the app will not get, or will not get again.
 *
 * @returns Whether it is settled: not when the sidecar stopped before that.
 */
export async function bury(
  context: DeliveryContext,
  message: Message,
  note: (outcome: JournalOutcome, note: EventNote) => void,
  given: EventNote & { readonly otherwise: 'dropped' | 'lost' },
): Promise<boolean> {
  const { otherwise, ...details } = given;
  const { subscription, publish, stop, kept } = context;
  if (subscription.deadLetterTopic === undefined) {
    note(otherwise, { ...details, data: message.data });
    return true;
  }
  try {
    await publish(subscription.deadLetterTopic, message);
    note('deadLettered', { ...details, data: message.data });
  } catch (error) {
    if (stop.aborted && kept) return cutShort(context, message, note, details);
    note('lost', { ...details, reason: `${details.reason}; dead letter: ${toMessage(error)}` });
  }
  return true;
}

/**
 * What becomes of an event when the sidecar stops before it is settled.
 *
 * @returns That it is not settled.
 */
export function cutShort(
  { kept }: DeliveryContext,
  message: Message,
  note: (outcome: JournalOutcome, note: EventNote) => void,
  details: EventNote,
): false {
  note(kept ? 'returned' : 'lost', { ...details, reason: STOPPED, data: message.data });
  return false;
}

/**
 * Creates what consumes the events of a subscription, one at a time.
 *
 * @returns Resolves with what was not settled when the sidecar stopped.
 */
export function createDelivery(
  context: DeliveryContext,
): (messages: readonly Message[]) => Promise<readonly Message[]> {
  const { subscription, channel, policy, clock, pause, stop } = context;
  const note = createNotes(context);

  // Whether the event is settled.
  async function deliver(message: Message): Promise<boolean> {
    const metadata = { ...message.metadata, pubsubName: subscription.pubsub };
    const marked: Message = { data: message.data, metadata };
    const given = (reason: string, otherwise: 'dropped' | 'lost', id?: string) =>
      bury(context, marked, note, { reason, otherwise, ...(id === undefined ? {} : { id }) });

    let event: CloudEventFields;
    let raw: boolean;
    try {
      raw = isRawPayload(subscription.metadata);
      event = raw ? wrapRaw(marked, subscription) : toEvent(marked);
    } catch (error) {
      return given(toMessage(error), 'lost');
    }
    const id = typeof event['id'] === 'string' ? event['id'] : '';
    if (hasExpired(event, clock)) return given('expired', 'dropped', id);

    let path: string | undefined;
    try {
      path = findRoute(subscription.rules, event);
    } catch (error) {
      return given(toMessage(error), 'lost', id);
    }
    if (path === undefined) return given('no route matches', 'dropped', id);

    const data = raw ? Buffer.from(JSON.stringify(event)) : message.data;
    const { pubsub, topic } = subscription;
    const traced = { ...metadata, ...toTrace(event) };
    return settle({ pubsub, topic, path, event, data, metadata: traced }, marked, id);
  }

  async function settle(delivery: Delivery, message: Message, id: string): Promise<boolean> {
    const { path } = delivery;
    let attempts = 0;
    for (;;) {
      try {
        const verdict = await runUnder(
          policy,
          clock,
          stop,
          async ({ signal }) => {
            await pause.over(signal);
            const attempt = ++attempts;
            signal.throwIfAborted();
            note('delivered', { id, path, attempt });
            return toSettled(await channel.deliver(delivery, signal));
          },
          (error) => note('retried', { id, path, attempt: attempts, reason: error.message }),
        );
        if (verdict.kind === 'ack') {
          note('acked', { id, path, attempt: attempts });
          return true;
        }
        const { reason } = verdict;
        const details = { id, path, attempt: attempts, reason };
        if (verdict.deadLetter) {
          return await bury(context, message, note, { ...details, otherwise: 'dropped' });
        }
        note('dropped', details);
        return true;
      } catch (error) {
        const details = { id, path, attempt: attempts, reason: toMessage(error) };
        if (stop.aborted) return cutShort(context, message, note, details);
        // What the app was given while it was not healthy is for when it is again.
        if (pause.paused) note('retried', details);
        else return bury(context, message, note, { ...details, otherwise: 'lost' });
      }
    }
  }

  return async (messages) => {
    const unsettled: Message[] = [];
    for (const message of messages) if (!(await deliver(message))) unsettled.push(message);
    return unsettled;
  };
}

/** The verdict when it settles the event. */
function toSettled(verdict: Verdict): Exclude<Verdict, { kind: 'retry' }> {
  if (verdict.kind === 'retry') throw new AttemptError(verdict.reason, verdict.code);
  return verdict;
}

/**
 * The trace header that goes with an event: none when the event has no such field, and zeros when
 * it has an empty one. The trace state stays in the event.
 */
export function toTrace({
  traceparent,
  traceid,
}: CloudEventFields): Readonly<Record<string, string>> {
  const trace = traceparent ?? traceid;
  if (typeof trace !== 'string') return {};
  return { traceparent: trace === '' ? NO_TRACE : trace };
}

const TRACE_FIELDS = ['traceid', 'traceparent', 'tracestate'] as const;

function wrapRaw({ data, metadata }: Message, { topic, pubsub }: Subscription): CloudEventFields {
  const event: Record<string, unknown> = { ...wrapRawPayload(data, topic, pubsub) };
  for (const field of TRACE_FIELDS) {
    if (metadata[field] !== undefined) event[field] = metadata[field];
  }
  if (metadata['traceparent'] !== undefined) event['traceid'] = metadata['traceparent'];
  return event;
}

function toEvent({ data, metadata }: Message): CloudEventFields {
  const contentType = metadata['content-type'] ?? '';
  if (/^application\/octet-stream(?:;|$)/i.test(contentType)) {
    // A CloudEvent in binary mode: its attributes are in the metadata.
    const attributes = Object.entries(metadata)
      .filter(([name]) => /^ce_/i.test(name))
      .map(([name, value]) => [name.toLowerCase().slice(3), value]);
    return { ...Object.fromEntries(attributes), data, datacontenttype: contentType };
  }
  return parseEvent(data);
}

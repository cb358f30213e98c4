// Events of the broker, one by one, to the app: parsed, routed, tried under the policy, settled.
import type { AppChannel, CloudEventFields, Delivery, Verdict } from '../app/channel.ts';
import type { Clock } from '../clock.ts';
import { toMessage } from '../errors.ts';
import type { JournalOutcome, WritableJournal } from '../journal.ts';
import type { Pause } from '../pause.ts';
import { AttemptError, runUnder, type Policy } from '../policy.ts';
import type { Subscription } from '../resources/subscription.ts';
import { NO_TRACE } from '../trace.ts';
import type { Message } from './broker.ts';
import { hasExpired, isRawPayload, parseEvent, wrapRawPayload } from './envelope.ts';
import { findRoute } from './route.ts';

/** What a delivery needs beside the event. */
export interface DeliveryContext {
  readonly subscription: Subscription;
  readonly channel: Pick<AppChannel, 'deliver'>;
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

/** Where an event ends that the app will not get, or will not get again. */
export async function bury(
  { subscription, publish }: DeliveryContext,
  message: Message,
  note: (outcome: JournalOutcome, note: EventNote) => void,
  given: EventNote & { readonly otherwise: 'dropped' | 'lost' },
): Promise<void> {
  const { otherwise, ...details } = given;
  if (subscription.deadLetterTopic !== undefined) {
    try {
      await publish(subscription.deadLetterTopic, message);
      note('deadLettered', { ...details, data: message.data });
      return;
    } catch (error) {
      note('lost', { ...details, reason: `${details.reason}; dead letter: ${toMessage(error)}` });
      return;
    }
  }
  note(otherwise, { ...details, data: message.data });
}

/** Creates what consumes the events of a subscription, one at a time. */
export function createDelivery(context: DeliveryContext): (message: Message) => Promise<void> {
  const { subscription, channel, policy, clock, pause, stop } = context;
  const note = createNotes(context);

  async function deliver(message: Message): Promise<void> {
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
    await settle({ pubsub, topic, path, event, data, metadata: traced }, marked, id);
  }

  async function settle(delivery: Delivery, message: Message, id: string): Promise<void> {
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
        } else if (verdict.deadLetter) {
          const { reason } = verdict;
          await bury(context, message, note, {
            id,
            path,
            attempt: attempts,
            reason,
            otherwise: 'dropped',
          });
        } else {
          note('dropped', { id, path, attempt: attempts, reason: verdict.reason });
        }
        return;
      } catch (error) {
        const reason = stop.aborted ? 'the sidecar stopped' : toMessage(error);
        if (!stop.aborted && pause.paused) {
          // What the app was given while it was not healthy is for when it is again.
          note('retried', { id, path, attempt: attempts, reason });
          continue;
        }
        if (stop.aborted) note('lost', { id, path, attempt: attempts, reason, data: message.data });
        else {
          const otherwise = 'lost';
          await bury(context, message, note, { id, path, attempt: attempts, reason, otherwise });
        }
        return;
      }
    }
  }

  return deliver;
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

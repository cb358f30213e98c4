// Events of the broker, many at once, to the app: one call for each path, and only failed entries again.
import { randomUUID } from 'node:crypto';
import type { AppChannel, CloudEventFields, DeliveryEntry } from '../app/channel.ts';
import { toMessage } from '../errors.ts';
import { AttemptError, runUnder } from '../policy.ts';
import { bury, createNotes, cutShort, toTrace, type DeliveryContext } from './delivery.ts';
import { hasExpired, isRawPayload, parseEvent } from './envelope.ts';
import type { Message } from './queue.ts';
import { findRoute } from './route.ts';

interface Entry extends DeliveryEntry {
  readonly message: Message;
  readonly id: string;
}

/**
 * Creates what consumes the events of a subscription, a batch at a time.
 *
 * @returns Resolves with what was not settled when the sidecar stopped.
 */
export function createBulkDelivery(
  context: DeliveryContext & { readonly channel: Pick<AppChannel, 'deliverBulk'> },
): (messages: readonly Message[]) => Promise<readonly Message[]> {
  const { subscription, channel, policy, clock, pause, stop } = context;
  const { pubsub, topic } = subscription;
  const note = createNotes(context);

  function toEntry(message: Message, raw: boolean): Entry {
    const event: CloudEventFields | undefined = raw ? undefined : parseEvent(message.data);
    const { id } = event ?? {};
    return {
      entryId: randomUUID(),
      event,
      data: message.data,
      contentType: raw ? 'application/octet-stream' : 'application/cloudevents+json',
      metadata: message.metadata,
      message,
      id: typeof id === 'string' ? id : '',
    };
  }

  // The entry with its path; otherwise whether it is settled here.
  async function route(message: Message): Promise<{ entry: Entry; path: string } | boolean> {
    let entry: Entry | undefined;
    try {
      const raw = isRawPayload(subscription.metadata);
      entry = toEntry(message, raw);
      const { event, entryId, id } = entry;
      const dropped = { entryId, id, otherwise: 'dropped' } as const;
      if (event !== undefined && hasExpired(event, clock)) {
        return await bury(context, message, note, { ...dropped, reason: 'expired' });
      }
      const path = findRoute(subscription.rules, event ?? message.data.toString('utf8'));
      if (path !== undefined) return { entry, path };
      return await bury(context, message, note, { ...dropped, reason: 'no route matches' });
    } catch (error) {
      const { entryId, id } = entry ?? {};
      return bury(context, message, note, {
        ...(entryId === undefined ? {} : { entryId }),
        ...(id === undefined ? {} : { id }),
        reason: toMessage(error),
        otherwise: 'lost',
      });
    }
  }

  // Resolves with what is not settled.
  async function settle(path: string, entries: readonly Entry[]): Promise<readonly Message[]> {
    let pending = entries;
    const unsettled: Message[] = [];
    let attempts = 0;
    const id = randomUUID();
    const noteOf = ({ entryId, id }: Entry) => ({ entryId, id, path, attempt: attempts });
    const retried = (error: Error): void => {
      for (const entry of pending) note('retried', { ...noteOf(entry), reason: error.message });
    };

    async function attempt(signal: AbortSignal): Promise<void> {
      await pause.over(signal);
      signal.throwIfAborted();
      attempts++;
      for (const entry of pending) note('delivered', noteOf(entry));
      // One call has one trace, which is that of its last event.
      const event = pending.at(-1)?.event;
      const metadata = { pubsubName: pubsub };
      const trace = event === undefined ? {} : toTrace(event);
      const delivery = { id, pubsub, topic, path, metadata, trace, entries: pending };
      const verdicts = await channel.deliverBulk(delivery, signal);
      // The time of this attempt is over: the next one has these entries.
      signal.throwIfAborted();
      const failed: Entry[] = [];
      const codes = new Set<number | undefined>();
      for (const entry of pending) {
        const verdict = verdicts.get(entry.entryId);
        if (verdict === undefined || verdict.kind === 'retry') {
          failed.push(entry);
          codes.add(verdict?.code);
        } else if (verdict.kind === 'ack') {
          note('acked', noteOf(entry));
        } else if (verdict.deadLetter) {
          const { reason } = verdict;
          const details = { ...noteOf(entry), reason, otherwise: 'dropped' } as const;
          const settled = await bury(context, entry.message, note, details);
          if (!settled) unsettled.push(entry.message);
        } else {
          note('dropped', { ...noteOf(entry), reason: verdict.reason });
        }
      }
      pending = failed;
      if (failed.length === 0) return;
      // A call that failed as a whole has one status, which the policy may match.
      const [code] = codes.size === 1 ? codes : [];
      const reason = firstReason(verdicts, failed);
      throw new AttemptError(reason, code);
    }

    for (;;) {
      try {
        await runUnder(policy, clock, stop, ({ signal }) => attempt(signal), retried);
        return unsettled;
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        if (!stop.aborted && pause.paused) {
          retried(error);
          continue;
        }
        for (const entry of pending) {
          const details = { ...noteOf(entry), reason: toMessage(error) };
          const settled = stop.aborted
            ? cutShort(context, entry.message, note, details)
            : await bury(context, entry.message, note, { ...details, otherwise: 'lost' });
          if (!settled) unsettled.push(entry.message);
        }
        return unsettled;
      }
    }
  }

  return async (messages) => {
    const paths = new Map<string, Entry[]>();
    const unsettled: Message[] = [];
    for (const message of messages) {
      const routed = await route(message);
      if (typeof routed === 'boolean') {
        if (!routed) unsettled.push(message);
        continue;
      }
      const entries = paths.get(routed.path);
      if (entries === undefined) paths.set(routed.path, [routed.entry]);
      else entries.push(routed.entry);
    }
    for (const [path, entries] of paths) unsettled.push(...(await settle(path, entries)));
    return unsettled;
  };
}

function firstReason(
  verdicts: ReadonlyMap<string, { readonly kind: string; readonly reason?: string }>,
  failed: readonly Entry[],
): string {
  const [first] = failed;
  return (first && verdicts.get(first.entryId)?.reason) ?? 'no status';
}

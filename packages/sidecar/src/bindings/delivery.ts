// Events of an input binding to the app: tried under the policy until the app took them, or settled.
import type { AppChannel, BindingReply } from '../app/channel.ts';
import type { Component } from '../contract.ts';
import { toMessage } from '../errors.ts';
import { AttemptError, runUnder } from '../policy.ts';
import type { EngineParts } from '../pubsub/component.ts';
import { STOPPED } from '../pubsub/delivery.ts';
import type { Message } from '../pubsub/queue.ts';
import { REDELIVERY } from '../resiliency.ts';
import { NO_TRACE } from '../trace.ts';

/** What became of an event: the app took it, or why not. */
export type Settlement =
  | { readonly taken: true; readonly reply: BindingReply }
  | {
      readonly taken: false;
      readonly reason: string;
      readonly cause: unknown;
      /** Whether the sidecar stopped first, and the event is for the next one. */
      readonly returned: boolean;
    };

/**
 * Hands an event to the app.
 *
 * @param queued Whether it is of a queue, which hands it over again until the app takes it, and to the
 *   next sidecar where the network keeps it. Without it, only a policy has it tried again.
 */
export async function deliverToBinding(
  component: Component,
  channel: AppChannel,
  { data, metadata }: Message,
  { clock, hub, journal, policies, pause, stop }: EngineParts,
  queued = false,
): Promise<Settlement> {
  const { name } = component;
  const trace = { traceparent: metadata['traceparent'] ?? NO_TRACE };
  const event = { name, route: routeOf(component), data, metadata, trace };
  const note = { binding: name, path: event.route };
  const own = policies.inbound(name, 'Binding');
  const policy = queued ? { ...own, retry: own.retry ?? REDELIVERY } : own;
  let attempts = 0;
  let last: BindingReply | undefined;

  async function attempt(signal: AbortSignal): Promise<void> {
    await pause.over(signal);
    signal.throwIfAborted();
    attempts++;
    journal.write({ outcome: 'delivered', ...note, attempt: attempts, data });
    last = await channel.deliverBinding(event, signal);
    // Only a policy insists on 200.
    if (own.retry === undefined ? last.accepted : last.final) return;
    throw new AttemptError(last.reason, last.code);
  }

  function retried(error: unknown): void {
    journal.write({ outcome: 'retried', ...note, attempt: attempts, reason: toMessage(error) });
  }

  for (;;) {
    try {
      await runUnder(policy, clock, stop, ({ signal }) => attempt(signal), retried);
    } catch (cause) {
      // When a policy gives up, any 2xx has taken the event.
      if (last?.accepted !== true) {
        // What the app was given while it was not healthy is for when it is again.
        if (queued && pause.paused && !stop.aborted) {
          retried(cause);
          continue;
        }
        const reason = stop.aborted ? STOPPED : toMessage(cause);
        const returned = queued && hub.kept && stop.aborted;
        const outcome = returned ? 'returned' : 'lost';
        journal.write({ outcome, ...note, attempt: attempts, reason, data });
        return { taken: false, reason, cause, returned };
      }
    }
    journal.write({ outcome: 'acked', ...note, attempt: attempts });
    return { taken: true, reply: last as BindingReply };
  }
}

/** Where an HTTP app gets the events of a binding. */
export function routeOf({ name, metadata }: Component): string {
  return metadata['route'] ?? name;
}

// Entries of the mesh's journal become what a person is told of the events that functions get.
import type { JournalEntry } from '@ofn/sidecar';
import type { PlatformEvent } from '../platform-event.ts';

type Entry = Omit<JournalEntry, 'time'>;

/**
 * Creates what tells of entries: of those that a function took, and those that failed and come again. What
 * is lost is a warning of its sidecar.
 *
 * @param nameOf The name of the function of an app.
 */
export function tellEvents(
  nameOf: (appId: string) => string,
  onEvent: (event: PlatformEvent) => void,
): (entry: Entry) => void {
  // Several events of a binding have no id to tell them apart: the oldest is the first to end.
  const begun = new Map<string, number[]>();

  function durationOf(key: string): number {
    const [first, ...rest] = begun.get(key) ?? [];
    if (rest.length === 0) begun.delete(key);
    else begun.set(key, rest);
    return first === undefined ? 0 : performance.now() - first;
  }

  return (entry) => {
    const { appId = '', attempt = 1, outcome, reason } = entry;
    const key = keyOf(entry);
    if (outcome === 'delivered') begun.set(key, [...(begun.get(key) ?? []), performance.now()]);
    else if (outcome !== 'published') {
      const duration = durationOf(key);
      if (outcome !== 'acked' && outcome !== 'retried') return;
      onEvent({
        type: 'event',
        function: nameOf(appId),
        outcome,
        source: sourceOf(entry),
        duration,
        attempt,
        ...(reason === undefined ? {} : { reason }),
      });
    }
  };
}

function keyOf({ appId, attempt, binding, entryId, id, path, pubsub, topic }: Entry): string {
  return JSON.stringify([appId, pubsub, topic, binding, path, id, entryId, attempt]);
}

function sourceOf({ binding, pubsub, topic }: Entry): string {
  return binding === undefined ? `topic ${topic} of ${pubsub}` : `binding ${binding}`;
}

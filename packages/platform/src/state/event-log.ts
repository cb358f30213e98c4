// Events as Kubernetes keeps them: what happens again is counted, what is old goes.
import type { EventResource, ObjectReference } from './objects.ts';

/** What happened. */
export interface EventRecord {
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly action: string;
  readonly reason: string;
  readonly note: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The events of a platform. */
export interface EventLog {
  /** @returns The event, with how often it has happened. */
  readonly record: (event: EventRecord) => EventResource;
  /** In the order in which they happened last. */
  readonly list: () => readonly EventResource[];
}

// As many as a person reads; a cluster forgets them after an hour.
const LIMIT = 1000;

/**
 * Creates the log.
 *
 * @param earlier Events to begin with.
 * @param onGone Called with what is forgotten.
 */
export function createEventLog(
  earlier: readonly EventResource[],
  onGone: (event: EventResource) => void,
): EventLog {
  const events = new Map<string, EventResource>();
  for (const event of earlier) events.set(keyOf(event), event);
  let count = earlier.length;

  return {
    record({ at, ...told }) {
      const key = keyOf(told);
      const known = events.get(key);
      const time = new Date(at).toISOString();
      count += 1;
      const event: EventResource =
        known === undefined
          ? toEvent(told, `${told.regarding.name}.${at.toString(16)}${count.toString(16)}`, time)
          : { ...known, series: { count: countOf(known) + 1, lastObservedTime: time } };
      // The latest is the last one.
      events.delete(key);
      events.set(key, event);
      if (events.size > LIMIT) {
        const [[oldest, gone] = []] = events;
        if (oldest !== undefined) events.delete(oldest);
        if (gone !== undefined) onGone(gone);
      }
      return event;
    },
    list: () => [...events.values()],
  };
}

/** How often an event has happened. */
function countOf({ series }: EventResource): number {
  return series?.count ?? 1;
}

function toEvent(told: Omit<EventRecord, 'at'>, name: string, time: string): EventResource {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: {
      name,
      namespace: told.regarding.namespace,
      creationTimestamp: `${time.slice(0, 19)}Z`,
    },
    ...told,
    reportingController: 'openfunction',
    eventTime: time,
  };
}

function keyOf({
  action,
  note,
  reason,
  regarding,
  related,
  type,
}: Omit<EventRecord, 'at'>): string {
  return JSON.stringify([
    nameOf(regarding),
    related && nameOf(related),
    type,
    action,
    reason,
    note,
  ]);
}

function nameOf({ kind, name, namespace }: ObjectReference): string {
  return `${kind} ${namespace}/${name}`;
}

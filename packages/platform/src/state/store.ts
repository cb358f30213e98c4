// The objects of a platform: what is known of each function, what is derived of that, and who watches it.
import { NO_FUNCTION, toFunctionStatus, type FunctionProgress } from '@ofn/resources';
import { createEventLog, type EventRecord } from './event-log.ts';
import type { EventResource, InstanceResource, ObjectKind, PlatformObject } from './objects.ts';

/** What is kept of a platform when it ends. */
export interface SavedState {
  /** By `namespace/name`. */
  readonly functions: Readonly<Record<string, FunctionProgress>>;
  readonly events: readonly EventResource[];
}

/** A change of an object. */
interface Change {
  readonly type: 'added' | 'modified' | 'deleted';
  readonly object: PlatformObject;
}

/** The objects of a platform. */
export interface Store {
  /** What is known of a function; nothing yet for one that is new. */
  readonly progress: (key: string) => FunctionProgress;
  /** What is known from now on; `undefined` forgets the function. */
  readonly setProgress: (key: string, progress: FunctionProgress | undefined) => void;
  readonly setInstances: (key: string, instances: readonly InstanceResource[]) => void;
  readonly record: (event: EventRecord) => void;
  /** The keys of all functions. */
  readonly keys: () => readonly string[];
  /** Events in the order in which they happened last, others by their functions, and then their creation. */
  readonly list: (kind: ObjectKind) => readonly PlatformObject[];
  /** Calls back with each change from now on. Returns what ends that. */
  readonly watch: (listener: (change: Change) => void) => () => void;
  readonly save: () => SavedState;
}

/**
 * Creates a store.
 *
 * @param saved What to begin with.
 * @param onSave Called when there is something new to keep.
 */
export function createStore(saved: SavedState, onSave: () => void): Store {
  const functions = new Map(Object.entries(saved.functions));
  const instances = new Map<string, readonly InstanceResource[]>();
  const listeners = new Set<(change: Change) => void>();
  const events = createEventLog(saved.events, (object) => tell({ type: 'deleted', object }));

  function tell(change: Change): void {
    for (const listener of listeners) listener(change);
  }

  function tellDifference(
    before: readonly PlatformObject[],
    after: readonly PlatformObject[],
  ): void {
    const known = new Map(before.map((object) => [nameOf(object), object]));
    for (const object of after) {
      const old = known.get(nameOf(object));
      known.delete(nameOf(object));
      if (old === undefined) tell({ type: 'added', object });
      else if (JSON.stringify(old) !== JSON.stringify(object)) tell({ type: 'modified', object });
    }
    for (const object of known.values()) tell({ type: 'deleted', object });
  }

  return {
    progress: (key) => functions.get(key) ?? NO_FUNCTION,
    setProgress(key, progress) {
      const before = objectsOf(functions.get(key));
      if (progress === undefined) functions.delete(key);
      else functions.set(key, progress);
      tellDifference(before, objectsOf(progress));
      onSave();
    },
    setInstances(key, next) {
      const before = instances.get(key) ?? [];
      if (next.length === 0) instances.delete(key);
      else instances.set(key, next);
      tellDifference(before, next);
    },
    record(event) {
      const object = events.record(event);
      tell({ type: object.series === undefined ? 'added' : 'modified', object });
      onSave();
    },
    keys: () => [...functions.keys()],
    list(kind) {
      if (kind === 'Event') return events.list();
      if (kind === 'Instance') return [...instances.values()].flat();
      const keys = [...functions.keys()].toSorted();
      return keys
        .flatMap((key) => objectsOf(functions.get(key)))
        .filter((object) => object.kind === kind);
    },
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    save: () => ({ functions: Object.fromEntries(functions), events: events.list() }),
  };
}

// The Function with its status, its Builders and its Servings; the earlier ones first.
function objectsOf(progress: FunctionProgress | undefined): readonly PlatformObject[] {
  if (progress?.function === undefined) return [];
  const { build, function: given, serving } = progress;
  const builders = [...build.history.toReversed(), ...build.canceling, build.builder];
  return [
    { ...given, status: toFunctionStatus(progress) },
    ...[...builders, serving.previous, serving.serving].filter((object) => object !== undefined),
  ];
}

function nameOf({ kind, metadata }: PlatformObject): string {
  return `${kind} ${metadata.namespace ?? 'default'}/${metadata.name}`;
}

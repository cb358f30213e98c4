// The objects of the store as the admin API shows them: by kind, of a namespace or a function.
import type {
  EventResource,
  ObjectKind,
  ObjectReference,
  PlatformObject,
} from '../state/objects.ts';
import type { Store } from '../state/store.ts';
import type { Filter } from './query.ts';

/** Each kind by its name in a path. */
export const KINDS = {
  functions: 'Function',
  builders: 'Builder',
  servings: 'Serving',
  instances: 'Instance',
  events: 'Event',
} as const satisfies Readonly<Record<string, ObjectKind>>;

/** What is shown of a store. */
export interface View {
  readonly list: (kind: ObjectKind, filter: Filter) => readonly PlatformObject[];
  readonly find: (kind: ObjectKind, namespace: string, name: string) => PlatformObject | undefined;
  /** As it is shown; `undefined` for what does not match. */
  readonly show: (
    object: PlatformObject,
    kind: ObjectKind,
    filter: Filter,
  ) => PlatformObject | undefined;
}

/**
 * Makes the view.
 *
 * @param urls Where a function is served here. A cluster's addresses lead nowhere from here.
 */
export function createView(
  store: Store,
  urls: (namespace: string, name: string) => readonly string[],
): View {
  // Of the Builders and Servings that are gone, the events of their function tell.
  function findOwner(reference: ObjectReference): string | undefined {
    const related = (store.list('Event') as readonly EventResource[]).findLast(
      (event) => event.regarding.kind === 'Function' && isSame(event.related, reference),
    );
    return related?.regarding.name;
  }

  function createOwners(): (object: PlatformObject) => string | undefined {
    const known = new Map<string, string | undefined>();
    return (object) => {
      if (object.kind === 'Function') return object.metadata.name;
      if (object.kind !== 'Event') return object.metadata.labels?.['openfunction.io/function'];
      const { regarding } = object;
      if (regarding.kind === 'Function') return regarding.name;
      const key = `${regarding.kind} ${regarding.namespace}/${regarding.name}`;
      if (!known.has(key)) known.set(key, findOwner(regarding));
      return known.get(key);
    };
  }

  function matches(object: PlatformObject, filter: Filter, ownerOf = createOwners()): boolean {
    if (filter.namespace !== undefined && namespaceOf(object) !== filter.namespace) return false;
    return filter.function === undefined || ownerOf(object) === filter.function;
  }

  // A file does not say since when there is its function.
  function creationOf(reference: ObjectReference): string | undefined {
    const created = (store.list('Event') as readonly EventResource[]).findLast(
      ({ action, regarding }) => action === 'Create' && isSame(regarding, reference),
    );
    return created?.metadata.creationTimestamp;
  }

  function present(object: PlatformObject): PlatformObject {
    if (object.kind !== 'Function') return object;
    const { name } = object.metadata;
    const namespace = namespaceOf(object);
    const addresses = urls(namespace, name).map((value) => ({ type: 'External' as const, value }));
    const creationTimestamp = creationOf({ kind: 'Function', namespace, name });
    return {
      ...object,
      metadata: {
        ...object.metadata,
        ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      },
      status: { ...object.status, addresses },
    };
  }

  return {
    list(kind, filter) {
      const ownerOf = createOwners();
      return store
        .list(kind)
        .filter((object) => matches(object, filter, ownerOf))
        .map(present);
    },
    find(kind, namespace, name) {
      const found = store
        .list(kind)
        .find((object) => namespaceOf(object) === namespace && object.metadata.name === name);
      return found && present(found);
    },
    show: (object, kind, filter) =>
      object.kind === kind && matches(object, filter) ? present(object) : undefined,
  };
}

function namespaceOf({ metadata }: PlatformObject): string {
  return metadata.namespace ?? 'default';
}

function isSame(one: ObjectReference | undefined, other: ObjectReference): boolean {
  return one?.kind === other.kind && one.namespace === other.namespace && one.name === other.name;
}

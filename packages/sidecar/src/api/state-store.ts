// What the state API does over both protocols: a name becomes a store, an item what is told of it.
import { toMessage } from '../errors.ts';
import { parseQuery, type Query } from '../state/query.ts';
import type { StateItem, StateStore } from '../state/store.ts';
import type { ApiContext } from './context.ts';
import { queryFailed, storeNotFound, storesNotConfigured } from './fault.ts';

/** @throws SidecarError `ERR_STATE_STORE_NOT_CONFIGURED`, `ERR_STATE_STORE_NOT_FOUND`. */
export function findStore({ stores }: ApiContext, name: string): StateStore {
  if (stores.size === 0) throw storesNotConfigured(name);
  const store = stores.get(name);
  if (store === undefined) throw storeNotFound(name);
  return store;
}

/** @throws SidecarError `ERR_STATE_QUERY`. */
export function parseQueryOf(store: StateStore, text: string): Query {
  try {
    return parseQuery(text);
  } catch (thrown) {
    throw queryFailed(store.name, `failed to parse JSON query body: ${toMessage(thrown)}`);
  }
}

/** When the time of a value is over, as metadata; empty for a value that stays. */
export function toExpiry({ expires }: StateItem): Readonly<Record<string, string>> {
  if (expires === undefined) return {};
  return { ttlExpireTime: new Date(expires).toISOString().replace(/\.\d+Z$/, 'Z') };
}

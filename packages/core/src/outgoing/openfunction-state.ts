// ctx.state: the state stores in the shape of OpenFunction's Node framework, where each method takes
// its arguments in one value, and then the name of the store.
import { OfnError } from '../errors.ts';
import type { SaveEntry, StateOperation } from './state-operation.ts';
import type { StateStore } from './state.ts';

/** What a query found, as Dapr's SDK has it. */
export interface StateQueryResponse {
  readonly results: readonly StateItem[];
  readonly token?: string;
}

/** A key with its value, as Dapr's SDK has it. */
export interface StateItem {
  readonly key: string;
  readonly data?: unknown;
  readonly etag?: string;
  readonly error?: string;
}

/**
 * State in OpenFunction's shape. The last argument names the store; without one it is the first of the
 * function context. Each first argument is what is meant, or an object whose values are the arguments
 * in their order, whatever their names, as OpenFunction's framework takes it.
 *
 * Each method rejects with an OfnError: `OFN_STATE_UNKNOWN`, and what `ctx.states.<name>` rejects with.
 *
 * @example
 * await ctx.state.save([{ key: 'a', value: 1 }, { key: 'b', value: 2 }], 'pg');
 * const a = await ctx.state.get('a', 'pg');
 */
export interface StateOperations {
  /** @param data `[{ key, value }]`, `{ key, value }`, or `{ entries: [{ key, value }] }`. */
  save(data: object, store?: string): Promise<void>;
  /** @param data `'key'`, or `{ key: 'key' }`. */
  get<T = unknown>(data: string | object, store?: string): Promise<T | undefined>;
  /** @param data `['a', 'b']`, or `{ keys: ['a', 'b'], parallelism, metadata }`. */
  getBulk(data: object, store?: string): Promise<StateItem[]>;
  /** @param data `'key'`, `{ key: 'key' }`, or `{ key, etag }`. */
  delete(data: string | object, store?: string): Promise<void>;
  /** @param data `[{ operation, request }]`, or `{ operations: [...], metadata }`. */
  transaction(data: object, store?: string): Promise<void>;
  /** @param query `{ filter, sort, page }`, or `{ query: { filter } }`. */
  query(query: object, store?: string): Promise<StateQueryResponse>;
}

/** Makes `ctx.state` of the stores of the context. */
export function createStateOperations(
  stores: Readonly<Record<string, StateStore>>,
): StateOperations {
  const pick = (name: string | undefined): StateStore => pickStore(stores, name);
  const operations: StateOperations = {
    async save(data, store) {
      return pick(store).saveAll(parseEntries(data));
    },
    async get<T>(data: string | object, store?: string) {
      const { key, ...options } = parseKey('get', data);
      return pick(store).get<T>(key, options);
    },
    async getBulk(data, store) {
      const [keys, parallelism, metadata] = Array.isArray(data) ? [data] : Object.values(data);
      if (!Array.isArray(keys)) throw misused('getBulk', "['a', 'b'] or { keys: ['a', 'b'] }");
      const items = await pick(store).getBulk(keys as string[], {
        ...(typeof parallelism === 'number' ? { parallelism } : {}),
        ...(isRecord(metadata) ? { metadata: metadata as Record<string, string> } : {}),
      });
      return items.map(toItem);
    },
    async delete(data, store) {
      const { key, ...options } = parseKey('delete', data);
      return pick(store).delete(key, options);
    },
    async transaction(data, store) {
      const [list, metadata] = Array.isArray(data) ? [data] : Object.values(data);
      if (!Array.isArray(list)) throw misused('transaction', '[{ operation, request }]');
      const options = isRecord(metadata) ? { metadata: metadata as Record<string, string> } : {};
      return pick(store).transaction(list as StateOperation[], options);
    },
    async query(query, store) {
      const isQuery = ['filter', 'sort', 'page'].some((name) => name in query);
      const [inner] = isQuery ? [query] : Object.values(query);
      const { results, token } = await pick(store).query(isRecord(inner) ? inner : {});
      return { results: results.map(toItem), ...(token === undefined ? {} : { token }) };
    },
  };
  return Object.freeze(operations);
}

function pickStore(
  stores: Readonly<Record<string, StateStore>>,
  name: string | undefined,
): StateStore {
  const all = Object.values(stores);
  const [first] = all;
  if ((name === undefined || name === '') && first !== undefined) return first;
  const found =
    name === undefined || !Object.hasOwn(stores, name)
      ? all.find(({ component }) => component === name)
      : stores[name];
  if (found !== undefined) return found;
  const there = all.length === 0 ? 'none' : Object.keys(stores).join(', ');
  const asked =
    name === undefined
      ? 'there is no state store'
      : `there is no state store "${name}"; there is ${there}`;
  const message = `${asked}: add it under "states" in the function context`;
  throw new OfnError('OFN_STATE_UNKNOWN', message);
}

function parseEntries(data: object): readonly SaveEntry[] {
  const given: unknown = Array.isArray(data) || isEntry(data) ? data : Object.values(data)[0];
  const entries: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (entries.length > 0 && entries.every(isEntry)) return entries;
  if (Array.isArray(given) && given.length === 0) return [];
  throw misused('save', '[{ key, value }] or { key, value }');
}

function isEntry(value: unknown): value is SaveEntry {
  return isRecord(value) && typeof value['key'] === 'string' && 'value' in value;
}

function parseKey(method: string, data: string | object): { key: string } & object {
  if (typeof data === 'string') return { key: data };
  if (isRecord(data) && typeof data['key'] === 'string') return { ...data, key: data['key'] };
  const values: readonly unknown[] = Object.values(data);
  const [key] = values;
  if (values.length === 1 && typeof key === 'string') return { key };
  throw misused(method, "'key' or { key: 'key' }");
}

function misused(method: string, expected: string): OfnError {
  return new OfnError('OFN_STATE_FAILED', `ctx.state.${method} takes ${expected}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toItem(item: {
  key: string;
  value: unknown;
  etag: string | undefined;
  error: string | undefined;
}): StateItem {
  const { key, value, etag, error } = item;
  return {
    key,
    ...(value === undefined ? {} : { data: value }),
    ...(etag === undefined ? {} : { etag }),
    ...(error === undefined ? {} : { error }),
  };
}

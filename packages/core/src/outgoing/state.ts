// The state stores of the function context as what a function keeps its state in: typed values by
// their keys, with etags, bulk, transactions and queries.
import { OfnError } from '../errors.ts';
import type { ContextComponent } from '../function/context.ts';
import type { SidecarClient } from './client.ts';
import { exitThrough } from './exit.ts';
import { renderQuery } from './query.ts';
import type { FetchInit, SidecarReply } from './sidecar-exchange.ts';
import { toStateError } from './state-error.ts';
import {
  isConditional,
  toWireOperation,
  toWireSave,
  type SaveEntry,
  type SaveOptions,
  type StateOperation,
} from './state-operation.ts';

export type { StateOperations } from './openfunction-state.ts';

/** How a key is read. */
export interface ReadOptions {
  /** Default: what the store does. */
  readonly consistency?: 'eventual' | 'strong';
  readonly metadata?: Readonly<Record<string, string>>;
}

/** How a key is deleted. */
export interface DeleteOptions extends ReadOptions {
  /** Delete only when the store has this version. */
  readonly etag?: string;
  /** Default: `first-write` with an etag. */
  readonly concurrency?: 'first-write' | 'last-write';
}

/** A value with its version. */
export interface Versioned<T> {
  readonly value: T;
  /** Version of the value; `undefined` for a store without etags. */
  readonly etag: string | undefined;
}

/** One key of `getBulk`. */
export interface BulkItem<T> {
  readonly key: string;
  /** The value; `undefined` when the key is not there. */
  readonly value: T | undefined;
  readonly etag: string | undefined;
  /** Why the store could not read this key. */
  readonly error: string | undefined;
}

/** What a query found. */
export interface QueryResult<T> {
  readonly results: readonly BulkItem<T>[];
  /** Where the next page begins; `undefined` at the last. */
  readonly token: string | undefined;
}

/**
 * A state store of the function.
 *
 * Each method rejects with an OfnError: `OFN_STATE_CONFLICT` when the etag is not that of the store,
 * `OFN_STATE_FAILED` with the reason Dapr gives, `OFN_SIDECAR_UNAVAILABLE`, `OFN_SIDECAR_TIMEOUT`, and
 * `OFN_RESULT_INVALID` for a value that JSON cannot express.
 */
export interface StateStore extends Readonly<ContextComponent> {
  /** Name in the function context. */
  readonly name: string;
  /** Name of the Dapr component. */
  readonly component: string;
  /**
   * The value of a key; `undefined` when it is not there.
   *
   * @example
   * const count = (await ctx.states.pg.get<number>('count')) ?? 0;
   */
  get<T = unknown>(key: string, options?: ReadOptions): Promise<T | undefined>;
  /** The value of a key with its version; `undefined` when it is not there. */
  getWithEtag<T = unknown>(key: string, options?: ReadOptions): Promise<Versioned<T> | undefined>;
  /**
   * Saves a value. With an etag it is saved only over that version; with `concurrency: 'first-write'`
   * and no etag, only when the key is not there.
   *
   * @example
   * const found = await ctx.states.pg.getWithEtag<number>('count');
   * await ctx.states.pg.save('count', (found?.value ?? 0) + 1, { etag: found?.etag });
   */
  save(key: string, value: unknown, options?: SaveOptions): Promise<void>;
  /** Saves several keys. It is no transaction: some may be saved when it rejects. */
  saveAll(entries: readonly SaveEntry[]): Promise<void>;
  /** Deletes a key. One that is not there is no error, unless an etag says that it was. */
  delete(key: string, options?: DeleteOptions): Promise<void>;
  /**
   * Several keys in one request.
   *
   * @param options.parallelism How many the store reads at once. Default: what the store does.
   */
  getBulk<T = unknown>(
    keys: readonly string[],
    options?: {
      readonly parallelism?: number;
      readonly metadata?: Readonly<Record<string, string>>;
    },
  ): Promise<readonly BulkItem<T>[]>;
  /** All operations, or none. Needs a store that has transactions. */
  transaction(
    operations: readonly StateOperation[],
    options?: { readonly metadata?: Readonly<Record<string, string>> },
  ): Promise<void>;
  /**
   * Values by a query. Needs a store that has queries.
   *
   * @see https://docs.dapr.io/developing-applications/building-blocks/state-management/howto-state-query-api/
   */
  query<T = unknown>(
    query: object,
    options?: { readonly metadata?: Readonly<Record<string, string>> },
  ): Promise<QueryResult<T>>;
}

/** Makes one state store of the context. */
export function createStateStore(
  name: string,
  described: ContextComponent,
  client: SidecarClient,
): StateStore {
  const component = described.componentName ?? name;
  const base = `/v1.0/state/${encodeURIComponent(component)}`;

  const ask = async (
    path: string,
    method: string,
    { body, headers }: Partial<FetchInit> = {},
    mustBeFirst = false,
  ): Promise<SidecarReply> => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const reply = await client.request(path, { method, body, headers: { ...type, ...headers } });
    const error = toStateError(name, component, reply, mustBeFirst);
    if (error !== undefined) throw error;
    return reply;
  };

  const { componentType } = described;
  const request = (
    operation: keyof StateStore,
    ...asked: Parameters<typeof ask>
  ): Promise<SidecarReply> => {
    const target = { operation: `${operation} ${component}`, peer: component, componentType };
    return exitThrough({ kind: 'state', ...target }, () => ask(...asked));
  };

  const getWithEtag = async <T>(
    key: string,
    { consistency, metadata }: ReadOptions = {},
  ): Promise<Versioned<T> | undefined> => {
    const path = `${base}/${toPathKey(key)}${renderQuery(metadata, { consistency })}`;
    const reply = await request('get', path, 'GET');
    if (reply.status === 204) return undefined;
    return { value: parseValue(reply.bytes) as T, etag: reply.headers.etag };
  };

  const saveAll = async (entries: readonly SaveEntry[]): Promise<void> => {
    if (entries.length === 0) return;
    const body = `[${entries.map(toWireSave).join(',')}]`;
    await request('save', base, 'POST', { body }, entries.some(isConditional));
  };

  const store: StateStore = {
    ...described,
    name,
    component,
    getWithEtag,
    get: async <T>(key: string, options?: ReadOptions) =>
      (await getWithEtag<T>(key, options))?.value,
    save: (key, value, options) => saveAll([{ ...options, key, value }]),
    saveAll,
    async delete(key, { etag, concurrency, consistency, metadata } = {}) {
      const chosen = concurrency ?? (etag === undefined ? undefined : 'first-write');
      const query = renderQuery(metadata, { concurrency: chosen, consistency });
      const headers: Record<string, string> = etag === undefined ? {} : { 'if-match': etag };
      const path = `${base}/${toPathKey(key)}${query}`;
      await request('delete', path, 'DELETE', { headers }, chosen === 'first-write');
    },
    async getBulk<T>(
      keys: readonly string[],
      {
        parallelism,
        metadata,
      }: { parallelism?: number; metadata?: Readonly<Record<string, string>> } = {},
    ) {
      if (keys.length === 0) return [];
      const body = JSON.stringify({ keys, parallelism, metadata });
      const reply = await request('getBulk', `${base}/bulk`, 'POST', { body });
      return parseItems(component, parseValue(reply.bytes)).map((item) => toBulkItem<T>(item));
    },
    async transaction(operations, { metadata } = {}) {
      if (operations.length === 0) return;
      const mustBeFirst = operations.some(({ request: entry }) => isConditional(entry));
      const more = metadata === undefined ? '' : `,"metadata":${JSON.stringify(metadata)}`;
      const body = `{"operations":[${operations.map(toWireOperation).join(',')}]${more}}`;
      await request('transaction', `${base}/transaction`, 'POST', { body }, mustBeFirst);
    },
    async query<T>(
      query: object,
      { metadata }: { readonly metadata?: Readonly<Record<string, string>> } = {},
    ) {
      const path = `/v1.0-alpha1/state/${encodeURIComponent(component)}/query${renderQuery(metadata)}`;
      const reply = await request('query', path, 'POST', { body: JSON.stringify(query) });
      // Nothing found is an empty reply, or null.
      const found = reply.bytes.length === 0 ? undefined : parseValue(reply.bytes);
      const { results, token } = (found ?? {}) as WireQueryResult;
      return {
        results: parseItems(component, results ?? []).map((item) => toBulkItem<T>(item)),
        token: token ?? undefined,
      };
    },
  };
  return Object.freeze(store);
}

interface WireItem {
  readonly key: string;
  readonly data?: unknown;
  readonly etag?: string | null;
  readonly error?: string;
}

interface WireQueryResult {
  readonly results?: unknown;
  readonly token?: string;
}

function toBulkItem<T>({ key, data, etag, error }: WireItem): BulkItem<T> {
  return {
    key,
    value: data as T | undefined,
    etag: etag ?? undefined,
    error: error === '' ? undefined : error,
  };
}

function parseItems(component: string, given: unknown): readonly WireItem[] {
  const isObject = (item: unknown): boolean => typeof item === 'object' && item !== null;
  if (Array.isArray(given) && given.every(isObject)) return given as readonly WireItem[];
  const message = `state store ${component}: what answered for it is no list of keys`;
  throw new OfnError('OFN_STATE_FAILED', message);
}

// What another writer has put there may be no JSON: then it is its text.
function parseValue(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function toPathKey(key: unknown): string {
  // A URL takes these two for the folder, whatever their encoding.
  if (typeof key !== 'string' || key === '' || key === '.' || key === '..') {
    const message = `a key of the state must be a text that is not empty, "." or "..", not ${JSON.stringify(key)}`;
    throw new OfnError('OFN_STATE_FAILED', message);
  }
  return encodeURIComponent(key);
}

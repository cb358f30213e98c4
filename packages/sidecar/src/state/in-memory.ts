// `state.in-memory`: requests become entries of a map, which lasts as long as the sidecar or its network.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { toAppKey } from './key-prefix.ts';
import { runQuery } from './query.ts';
import { EtagMismatchError, type SetRequest, type StateItem, type StateStore } from './store.ts';

// Values whose time is over are not found any more; how often they are also removed, at a write.
const SWEEP_INTERVAL = 1000;

type Write = Pick<SetRequest, 'key' | 'etag' | 'options'>;

/**
 * Creates a store.
 *
 * It answers queries too, which daprd's own in-memory store does not: a function that queries can be
 * tried without a database. As with daprd, a query sees the values of all apps.
 *
 * @param items What it holds, by stored keys; other stores may have the same.
 */
export function createInMemoryStore(
  name: string,
  clock: Clock,
  toStoredKey: (key: string) => string,
  items: Map<string, StateItem>,
): StateStore {
  let swept = clock.now();

  function find(key: string): StateItem | undefined {
    const item = items.get(key);
    return item === undefined || isOver(item) ? undefined : item;
  }

  function isOver({ expires }: StateItem): boolean {
    return expires !== undefined && clock.now() > expires;
  }

  function sweep(): void {
    if (clock.now() - swept < SWEEP_INTERVAL) return;
    swept = clock.now();
    for (const [key, item] of items) if (isOver(item)) items.delete(key);
  }

  function checkEtag({ etag = '', options }: Write, key: string): void {
    const current = find(key);
    if (etag === '') {
      if (options?.concurrency !== 'first-write' || current === undefined) return;
      throw new EtagMismatchError('item already exists and no etag was passed');
    }
    if (current === undefined) {
      throw new EtagMismatchError(`state not exist or expired for key=${key}`);
    }
    if (current.etag === etag) return;
    throw new EtagMismatchError(
      `state etag not match for key=${key}: current=${current.etag}, expect=${etag}`,
    );
  }

  function put(key: string, data: Buffer, ttl: number): void {
    sweep();
    const expires = ttl > 0 ? clock.now() + ttl * 1000 : undefined;
    // A value that is written again goes to the end, where a new one would.
    items.delete(key);
    items.set(key, { key: toAppKey(key), data, etag: randomUUID(), expires });
  }

  return {
    name,
    async get(key) {
      return find(toStoredKey(key));
    },
    async set(request) {
      const key = toStoredKey(request.key);
      checkOptions(request);
      const ttl = parseTtl(request.metadata);
      checkEtag(request, key);
      put(key, request.data, ttl);
    },
    async delete(request) {
      const key = toStoredKey(request.key);
      checkOptions(request);
      checkEtag(request, key);
      items.delete(key);
    },
    async transact(operations) {
      // Everything that can fail comes before the first change.
      const changes = operations.map((operation) => {
        const key = toStoredKey(operation.request.key);
        checkOptions(operation.request);
        if (operation.type === 'delete') return () => items.delete(key);
        const { data, metadata } = operation.request;
        const ttl = parseTtl(metadata);
        return () => put(key, data, ttl);
      });
      for (const { request } of operations) checkEtag(request, toStoredKey(request.key));
      for (const change of changes) change();
    },
    async query(query) {
      return runQuery(
        [...items.values()].filter((item) => !isOver(item)),
        query,
      );
    },
  };
}

function checkOptions({ options }: Write): void {
  const { concurrency = '', consistency = '' } = options ?? {};
  if (!['', 'strong', 'eventual'].includes(consistency)) {
    throw new Error(`unrecognized consistency model '${consistency}'`);
  }
  if (!['', 'first-write', 'last-write'].includes(concurrency)) {
    throw new Error(`unrecognized concurrency model '${concurrency}'`);
  }
}

function parseTtl(metadata: SetRequest['metadata']): number {
  const text = metadata?.['ttlInSeconds'] ?? '';
  if (text === '') return 0;
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new Error(`metadata ttlInSeconds must be a whole number, not "${text}"`);
}

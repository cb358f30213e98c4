import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../clock.ts';
import { createStateStore } from './create.ts';
import { parseQuery } from './query.ts';
import { EtagMismatchError, writeEach, type StateStore } from './store.ts';

const clock = createVirtualClock(1_000_000);

function createStore(): StateStore {
  const component = { name: 'store', version: 'v1', metadata: {}, scopes: [] };
  return createStateStore({ ...component, type: 'state.in-memory' }, { appId: 'app', clock });
}

const data = (text: string): Buffer => Buffer.from(text);

async function textOf(store: StateStore, key: string): Promise<string | undefined> {
  return (await store.get(key))?.data.toString();
}

describe('the in-memory store', () => {
  it('gives each write an etag of its own', async () => {
    const store = createStore();
    await store.set({ key: 'k', data: data('1') });
    const first = await store.get('k');
    await store.set({ key: 'k', data: data('1') });
    const second = await store.get('k');
    expect(first?.etag).toBeTruthy();
    expect(second?.etag).not.toBe(first?.etag);
  });

  it('writes and deletes with the etag that is stored, and with no other', async () => {
    const store = createStore();
    await store.set({ key: 'k', data: data('1') });
    const etag = (await store.get('k'))?.etag;
    const wrong = { key: 'k', etag: 'wrong' };
    await expect(store.set({ ...wrong, data: data('2') })).rejects.toThrow(EtagMismatchError);
    await expect(store.delete(wrong)).rejects.toThrow(EtagMismatchError);
    expect(await textOf(store, 'k')).toBe('1');
    await store.set({ key: 'k', data: data('2'), etag });
    expect(await textOf(store, 'k')).toBe('2');
    await store.delete({ key: 'k', etag: (await store.get('k'))?.etag });
    expect(await store.get('k')).toBeUndefined();
  });

  it('refuses an etag for a value that is not there', async () => {
    const store = createStore();
    const write = store.set({ key: 'none', data: data('1'), etag: 'any' });
    await expect(write).rejects.toThrow('state not exist or expired for key=app||none');
    await expect(store.delete({ key: 'none', etag: 'any' })).rejects.toThrow(EtagMismatchError);
  });

  it('lets the first write win without an etag, when that is asked for', async () => {
    const store = createStore();
    const options = { concurrency: 'first-write' };
    await store.set({ key: 'k', data: data('1'), options });
    const second = store.set({ key: 'k', data: data('2'), options });
    await expect(second).rejects.toThrow('item already exists and no etag was passed');
    await expect(store.delete({ key: 'k', options })).rejects.toThrow(EtagMismatchError);
    await store.set({ key: 'k', data: data('3'), options: { concurrency: 'last-write' } });
    expect(await textOf(store, 'k')).toBe('3');
  });

  it('refuses options that it does not know', async () => {
    const store = createStore();
    const write = { key: 'k', data: data('1') };
    await expect(store.set({ ...write, options: { concurrency: 'x' } })).rejects.toThrow(
      "unrecognized concurrency model 'x'",
    );
    await expect(store.set({ ...write, options: { consistency: 'x' } })).rejects.toThrow(
      "unrecognized consistency model 'x'",
    );
    await expect(store.set({ ...write, metadata: { ttlInSeconds: '1.5' } })).rejects.toThrow(
      'ttlInSeconds must be a whole number',
    );
    expect(await store.get('k')).toBeUndefined();
  });

  it('forgets a value when its time is over, for reads, etags and queries', async () => {
    const store = createStore();
    await store.set({ key: 'k', data: data('{"n":1}'), metadata: { ttlInSeconds: '5' } });
    await clock.advance(5000);
    expect((await store.get('k'))?.expires).toBe(clock.now());
    await clock.advance(1);
    expect(await store.get('k')).toBeUndefined();
    expect((await store.query(parseQuery('{}'))).items).toEqual([]);
    await store.set({ key: 'k', data: data('2'), options: { concurrency: 'first-write' } });
    expect((await store.get('k'))?.expires).toBeUndefined();
  });

  it('keeps a value whose ttl is not above 0', async () => {
    const store = createStore();
    await store.set({ key: 'k', data: data('1'), metadata: { ttlInSeconds: '-1' } });
    await clock.advance(10_000);
    expect(await textOf(store, 'k')).toBe('1');
  });

  it('does all of a transaction', async () => {
    const store = createStore();
    await store.set({ key: 'old', data: data('1') });
    await store.transact([
      { type: 'upsert', request: { key: 'new', data: data('2') } },
      { type: 'delete', request: { key: 'old' } },
    ]);
    expect(await textOf(store, 'new')).toBe('2');
    expect(await store.get('old')).toBeUndefined();
  });

  it.each([
    ['an etag', { key: 'old', etag: 'wrong' }, 'possible etag mismatch'],
    ['an option', { key: 'old', options: { concurrency: 'x' } }, 'unrecognized concurrency'],
    ['a key', { key: 'a||b' }, "can't contain '||'"],
  ])('does nothing of a transaction when %s is wrong', async (_what, request, message) => {
    const store = createStore();
    await store.set({ key: 'old', data: data('1') });
    const transaction = store.transact([
      { type: 'upsert', request: { key: 'new', data: data('2') } },
      { type: 'delete', request },
    ]);
    await expect(transaction).rejects.toThrow(message);
    expect(await store.get('new')).toBeUndefined();
    expect(await textOf(store, 'old')).toBe('1');
  });
});

describe('writeEach', () => {
  it('does every write that can be done, and tells each that cannot', async () => {
    const store = createStore();
    const requests = [
      { key: 'a', data: data('1'), etag: 'wrong' },
      { key: 'b', data: data('2') },
      { key: 'c', data: data('3'), etag: 'wrong' },
    ];
    const writes = writeEach(requests, (request) => store.set(request));
    await expect(writes).rejects.toThrow(EtagMismatchError);
    await expect(writes).rejects.toThrow(/app\|\|a\n.*app\|\|c/);
    expect(await textOf(store, 'b')).toBe('2');
  });

  it('is no etag mismatch when another error is among them', async () => {
    const store = createStore();
    const requests = [
      { key: 'a', data: data('1'), etag: 'wrong' },
      { key: 'b', data: data('2'), options: { concurrency: 'x' } },
    ];
    const writes = writeEach(requests, (request) => store.set(request));
    await expect(writes).rejects.not.toThrow(EtagMismatchError);
  });
});

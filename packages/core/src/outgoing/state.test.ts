// State stores: values as they were saved, versions, and what each failure is called.
import { describe, expect, test } from 'vitest';
import { fail, outgoingTo, startDaprd, type Daprd } from './daprd.fixture.ts';
import type { StateStore } from './state.ts';

async function start(): Promise<{ daprd: Daprd; store: StateStore }> {
  const daprd = await startDaprd();
  const store = outgoingTo(daprd).states['pg'];
  if (store === undefined) throw new Error('no store');
  return { daprd, store };
}

describe('a value', () => {
  test.each([[{ a: [1] }], [[1, { b: 2 }]], ['text'], [''], [0], [false], [null]])(
    'of %j is the same when it is read again',
    async (value) => {
      const { store } = await start();
      await store.save('key', value);
      await expect(store.get('key')).resolves.toEqual(value);
      await expect(store.getWithEtag('key')).resolves.toMatchObject({ value });
    },
  );

  test('that is not there is undefined, and no empty text as of the SDK', async () => {
    const { store } = await start();
    await expect(store.get('key')).resolves.toBeUndefined();
    await expect(store.getWithEtag('key')).resolves.toBeUndefined();
  });

  test('that another program wrote, and that is no JSON, is its text', async () => {
    const { daprd, store } = await start();
    daprd.values.set('pgstore/key', { json: 'plain', etag: '1', metadata: {} });
    await expect(store.get('key')).resolves.toBe('plain');
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['bytes', Buffer.from('a')],
    ['a function', () => {}],
    ['a Set', new Set([1])],
  ])('is refused when it is %s, which JSON cannot express', async (_, value) => {
    const { daprd, store } = await start();
    await expect(store.save('key', value)).rejects.toMatchObject({ code: 'OFN_RESULT_INVALID' });
    expect(daprd.requests).toEqual([]);
  });

  test('is deleted, and deleting it again is no error', async () => {
    const { store } = await start();
    await store.save('key', 1);
    await store.delete('key');
    await expect(store.get('key')).resolves.toBeUndefined();
    await expect(store.delete('key')).resolves.toBeUndefined();
  });
});

describe('a key', () => {
  test.each(['a/b', 'a?b#c', 'a b+c', 'ä%20', 'bulk', 'transaction'])(
    '%j is encoded, and means itself',
    async (key) => {
      const { daprd, store } = await start();
      await store.save(key, 1);
      await expect(store.get(key)).resolves.toBe(1);
      expect(daprd.last().url).toBe(`/v1.0/state/pgstore/${encodeURIComponent(key)}`);
      await store.delete(key);
      expect(daprd.values.size).toBe(0);
    },
  );

  test.each(['', '.', '..', undefined])('%j is refused', async (key) => {
    const { daprd, store } = await start();
    await expect(store.get(key as string)).rejects.toMatchObject({ code: 'OFN_STATE_FAILED' });
    await expect(store.delete(key as string)).rejects.toThrow('a key of the state');
    await expect(store.save('', 1)).rejects.toThrow('needs a key');
    expect(daprd.requests).toEqual([]);
  });
});

describe('an etag', () => {
  test('is told by getWithEtag, getBulk, and lets one writer pass', async () => {
    const { store } = await start();
    await store.save('key', 1);
    const found = await store.getWithEtag('key');
    expect(await store.getBulk(['key'])).toEqual([
      { key: 'key', value: 1, etag: found?.etag, error: undefined },
    ]);
    await store.save('key', 2, { etag: found?.etag });
    await expect(store.save('key', 3, { etag: found?.etag })).rejects.toMatchObject({
      code: 'OFN_STATE_CONFLICT',
      message: expect.stringMatching(
        /state store pg \(pgstore\): another writer was first.*etag mismatch/,
      ) as unknown,
    });
    await expect(store.get('key')).resolves.toBe(2);
  });

  test('of another version keeps a key from being deleted', async () => {
    const { store } = await start();
    await store.save('key', 1);
    await expect(store.delete('key', { etag: 'other' })).rejects.toMatchObject({
      code: 'OFN_STATE_CONFLICT',
    });
    const found = await store.getWithEtag('key');
    await store.delete('key', { etag: found?.etag ?? '' });
    await expect(store.get('key')).resolves.toBeUndefined();
  });

  test('demands first-write, unless the caller says otherwise', async () => {
    const { daprd, store } = await start();
    daprd.intercept = (_, response) => Boolean(response.writeHead(204).end());
    await store.save('key', 1, { etag: 'e' });
    expect(daprd.last().body).toEqual([
      { key: 'key', value: 1, etag: 'e', options: { concurrency: 'first-write' } },
    ]);
    await store.delete('key', { etag: 'e', concurrency: 'last-write' });
    expect(daprd.last().url).toContain('concurrency=last-write');
    expect(daprd.last().headers['if-match']).toBe('e');
  });

  test('is not needed to be the first writer', async () => {
    const { store } = await start();
    await store.save('key', 1, { concurrency: 'first-write' });
    await expect(store.save('key', 2, { concurrency: 'first-write' })).rejects.toMatchObject({
      code: 'OFN_STATE_CONFLICT',
    });
  });

  test('that Redis refuses by its script, with a 500, is a conflict too', async () => {
    const { daprd, store } = await start();
    daprd.intercept = (_, response) => {
      fail(
        response,
        500,
        'ERR_STATE_SAVE',
        'failed to set key app||key: failed to set key app||key',
      );
      return true;
    };
    await expect(store.save('key', 1, { concurrency: 'first-write' })).rejects.toMatchObject({
      code: 'OFN_STATE_CONFLICT',
    });
    await expect(store.save('key', 1)).rejects.toMatchObject({ code: 'OFN_STATE_FAILED' });
  });
});

describe('options', () => {
  test('go over the wire as Dapr names them', async () => {
    const { daprd, store } = await start();
    const metadata = { a: 'b' };
    await store.save('key', 1, {
      consistency: 'strong',
      concurrency: 'last-write',
      ttlInSeconds: 5,
      contentType: 'application/json',
      metadata,
    });
    expect(daprd.last().body).toEqual([
      {
        key: 'key',
        value: 1,
        metadata: { a: 'b', ttlInSeconds: '5', contentType: 'application/json' },
        options: { concurrency: 'last-write', consistency: 'strong' },
      },
    ]);
    await store.get('key', { consistency: 'eventual', metadata });
    expect(daprd.last().url).toBe('/v1.0/state/pgstore/key?consistency=eventual&metadata.a=b');
    await store.delete('key', { consistency: 'strong', metadata });
    expect(daprd.last().url).toBe('/v1.0/state/pgstore/key?consistency=strong&metadata.a=b');
    await store.getBulk(['key'], { parallelism: 3, metadata });
    expect(daprd.last().body).toEqual({ keys: ['key'], parallelism: 3, metadata });
  });

  test('of the SDK, with the numbers of its enums and etags as objects, are understood', async () => {
    const { daprd, store } = await start();
    daprd.intercept = (_, response) => Boolean(response.writeHead(204).end());
    const entry = {
      key: 'key',
      value: 1,
      etag: { value: 'e' },
      options: { concurrency: 1, consistency: 2 },
    };
    await store.saveAll([entry]);
    expect(daprd.last().body).toEqual([
      {
        key: 'key',
        value: 1,
        etag: 'e',
        options: { concurrency: 'first-write', consistency: 'strong' },
      },
    ]);
    expect(entry.options).toEqual({ concurrency: 1, consistency: 2 });
  });
});

describe('several keys', () => {
  test('are saved and read in one request each, and those not there are undefined', async () => {
    const { daprd, store } = await start();
    await store.saveAll([
      { key: 'a', value: 1 },
      { key: 'b', value: null },
    ]);
    const found = await store.getBulk(['b', 'none', 'a']);
    expect(found.map(({ key, value }) => [key, value])).toEqual([
      ['b', null],
      ['none', undefined],
      ['a', 1],
    ]);
    expect(daprd.requests).toHaveLength(2);
  });

  test('may be none', async () => {
    const { daprd, store } = await start();
    await store.saveAll([]);
    await store.transaction([]);
    await expect(store.getBulk([])).resolves.toEqual([]);
    expect(daprd.requests).toEqual([]);
  });

  test('change together in a transaction, or not at all', async () => {
    const { daprd, store } = await start();
    await store.saveAll([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ]);
    await store.transaction(
      [
        { operation: 'upsert', request: { key: 'a', value: 10, ttlInSeconds: 5 } },
        { operation: 'delete', request: { key: 'b' } },
      ],
      { metadata: { m: '1' } },
    );
    expect(daprd.last().body).toMatchObject({
      operations: [{ request: { metadata: { ttlInSeconds: '5' } } }, { operation: 'delete' }],
      metadata: { m: '1' },
    });
    await expect(store.get('a')).resolves.toBe(10);
    await expect(store.get('b')).resolves.toBeUndefined();
    await expect(
      store.transaction([
        { operation: 'upsert', request: { key: 'c', value: 1 } },
        { operation: 'upsert', request: { key: 'a', value: 11, etag: 'other' } },
      ]),
    ).rejects.toMatchObject({ code: 'OFN_STATE_CONFLICT' });
    await expect(store.get('c')).resolves.toBeUndefined();
  });

  test('are found by a query', async () => {
    const { daprd, store } = await start();
    daprd.intercept = (_, response) =>
      Boolean(response.end('{"results":[{"key":"a","data":{"n":1},"etag":"e"}],"token":"3"}'));
    const query = { filter: { EQ: { n: 1 } } };
    await expect(store.query(query, { metadata: { contentType: 'x' } })).resolves.toEqual({
      results: [{ key: 'a', value: { n: 1 }, etag: 'e', error: undefined }],
      token: '3',
    });
    expect(daprd.last()).toMatchObject({
      method: 'POST',
      url: '/v1.0-alpha1/state/pgstore/query?metadata.contentType=x',
      body: query,
    });
  });

  test.each(['', 'null'])('are none when a query is answered with %j', async (text) => {
    const { daprd, store } = await start();
    daprd.intercept = (_, response) => Boolean(response.end(text));
    await expect(store.query({})).resolves.toEqual({ results: [], token: undefined });
  });
});

describe('a failure', () => {
  test('rejects with the code and the message of Dapr, where the SDK would return it', async () => {
    const { daprd, store } = await start();
    daprd.intercept = (_, response) => {
      fail(response, 400, 'ERR_STATE_STORE_NOT_FOUND', 'state store pgstore is not found');
      return true;
    };
    const error = {
      code: 'OFN_STATE_FAILED',
      message:
        'state store pg (pgstore) failed: 400 ERR_STATE_STORE_NOT_FOUND: state store pgstore is not found',
    };
    await expect(store.save('a', 1)).rejects.toMatchObject(error);
    await expect(store.get('a')).rejects.toMatchObject(error);
    await expect(store.delete('a')).rejects.toMatchObject(error);
    await expect(store.getBulk(['a'])).rejects.toMatchObject(error);
    await expect(store.query({})).rejects.toMatchObject(error);
    await expect(
      store.transaction([{ operation: 'delete', request: { key: 'a' } }]),
    ).rejects.toMatchObject(error);
  });

  test('of one key in a bulk is told with that key', async () => {
    const { daprd, store } = await start();
    daprd.intercept = (_, response) => Boolean(response.end('[{"key":"a","error":"unreadable"}]'));
    await expect(store.getBulk(['a'])).resolves.toMatchObject([{ key: 'a', error: 'unreadable' }]);
  });
});

test.each(['}{', '', 'null', '{"a":1}', '[null]', '[1]'])(
  'an answer of %j where a list of keys is expected is a failure of the store',
  async (answer) => {
    const daprd = await startDaprd();
    daprd.intercept = (_, response) => Boolean(response.end(answer));
    const store = outgoingTo(daprd).states['pg'];
    const error = { code: 'OFN_STATE_FAILED' };
    await expect(store?.getBulk(['a'])).rejects.toMatchObject(error);
  },
);

test.each(['{"results":5}', '{"results":[null]}'])(
  'an answer of %j to a query is a failure of the store',
  async (answer) => {
    const daprd = await startDaprd();
    daprd.intercept = (_, response) => Boolean(response.end(answer));
    const store = outgoingTo(daprd).states['pg'];
    await expect(store?.query({})).rejects.toMatchObject({ code: 'OFN_STATE_FAILED' });
  },
);

test('a store keeps the fields of the context', async () => {
  const { store } = await start();
  expect(store).toMatchObject({
    name: 'pg',
    component: 'pgstore',
    componentName: 'pgstore',
    componentType: 'state.postgresql',
  });
});

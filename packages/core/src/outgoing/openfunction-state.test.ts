// ctx.state: OpenFunction's shape of its arguments, on the store that is named.
import { describe, expect, test } from 'vitest';
import { outgoingTo, startDaprd } from './daprd.fixture.ts';

describe('ctx.state', () => {
  test('uses the store that is named, and the first without a name (defect 5)', async () => {
    const daprd = await startDaprd();
    const { state } = outgoingTo(daprd);
    await state.save({ key: 'a', value: 1 });
    await state.save({ key: 'a', value: 2 }, 'cache');
    await expect(state.get('a')).resolves.toBe(1);
    await expect(state.get('a', '')).resolves.toBe(1);
    await expect(state.get('a', 'pg')).resolves.toBe(1);
    await expect(state.get('a', 'cache')).resolves.toBe(2);
    await expect(state.get('a', 'pgstore')).resolves.toBe(1);
    expect([...daprd.values.keys()]).toEqual(['pgstore/a', 'redis/a']);
  });

  test.each([
    [
      [
        { key: 'a', value: 1 },
        { key: 'b', value: 2 },
      ],
    ],
    [
      {
        data: [
          { key: 'a', value: 1 },
          { key: 'b', value: 2 },
        ],
      },
    ],
  ])('saves every entry of %j (defect 5)', async (data) => {
    const daprd = await startDaprd();
    const { state } = outgoingTo(daprd);
    await state.save(data);
    await expect(state.getBulk(['a', 'b'])).resolves.toMatchObject([
      { key: 'a', data: 1 },
      { key: 'b', data: 2 },
    ]);
  });

  test('saves one entry, a value that is an array as a whole, and nothing of an empty list', async () => {
    const daprd = await startDaprd();
    const { state } = outgoingTo(daprd);
    await state.save({ key: 'list', value: [1, 2] });
    await state.save({ entry: { key: 'other', value: [3] } });
    await state.save([]);
    await expect(state.get({ key: 'list' })).resolves.toEqual([1, 2]);
    await expect(state.get({ whatever: 'other' })).resolves.toEqual([3]);
    expect(daprd.values.size).toBe(2);
  });

  test('keeps etags: it tells them, and refuses a write over another version', async () => {
    const { state } = outgoingTo(await startDaprd());
    await state.save([{ key: 'a', value: 1 }]);
    const [item] = await state.getBulk({ keys: ['a'] });
    await state.save([{ key: 'a', value: 2, etag: item?.etag }]);
    await expect(state.save([{ key: 'a', value: 3, etag: item?.etag }])).rejects.toMatchObject({
      code: 'OFN_STATE_CONFLICT',
    });
    await expect(state.delete({ key: 'a', etag: item?.etag })).rejects.toMatchObject({
      code: 'OFN_STATE_CONFLICT',
    });
  });

  test('passes on parallelism and metadata of getBulk and transaction, by their places', async () => {
    const daprd = await startDaprd();
    const { state } = outgoingTo(daprd);
    await state.getBulk({ k: ['a'], p: 4, m: { x: 'y' } });
    expect(daprd.last().body).toEqual({ keys: ['a'], parallelism: 4, metadata: { x: 'y' } });
    const operations = [{ operation: 'upsert', request: { key: 'a', value: 1 } }];
    await state.transaction({ operations, metadata: { x: 'y' } });
    expect(daprd.last().body).toEqual({ operations, metadata: { x: 'y' } });
    await state.transaction(operations);
    expect(daprd.last().body).toEqual({ operations });
  });

  test.each([[{ filter: {} }], [{ query: { filter: {} } }]])('queries with %j', async (query) => {
    const daprd = await startDaprd();
    daprd.intercept = (_, response) =>
      Boolean(response.end('{"results":[{"key":"a","data":1}],"token":"2"}'));
    await expect(outgoingTo(daprd).state.query(query, 'cache')).resolves.toEqual({
      results: [{ key: 'a', data: 1 }],
      token: '2',
    });
    expect(daprd.last()).toMatchObject({
      url: '/v1.0-alpha1/state/redis/query',
      body: { filter: {} },
    });
  });

  test('deletes by a key and by an object with one', async () => {
    const daprd = await startDaprd();
    const { state } = outgoingTo(daprd);
    await state.save([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ]);
    await state.delete('a');
    await state.delete({ name: 'b' });
    expect(daprd.values.size).toBe(0);
  });

  test('rejects for a store that is not there, naming those that are', async () => {
    const daprd = await startDaprd();
    await expect(outgoingTo(daprd).state.get('a', 'toString')).rejects.toMatchObject({
      code: 'OFN_STATE_UNKNOWN',
      message: expect.stringContaining('no state store "toString"; there is pg, cache') as unknown,
    });
    await expect(outgoingTo(daprd, { states: {} }).state.get('a')).rejects.toMatchObject({
      code: 'OFN_STATE_UNKNOWN',
      message: 'there is no state store: add it under "states" in the function context',
    });
    expect(daprd.requests).toEqual([]);
  });

  test('rejects arguments that it does not understand, saying what it takes', async () => {
    const daprd = await startDaprd();
    const { state } = outgoingTo(daprd);
    await expect(state.save({ a: 1 })).rejects.toThrow('ctx.state.save takes [{ key, value }]');
    await expect(state.save([1])).rejects.toThrow('ctx.state.save takes');
    await expect(state.get({ a: 'x', b: 'y' })).rejects.toThrow("takes 'key' or");
    await expect(state.get({})).rejects.toThrow('ctx.state.get takes');
    await expect(state.getBulk({ a: 'x' })).rejects.toThrow('ctx.state.getBulk takes');
    await expect(state.delete({ a: 1 })).rejects.toThrow('ctx.state.delete takes');
    await expect(state.transaction({})).rejects.toThrow('ctx.state.transaction takes');
    expect(daprd.requests).toEqual([]);
  });
});

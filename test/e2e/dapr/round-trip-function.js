// The function of the round trips: an event of the topic `in` names a step, whose result is printed;
// what it sends to the topic `next` is printed as it arrives.
import { idempotencyRecord, idempotent, topic } from '@ofn/core';

const print = (value) => console.log(JSON.stringify(value));

const STEPS = {
  async sends({ outputs }) {
    await outputs.next.send({ n: 1 }, { key: 'a' });
    await outputs.next.send('text');
    await outputs.next.send(Buffer.from([0xff, 0x00]));
    await outputs.next.send({
      specversion: '1.0',
      id: 'own',
      source: '/own',
      type: 'own',
      tenant: 'blue',
      data: { own: true },
    });
    const { failed } = await outputs.next.publishBulk([{ bulk: 1 }, { bulk: 2 }]);
    return failed;
  },
  'sends-nowhere': ({ outputs }) => outputs.nowhere.send('x'),
  async 'keeps-values'({ states: { store } }) {
    const values = [{ n: [1] }, 'text', 0, false, '', null];
    await store.saveAll(values.map((value, index) => ({ key: `key/${index} ?`, value })));
    const kept = await Promise.all(values.map((_, index) => store.get(`key/${index} ?`)));
    await store.delete('key/0 ?');
    return [...kept, (await store.get('key/0 ?')) ?? 'gone'];
  },
  async conflicts({ states: { store } }) {
    await store.save('etag', 1);
    const { etag } = await store.getWithEtag('etag');
    const codeOf = (done) =>
      done.then(
        () => 'done',
        ({ code }) => code,
      );
    const transaction = (value) => [{ operation: 'upsert', request: { key: 'etag', value, etag } }];
    return [
      await codeOf(store.save('etag', 2, { etag })),
      await codeOf(store.save('etag', 3, { etag })),
      await codeOf(store.delete('etag', { etag })),
      await codeOf(store.transaction(transaction(4))),
      await store.get('etag'),
    ];
  },
  traces: ({ outputs }) => outputs.next.send({ traced: true }),
  'uses-the-sdk': ({ dapr }) => dapr.state.get('store', 'etag'),
};

topic('in', { pubsub: 'pubsub' }, async (ctx, { step }) => {
  const done = Promise.resolve(STEPS[step](ctx));
  print({ step, result: await done.catch(({ code }) => code) });
});

topic('next', { pubsub: 'pubsub' }, (ctx, data) => {
  const { type, source, tenant } = ctx.event;
  const { sw8 } = ctx.propagation;
  const arrived = Buffer.isBuffer(data) ? data.toString('hex') : data;
  print({ arrived, type, source, tenant, traceId: ctx.traceId, sw8 });
});

const once = { pubsub: 'pubsub', plugins: [idempotent({ store: 'store', lease: '5s' })] };
topic('once', once, async (ctx, { n }) => {
  const count = ((await ctx.states.store.get(`count ${n}`)) ?? 0) + 1;
  await ctx.states.store.transaction([
    { operation: 'upsert', request: { key: `count ${n}`, value: count } },
    idempotencyRecord(ctx),
  ]);
  print({ counted: n, count });
});

topic('counts', { pubsub: 'pubsub' }, async (ctx, { n }) => {
  print({ asked: n, count: await ctx.states.store.get(`count ${n}`) });
});

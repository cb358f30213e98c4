// What a handler sends and keeps, through a sidecar and back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { COMPONENTS, moduleOf, PROTOCOLS, test } from './start-dapr.ts';

const TOPIC = { componentName: 'pubsub', componentType: 'pubsub.in-memory' };
const CONTEXT = {
  outputs: {
    out: { ...TOPIC, uri: 'out' },
    files: { componentName: 'disk', componentType: 'bindings.localstorage' },
  },
  states: {
    store: { componentName: 'store', componentType: 'state.in-memory' },
    other: { componentName: 'other', componentType: 'state.in-memory' },
  },
};

/** A function of the topic `in` that prints what it answers as `{ result }`. */
const answering = (body: string): Record<string, string> =>
  moduleOf(`
    topic('in', { pubsub: 'pubsub' }, async (ctx, data) => {
      print({ result: (await (async () => { ${body} })()) ?? 'nothing' });
    });
  `);

describe.each(PROTOCOLS)('over %s', (protocol) => {
  test.concurrent(
    'data arrives at the next function as it was sent',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        context: CONTEXT,
        files: moduleOf(`
        topic('in', { pubsub: 'pubsub' }, async (ctx) => {
          await ctx.outputs.out.send({ n: 1 });
          await ctx.outputs.out.send('text');
          await ctx.outputs.out.send(Buffer.from([0xff, 0]));
          await ctx.outputs.out.send({
            specversion: '1.0', id: 'own', source: '/own', type: 'own', tenant: 'blue', data: 4,
          });
        });
        topic('out', { pubsub: 'pubsub' }, (ctx, data) => {
          const { type, tenant, source } = ctx.event;
          if (Buffer.isBuffer(data)) print({ hex: data.toString('hex') });
          else print({ got: data, type, tenant, source });
        });
      `),
      });
      await sidecar.publish('pubsub', 'in', {});
      await sidecar.idle();
      const got = async (value: unknown) =>
        app.logged((line) => JSON.stringify(line['got']) === JSON.stringify(value));
      expect(await got({ n: 1 })).toMatchObject({ type: 'com.dapr.event.sent' });
      expect(await got('text')).toMatchObject({ type: 'com.dapr.event.sent' });
      expect(await got(4)).toMatchObject({ type: 'own', tenant: 'blue', source: '/own' });
      expect(await app.logged((line) => 'hex' in line)).toMatchObject({ hex: 'ff00' });
    },
  );
});

test.concurrent(
  'a binding hands its answer back',
  async ({ startDapr, onTestFinished, expect }) => {
    const folder = mkdtempSync(join(tmpdir(), 'ofn-disk-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const disk = { name: 'disk', type: 'bindings.localstorage', metadata: { rootPath: folder } };
    const { app, sidecar } = await startDapr({
      context: CONTEXT,
      sidecar: { components: [...COMPONENTS, disk] },
      files: answering(`
      const metadata = { fileName: 'a.txt' };
      await ctx.outputs.files.send('content', { metadata });
      const { data } = await ctx.outputs.files.send(undefined, { operation: 'get', metadata })
        .catch(() => ctx.outputs.files.send('', { operation: 'get', metadata }));
      const missing = { fileName: 'b.txt' };
      const failed = await ctx.outputs.files.send('', { operation: 'get', metadata: missing })
        .catch(({ code }) => code);
      return { data, failed };
    `),
    });
    await sidecar.publish('pubsub', 'in', {});
    const { result } = await app.logged((line) => 'result' in line);
    expect(result).toEqual({ data: 'content', failed: 'OFN_OUTPUT_FAILED' });
  },
);

const STATE: readonly (readonly [string, string, unknown])[] = [
  [
    'a value, in its own store, until it is deleted',
    `
      await ctx.states.store.save('a/b ?', { n: [1] });
      const kept = [await ctx.states.store.get('a/b ?'), (await ctx.states.other.get('a/b ?')) ?? 'none'];
      await ctx.states.store.delete('a/b ?');
      return [...kept, (await ctx.states.store.get('a/b ?')) ?? 'gone'];
    `,
    [{ n: [1] }, 'none', 'gone'],
  ],
  [
    'falsy values as they are',
    `
      const values = [0, false, '', null];
      await ctx.states.store.saveAll(values.map((value, index) => ({ key: 'k' + index, value })));
      return Promise.all(values.map((_, index) => ctx.states.store.get('k' + index)));
    `,
    [0, false, '', null],
  ],
  [
    'one of two writers that read the same etag; the other has a typed conflict',
    `
      await ctx.states.store.save('a', 1);
      const { etag } = await ctx.states.store.getWithEtag('a');
      const write = (value) => ctx.states.store
        .save('a', value, { etag })
        .then(() => 'saved', ({ code }) => code);
      return [await write(2), await write(3), await ctx.states.store.get('a')];
    `,
    ['saved', 'OFN_STATE_CONFLICT', 2],
  ],
  [
    'all of a transaction, or nothing',
    `
      await ctx.states.store.save('a', 1);
      const attempt = (etag) => ctx.states.store
        .transaction([
          { operation: 'upsert', request: { key: 'b', value: 1 } },
          { operation: 'upsert', request: { key: 'a', value: 2, etag } },
        ])
        .then(() => 'done', ({ code }) => code);
      const failed = await attempt('4711');
      const b = (await ctx.states.store.get('b')) ?? 'none';
      const { etag } = await ctx.states.store.getWithEtag('a');
      return [failed, b, await attempt(etag), await ctx.states.store.get('b')];
    `,
    ['OFN_STATE_CONFLICT', 'none', 'done', 1],
  ],
  [
    'what a query finds',
    `
      await ctx.states.store.saveAll([
        { key: 'a', value: { city: 'Bonn', n: 1 } },
        { key: 'b', value: { city: 'Jena', n: 2 } },
      ]);
      const { results } = await ctx.states.store.query({ filter: { EQ: { city: 'Jena' } } });
      return results.map(({ key, data, value }) => [key, data ?? value]);
    `,
    [['b', { city: 'Jena', n: 2 }]],
  ],
];

describe('a store keeps', () => {
  test.concurrent.for(STATE)('%s', async ([, body, expected], { startDapr, expect }) => {
    const { app, sidecar } = await startDapr({ context: CONTEXT, files: answering(body) });
    await sidecar.publish('pubsub', 'in', {});
    const { result } = await app.logged((line) => 'result' in line);
    expect(result).toEqual(expected);
  });
});

test.concurrent('the client of the SDK reaches the same sidecar', async ({ startDapr, expect }) => {
  const { app, sidecar } = await startDapr({
    context: CONTEXT,
    files: answering(`
      await ctx.states.store.save('a', { n: 1 });
      return ctx.dapr.state.get('store', 'a');
    `),
  });
  await sidecar.publish('pubsub', 'in', {});
  const { result } = await app.logged((line) => 'result' in line);
  expect(result).toEqual({ n: 1 });
});

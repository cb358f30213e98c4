// Each defect of OpenFunction's framework (0.6.1) that async functions have, behind a sidecar: this
// one does not have it.
import { describe } from 'vitest';
import { moduleOf, outcomes, PROTOCOLS, publishEvent, test } from './start-dapr.ts';

const PUBSUB = { componentName: 'pubsub', componentType: 'pubsub.in-memory' };

describe.each(PROTOCOLS)('over %s', (protocol) => {
  test.concurrent(
    '1: events at once each have a context of their own',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        files: moduleOf(`
        let begun = 0;
        let go;
        const all = new Promise((resolve) => (go = resolve));
        topic('orders', { pubsub: 'pubsub' }, async (ctx, data) => {
          ctx.locals.own = data;
          if (++begun === 50) go();
          await all;
          print({ own: ctx.locals.own, id: ctx.event.id, data });
        });
      `),
      });
      const numbers = Array.from({ length: 50 }, (_, index) => index);
      for (const number of numbers) {
        const event = { id: `event-${number}`, datacontenttype: 'application/json', data: number };
        await publishEvent(sidecar, 'orders', event);
      }
      await sidecar.idle();
      const lines = await Promise.all(
        numbers.map((number) => app.logged(({ data }) => data === number)),
      );
      expect(lines).toEqual(
        numbers.map((number) => ({ own: number, id: `event-${number}`, data: number })),
      );
    },
  );

  test.concurrent(
    '2 and 6: an event that fails is delivered again, and leaves no error behind for the next',
    async ({ startDapr, expect }) => {
      const { sidecar } = await startDapr({
        protocol,
        files: moduleOf(`
          let calls = 0;
          topic('orders', { pubsub: 'pubsub' }, () => {
            if (++calls === 1) throw new Error('the first fails');
          });
        `),
      });
      await sidecar.publish('pubsub', 'orders', 1);
      await sidecar.idle();
      expect(outcomes(sidecar)).toEqual(['delivered', 'retried', 'delivered', 'acked']);
      sidecar.journal.clear();
      await sidecar.publish('pubsub', 'orders', 2);
      await sidecar.idle();
      expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
    },
  );

  test.concurrent(
    '4: what cannot be sent fails the call, and names the outputs that failed',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        context: {
          runtime: 'Async',
          inputs: { in: { ...PUBSUB, uri: 'orders' } },
          outputs: {
            good: { ...PUBSUB, uri: 'good' },
            bad: { componentName: 'nowhere', componentType: 'pubsub.in-memory', uri: 'bad' },
          },
        },
        files: moduleOf(`
          openfunction('handler', (ctx, data) => ctx.send('x', data.output));
        `),
      });
      await sidecar.publish('pubsub', 'orders', { output: 'unknown' });
      await sidecar.idle();
      expect(outcomes(sidecar)).not.toContain('acked');
      const unknown = await app.logged(({ level, err }) => level === 'error' && err !== undefined);
      expect(unknown['err']).toMatchObject({ code: 'OFN_OUTPUT_UNKNOWN' });

      sidecar.journal.clear();
      await sidecar.publish('pubsub', 'orders', {});
      await sidecar.idle();
      expect(outcomes(sidecar)).not.toContain('acked');
      const failed = await app.logged(
        ({ err }) => (err as { code?: string } | undefined)?.code === 'OFN_OUTPUT_FAILED',
      );
      const { message } = failed['err'] as { message: string };
      expect(message).toContain('bad (topic bad of nowhere)');
      expect(message).not.toContain('good (');
    },
  );

  test.concurrent(
    '5: a store is the one that is named, and all of an array is saved',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        context: {
          runtime: 'Async',
          inputs: { in: { ...PUBSUB, uri: 'orders' } },
          states: {
            first: { componentName: 'store', componentType: 'state.in-memory' },
            second: { componentName: 'other', componentType: 'state.in-memory' },
          },
        },
        files: moduleOf(`
          openfunction('handler', async (ctx) => {
            await ctx.state.save([{ key: 'a', value: 1 }, { key: 'b', value: 2 }], 'second');
            print({
              saved: [await ctx.state.get('a', 'second'), await ctx.state.get('b', 'second')],
              first: (await ctx.state.get('a', 'first')) ?? 'none',
              unnamed: (await ctx.state.get('a')) ?? 'none',
            });
          });
        `),
      });
      await sidecar.publish('pubsub', 'orders', {});
      const { saved, first, unnamed } = await app.logged((line) => 'saved' in line);
      expect({ saved, first, unnamed }).toEqual({ saved: [1, 2], first: 'none', unnamed: 'none' });
    },
  );

  test.concurrent.for([
    ['cloudevent', '(event) => print({ got: event.type })', 'test'],
    ['event', '(data, context) => print({ got: context.type })', 'test'],
    ['openfunction', '(ctx, data) => print({ got: data })', 5],
  ] as const)(
    '8: it is served, and a handler has the signature type %s',
    async ([signatureType, handler, got], { startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        env: { FUNCTION_SIGNATURE_TYPE: signatureType, FUNCTION_TARGET: 'handler' },
        context: { runtime: 'Async', inputs: { in: { ...PUBSUB, uri: 'orders' } } },
        files: moduleOf(`export const handler = ${handler};`),
      });
      await publishEvent(sidecar, 'orders', { datacontenttype: 'application/json', data: 5 });
      expect((await app.logged((line) => 'got' in line))['got']).toBe(got);
      await sidecar.idle();
      expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
    },
  );
});

test.concurrent(
  '7: a context that is not valid JSON stops the start, and names the variable',
  async ({ run, expect }) => {
    const { code, stderr } = await run({
      args: ['--port', '0'],
      env: { FUNC_CONTEXT: '{"runtime":"Async",' },
      files: moduleOf(`openfunction('handler', () => {});`),
    }).exit;
    expect(code).toBe(2);
    expect(stderr).toContain('OFN_CONTEXT_MALFORMED: FUNC_CONTEXT is not valid JSON');
  },
);

test.concurrent('7: FUNC_CONTEXT_V1BETA2 alone is read', async ({ startDapr, expect }) => {
  const { sidecar } = await startDapr({
    env: {
      FUNC_CONTEXT_V1BETA2: JSON.stringify({
        triggers: { dapr: [{ name: 'pubsub', type: 'pubsub.in-memory', topic: 'orders' }] },
      }),
    },
    files: moduleOf(`openfunction('handler', () => {});`),
  });
  await sidecar.publish('pubsub', 'orders', {});
  await sidecar.idle();
  expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
});

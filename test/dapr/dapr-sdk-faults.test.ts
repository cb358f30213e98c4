// Faults of DaprServer and DaprClient (@dapr/dapr 3.18) that only show with a sidecar: events and
// outputs of this framework do not have them.
import { describe } from 'vitest';
import { moduleOf, outcomes, PROTOCOLS, publishEvent, test } from './start-dapr.ts';

const PUBSUB = { componentName: 'pubsub', componentType: 'pubsub.in-memory' };

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const PRINT_EVENT = moduleOf(`
  topic('orders', { pubsub: 'pubsub' }, (ctx, data) => {
    print({ got: { data: data === undefined ? 'nothing' : data, event: ctx.event.toJSON() } });
  });
`);

describe.each(PROTOCOLS)('DaprServer, over %s', (protocol) => {
  test.concurrent(
    'it acknowledges events of a topic that it has no handler for: here they are delivered again',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        files: PRINT_EVENT,
        sidecar: {
          subscriptions: [{ pubsubname: 'pubsub', topic: 'forgotten', route: '/forgotten' }],
        },
      });
      await sidecar.publish('pubsub', 'forgotten', 1);
      await sidecar.idle();
      expect(outcomes(sidecar)).toEqual([
        'delivered',
        'retried',
        'delivered',
        'retried',
        'delivered',
        'lost',
      ]);
      const line = await app.logged(({ level }) => level === 'error');
      expect(line['err']).toMatchObject({ code: 'OFN_INPUT_UNKNOWN' });
    },
  );

  test.concurrent.for([0, false, '', null])(
    'it hands over the whole envelope in place of %j: here the handler gets the value',
    async (data, { startDapr, expect }) => {
      const { app, sidecar } = await startDapr({ protocol, files: PRINT_EVENT });
      await publishEvent(sidecar, 'orders', { datacontenttype: 'application/json', data });
      const { got } = await app.logged((line) => 'got' in line);
      // Over gRPC daprd sends nothing for null.
      const nothing = protocol === 'grpc' && data === null;
      expect((got as { data: unknown }).data).toEqual(nothing ? 'nothing' : data);
    },
  );

  test.concurrent(
    'it loses what a CloudEvent says beside its data: here the handler has all of it',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({ protocol, files: PRINT_EVENT });
      const event = {
        id: 'order-1',
        source: '/shop',
        type: 'com.example.order',
        subject: 'customers/7',
        datacontenttype: 'application/json',
        tenant: 'blue',
        traceparent: TRACE,
        // Without it, daprd puts its own trace over the event's.
        traceid: TRACE,
        data: { total: 3 },
      };
      await publishEvent(sidecar, 'orders', event);
      const { got } = await app.logged((line) => 'got' in line);
      expect((got as { event: object }).event).toMatchObject(event);
    },
  );

  test.concurrent(
    'it reads binary data as UTF-8: here the handler has the bytes',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        files: moduleOf(`
          topic('orders', { pubsub: 'pubsub' }, (ctx, data) => {
            print({ hex: data.toString('hex'), own: ctx.input.bytes.toString('hex') });
          });
        `),
      });
      const bytes = Buffer.from([0, 0xff, 0xfe, 0x80, 0xc3, 0x28]);
      await sidecar.publish('pubsub', 'orders', bytes);
      const { hex, own } = await app.logged((line) => 'hex' in line);
      expect([hex, own]).toEqual([bytes.toString('hex'), bytes.toString('hex')]);
    },
  );

  test.concurrent(
    'it writes the metadata of a subscription twice into JSON: here it arrives as it was said',
    async ({ startDapr, expect }) => {
      const { sidecar } = await startDapr({
        protocol,
        files: moduleOf(`
          topic('orders', {
            pubsub: 'pubsub',
            metadata: { queue: 'a "b"', '日本': '語' },
            deadLetterTopic: 'dead',
            rawPayload: true,
          }, () => {});
        `),
      });
      expect(sidecar.engine.subscriptions).toMatchObject([
        {
          topic: 'orders',
          deadLetterTopic: 'dead',
          metadata: { queue: 'a "b"', 日本: '語', rawPayload: 'true' },
        },
      ]);
    },
  );

  test.concurrent(
    'it does not answer health checks: here it is healthy, and gets its events',
    async ({ startDapr, expect }) => {
      const { sidecar } = await startDapr({
        protocol,
        files: PRINT_EVENT,
        sidecar: { healthCheck: { enabled: true, intervalMs: 50, threshold: 1 } },
      });
      await sidecar.publish('pubsub', 'orders', 1);
      await sidecar.idle();
      expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
    },
  );

  test.concurrent(
    'its stop cuts off what is in flight, or hangs: here the event ends, and then the process',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        files: moduleOf(`
          import { setTimeout as wait } from 'node:timers/promises';
          const stopping = new Promise((resolve) => process.once('SIGTERM', resolve));
          topic('orders', { pubsub: 'pubsub' }, async () => {
            print({ begun: true });
            await stopping;
            // Longer than the second that the SDK gives.
            await wait(1500);
          });
        `),
      });
      await sidecar.publish('pubsub', 'orders', 1);
      await app.logged((line) => line['begun'] === true);
      app.kill('SIGTERM');
      // The sidecar keeps its connection: it is not what the end of the process waits for.
      expect(await app.exit).toMatchObject({ code: 0, signal: null });
      await sidecar.idle();
      expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
    },
  );

  test.concurrent(
    'while it drains, health checks have the sidecar hold back further events',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        files: moduleOf(`
          const stopping = new Promise((resolve) => process.once('SIGUSR2', resolve));
          topic('orders', { pubsub: 'pubsub' }, async () => {
            print({ begun: true });
            await stopping;
          });
        `),
        args: ['--drain-delay', '30s'],
        sidecar: { healthCheck: { enabled: true, intervalMs: 20, threshold: 1, timeoutMs: 5000 } },
      });
      await sidecar.publish('pubsub', 'orders', 1);
      await app.logged((line) => line['begun'] === true);
      app.kill('SIGTERM');
      await app.logged(({ msg }) => msg?.startsWith('stopping') === true);
      // The next probe finds it unhealthy: what is published then waits for an app that is healthy.
      for (let status = 200; status === 200;) {
        const probe = await fetch(`${app.url}/healthz`);
        ({ status } = probe);
      }
      await sidecar.journal.until(({ entries }) => entries.length > 0);
      app.kill('SIGUSR2');
      await sidecar.journal.until((journal) => journal.count('acked') === 1);
      app.kill('SIGTERM');
      await app.exit;
      expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
    },
  );
});

describe('DaprServer', () => {
  test.concurrent(
    'it ignores its host: here that is what is listened on',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        files: PRINT_EVENT,
        args: ['--host', '127.0.0.1'],
      }).catch((error: unknown) => {
        throw error;
      });
      await sidecar.publish('pubsub', 'orders', 1);
      await sidecar.idle();
      expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
      await expect(fetch(`http://[::1]:${app.port}/healthz`)).rejects.toThrow('fetch failed');
    },
  );
});

describe('DaprClient', () => {
  const context = {
    runtime: 'Async',
    inputs: { in: { ...PUBSUB, uri: 'orders' } },
    outputs: {
      out: { ...PUBSUB, uri: 'out' },
      nowhere: { componentName: 'nowhere', componentType: 'pubsub.in-memory', uri: 'out' },
    },
    states: { store: { componentName: 'store', componentType: 'state.in-memory' } },
  };
  const answering = (body: string): Record<string, string> =>
    moduleOf(`
      openfunction('handler', async (ctx, data) => {
        ${body}
      });
    `);

  test.concurrent(
    'its publish and state.save return errors: here they reject',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        context: {
          ...context,
          states: { gone: { componentName: 'gone', componentType: 'state.in-memory' } },
        },
        files: answering(`
          const codes = await Promise.all(
            [
              ctx.send('x', 'nowhere'),
              ctx.states.gone.save('key', 1),
              ctx.states.gone.delete('key'),
            ].map((sent) => sent.then(() => 'resolved', ({ code }) => code)),
          );
          print({ codes });
        `),
      });
      await sidecar.publish('pubsub', 'orders', {});
      const { codes } = await app.logged((line) => 'codes' in line);
      expect(codes).toEqual(['OFN_OUTPUT_FAILED', 'OFN_STATE_FAILED', 'OFN_STATE_FAILED']);
    },
  );

  test.concurrent(
    'its publishBulk tells of no failure: here all events are published, or it rejects',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        context,
        files: answering(`
          const { failed } = await ctx.outputs.out.publishBulk([1, 'two', { three: 3 }]);
          const rejected = await ctx.outputs.nowhere.publishBulk([1]).catch(({ code }) => code);
          print({ failed, rejected });
        `),
      });
      await sidecar.publish('pubsub', 'orders', {});
      const { failed, rejected } = await app.logged((line) => 'failed' in line);
      expect(failed).toEqual([]);
      expect(rejected).toBe('OFN_OUTPUT_FAILED');
      const published = sidecar.journal.entries.filter(
        ({ outcome, topic }) => outcome === 'published' && topic === 'out',
      );
      const data = published.map(
        (entry) => (JSON.parse(String(entry.data)) as { data: unknown }).data,
      );
      expect(data).toEqual([1, 'two', { three: 3 }]);
    },
  );

  test.concurrent.for(['DAPR_HOST', 'DAPR_SIDECAR_IP'])(
    'it does not know %s: here that is where the sidecar is',
    async (variable, { startDapr, expect }) => {
      // Any of 127.0.0.0/8 is this machine; none but this one is listened on.
      const host = '127.0.0.2';
      const { sidecar } = await startDapr({
        context,
        env: { [variable]: host },
        sidecar: { host },
        files: answering(`await ctx.send('sent', 'out');`),
      });
      await sidecar.publish('pubsub', 'orders', {});
      await sidecar.idle();
      expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
    },
  );
});

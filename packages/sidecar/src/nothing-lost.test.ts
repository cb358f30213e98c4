// A property: whatever the moments at which an app is started again, it gets every event.
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { KAFKA, posted, startEmulated, startInput } from './emulation.fixture.ts';
import { createTestNetwork } from './network.fixture.ts';
import { createNetwork } from './network.ts';
import { PUBSUB } from './sidecar.fixture.ts';

const EVENTS = 1000;

/** A restart: after which event, and whether the next sidecar is there before the old one has stopped. */
const restarts = fc.uniqueArray(
  fc.record({ after: fc.integer({ min: 0, max: EVENTS - 1 }), overlap: fc.boolean() }),
  { minLength: 1, maxLength: 8, selector: ({ after }) => after },
);

const settings = fc.record({
  restarts,
  concurrency: fc.constantFrom(1, 7, 100),
  gracefulShutdownSeconds: fc.constantFrom(0, 5),
  siblings: fc.integer({ min: 1, max: 2 }),
});

it('handles each of 1,000 events over restarts, and only an unsettled one again', async () => {
  await fc.assert(
    fc.asyncProperty(settings, async ({ restarts: points, concurrency, siblings, ...rest }) => {
      const { network, app, sidecar } = createTestNetwork({ journalLimit: 100_000 });
      const one = await app(['orders']);
      const components = [{ ...PUBSUB, metadata: { concurrency: String(concurrency) } }];
      const start = () => sidecar('a', one, { components, ...rest });
      const running = await Promise.all(Array.from({ length: siblings }, start));
      for (let n = 0; n < EVENTS; n++) {
        await network.publish('pubsub', 'orders', n, { metadata: { 'cloudevent.id': String(n) } });
        const point = points.find(({ after }) => after === n);
        if (point === undefined) continue;
        const stopped = running.shift()?.stop();
        if (!point.overlap) await stopped;
        running.push(await start());
        await stopped;
      }
      await network.idle();

      const counts = new Map<string, number>();
      for (const { id = '', outcome, attempt = 0 } of network.journal.entries) {
        // One that came back before the app was called with it was not delivered either.
        const what = outcome === 'returned' && attempt === 0 ? 'untouched' : outcome;
        counts.set(`${what} ${id}`, (counts.get(`${what} ${id}`) ?? 0) + 1);
      }
      const count = (what: string, n: number) => counts.get(`${what} ${n}`) ?? 0;
      for (let n = 0; n < EVENTS; n++) {
        expect([n, count('acked', n)]).toEqual([n, 1]);
        expect([n, count('delivered', n) - count('returned', n)]).toEqual([n, 1]);
      }
      expect(network.backlog('a')).toBe(0);
      expect(network.journal.count('lost')).toBe(0);
      for (const last of running) await last.stop();
      await one.stop();
    }),
    { numRuns: 8 },
  );
}, 60_000);

it('hands over each of 1,000 events of an emulated binding, whenever the app is started again', async () => {
  await fc.assert(
    fc.asyncProperty(settings, async ({ restarts: points, concurrency, siblings, ...rest }) => {
      const network = createNetwork({ journalLimit: 100_000 });
      const app = await startInput();
      const components = [{ ...KAFKA, metadata: { concurrency: String(concurrency) } }];
      const sender = await startEmulated(network, 'sender', undefined);
      const start = () => startEmulated(network, 'a', app, { components, ...rest });
      const running = await Promise.all(Array.from({ length: siblings }, start));
      for (let n = 0; n < EVENTS; n++) {
        const data = Buffer.from(String(n));
        await sender.engine.invokeBinding('orders', { operation: 'create', data, metadata: {} });
        const point = points.find(({ after }) => after === n);
        if (point === undefined) continue;
        const stopped = running.shift()?.stop();
        if (!point.overlap) await stopped;
        running.push(await start());
        await stopped;
      }
      await network.idle();

      const got = posted(app);
      expect(new Set(got)).toEqual(new Set(Array.from({ length: EVENTS }, (_, n) => n)));
      const returned = network.journal.entries.filter(
        ({ outcome, attempt = 0 }) => outcome === 'returned' && attempt > 0,
      );
      expect(network.journal.count('delivered')).toBe(EVENTS + returned.length);
      expect(got.length).toBeLessThanOrEqual(EVENTS + returned.length);
      expect(network.journal.count('acked')).toBe(EVENTS);
      expect(network.journal.count('lost')).toBe(0);
      expect(network.backlog('a')).toBe(0);
      for (const last of running) await last.stop();
      await sender.stop();
      await app.stop();
    }),
    { numRuns: 8 },
  );
}, 60_000);

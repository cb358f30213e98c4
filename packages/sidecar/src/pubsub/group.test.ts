import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../clock.ts';
import { createTestNetwork, eventsAt, holdAnswers } from '../network.fixture.ts';
import { outcomes, PUBSUB, startHttpApp } from '../sidecar.fixture.ts';

const range = (count: number) => Array.from({ length: count }, (_value, n) => n);

describe('a topic', () => {
  it('gives each event to each app once, the publisher included', async () => {
    const { network, app, sidecar } = createTestNetwork();
    const apps = [await app(['orders']), await app(['orders']), await app(['other'])] as const;
    const first = await sidecar('a', apps[0]);
    await sidecar('b', apps[1]);
    await sidecar('c', apps[2]);
    await first.publish('pubsub', 'orders', 1);
    await network.idle();
    expect(apps.map((one) => eventsAt(one, '/orders'))).toEqual([[1], [1], []]);
    expect(first.journal.entries[0]).toMatchObject({ outcome: 'published', subscribers: 2 });
  });

  it('gives each event to one of the sidecars of an app, a fair share to each', async () => {
    const { held, release } = holdAnswers();
    const { network, app, sidecar, publish } = createTestNetwork();
    const components = [{ ...PUBSUB, metadata: { concurrency: '10' } }];
    const apps = [await app(['orders'], held), await app(['orders'], held)] as const;
    const both = [
      await sidecar('a', apps[0], { components }),
      await sidecar('a', apps[1], { components }),
    ] as const;
    await publish('orders', ...range(12));
    for (const one of both) await one.journal.until((journal) => journal.count('delivered') === 6);
    release();
    await network.idle();
    const all = apps.flatMap((one) => eventsAt(one, '/orders'));
    expect(all.toSorted((a, b) => Number(a) - Number(b))).toEqual(range(12));
  });

  it('leaves what a busy sidecar cannot take to another of the app', async () => {
    const { held } = holdAnswers();
    const { app, sidecar, publish } = createTestNetwork();
    const [slow, fast] = [await app(['orders'], held), await app(['orders'])];
    await sidecar('a', slow);
    const other = await sidecar('a', fast);
    await publish('orders', ...range(10));
    await other.journal.until((journal) => journal.count('acked') === 9);
    expect(eventsAt(slow, '/orders')).toHaveLength(1);
  });

  it('ends a batch in time that two sidecars of an app wait to fill', async () => {
    const clock = createVirtualClock();
    const { network, sidecar, publish } = createTestNetwork({ clock });
    const bulkSubscribe = { enabled: true, maxMessagesCount: 10, maxAwaitDurationMs: 100 };
    const listed = [{ pubsubname: 'pubsub', topic: 'orders', route: '/orders', bulkSubscribe }];
    const app = await startHttpApp(listed, ({ body }) => {
      const { entries } = JSON.parse(body) as { entries: { entryId: string }[] };
      return { body: { statuses: entries.map((one) => ({ ...one, status: 'SUCCESS' })) } };
    });
    await sidecar('a', app, { clock });
    await sidecar('a', app, { clock });
    await publish('orders', 1, 2);
    expect(network.backlog('a')).toBe(2);
    await clock.advance(100);
    await network.idle();
    expect(app.at('/orders')).toHaveLength(1);
  });

  it('is not known before an app has subscribed, and refuses a component that no app has', async () => {
    const { network, publish } = createTestNetwork();
    await expect(publish('orders', 1)).rejects.toMatchObject({ code: 'ERR_PUBSUB_NOT_FOUND' });
    expect(network.backlog('a')).toBe(0);
  });
});

describe('an app without a sidecar', () => {
  it('finds what was published meanwhile when it has one again, in order', async () => {
    const { network, app, sidecar, publish } = createTestNetwork();
    const one = await app(['orders']);
    const before = await sidecar('a', one);
    await before.stop();
    await publish('orders', 1, 2, 3);
    expect(network.backlog('a')).toBe(3);
    const after = await sidecar('a', one);
    await after.idle();
    expect(eventsAt(one, '/orders')).toEqual([1, 2, 3]);
    expect(network.backlog('a')).toBe(0);
  });

  it('gets first, and in order, what was not settled when its sidecar stopped', async () => {
    const { held } = holdAnswers();
    const { app, sidecar, publish } = createTestNetwork();
    const stuck = await app(['orders'], held);
    const components = [{ ...PUBSUB, metadata: { concurrency: '3' } }];
    const before = await sidecar('a', stuck, { components });
    await publish('orders', 1, 2, 3, 4);
    await before.journal.until((journal) => journal.count('delivered') === 3);
    await before.stop();
    expect(outcomes(before).slice(-3)).toEqual(['returned', 'returned', 'returned']);
    expect(before.journal.count('lost')).toBe(0);
    await publish('orders', 5);
    const next = await app(['orders']);
    const after = await sidecar('a', next);
    await after.idle();
    expect(eventsAt(next, '/orders')).toEqual([1, 2, 3, 4, 5]);
  });

  it('gets a batch again that was not settled when its sidecar stopped', async () => {
    const { held } = holdAnswers();
    const { sidecar, publish } = createTestNetwork();
    const bulkSubscribe = { enabled: true, maxMessagesCount: 3 };
    const listed = [{ pubsubname: 'pubsub', topic: 'orders', route: '/orders', bulkSubscribe }];
    const entriesOf = (body: string) =>
      (JSON.parse(body) as { entries: { entryId: string; event: { data: unknown } }[] }).entries;
    const stuck = await startHttpApp(listed, held);
    const before = await sidecar('a', stuck);
    await publish('orders', 1, 2, 3);
    await before.journal.until((journal) => journal.count('delivered') === 3);
    await before.stop();
    expect(outcomes(before).slice(-3)).toEqual(['returned', 'returned', 'returned']);
    const next = await startHttpApp(listed, ({ body }) => ({
      body: { statuses: entriesOf(body).map(({ entryId }) => ({ entryId, status: 'SUCCESS' })) },
    }));
    const after = await sidecar('a', next);
    await after.idle();
    expect(entriesOf(next.at('/orders')[0]?.body ?? '').map(({ event }) => event.data)).toEqual([
      1, 2, 3,
    ]);
    expect(after.journal.count('acked')).toBe(3);
  });

  it('keeps nothing for a stream, which ends', async () => {
    const { network, app, sidecar, publish } = createTestNetwork();
    const { engine } = await sidecar('a', await app([]));
    const metadata = {};
    const request = { pubsub: 'pubsub', topic: 'orders', deadLetterTopic: undefined, metadata };
    const end = engine.subscribeStream(
      request,
      (_delivery, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ kind: 'ack' }), { once: true });
        }),
    );
    await publish('orders', 1, 2);
    expect(network.backlog('a')).toBe(1);
    end();
    await publish('orders', 3);
    expect(network.backlog('a')).toBe(0);
  });

  it('loses the oldest when too many wait, with one warning', async () => {
    const told: string[] = [];
    const { network, app, sidecar, publish } = createTestNetwork({
      backlogLimit: 3,
      log: (message, level) => told.push(`${level} ${message}`),
    });
    const one = await app(['orders']);
    await (await sidecar('a', one)).stop();
    await publish('orders', ...range(5));
    expect(network.backlog('a')).toBe(3);
    expect(told).toEqual([
      'warn 3 events of topic orders of pubsub wait for app a, which is away: the oldest are lost',
    ]);
    expect(network.journal.count('lost')).toBe(2);
    const after = await sidecar('a', one);
    await after.idle();
    expect(eventsAt(one, '/orders')).toEqual([2, 3, 4]);
  });

  it('is told of nothing that it does not subscribe to any more', async () => {
    const told: string[] = [];
    const { network, app, sidecar, publish } = createTestNetwork({
      log: (message) => told.push(message),
    });
    await (await sidecar('a', await app(['orders', 'kept']))).stop();
    await publish('orders', 1);
    await publish('kept', 2);
    const next = await app(['kept']);
    const after = await sidecar('a', next);
    await network.idle();
    expect(eventsAt(next, '/kept')).toEqual([2]);
    expect(told).toEqual([
      'app a does not take topic orders of pubsub any more: 1 events that waited are dropped',
    ]);
    await after.stop();
    await publish('orders', 3);
    expect(network.backlog('a')).toBe(0);
  });

  it('keeps a topic as long as another sidecar takes it', async () => {
    const { network, app, sidecar, publish } = createTestNetwork();
    const old = await app(['orders']);
    const before = await sidecar('a', old);
    await sidecar('a', await app([]));
    await publish('orders', 1);
    await network.idle();
    expect(eventsAt(old, '/orders')).toEqual([1]);
    await before.stop();
    await publish('orders', 2);
    expect(network.backlog('a')).toBe(0);
  });

  it('is forgotten when asked, but not while it has a sidecar', async () => {
    const { network, app, sidecar, publish } = createTestNetwork();
    const { held } = holdAnswers();
    const only = await sidecar('a', await app(['orders'], held));
    await publish('orders', 1, 2);
    network.forget('a');
    expect(network.backlog('a')).toBe(1);
    await only.stop();
    expect(network.backlog('a')).toBe(2);
    network.forget('a');
    await network.idle();
    expect([network.backlog('a'), network.components()]).toEqual([0, []]);
  });
});

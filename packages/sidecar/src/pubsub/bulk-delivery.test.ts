import { status as grpc } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../clock.ts';
import {
  grpcError,
  PUBSUB,
  retrying,
  startGrpcApp,
  startHttpApp,
  startSidecar,
  type AppAnswer,
  type AppCall,
  type GrpcMethod,
} from '../sidecar.fixture.ts';
import type { Sidecar } from '../sidecar.ts';

interface Batch {
  readonly id: string;
  readonly type: string;
  readonly topic: string;
  readonly pubsubname: string;
  readonly metadata: Record<string, string>;
  readonly entries: {
    readonly entryId: string;
    readonly event: Record<string, unknown>;
    readonly contentType: string;
    readonly metadata: Record<string, string>;
  }[];
}

const THREE = { enabled: true, maxMessagesCount: 3, maxAwaitDurationMs: 1000 };

function subscription(more: object = {}) {
  return [{ pubsubname: 'pubsub', topic: 'bulk', route: '/bulk', bulkSubscribe: THREE, ...more }];
}

const parse = (call: AppCall | undefined): Batch => JSON.parse(call?.body ?? '') as Batch;

/** What happened to the event that carries a number. */
function historyOf(sidecar: Sidecar, number: number): string[] {
  return sidecar.journal.entries
    .filter(({ id }) => id === String(number))
    .map(({ outcome }) => outcome);
}

async function publishThree(sidecar: Sidecar): Promise<void> {
  await sidecar.appReady();
  for (const n of [0, 1, 2]) {
    const metadata = { 'cloudevent.id': String(n) };
    await sidecar.publish('pubsub', 'bulk', { n }, { metadata });
  }
  await sidecar.idle();
}

describe('over HTTP', () => {
  async function deliver(
    answer: (batch: Batch) => AppAnswer,
    more: object = {},
  ): Promise<{ sidecar: Sidecar; batches: Batch[] }> {
    const batches: Batch[] = [];
    const app = await startHttpApp(subscription(more), (call) => {
      batches.push(parse(call));
      return answer(parse(call));
    });
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      resiliency: retrying(1, 1),
    });
    await publishThree(sidecar);
    return { sidecar, batches };
  }

  const all = (batch: Batch, status?: string): AppAnswer => ({
    body: { statuses: batch.entries.map(({ entryId }) => ({ entryId, status })) },
  });

  it('sends a full batch in one call', async () => {
    const { sidecar, batches } = await deliver((batch) => all(batch, 'SUCCESS'));
    expect(batches).toHaveLength(1);
    const [batch] = batches;
    expect(batch).toMatchObject({
      type: 'com.dapr.event.sent.bulk',
      topic: 'bulk',
      pubsubname: 'pubsub',
      metadata: { pubsubName: 'pubsub' },
    });
    expect(batch?.entries.map(({ event }) => event['data'])).toEqual([
      { n: 0 },
      { n: 1 },
      { n: 2 },
    ]);
    expect(batch?.entries[0]?.contentType).toBe('application/cloudevents+json');
    expect(new Set(batch?.entries.map(({ entryId }) => entryId)).size).toBe(3);
    expect(sidecar.journal.count('acked')).toBe(3);
  });

  it('retries an entry that failed, and no other', async () => {
    const { sidecar, batches } = await deliver((batch) => ({
      body: {
        statuses: batch.entries.map(({ entryId, event }) => ({
          entryId,
          status: event['id'] === '1' && batch.entries.length > 1 ? 'RETRY' : 'SUCCESS',
        })),
      },
    }));
    expect(batches.map(({ entries }) => entries.map(({ event }) => event['id']))).toEqual([
      ['0', '1', '2'],
      ['1'],
    ]);
    expect(historyOf(sidecar, 0)).toEqual(['delivered', 'acked']);
    expect(historyOf(sidecar, 1)).toEqual(['delivered', 'retried', 'delivered', 'acked']);
  });

  const LOST = ['delivered', 'retried', 'delivered', 'lost'];
  const DEAD = ['delivered', 'retried', 'delivered', 'deadLettered'];
  const DROPPED = ['delivered', 'dropped'];
  const BURIED = ['delivered', 'deadLettered'];
  const rows: readonly (readonly [
    string,
    (batch: Batch) => AppAnswer,
    readonly string[],
    readonly string[],
  ])[] = [
    ['200 without a body', () => ({ status: 200 }), LOST, DEAD],
    ['200 with text', () => ({ body: 'thanks' }), LOST, DEAD],
    ['200 without statuses', () => ({ body: {} }), LOST, DEAD],
    [
      'statuses of other entries',
      () => ({ body: { statuses: [{ entryId: 'x', status: 'SUCCESS' }] } }),
      LOST,
      DEAD,
    ],
    ['an empty status', (batch) => all(batch, ''), LOST, DEAD],
    ['no status', (batch) => all(batch), LOST, DEAD],
    ['an unknown status', (batch) => all(batch, 'ok'), LOST, DEAD],
    ['RETRY', (batch) => all(batch, 'RETRY'), LOST, DEAD],
    ['500', () => ({ status: 500 }), LOST, DEAD],
    ['a broken connection', () => ({ broken: true }), LOST, DEAD],
    ['DROP', (batch) => all(batch, 'DROP'), DROPPED, BURIED],
    ['404', () => ({ status: 404 }), DROPPED, DROPPED],
  ];

  it.each(rows)('takes %s as the table says', async (_name, answer, alone) => {
    const { sidecar } = await deliver(answer);
    expect(historyOf(sidecar, 2)).toEqual(alone);
  });

  it.each(rows)(
    'takes %s as the table says, with a dead-letter topic',
    async (_name, answer, _alone, dead) => {
      const { sidecar } = await deliver(answer, { deadLetterTopic: 'dead' });
      expect(historyOf(sidecar, 2)).toEqual(dead);
    },
  );

  it('sends what there is when the first event has waited long enough', async () => {
    const app = await startHttpApp(subscription(), (call) => all(parse(call), 'SUCCESS'));
    const clock = createVirtualClock();
    const sidecar = await startSidecar({ components: [PUBSUB], appPort: app.port, clock });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'bulk', 1);
    await clock.advance(500);
    await sidecar.publish('pubsub', 'bulk', 2);
    await clock.advance(499);
    expect(app.at('/bulk')).toHaveLength(0);
    await clock.advance(1);
    await sidecar.idle();
    expect(app.at('/bulk').map((call) => parse(call).entries.length)).toEqual([2]);
  });

  it('sends a raw payload in base64', async () => {
    const { batches } = await deliver((batch) => all(batch, 'SUCCESS'), {
      metadata: { rawPayload: 'true' },
    });
    const entry = batches[0]?.entries[0];
    expect(entry?.contentType).toBe('application/octet-stream');
    const event = Buffer.from(entry?.event as unknown as string, 'base64').toString();
    expect(JSON.parse(event)).toMatchObject({ data: { n: 0 } });
  });

  it.each([
    ['drops an entry that no route matches', 'event.data.n == 5', 'dropped'],
    ['loses an entry whose route cannot be found', 'event.data.missing == 5', 'lost'],
  ])('%s', async (_name, match, outcome) => {
    const routes = { rules: [{ match, path: '/five' }] };
    const { sidecar, batches } = await deliver((batch) => all(batch, 'SUCCESS'), {
      route: undefined,
      routes,
    });
    expect(batches).toEqual([]);
    expect(historyOf(sidecar, 1)).toEqual([outcome]);
  });

  it('sends the events of each route in a call of its own', async () => {
    const { batches } = await deliver((batch) => all(batch, 'SUCCESS'), {
      routes: { rules: [{ match: 'event.data.n == 1', path: '/one' }], default: '/other' },
    });
    const ids = batches.map(({ entries }) => entries.map(({ event }) => event['id']));
    expect(ids).toEqual([['0', '2'], ['1']]);
  });
});

describe('over gRPC', () => {
  interface GrpcBatch {
    readonly entries: { readonly entryId: string; readonly event: { readonly case: string } }[];
  }

  async function deliver(
    methods: Readonly<Record<string, GrpcMethod>>,
    deadLetterTopic = '',
  ): Promise<Sidecar> {
    const app = await startGrpcApp({
      listTopicSubscriptions: () => ({
        subscriptions: [
          { pubsubName: 'pubsub', topic: 'bulk', bulkSubscribe: THREE, deadLetterTopic },
        ],
      }),
      ...methods,
    });
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      appProtocol: 'grpc',
      resiliency: retrying(1, 1),
    });
    await publishThree(sidecar);
    return sidecar;
  }

  const all = (batch: GrpcBatch, status: number) => ({
    statuses: batch.entries.map(({ entryId }) => ({ entryId, status })),
  });

  it('takes the statuses of the entries, each as its own', async () => {
    const sidecar = await deliver({
      onBulkTopicEvent: ({ entries }: GrpcBatch) => ({
        statuses: entries.map(({ entryId }, index) => ({
          entryId,
          status: entries.length === 1 ? 0 : index,
        })),
      }),
    });
    expect(historyOf(sidecar, 0)).toEqual(['delivered', 'acked']);
    expect(historyOf(sidecar, 1)).toEqual(['delivered', 'retried', 'delivered', 'acked']);
    expect(historyOf(sidecar, 2)).toEqual(['delivered', 'dropped']);
  });

  it('falls back to the alpha name of the call', async () => {
    const sidecar = await deliver({ onBulkTopicEventAlpha1: (batch: GrpcBatch) => all(batch, 0) });
    expect(sidecar.journal.count('acked')).toBe(3);
  });

  it('drops all entries when the app has neither, and none goes to the dead-letter topic', async () => {
    const sidecar = await deliver({}, 'dead');
    expect(historyOf(sidecar, 0)).toEqual(['delivered', 'dropped']);
    expect(sidecar.journal.count('deadLettered')).toBe(0);
  });

  it('retries entries without a status, and all of them after an error', async () => {
    const empty = await deliver({ onBulkTopicEvent: () => ({}) });
    expect(historyOf(empty, 0)).toEqual(['delivered', 'retried', 'delivered', 'lost']);
    const failing = () => {
      throw grpcError(grpc.INTERNAL, 'failed');
    };
    const failed = await deliver({ onBulkTopicEvent: failing }, 'dead');
    expect(historyOf(failed, 0)).toEqual(['delivered', 'retried', 'delivered', 'deadLettered']);
  });
});

import { status as grpc } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import {
  grpcError,
  outcomes,
  PUBSUB,
  retrying,
  startGrpcApp,
  startHttpApp,
  startSidecar,
  type AppAnswer,
  type GrpcMethod,
} from '../sidecar.fixture.ts';
import type { Sidecar } from '../sidecar.ts';

const ACKED = ['delivered', 'acked'];
const RETRIED = ['delivered', 'retried', 'delivered', 'lost'];
const RETRIED_THEN_DEAD = ['delivered', 'retried', 'delivered', 'deadLettered'];
const DROPPED = ['delivered', 'dropped'];
const DEAD = ['delivered', 'deadLettered'];

/** What an app answers, what becomes of the event, and with a dead-letter topic. */
type Row<Answer> = readonly [string, Answer, readonly string[], readonly string[]];

const HTTP: readonly Row<AppAnswer>[] = [
  ['200 without a body', { status: 200 }, ACKED, ACKED],
  ['204', { status: 204 }, ACKED, ACKED],
  ['201 with text', { status: 201, body: 'thanks' }, ACKED, ACKED],
  ['200 with JSON without a status', { body: { ok: true } }, ACKED, ACKED],
  ['200 with an empty status', { body: { status: '' } }, ACKED, ACKED],
  ['200 with a JSON array', { body: [{ status: 'RETRY' }] }, ACKED, ACKED],
  ['200 with a status that is no text', { body: { status: 500 } }, ACKED, ACKED],
  ['200 with SUCCESS', { body: { status: 'SUCCESS' } }, ACKED, ACKED],
  ['200 with RETRY', { body: { status: 'RETRY' } }, RETRIED, RETRIED_THEN_DEAD],
  ['200 with an unknown status', { body: { status: 'ok' } }, RETRIED, RETRIED_THEN_DEAD],
  ['200 with DROP', { body: { status: 'DROP' } }, DROPPED, DEAD],
  ['404', { status: 404 }, DROPPED, DEAD],
  ['400', { status: 400 }, RETRIED, RETRIED_THEN_DEAD],
  ['500', { status: 500, body: { status: 'SUCCESS' } }, RETRIED, RETRIED_THEN_DEAD],
  ['a broken connection', { broken: true }, RETRIED, RETRIED_THEN_DEAD],
];

const GRPC: readonly Row<GrpcMethod>[] = [
  ['an empty reply', () => ({}), ACKED, ACKED],
  ['SUCCESS', () => ({ status: 0 }), ACKED, ACKED],
  ['RETRY', () => ({ status: 1 }), RETRIED, RETRIED_THEN_DEAD],
  ['DROP', () => ({ status: 2 }), DROPPED, DEAD],
  ['an unknown status', () => ({ status: 7 }), RETRIED, RETRIED_THEN_DEAD],
  [
    'UNIMPLEMENTED',
    () => {
      throw grpcError(grpc.UNIMPLEMENTED, 'no such method');
    },
    DROPPED,
    DROPPED,
  ],
  [
    'another error',
    () => {
      throw grpcError(grpc.INTERNAL, 'failed');
    },
    RETRIED,
    RETRIED_THEN_DEAD,
  ],
];

async function deliverOverHttp(answer: AppAnswer, deadLetterTopic?: string): Promise<Sidecar> {
  const app = await startHttpApp(
    [{ pubsubname: 'pubsub', topic: 'orders', route: '/orders', deadLetterTopic }],
    () => answer,
  );
  return deliver({ appPort: app.port });
}

async function deliverOverGrpc(answer: GrpcMethod, deadLetterTopic = ''): Promise<Sidecar> {
  const app = await startGrpcApp({
    listTopicSubscriptions: () => ({
      subscriptions: [{ pubsubName: 'pubsub', topic: 'orders', deadLetterTopic }],
    }),
    onTopicEvent: answer,
  });
  return deliver({ appPort: app.port, appProtocol: 'grpc' });
}

async function deliver(options: { appPort: number; appProtocol?: 'grpc' }): Promise<Sidecar> {
  const sidecar = await startSidecar({
    ...options,
    components: [PUBSUB],
    resiliency: retrying(1, 1),
  });
  await sidecar.appReady();
  await sidecar.publish('pubsub', 'orders', { n: 1 });
  await sidecar.idle();
  return sidecar;
}

describe('over HTTP', () => {
  it.each(HTTP)('takes %s as the table says', async (_name, answer, alone) => {
    expect(outcomes(await deliverOverHttp(answer))).toEqual(alone);
  });

  it.each(HTTP)(
    'takes %s as the table says, with a dead-letter topic',
    async (_name, answer, _alone, dead) => {
      const sidecar = await deliverOverHttp(answer, 'dead');
      expect(outcomes(sidecar)).toEqual(dead);
      const topics = sidecar.journal.entries
        .filter(({ outcome }) => outcome === 'published')
        .map(({ topic }) => topic);
      expect(topics).toEqual(dead.includes('deadLettered') ? ['orders', 'dead'] : ['orders']);
    },
  );

  it('loses an event that failed when there is neither a policy nor a dead-letter topic', async () => {
    const app = await startHttpApp(
      [{ pubsubname: 'pubsub', topic: 'orders', route: '/orders' }],
      () => ({ status: 500 }),
    );
    const sidecar = await startSidecar({ components: [PUBSUB], appPort: app.port });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'orders', 1);
    await sidecar.idle();
    expect(outcomes(sidecar)).toEqual(['delivered', 'lost']);
    expect(sidecar.journal.entries.at(-1)?.reason).toBe('status 500');
  });

  it('sends a failed event straight to the dead-letter topic when there is no policy', async () => {
    const app = await startHttpApp(
      [
        { pubsubname: 'pubsub', topic: 'orders', route: '/orders', deadLetterTopic: 'dead' },
        { pubsubname: 'pubsub', topic: 'dead', route: '/dead' },
      ],
      ({ path }) => ({ status: path === '/dead' ? 200 : 500 }),
    );
    const sidecar = await startSidecar({ components: [PUBSUB], appPort: app.port });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'orders', { n: 1 });
    await sidecar.idle();
    expect(app.at('/orders')).toHaveLength(1);
    // The very event: its body says where it was published first.
    expect(app.at('/dead')[0]?.body).toBe(app.at('/orders')[0]?.body);
  });

  it('gives an event to the app again that was killed and came back', async () => {
    const subscriptions = [{ pubsubname: 'pubsub', topic: 'orders', route: '/orders' }];
    const first = await startHttpApp(subscriptions, () => new Promise(() => undefined));
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: first.port,
      resiliency: retrying(-1, 5),
    });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'orders', 1);
    await sidecar.journal.until((journal) => journal.count('delivered') === 1);
    await first.stop();
    await sidecar.journal.until((journal) => journal.count('retried') > 1);
    const second = await startHttpApp(subscriptions, () => ({ status: 200 }), first.port);
    await sidecar.idle();
    expect(second.at('/orders')).toHaveLength(1);
    expect(sidecar.journal.count('acked')).toBe(1);
  });

  it('delivers a raw payload as a CloudEvent with the bytes in base64', async () => {
    const metadata = { rawPayload: 'true' };
    const app = await startHttpApp(
      [{ pubsubname: 'pubsub', topic: 'raw', route: '/raw', metadata }],
      () => ({ status: 200 }),
    );
    const sidecar = await startSidecar({ components: [PUBSUB], appPort: app.port });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'raw', Buffer.from([0, 255, 1]), { metadata });
    await sidecar.idle();
    expect(JSON.parse(app.at('/raw')[0]?.body ?? '')).toMatchObject({
      data_base64: 'AP8B',
      datacontenttype: 'application/octet-stream',
    });
  });

  it('drops an event whose time is over', async () => {
    const app = await startHttpApp(
      [{ pubsubname: 'pubsub', topic: 'orders', route: '/orders' }],
      () => ({ status: 200 }),
    );
    const sidecar = await startSidecar({ components: [PUBSUB], appPort: app.port });
    await sidecar.appReady();
    const event = { id: '1', type: 't', source: 's', expiration: '2020-01-01T00:00:00Z' };
    const contentType = 'application/cloudevents+json';
    await sidecar.publish('pubsub', 'orders', event, { contentType });
    await sidecar.idle();
    expect(outcomes(sidecar)).toEqual(['dropped']);
    expect(app.at('/orders')).toHaveLength(0);
  });

  it('sends the metadata of the publisher and the trace as headers', async () => {
    const app = await startHttpApp(
      [{ pubsubname: 'pubsub', topic: 'orders', route: '/orders' }],
      () => ({ status: 200 }),
    );
    const sidecar = await startSidecar({
      components: [PUBSUB],
      appPort: app.port,
      appApiToken: 'secret',
    });
    await sidecar.appReady();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const metadata = { Region: 'eu', 'content-length': '1', bad: 'two\r\nlines' };
    await sidecar.publish('pubsub', 'orders', 'x', { metadata, traceparent });
    await sidecar.idle();
    const { headers, body } = app.at('/orders')[0] ?? {};
    expect(headers).toMatchObject({
      region: 'eu',
      pubsubname: 'pubsub',
      traceparent,
      'dapr-api-token': 'secret',
    });
    expect(headers).not.toHaveProperty('bad');
    expect(headers?.['content-length']).toBe(String(body?.length));
  });
});

describe('over gRPC', () => {
  it.each(GRPC)('takes %s as the table says', async (_name, answer, alone) => {
    expect(outcomes(await deliverOverGrpc(answer))).toEqual(alone);
  });

  it.each(GRPC)(
    'takes %s as the table says, with a dead-letter topic',
    async (_name, answer, _alone, dead) => {
      expect(outcomes(await deliverOverGrpc(answer, 'dead'))).toEqual(dead);
    },
  );

  it('delivers what the envelope holds: JSON, text, bytes and extensions', async () => {
    const requests: Record<string, unknown>[] = [];
    const app = await startGrpcApp({
      listTopicSubscriptions: () => ({
        subscriptions: [{ pubsubName: 'pubsub', topic: 'orders', routes: { default: '/p' } }],
      }),
      onTopicEvent: (request) => {
        requests.push(request);
        return {};
      },
    });
    const sidecar = await startSidecar({
      components: [{ ...PUBSUB, metadata: { concurrency: 1 } }],
      appPort: app.port,
      appProtocol: 'grpc',
    });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'orders', { n: 1 }, { metadata: { 'cloudevent.id': 'a' } });
    await sidecar.publish('pubsub', 'orders', 'text');
    await sidecar.publish('pubsub', 'orders', Buffer.from([0, 255]));
    await sidecar.idle();
    const [json] = requests;
    expect(json).toMatchObject({
      id: 'a',
      source: 'app',
      type: 'com.dapr.event.sent',
      specVersion: '1.0',
      dataContentType: 'application/json',
      topic: 'orders',
      pubsubName: 'pubsub',
      path: '/p',
      extensions: { topic: 'orders', pubsubname: 'pubsub' },
    });
    const data = requests.map((request) => Buffer.from(request['data'] as Uint8Array));
    expect(data).toEqual([Buffer.from('{"n":1}'), Buffer.from('text'), Buffer.from([0, 255])]);
  });
});

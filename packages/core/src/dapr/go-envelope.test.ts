// Envelopes of Go's functions: what is one is opened, and everything else is passed as it came.
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Context, Handler, SignatureType } from '../function/signature.ts';
import { defineFunction } from '../function/definition.ts';
import { connectGrpc, eventOf, startApp } from './channel.fixture.ts';
import { openGoEnvelope } from './go-envelope.ts';

const TOPIC = '/dapr/topics/mq/orders/onOrder';
const METADATA = {
  sw8: '1-dHJhY2U=-c2Vn-0-c3Zj-aW5z-L2E=-YjoxMTgwMA==',
  'sw8-correlation': 'Yg==:Yw==',
};
const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64');

/** An envelope as Go's framework makes it. */
const envelopeOf = (userData: string | Uint8Array, changes: object = {}) => ({
  specversion: '1.0',
  id: 'b2e1',
  source: 'shop/pay',
  type: 'io.openfunction.function.shop.pay',
  time: '2022-11-25T02:51:34Z',
  datacontenttype: 'application/json',
  data: { metadata: METADATA, userData: base64(userData) },
  ...changes,
});

async function start({
  flags = [],
  signature = 'openfunction',
}: { flags?: readonly string[]; signature?: SignatureType } = {}) {
  const got: { data: unknown; ctx: Context }[] = [];
  const openfunction: Handler = (ctx: Context, data: unknown) => void got.push({ ctx, data });
  const others: Handler = (event: { data: unknown }) =>
    void got.push({ ctx: undefined as unknown as Context, data: event.data });
  const handler = signature === 'openfunction' ? openfunction : others;
  const app = await startApp(
    [
      defineFunction(
        'onOrder',
        signature,
        handler,
        {},
        { kind: 'topic', pubsub: 'mq', topic: 'orders' },
      ),
      defineFunction(
        'tick',
        'openfunction',
        openfunction,
        {},
        { kind: 'binding', component: 'kafka' },
      ),
    ],
    { flags },
  );
  return { app, got };
}

const PAYLOADS: readonly [string, string | Uint8Array, unknown][] = [
  ['JSON', '{"id":7}', { id: 7 }],
  ['text', 'hello', 'hello'],
  ['bytes', Uint8Array.of(0, 255, 254), Buffer.from([0, 255, 254])],
];

describe.each(PAYLOADS)('an envelope with %s', (_, sent, data) => {
  const bytes = Buffer.from(sent);
  const envelope = envelopeOf(sent);

  test.each([
    ['as the object that is the data of an event', eventOf(envelope)],
    [
      'as text that is the data of an event',
      eventOf(JSON.stringify(envelope), { datacontenttype: 'text/plain' }),
    ],
    [
      'as bytes that are the data of an event',
      eventOf(undefined, { data_base64: base64(JSON.stringify(envelope)) }),
    ],
    ['as the event itself', { ...envelope, pubsubname: 'mq', topic: 'orders' }],
  ])('is opened over HTTP: %s', async (__, body) => {
    const { app, got } = await start();
    expect((await app.post(TOPIC, body)).json).toEqual({ status: 'SUCCESS' });
    expect(got[0]?.data).toEqual(data);
    expect(got[0]?.ctx.event?.data).toEqual(data);
    expect(got[0]?.ctx.input?.bytes).toEqual(bytes);
    expect(got[0]?.ctx.propagation).toEqual(METADATA);
  });

  test.each([
    ['as JSON', { dataContentType: 'application/json' }],
    ['as text', { dataContentType: 'text/plain' }],
    ['without a type', {}],
  ])('is opened over gRPC: %s', async (__, type) => {
    const { app, got } = await start({ flags: ['--app-protocol=grpc'] });
    await connectGrpc(app).call('onTopicEvent', {
      id: 'e1',
      source: 's',
      type: 'com.dapr.event.sent',
      topic: 'orders',
      pubsubName: 'mq',
      path: TOPIC,
      data: Buffer.from(JSON.stringify(envelope)),
      ...type,
    });
    expect(got[0]?.data).toEqual(data);
    expect(got[0]?.ctx.input?.bytes).toEqual(bytes);
    expect(got[0]?.ctx.propagation).toEqual(METADATA);
  });

  test('is opened where it is the payload of a binding, over both protocols', async () => {
    const { app, got } = await start();
    await app.post('/kafka', JSON.stringify(envelope));
    const grpc = await start({ flags: ['--app-protocol=grpc'] });
    await connectGrpc(grpc.app).call('onBindingEvent', {
      name: 'kafka',
      data: Buffer.from(JSON.stringify(envelope)),
      metadata: {},
    });
    for (const [delivered] of [got, grpc.got]) {
      expect(delivered?.data).toEqual(data);
      expect(delivered?.ctx.input?.bytes).toEqual(bytes);
      expect(delivered?.ctx.propagation).toEqual(METADATA);
    }
  });
});

describe('an opened envelope', () => {
  test('leaves the event its own id, source and type', async () => {
    const { app, got } = await start();
    await app.post(TOPIC, eventOf(envelopeOf('text')));
    expect(got[0]?.ctx.event).toMatchObject({
      id: 'e1',
      source: 'shop',
      type: 'com.dapr.event.sent',
      datacontenttype: 'text/plain',
    });
  });

  test('gives handlers of CloudEvents and of background events its content', async () => {
    for (const signature of ['cloudevent', 'event'] as const) {
      const { app, got } = await start({ signature });
      await app.post(TOPIC, eventOf(envelopeOf('{"data":{"id":7}}')));
      expect(JSON.stringify(got)).toContain('{"id":7}');
      expect(JSON.stringify(got)).not.toContain('userData');
    }
  });

  test('of nothing is an empty object for a binding, and no data for a topic', async () => {
    const { app, got } = await start();
    await app.post('/kafka', JSON.stringify(envelopeOf('')));
    await app.post(TOPIC, eventOf(envelopeOf('')));
    expect(got.map(({ data }) => data)).toEqual([{}, undefined]);
  });

  test('has a trace of W3C too, below that of the delivery', async () => {
    const published = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const delivered = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01';
    const metadata = { ...METADATA, traceparent: published, baggage: 'user=7' };
    const envelope = envelopeOf('x', { data: { metadata, userData: base64('x') } });
    const { app, got } = await start();
    await app.post('/kafka', JSON.stringify(envelope));
    await app.post('/kafka', JSON.stringify(envelope), { traceparent: delivered });
    expect(got.map(({ ctx }) => ctx.propagation)).toEqual([
      metadata,
      { ...metadata, traceparent: delivered },
    ]);
  });

  test('has the trace it carries, not the one of zeros that a sidecar adds', async () => {
    const { app, got } = await start();
    const traceparent = '00-00000000000000000000000000000000-0000000000000000-00';
    await app.post(TOPIC, eventOf(envelopeOf('x'), { traceparent }), { traceparent });
    expect(got[0]?.ctx.propagation).toEqual(METADATA);
  });

  test.each([
    ['absent', { userData: base64('x') }],
    ['null, as Go writes an empty map', { metadata: null, userData: base64('x') }],
    ['empty', { metadata: {}, userData: base64('x') }],
  ])('has no trace when its metadata is %s', (_, data) => {
    expect(openGoEnvelope({}, envelopeOf('', { data }))).toEqual({
      bytes: Buffer.from('x'),
      propagation: undefined,
    });
  });
});

describe('what is no envelope through and through', () => {
  test.each<[string, unknown]>([
    ['has another type', envelopeOf('x', { type: 'io.openfunction.functions.pay' })],
    ['has no type', envelopeOf('x', { type: undefined })],
    ['has no data', envelopeOf('x', { data: undefined })],
    ['has data that is no object', envelopeOf('x', { data: 'eA==' })],
    ['has a list as its data', envelopeOf('x', { data: [METADATA] })],
    ['has no userData', envelopeOf('x', { data: { metadata: METADATA } })],
    ['has userData that is no text', envelopeOf('x', { data: { userData: 7 } })],
    ['has userData that is no base64', envelopeOf('x', { data: { userData: 'not base64!' } })],
    ['has userData in the alphabet of URLs', envelopeOf('x', { data: { userData: '__-_' } })],
    ['has data with other fields', envelopeOf('x', { data: { userData: 'test', orderId: 7 } })],
    ['has no version of CloudEvents', envelopeOf('x', { specversion: undefined })],
    ['has metadata that is a list', envelopeOf('x', { data: { metadata: [], userData: 'eA==' } })],
    [
      'has metadata of other values',
      envelopeOf('x', { data: { metadata: { a: 1 }, userData: 'eA==' } }),
    ],
    ['is text about one', `{ not JSON, about "io.openfunction.function.pay"`],
    ['is a list of them', [envelopeOf('x')]],
    ['is null', null],
  ])('is passed as it came: it %s', async (_, data) => {
    expect(openGoEnvelope({ type: 'com.dapr.event.sent' }, data)).toBeUndefined();
    const { app, got } = await start();
    await app.post(TOPIC, eventOf(data));
    expect(got[0]?.data).toEqual(JSON.parse(JSON.stringify(data)));
  });

  test('text of an ordinary message is not parsed', () => {
    const parse = vi.spyOn(JSON, 'parse');
    onTestFinished(() => parse.mockRestore());
    for (const text of ['{"a":1}', 'hello', '"io.openfunction.function.pay"']) {
      expect(openGoEnvelope({}, text)).toBeUndefined();
    }
    expect(parse).not.toHaveBeenCalled();
  });
});

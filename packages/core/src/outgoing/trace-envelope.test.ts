// The envelope of Go's functions around what is sent: to whom, with what in it, and only when asked for.
import { describe, expect, test } from 'vitest';
import { openGoEnvelope } from '../dapr/go-envelope.ts';
import { runInside } from '../invocation/invoke.ts';
import { createCall, outgoingTo, startDaprd } from './daprd.fixture.ts';
import { isQueue } from './trace-envelope.ts';

const propagation = {
  sw8: '1-a',
  'sw8-correlation': 'Yg==:Yw==',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  baggage: 'user=7',
};

const outputs = {
  orders: { componentName: 'mq', componentType: 'pubsub.redis', uri: 'orders' },
  queue: { componentName: 'jobs', componentType: 'bindings.kafka' },
  files: { componentName: 'disk', componentType: 'bindings.localstorage' },
};

async function start(settings: { namespace?: string; traceEnvelope?: boolean } = {}) {
  const daprd = await startDaprd();
  const outgoing = outgoingTo(daprd, { outputs, traceEnvelope: true, ...settings });
  const call = createCall(outgoing, { propagation });
  const send = async (output: string, data: unknown, options?: object): Promise<any> => {
    await runInside(call, () => outgoing.outputs[output]?.send(data, options));
    return daprd.last();
  };
  return { daprd, outgoing, call, send };
}

const contentOf = (envelope: unknown): string | undefined =>
  openGoEnvelope({}, envelope)?.bytes.toString();

describe('the envelope', () => {
  test('is the event that Go makes, with the whole trace', async () => {
    const { send } = await start({ namespace: 'shop' });
    const { body, headers } = await send('orders', { id: 7 });
    expect(headers['content-type']).toBe('application/json');
    expect(body).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
      source: 'shop/ship',
      type: 'io.openfunction.function.shop.ship',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
      datacontenttype: 'application/json',
      data: { metadata: propagation, userData: Buffer.from('{"id":7}').toString('base64') },
    });
    expect(openGoEnvelope({}, body)?.propagation).toEqual(propagation);
  });

  test('names the function alone outside of Kubernetes', async () => {
    const { body } = await (await start()).send('orders', 'x');
    expect(body).toMatchObject({ source: 'ship', type: 'io.openfunction.function.ship' });
  });

  test('has no trace where there is none', async () => {
    const { daprd, outgoing } = await start();
    await runInside(createCall(outgoing), () => outgoing.outputs['orders']?.send('x'));
    expect(daprd.last().body.data).toEqual({ metadata: {}, userData: 'eA==' });
  });

  test.each<[string, unknown, string]>([
    ['text', 'text', 'text'],
    ['bytes', Buffer.from('bytes'), 'bytes'],
    ['a value', [1], '[1]'],
  ])('holds %s byte by byte, for a topic and for a queue', async (_, data, content) => {
    const { send } = await start();
    expect(contentOf((await send('orders', data)).body)).toBe(content);
    expect(contentOf((await send('queue', data)).body.data)).toBe(content);
  });

  test('holds a CloudEvent whole', async () => {
    const { send } = await start();
    const event = { specversion: '1.0', id: '1', type: 'made', source: '/me', data: 1 };
    expect(JSON.parse(contentOf((await send('orders', event)).body) ?? '')).toMatchObject(event);
  });

  test('is around each event of a bulk', async () => {
    const { daprd, outgoing, call } = await start();
    await runInside(call, () =>
      outgoing.outputs['orders']?.publishBulk(['a', { event: { b: 1 } }]),
    );
    const entries: { event: unknown; contentType: string }[] = daprd.last().body;
    expect(entries.map(({ event }) => contentOf(event))).toEqual(['a', '{"b":1}']);
    expect(entries.map(({ contentType }) => contentType)).toEqual(
      Array(2).fill('application/json'),
    );
  });

  test('leaves key and metadata to the component, and tells it JSON as the content type', async () => {
    const { send } = await start();
    const options = { key: 'k', contentType: 'text/plain' };
    expect((await send('queue', 'x', options)).body.metadata).toEqual({
      partitionKey: 'k',
      contentType: 'application/json',
    });
    expect((await send('orders', 'x', { key: 'k' })).url).toContain('metadata.partitionKey=k');
  });

  test('is not around what goes to a binding that is no queue', async () => {
    const { send } = await start();
    expect((await send('files', { id: 7 })).body.data).toEqual({ id: 7 });
  });

  test('is not there unless it is asked for', async () => {
    const { send } = await start({ traceEnvelope: false });
    expect((await send('queue', { id: 7 })).body.data).toEqual({ id: 7 });
    expect((await send('orders', 'x')).body).toMatchObject({ sw8: '1-a', data: 'x' });
  });
});

test.each([
  'kafka',
  'rabbitmq',
  'aws.sqs',
  'aws.kinesis',
  'gcp.pubsub',
  'azure.eventgrid',
  'azure.eventhubs',
  'azure.servicebusqueues',
  'azure.storagequeues',
])('bindings.%s is a queue', (name) => {
  expect(isQueue(`bindings.${name}`)).toBe(true);
});

test.each(['bindings.http', 'bindings.kafka2', 'pubsub.kafka', undefined])('%s is none', (type) => {
  expect(isQueue(type)).toBe(false);
});

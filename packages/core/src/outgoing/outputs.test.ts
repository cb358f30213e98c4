// Outputs: what goes over the wire for each kind of data, and how what fails is told.
import { CloudEvent } from 'cloudevents';
import { describe, expect, test } from 'vitest';
import type { ContextComponent } from '../function/context.ts';
import { runInside } from '../invocation/invoke.ts';
import { createCall, fail, outgoingTo, startDaprd, type Daprd } from './daprd.fixture.ts';
import type { Output } from './outputs.ts';

async function start(component: ContextComponent): Promise<{ daprd: Daprd; output: Output }> {
  const daprd = await startDaprd();
  const output = outgoingTo(daprd, { outputs: { out: component } }).outputs['out'];
  if (output === undefined) throw new Error('no output');
  return { daprd, output };
}

const TOPIC = { componentName: 'mq', componentType: 'pubsub.kafka', uri: 'orders' };
const BINDING = { componentName: 'disk', componentType: 'bindings.localstorage' };

describe('an output', () => {
  test.each<[ContextComponent, Partial<Output>]>([
    [TOPIC, { type: 'topic', topic: 'orders', operation: undefined }],
    [
      { ...TOPIC, topic: 'newer' },
      { type: 'topic', topic: 'newer' },
    ],
    [BINDING, { type: 'binding', topic: undefined, operation: 'create' }],
    [
      { ...BINDING, uri: 'disk', operation: 'get' },
      { type: 'binding', operation: 'get' },
    ],
    [{ uri: 'orders' }, { type: 'topic', component: 'out' }],
    [{ uri: 'disk', operation: 'create' }, { type: 'binding' }],
    [{}, { type: 'binding', component: 'out' }],
  ])('of %j is known for what it is', async (component, expected) => {
    const { output } = await start(component);
    expect(output).toMatchObject({ name: 'out', ...expected });
    expect(Object.isFrozen(output)).toBe(true);
  });

  test('keeps the fields of the context, as OpenFunction has them in ctx.outputs', async () => {
    const component = { ...BINDING, uri: 'disk', operation: 'create', metadata: { a: 'b' } };
    const { output } = await start(component);
    expect(output).toMatchObject(component);
  });
});

describe('a topic', () => {
  test.each<[unknown, string, string]>([
    [{ a: 1 }, 'application/json', '{"a":1}'],
    [[1, 2], 'application/json', '[1,2]'],
    [0, 'application/json', '0'],
    [false, 'application/json', 'false'],
    [null, 'application/json', 'null'],
    ['text', 'text/plain', 'text'],
    ['', 'text/plain', ''],
  ])('gets %j as %s', async (data, contentType, body) => {
    const { daprd, output } = await start(TOPIC);
    await expect(output.send(data)).resolves.toBeUndefined();
    const { method, url, headers, bytes } = daprd.last();
    expect([method, url]).toEqual(['POST', '/v1.0/publish/mq/orders']);
    expect(headers['content-type']).toBe(contentType);
    expect(bytes.toString()).toBe(body);
  });

  test.each([
    ['a Buffer', Buffer.from([0, 255, 254])],
    ['an ArrayBuffer', new Uint8Array([0, 255, 254]).buffer],
    ['a view', new DataView(new Uint8Array([9, 0, 255, 254]).buffer, 1)],
  ])('gets the bytes of %s as they are', async (_, data) => {
    const { daprd, output } = await start(TOPIC);
    await output.send(data);
    expect(daprd.last().headers['content-type']).toBe('application/octet-stream');
    expect([...daprd.last().bytes]).toEqual([0, 255, 254]);
  });

  test('gets bytes of another type inside an event, since the sidecar would take them for text', async () => {
    const { daprd, output } = await start(TOPIC);
    await output.send(Buffer.from([255]), { contentType: 'image/png' });
    expect(daprd.last().headers['content-type']).toBe('application/cloudevents+json');
    expect(daprd.last().body).toMatchObject({
      specversion: '1.0',
      type: 'com.dapr.event.sent',
      datacontenttype: 'image/png',
      data_base64: '/w==',
    });
  });

  test.each([
    [
      'of the SDK',
      new CloudEvent({ id: '7', source: '/me', type: 'made', ext: 'x', data: { a: 1 } }),
    ],
    [
      'written as an object',
      { specversion: '1.0', id: '7', source: '/me', type: 'made', ext: 'x', data: { a: 1 } },
    ],
  ])('gets a CloudEvent %s with its id, source, type and extensions', async (_, event) => {
    const { daprd, output } = await start(TOPIC);
    await output.send(event);
    expect(daprd.last().headers['content-type']).toBe('application/cloudevents+json');
    expect(daprd.last().body).toMatchObject({
      id: '7',
      source: '/me',
      type: 'made',
      ext: 'x',
      data: { a: 1 },
    });
  });

  test('gets a CloudEvent with the type of its data, without which daprd drops it over gRPC', async () => {
    const { daprd, output } = await start(TOPIC);
    await output.send(new CloudEvent({ source: '/me', type: 'made', data: { a: 1 } }));
    expect(daprd.last().body).toMatchObject({ datacontenttype: 'application/json' });
    await output.send(new CloudEvent({ source: '/me', type: 'made', data: Buffer.from([255]) }));
    expect(daprd.last().body).toMatchObject({ data_base64: '/w==' });
    expect(daprd.last().body).not.toHaveProperty('datacontenttype');
  });

  test('gets the traceparent of a CloudEvent so that the sidecar leaves it as it is', async () => {
    const { daprd, output } = await start(TOPIC);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await output.send(new CloudEvent({ source: '/me', type: 'made', traceparent }));
    expect(daprd.last().body).toMatchObject({ traceparent, traceid: traceparent });
  });

  test('gets the baggage of its call as an extension, which the sidecar would not hand on', async () => {
    const { daprd, output } = await start(TOPIC);
    const call = createCall(outgoingTo(daprd), { propagation: { baggage: 'user=7' } });
    await runInside(call, () => output.send({ a: 1 }));
    expect(daprd.last().body).toMatchObject({ baggage: 'user=7', data: { a: 1 } });
    expect(daprd.last().body).not.toHaveProperty('sw8');
  });

  test('gets a SkyWalking trace as extensions of an event', async () => {
    const { daprd, output } = await start(TOPIC);
    const propagation = { sw8: '1-a', 'sw8-correlation': 'Yg==:Yw==', 'sw8-x': '0' };
    const extensions = { sw8: '1-a', sw8correlation: 'Yg==:Yw==', sw8x: '0' };
    const call = createCall(outgoingTo(daprd), { propagation });
    await runInside(call, () => output.send({ a: 1 }));
    expect(daprd.last().body).toMatchObject({
      ...extensions,
      source: 'ship',
      datacontenttype: 'application/json',
      data: { a: 1 },
    });
    await runInside(call, () => output.send('text'));
    expect(daprd.last().body).toMatchObject({
      ...extensions,
      datacontenttype: 'text/plain',
      data: 'text',
    });
    await runInside(call, () =>
      output.send(new CloudEvent({ source: '/me', type: 'made', sw8: 'own' })),
    );
    expect(daprd.last().body).toMatchObject({ ...extensions, sw8: 'own', source: '/me' });
    await runInside(call, () => output.send('{', { contentType: 'application/json' }));
    expect(daprd.last().body).toMatchObject({ ...extensions, data: '{' });
    await runInside(call, () => output.send('raw', { metadata: { rawPayload: 'true' } }));
    expect(daprd.last().body).toBe('raw');
  });

  test('takes text of a given type as it is', async () => {
    const { daprd, output } = await start(TOPIC);
    await output.send('{"a":1}', { contentType: 'application/json' });
    expect(daprd.last().headers['content-type']).toBe('application/json');
    expect(daprd.last().bytes.toString()).toBe('{"a":1}');
  });

  test('gets metadata of the context and of the message, and the key as partitionKey', async () => {
    const { daprd, output } = await start({ ...TOPIC, metadata: { a: '1', b: '1' } });
    await output.send('x', { metadata: { b: 'ü &', ttlInSeconds: '5' }, key: 'k/1' });
    const query = new URL(daprd.last().url, 'http://daprd').searchParams;
    expect(Object.fromEntries(query)).toEqual({
      'metadata.a': '1',
      'metadata.b': 'ü &',
      'metadata.ttlInSeconds': '5',
      'metadata.partitionKey': 'k/1',
    });
  });

  test('has its name encoded, and another one when the message says so', async () => {
    const { daprd, output } = await start({ ...TOPIC, componentName: 'my mq', uri: 'a/b?c' });
    daprd.intercept = (_, response) => Boolean(response.writeHead(204).end());
    await output.send('x');
    expect(daprd.last().url).toBe('/v1.0/publish/my%20mq/a%2Fb%3Fc');
    await output.send('x', { topic: 'other' });
    expect(daprd.last().url).toBe('/v1.0/publish/my%20mq/other');
  });

  test('without a name fails a message that does not name one', async () => {
    const { output } = await start({ componentName: 'mq', componentType: 'pubsub.kafka' });
    await expect(output.send('x')).rejects.toMatchObject({
      code: 'OFN_OUTPUT_FAILED',
      message: expect.stringContaining('has no topic') as unknown,
    });
    await expect(output.send('x', { topic: 'orders' })).resolves.toBeUndefined();
  });

  test('says which token is missing when the sidecar asks for one', async () => {
    const { daprd, output } = await start(TOPIC);
    daprd.intercept = (_, response) => Boolean(response.writeHead(401).end('invalid api token\n'));
    await expect(output.send('x')).rejects.toThrow(
      /401: invalid api token; give the function the DAPR_API_TOKEN of the sidecar$/,
    );
    daprd.intercept = (_, response) => Boolean(response.writeHead(401).end('who are you?'));
    await expect(output.send('x')).rejects.toThrow(/401: who are you\?$/);
  });

  test('rejects with the reason that Dapr gives', async () => {
    const { output } = await start({ ...TOPIC, componentName: 'missing' });
    await expect(output.send('x')).rejects.toMatchObject({
      code: 'OFN_OUTPUT_FAILED',
      message:
        'output out (topic orders of missing) failed: 404 ERR_PUBSUB_NOT_FOUND: pubsub missing is not found',
    });
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['a function', () => {}],
    ['a big integer', 1n],
    ['a Map', new Map([[1, 2]])],
    ['a promise', Promise.resolve(1)],
  ])('refuses %s, which JSON cannot express, before anything is sent', async (_, data) => {
    const { daprd, output } = await start(TOPIC);
    await expect(output.send(data)).rejects.toMatchObject({ code: 'OFN_RESULT_INVALID' });
    expect(daprd.requests).toEqual([]);
  });
});

describe('publishBulk', () => {
  test('publishes all kinds of data in one request, lossless', async () => {
    const { daprd, output } = await start(TOPIC);
    const event = { specversion: '1.0', id: '7', source: '/me', type: 'made' };
    const own = { event: 'own', entryId: 'mine', contentType: 'text/html', metadata: { a: 'b' } };
    const { failed } = await output.publishBulk(
      [{ a: 1 }, 'text', Buffer.from([255]), event, own],
      { key: 'k' },
    );
    expect(failed).toEqual([]);
    expect(daprd.requests).toHaveLength(1);
    expect(daprd.last().url).toBe('/v1.0-alpha1/publish/bulk/mq/orders?metadata.partitionKey=k');
    expect(daprd.last().body).toMatchObject([
      { entryId: '0', contentType: 'application/json', metadata: {}, event: { a: 1 } },
      { entryId: '1', contentType: 'text/plain', metadata: {}, event: 'text' },
      { entryId: '2', contentType: 'application/octet-stream', metadata: {}, event: '/w==' },
      { entryId: '3', contentType: 'application/cloudevents+json', metadata: {}, event },
      { entryId: 'mine', contentType: 'text/html', metadata: { a: 'b' }, event: 'own' },
    ]);
  });

  test('reports each event that failed, and no other', async () => {
    const { output } = await start(TOPIC);
    const { failed } = await output.publishBulk(['a', 'bad', 'b', { event: 'bad', entryId: 'x' }]);
    expect(failed).toMatchObject([
      { index: 1, entryId: '1', event: 'bad', error: { code: 'OFN_OUTPUT_FAILED' } },
      { index: 3, entryId: 'x', event: 'bad' },
    ]);
    expect(failed[0]?.error.message).toContain('broker refused');
  });

  test('rejects when the request fails as a whole', async () => {
    const { daprd, output } = await start(TOPIC);
    daprd.intercept = (_, response) => {
      fail(response, 403, 'ERR_PUBSUB_FORBIDDEN', 'topic orders is not allowed');
      return true;
    };
    await expect(output.publishBulk(['a'])).rejects.toMatchObject({
      code: 'OFN_OUTPUT_FAILED',
      message: expect.stringContaining('403 ERR_PUBSUB_FORBIDDEN: topic orders is not') as unknown,
    });
  });

  test('rejects when a failure names no entry that was sent', async () => {
    const { daprd, output } = await start(TOPIC);
    daprd.intercept = (_, response) =>
      Boolean(response.writeHead(500).end('{"failedEntries":[{"entryId":"?"},null,1]}'));
    await expect(output.publishBulk(['a'])).rejects.toMatchObject({ code: 'OFN_OUTPUT_FAILED' });
  });

  test('sends nothing for no events, and is refused for a binding', async () => {
    const { daprd, output } = await start(TOPIC);
    await expect(output.publishBulk([])).resolves.toEqual({ failed: [] });
    expect(daprd.requests).toEqual([]);
    const binding = await start(BINDING);
    await expect(binding.output.publishBulk(['a'])).rejects.toThrow('is no topic');
  });
});

describe('a binding', () => {
  test('gets operation, metadata and data, and its answer is passed through', async () => {
    const { daprd, output } = await start({ ...BINDING, metadata: { dir: 'a' } });
    const answer = await output.send(
      { a: 1 },
      { metadata: { fileName: 'b' }, operation: 'append', contentType: 'text/css' },
    );
    expect(daprd.last()).toMatchObject({
      url: '/v1.0/bindings/disk',
      body: {
        operation: 'append',
        metadata: { dir: 'a', fileName: 'b', contentType: 'text/css' },
        data: { a: 1 },
      },
    });
    expect(answer).toEqual({
      data: { got: { a: 1 } },
      bytes: Buffer.from('{"got":{"a":1}}'),
      metadata: { filename: 'a.txt' },
    });
  });

  test.each<[unknown, unknown]>([
    ['text', 'text'],
    ['', ''],
    [0, 0],
    [null, null],
    [Buffer.from([255, 0]), '/wA='],
  ])('gets %j as %j', async (data, expected) => {
    const { daprd, output } = await start(BINDING);
    await output.send(data);
    expect(daprd.last().body).toMatchObject({ operation: 'create', data: expected });
  });

  test.each([
    ['bindings.kafka', { partitionKey: 'k' }],
    ['bindings.azure.eventhubs', { partitionKey: 'k' }],
    ['bindings.aws.kinesis', { partitionKey: 'k' }],
    ['bindings.aws.s3', { key: 'k' }],
    ['bindings.redis', { key: 'k' }],
    [undefined, { key: 'k', partitionKey: 'k' }],
  ])('of type %s gets the key as %j', async (componentType, metadata) => {
    const { daprd, output } = await start({
      componentName: 'b',
      ...(componentType === undefined ? {} : { componentType }),
    });
    await output.send('x', { key: 'k' });
    expect(daprd.last().body.metadata).toEqual(metadata);
  });

  test.each<[string, Buffer, unknown]>([
    ['nothing', Buffer.alloc(0), undefined],
    ['text', Buffer.from('no json'), 'no json'],
    ['bytes', Buffer.from([255, 0]), Buffer.from([255, 0])],
  ])('may answer with %s', async (_, bytes, data) => {
    const { daprd, output } = await start(BINDING);
    daprd.intercept = (_request, response) => Boolean(response.end(bytes));
    await expect(output.send('x')).resolves.toEqual({ data, bytes, metadata: {} });
  });

  test('rejects with the reason that Dapr gives', async () => {
    const { daprd, output } = await start(BINDING);
    daprd.intercept = (_, response) => {
      fail(response, 500, 'ERR_INVOKE_OUTPUT_BINDING', 'disk full');
      return true;
    };
    await expect(output.send('x')).rejects.toMatchObject({
      code: 'OFN_OUTPUT_FAILED',
      message: 'output out (binding disk) failed: 500 ERR_INVOKE_OUTPUT_BINDING: disk full',
    });
  });
});

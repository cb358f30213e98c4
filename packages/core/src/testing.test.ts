// The test kit: what it sends, what it gives back, and how it fails like the bin would.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudEvent } from 'cloudevents';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { registry } from './function/registry.ts';
import { createRecorder } from './invocation/tracer.fixture.ts';
import {
  DropError,
  binding,
  cloudEvent,
  definePlugin,
  http,
  onStop,
  openfunction,
  topic,
} from './index.ts';
import {
  createTestRuntime,
  getFunction,
  getTestServer,
  type TestRuntimeOptions,
} from './testing.ts';

async function start(given: TestRuntimeOptions) {
  const t = await createTestRuntime(given);
  onTestFinished(() => t.close());
  return t;
}

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ofn-testing-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const echo = http('echo', (req, res) => {
  const { method, url, headers, body } = req;
  res.json({
    method,
    url,
    type: headers['content-type'],
    host: headers.host,
    body: body as unknown,
  });
});

describe('a request to a function', () => {
  it('is a GET without a body and a POST with one, JSON unless it is text or bytes', async () => {
    const t = await start({ functions: [echo] });
    const send = async (...request: Parameters<typeof t.http>) => (await t.http(...request)).json();
    expect(await send('echo')).toEqual({ method: 'GET', url: '/', host: 'localhost' });
    const json = { method: 'POST', type: 'application/json', body: { a: 1 } };
    expect(await send('echo', { body: { a: 1 } })).toMatchObject(json);
    expect(await send('echo', { body: null })).toMatchObject({ ...json, body: null });
    expect(
      await send('echo', { body: 'x', headers: { 'content-type': 'text/plain' } }),
    ).toMatchObject({ method: 'POST', type: 'text/plain', body: 'x' });
    expect(await send('echo', { body: new Uint8Array([1]), method: 'PUT' })).toMatchObject({
      method: 'PUT',
      body: { type: 'Buffer', data: [1] },
    });
  });

  it('goes to the path of the function unless it names another', async () => {
    const placed = http('placed', { path: '/here' }, (req, res) => void res.send(req.url));
    const t = await start({ functions: [placed, echo] });
    expect(await (await t.http('placed')).text()).toBe('/here');
    expect(await (await t.http('placed', { path: '/here?a=1' })).text()).toBe('/here?a=1');
    expect((await t.http('placed', { path: '/there' })).status).toBe(404);
  });

  it('serves that function alone, and all of them when it names none', async () => {
    const t = await start({ functions: [echo, openfunction('other', () => 'other')] });
    expect(await (await t.http('echo', { path: '/other' })).json()).toMatchObject({
      url: '/other',
    });
    expect(await (await t.request({ path: '/other' })).text()).toBe('other');
    expect(await (await t.request({ path: '/echo' })).json()).toMatchObject({ url: '/echo' });
  });

  it('to a function that is not there says what is, and leaves the rest usable', async () => {
    const t = await createTestRuntime({ functions: [echo] });
    await expect(t.http('missing')).rejects.toMatchObject({
      code: 'OFN_TARGET_NOT_FOUND',
      message: 'there is no function "missing"; there is "echo"',
    });
    expect((await t.http('echo')).status).toBe(200);
    await expect(t.close()).resolves.toBeUndefined();
  });

  it('gives back a status that a Response cannot have as an error', async () => {
    const odd = http('odd', (_req, res) => void res.status(799).send('x'));
    const t = await start({ functions: [odd] });
    await expect(t.http('odd')).rejects.toThrow('status');
  });

  it('gives back every cookie', async () => {
    const cookies = http(
      'cookies',
      (_req, res) => void res.cookie('a', '1').cookie('b', '2').end(),
    );
    const t = await start({ functions: [cookies] });
    const response = await t.http('cookies');
    expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2; Path=/']);
  });

  it('disconnects its client when its signal aborts', async () => {
    let called = (): void => {};
    const calling = new Promise<void>((resolve) => (called = resolve));
    let left = (): void => {};
    const leaving = new Promise<void>((resolve) => (left = resolve));
    const held = http('held', (req, _res) => {
      req.signal.addEventListener('abort', left);
      called();
    });
    const t = await start({ functions: [held] });
    const client = new AbortController();
    const reply = t.http('held', { signal: client.signal });
    await calling;
    client.abort();
    await expect(reply).rejects.toThrow('abort');
    await leaving;
    expect(client.signal.aborted).toBe(true);
  });
});

describe('an event to a function', () => {
  const mirror = cloudEvent('mirror', (event) => event);

  it.each(['binary', 'structured', 'batched'] as const)('arrives in %s mode', async (mode) => {
    const t = await start({ functions: [mirror] });
    const event = new CloudEvent({ id: '7', source: '/s', type: 't', data: { a: 0 } });
    const response = await t.cloudEvent('mirror', event, { mode });
    const body: unknown = await response.json();
    const expected = { binary: { a: 0 }, structured: { id: '7' }, batched: [{ id: '7' }] };
    expect(body).toMatchObject(expected[mode]);
  });

  it('is completed when it is partial', async () => {
    const t = await start({ functions: [mirror] });
    const { headers } = await t.cloudEvent('mirror', { data: 1 });
    expect([headers.get('ce-source'), headers.get('ce-type')]).toEqual(['/test', 'test']);
    expect(headers.get('ce-id')).toMatch(/./);
  });
});

describe('an event of a topic', () => {
  const onOrder = topic('onOrder', { pubsub: 'mq', topic: 'orders' }, (ctx, data) => {
    if (data === 'drop') throw new DropError('bad');
    if (data === 'retry') ctx.retry();
    if (data === 'fail') throw new Error('bad');
  });

  it('resolves to what the sidecar is told', async () => {
    const t = await start({ functions: [onOrder] });
    const said = ['fine', 'drop', 'retry', 'fail'].map((data) => t.topic('onOrder', data));
    expect(await Promise.all(said)).toEqual(['SUCCESS', 'DROP', 'RETRY', 'RETRY']);
  });

  it('is completed, and has the attributes, headers and bytes that are given', async () => {
    const seen: unknown[] = [];
    const keep = topic('keep', { pubsub: 'mq', topic: 'orders' }, (ctx, data) => {
      const own = ctx.input?.headers['x-own'];
      seen.push({ ...ctx.event?.toJSON(), data: data as unknown, own });
    });
    const t = await start({ functions: [keep] });
    await t.topic('keep', { a: 1 });
    const event = { id: 'e7', source: 'shop', type: 'order', subject: 's' };
    await t.topic('keep', Buffer.from([0xff, 0]), { event, headers: { 'x-own': '1' } });
    await t.topic('keep', undefined);
    expect(seen).toMatchObject([
      { data: { a: 1 }, source: 'test', type: 'com.dapr.event.sent', pubsubname: 'mq' },
      { data: Buffer.from([0xff, 0]), ...event, own: '1' },
      { data: undefined },
    ]);
    expect((seen[0] as { id: string }).id).toMatch(/^[\da-f-]{36}$/);
  });

  it('that is malformed rejects with what the sidecar would be told', async () => {
    const t = await start({ functions: [onOrder] });
    await expect(t.topic('onOrder', 1, { event: { id: '' } })).rejects.toThrow(
      /^the event was refused with 400: .*the attribute \\"id\\" must be a string/,
    );
  });

  it('carries the token of the app, unless it is given another', async () => {
    const t = await start({ functions: [onOrder, tick], env: { APP_API_TOKEN: 's3cret' } });
    expect(await t.topic('onOrder', 'fine')).toBe('SUCCESS');
    expect(await t.binding('tick')).toBe('SUCCESS');
    const headers = { 'dapr-api-token': 'wrong' };
    await expect(t.topic('onOrder', 'fine', { headers })).rejects.toThrow('refused with 401');
    await expect(t.binding('tick', 1, { headers })).rejects.toThrow('refused with 401');
  });

  it('goes to the input that is named, of a function that has several', async () => {
    const seen: unknown[] = [];
    const shop = openfunction('shop', (ctx) => void seen.push(ctx.input?.name));
    const input = (uri: string) => ({ componentName: 'mq', componentType: 'pubsub.redis', uri });
    const inputs = { orders: input('orders'), returns: input('returns') };
    const env = { FUNC_CONTEXT: JSON.stringify({ runtime: 'Async', inputs }) };
    const t = await start({ functions: [shop], env });
    await t.topic('shop', 1);
    await t.topic('shop', 1, { input: 'returns' });
    expect(seen).toEqual(['orders', 'returns']);
    await expect(t.topic('shop', 1, { input: 'other' })).rejects.toMatchObject({
      code: 'OFN_TARGET_NOT_FOUND',
      message: 'function "shop" has no topic "other"; there is "orders", "returns"',
    });
    await expect(t.binding('shop', 1, { input: 'other' })).rejects.toThrow('; there is none');
  });

  it('to a function that takes none says so', async () => {
    const t = await start({ functions: [onOrder, tick, echo] });
    await expect(t.topic('tick', 1)).rejects.toMatchObject({
      code: 'OFN_TARGET_NOT_FOUND',
      message: expect.stringMatching(/^function "tick" takes no topic; register it/) as unknown,
    });
    await expect(t.binding('onOrder')).rejects.toThrow('function "onOrder" takes no binding');
    await expect(t.topic('echo', 1)).rejects.toThrow('takes no topic');
    await expect(t.topic('missing', 1)).rejects.toThrow('there is no function "missing"');
  });

  it('is delivered in the same way with APP_PROTOCOL=grpc', async () => {
    const t = await start({ functions: [onOrder], env: { APP_PROTOCOL: 'grpc' } });
    expect(await t.topic('onOrder', 'fine')).toBe('SUCCESS');
  });
});

const tick = binding('tick', { component: 'cron' }, (ctx, data) => {
  ticks.push([data, ctx.input?.metadata]);
  if (data === 'drop') ctx.drop();
  if (data === 'fail') throw new Error('bad');
});
const ticks: unknown[] = [];

describe('an event of a binding', () => {
  it('resolves to what the sidecar is told, where a drop looks like a success', async () => {
    const t = await start({ functions: [tick] });
    const said = ['fine', 'drop', 'fail'].map((data) => t.binding('tick', data));
    expect(await Promise.all(said)).toEqual(['SUCCESS', 'SUCCESS', 'RETRY']);
  });

  it('has nothing, text, bytes or JSON, and its headers as metadata', async () => {
    const t = await start({ functions: [tick] });
    ticks.length = 0;
    await t.binding('tick');
    await t.binding('tick', 'text');
    await t.binding('tick', Buffer.from([0xff, 0]));
    await t.binding('tick', { a: 1 }, { headers: { filename: 'x.txt' } });
    expect(ticks).toEqual([
      [{}, {}],
      ['text', {}],
      [Buffer.from([0xff, 0]), {}],
      [{ a: 1 }, { filename: 'x.txt' }],
    ]);
  });
});

describe('the options of a test runtime', () => {
  it('are those of the bin, with their checks', async () => {
    const t = await start({
      functions: [echo],
      options: { 'body-limit': 5, 'health-routes': true },
    });
    expect((await t.http('echo', { body: 'x'.repeat(6) })).status).toBe(413);
    expect((await t.http('echo', { path: '/healthz' })).status).toBe(200);
    await expect(
      createTestRuntime({ functions: [echo], options: { nonsense: 1 } }),
    ).rejects.toMatchObject({ code: 'OFN_OPTION_UNKNOWN' });
    await expect(createTestRuntime({ options: { help: true } })).rejects.toMatchObject({
      code: 'OFN_OPTION_INVALID',
    });
    const off = await start({ functions: [echo], options: { 'health-routes': false } });
    expect(await (await off.http('echo', { path: '/healthz' })).json()).toMatchObject({
      method: 'GET',
    });
  });

  it('are read from an environment that is empty unless one is given', async () => {
    const env = { FUNCTION_BODY_LIMIT: '5' };
    const t = await start({ functions: [echo], env });
    expect((await t.http('echo', { body: 'x'.repeat(6) })).status).toBe(413);
  });
});

describe('a source', () => {
  it('is loaded, exported functions by the signature that is given', async () => {
    const source = await folderWith({
      'index.mjs': 'export const greet = (ctx, data) => `hello ${data.name}`;',
    });
    const t = await start({ source, signatureType: 'openfunction' });
    expect(await (await t.http('greet', { body: { name: 'Ada' } })).text()).toBe('hello Ada');
  });

  it('that is not there, or fails, fails the creation', async () => {
    const source = await folderWith({ 'index.mjs': 'throw new Error("broken");' });
    await expect(createTestRuntime({ source })).rejects.toMatchObject({
      code: 'OFN_SOURCE_FAILED',
    });
    const missing = join(source, 'missing.mjs');
    await expect(createTestRuntime({ source: missing })).rejects.toMatchObject({
      code: 'OFN_SOURCE_NOT_FOUND',
    });
  });
});

it('runs plugins around calls, and closes them and the stop hooks at the end', async () => {
  const log: string[] = [];
  const plugin = definePlugin({
    name: 'logged',
    setup: () => log.push('setup'),
    wrap: (_invocation, next) => {
      log.push('wrap');
      return next();
    },
    close: () => log.push('close'),
  });
  const wrapped = openfunction('wrapped', { plugins: [plugin] }, () => 'done');
  onStop(() => log.push('stop'));
  onTestFinished(() => void registry.stopHooks.pop());
  const t = await createTestRuntime({ functions: [wrapped] });
  expect(await (await t.http('wrapped')).text()).toBe('done');
  await t.close();
  expect(log).toEqual(['setup', 'wrap', 'stop', 'close']);
});

describe('what the peers offer', () => {
  it('getFunction gives the handler of a registered function', () => {
    const handler = (): string => 'x';
    openfunction('handler', handler);
    expect(getFunction('handler')).toBe(handler);
    expect(getFunction('missing')).toBeUndefined();
  });

  it('getTestServer gives a server that is ready to listen', async () => {
    openfunction('served', () => 'served');
    const server = getTestServer('served');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('served');
  });

  it('getTestServer needs a registered function', () => {
    expect(() => getTestServer('missing')).toThrow(
      expect.objectContaining({ code: 'OFN_TARGET_NOT_FOUND' }),
    );
  });

  it('getTestServer reports a failed start as an error of the server', async () => {
    const plugin = definePlugin({
      name: 'broken',
      setup: () => {
        throw new Error('no database');
      },
    });
    openfunction('unready', { plugins: [plugin] }, () => {});
    const [error] = (await once(getTestServer('unready'), 'listening').catch((thrown: unknown) => [
      thrown,
    ])) as unknown[];
    expect(error).toMatchObject({ code: 'OFN_START_FAILED' });
  });
});

it('traces calls with the tracing it is given, and closes it', async () => {
  const { tracing, calls } = createRecorder();
  const close = vi.fn<() => void>();
  const t = await createTestRuntime({ functions: [echo], tracing: { ...tracing, close } });
  await t.http('echo');
  await t.close();
  expect(calls).toMatchObject([{ runs: 1, ends: [{ status: 200 }] }]);
  expect(close).toHaveBeenCalledOnce();
});

// Exit spans: one for each request that a call sends to its sidecar, around all that reads the trace.
import * as http from 'node:http';
import { createRequire } from 'node:module';
import { HttpMethod } from '@dapr/dapr';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startApp } from '../dapr/channel.fixture.ts';
import { defineFunction } from '../function/definition.ts';
import type { Context } from '../function/signature.ts';
import type { ExitTarget } from '../invocation/trace.ts';
import { createRecorder } from '../invocation/tracer.fixture.ts';
import { fail, outgoingTo, startDaprd } from './daprd.fixture.ts';

const context = {
  outputs: {
    orders: { componentName: 'mq', componentType: 'pubsub.redis', uri: 'orders' },
    files: { componentName: 'disk', componentType: 'bindings.localstorage' },
    untyped: { componentName: 'box', operation: 'get' },
  },
  states: { pg: { componentName: 'pgstore', componentType: 'state.postgresql' } },
};

/** A function whose calls run code of the test, and the sidecar it sends to. */
async function start() {
  const daprd = await startDaprd();
  const recorder = createRecorder();
  let work: (ctx: Context) => unknown = () => {};
  const definition = defineFunction('work', 'openfunction', (ctx: Context) => work(ctx));
  const env = { DAPR_HTTP_ENDPOINT: daprd.address.http };
  const app = await startApp([definition], { context, env, tracing: recorder.tracing });
  const run = async (code: (ctx: Context) => unknown): Promise<void> => {
    // What the runtime asks by itself, at the start and for its health, is not of the call.
    daprd.requests.length = 0;
    work = code;
    const reply = await app.send({ path: '/', headers: { 'x-request-id': 'x' } });
    expect(reply).toMatchObject({ status: 204 });
  };
  const requests = () => daprd.requests.filter(({ url }) => !url.includes('/healthz/'));
  return { daprd, app, run, requests, ...recorder };
}

const topicOf = (topic: string): ExitTarget => ({
  kind: 'topic',
  operation: `publish ${topic}`,
  peer: `mq/${topic}`,
  componentType: 'pubsub.redis',
});
const bindingOf = (operation: string, peer: string, componentType?: string): ExitTarget => ({
  kind: 'binding',
  operation: `${operation} ${peer}`,
  peer,
  componentType,
});
const stateOf = (operation: string): ExitTarget => ({
  kind: 'state',
  operation: `${operation} pgstore`,
  peer: 'pgstore',
  componentType: 'state.postgresql',
});
const sidecarOf = (operation: string, peer: string): ExitTarget => ({
  kind: 'sidecar',
  operation,
  peer,
  componentType: undefined,
});

const SENDS: readonly [string, (ctx: Context) => unknown, ExitTarget][] = [
  ['a topic', ({ outputs }) => outputs['orders']?.send({ id: 7 }), topicOf('orders')],
  ['ctx.send', (ctx) => ctx.send('x', 'orders'), topicOf('orders')],
  [
    'another topic',
    ({ outputs }) => outputs['orders']?.send('x', { topic: 'late' }),
    topicOf('late'),
  ],
  ['a bulk', ({ outputs }) => outputs['orders']?.publishBulk(['a', 'b']), topicOf('orders')],
  [
    'a binding',
    ({ outputs }) => outputs['files']?.send('x'),
    bindingOf('create', 'disk', 'bindings.localstorage'),
  ],
  [
    'an operation of the context',
    ({ outputs }) => outputs['untyped']?.send('x'),
    bindingOf('get', 'box'),
  ],
  [
    'an operation of the message',
    ({ outputs }) => outputs['untyped']?.send('x', { operation: 'list' }),
    bindingOf('list', 'box'),
  ],
  ['get', ({ states }) => states['pg']?.get('a'), stateOf('get')],
  ['getWithEtag', ({ states }) => states['pg']?.getWithEtag('a'), stateOf('get')],
  ['save', ({ states }) => states['pg']?.save('a', 1), stateOf('save')],
  ['saveAll', ({ states }) => states['pg']?.saveAll([{ key: 'a', value: 1 }]), stateOf('save')],
  ['delete', ({ states }) => states['pg']?.delete('a'), stateOf('delete')],
  ['getBulk', ({ states }) => states['pg']?.getBulk(['a']), stateOf('getBulk')],
  [
    'transaction',
    ({ states }) => states['pg']?.transaction([{ operation: 'delete', request: { key: 'a' } }]),
    stateOf('transaction'),
  ],
  ['query', ({ states }) => states['pg']?.query({ filter: {} }), stateOf('query')],
  ["OpenFunction's save", ({ state }) => state.save({ key: 'a', value: 1 }), stateOf('save')],
  ["OpenFunction's get", ({ state }) => state.get('a'), stateOf('get')],
  ["OpenFunction's getBulk", ({ state }) => state.getBulk(['a']), stateOf('getBulk')],
  ["OpenFunction's delete", ({ state }) => state.delete('a'), stateOf('delete')],
  [
    'an invocation',
    ({ dapr }) => dapr.invoker.invoke('shop', 'orders/new', HttpMethod.POST, { id: 7 }),
    sidecarOf('invoke shop/orders/new', 'shop'),
  ],
  [
    'a secret',
    ({ dapr }) => dapr.secret.get('vault', 'key'),
    sidecarOf('get secrets/vault', 'vault'),
  ],
  [
    'a configuration',
    ({ dapr }) => dapr.configuration.get('settings', ['a']),
    sidecarOf('get configuration/settings', 'settings'),
  ],
  ['metadata', ({ dapr }) => dapr.metadata.get(), sidecarOf('get metadata', 'dapr')],
  [
    'a publish of the SDK',
    ({ dapr }) => dapr.pubsub.publish('mq', 'orders', { id: 7 }),
    sidecarOf('post publish/mq', 'mq'),
  ],
  [
    'a bulk of the SDK',
    ({ dapr }) => dapr.pubsub.publishBulk('mq', 'orders', ['a']),
    sidecarOf('post publish/mq', 'mq'),
  ],
];

test.each(SENDS)('%s is one exit span, whose id goes with the request', async (_, send, target) => {
  const { run, requests, of } = await start();
  await run(async (ctx) => void (await send(ctx)));
  expect(of('exit')).toMatchObject([{ target, parentId: of('call')[0]?.spanId, hasEnded: true }]);
  expect(of('exit')[0]?.error).toBeUndefined();
  const { traceId, spanId } = of('exit')[0] ?? {};
  expect(requests().map(({ headers }) => headers['traceparent'])).toEqual([
    `00-${traceId}-${spanId}-01`,
  ]);
});

describe('the exit span', () => {
  test('is in the attributes of the event that is published', async () => {
    const { run, daprd, of } = await start();
    await run((ctx) => ctx.send({ id: 7 }, 'orders'));
    expect(daprd.last().body).toMatchObject({ sw8: `1-${of('exit')[0]?.spanId}`, data: { id: 7 } });
  });

  test('is below the one that sends, and each output has its own', async () => {
    const { run, of } = await start();
    await run((ctx) => ctx.trace.span('part', () => ctx.send('x')));
    const [part] = of('inner');
    expect(of('exit').map(({ parentId, target }) => [parentId, target?.peer])).toEqual([
      [part?.spanId, 'mq/orders'],
      [part?.spanId, 'disk'],
      [part?.spanId, 'box'],
    ]);
  });

  test.each<[string, (ctx: Context) => Promise<unknown> | undefined, string]>([
    ['a topic', (ctx) => ctx.outputs['orders']?.send('x'), 'broken'],
    ['a binding', (ctx) => ctx.outputs['files']?.send('x'), 'broken'],
    ['a bulk', (ctx) => ctx.outputs['orders']?.publishBulk(['x']), 'broken'],
    ['a state', (ctx) => ctx.states['pg']?.save('a', 1), 'broken'],
    ['another app', (ctx) => ctx.dapr.invoker.invoke('shop', 'orders', HttpMethod.GET), 'broken'],
  ])('has the error of %s, and the handler has it too', async (_, send, reason) => {
    const { run, daprd, of } = await start();
    daprd.intercept = (request, response) => {
      if (request.url.includes('/healthz/')) return false;
      fail(response, 400, 'ERR_BROKEN', 'broken');
      return true;
    };
    await run(async (ctx) => {
      await expect(send(ctx)).rejects.toThrow(reason);
    });
    expect(String(of('exit')[0]?.error)).toContain(reason);
    expect(of('exit')).toHaveLength(1);
  });

  test('is one, though the request is tried again', async () => {
    const { run, daprd, requests, of } = await start();
    let attempts = 0;
    daprd.intercept = ({ url }, response) => {
      if (url.includes('/healthz/') || ++attempts > 1) return false;
      return Boolean(response.writeHead(500).end());
    };
    await run(async (ctx) => void (await ctx.states['pg']?.get('a')));
    expect(requests()).toHaveLength(2);
    expect(of('exit')).toHaveLength(1);
  });

  test.each<[string, (ctx: Context) => unknown]>([
    ['a bulk of nothing', (ctx) => ctx.outputs['orders']?.publishBulk([])],
    ['keys that are none', (ctx) => ctx.states['pg']?.getBulk([])],
    ['entries that are none', (ctx) => ctx.states['pg']?.saveAll([])],
    ['a transaction of nothing', (ctx) => ctx.states['pg']?.transaction([])],
  ])('is not made for %s, which sends nothing', async (_, send) => {
    const { run, requests, of } = await start();
    await run(async (ctx) => void (await send(ctx)));
    expect(requests()).toEqual([]);
    expect(of('exit')).toEqual([]);
  });

  test('is made for what a call sends after its end', async () => {
    const { run, requests, of, calls } = await start();
    let late: Promise<unknown> | undefined;
    await run((ctx) => {
      const ended = vi.waitFor(() => expect(calls[0]?.ends).toHaveLength(1));
      late = ended.then(() => ctx.send('x', 'orders'));
    });
    await late;
    expect(of('exit')).toMatchObject([{ parentId: of('call')[0]?.spanId }]);
    expect(requests()).toHaveLength(1);
  });
});

test('requests to the sidecar are not seen by what patches the client of Node', async () => {
  const patched = vi.fn<() => never>(() => {
    throw new Error('a request of the framework was seen');
  });
  // The object that instrumentations patch; those of an ES module follow it.
  const module = createRequire(import.meta.url)('node:http') as { request: unknown; get: unknown };
  const { request, get } = module;
  const { syncBuiltinESMExports } = createRequire(import.meta.url)('node:module') as {
    syncBuiltinESMExports: () => void;
  };
  Object.assign(module, { request: patched, get: patched });
  syncBuiltinESMExports();
  onTestFinished(() => {
    Object.assign(module, { request, get });
    syncBuiltinESMExports();
  });
  expect(http.request).toBe(patched);
  const daprd = await startDaprd();
  const outgoing = outgoingTo(daprd);
  await outgoing.send('x', 'orders');
  expect(await outgoing.isReachable()).toBe(true);
  expect(daprd.requests).toHaveLength(2);
  expect(patched).not.toHaveBeenCalled();
});

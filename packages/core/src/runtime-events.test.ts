// A runtime with inputs, from start to stop: events in flight, the probes, and what a sidecar reads
// while it drains.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  TopicEventStatus,
  connectGrpc,
  eventOf,
  startApp,
  type App,
} from './dapr/channel.fixture.ts';
import { defineFunction } from './function/definition.ts';
import type { Context, Handler, Request, Response, Trigger } from './function/signature.ts';
import { createMetrics } from './http/metrics.ts';
import { signalled } from './http/serve.fixture.ts';
import { startDaprd } from './outgoing/daprd.fixture.ts';

const TOPIC = '/dapr/topics/mq/orders/onOrder';
const onOrder = (handler: Handler, options: Partial<Trigger> = {}) => {
  const trigger = { kind: 'topic', pubsub: 'mq', topic: 'orders', ...options } as Trigger;
  return defineFunction('onOrder', 'openfunction', handler, {}, trigger);
};
const web = defineFunction('web', 'http', (_req: Request, res: Response) => res.end('web'));

/** A topic whose handlers wait until they are released. */
function createHeld(options: Partial<Trigger> = {}) {
  const calls: (() => void)[] = [];
  const data: unknown[] = [];
  const definition = onOrder((_ctx: Context, given) => {
    data.push(given);
    return new Promise<void>((resolve) => calls.push(resolve));
  }, options);
  return {
    definition,
    data,
    entered: (count: number) => vi.waitFor(() => expect(calls).toHaveLength(count)),
    release: () => calls.forEach((resolve) => resolve()),
  };
}

const PROTOCOLS = ['http', 'grpc'] as const;

/** Delivers events by a protocol; what comes back is their acknowledgements. */
function deliverBy(protocol: 'http' | 'grpc', app: App): (data: unknown) => Promise<string> {
  if (protocol === 'http') {
    return async (data) => (await app.post(TOPIC, eventOf(data))).json.status as string;
  }
  const { call } = connectGrpc(app);
  return async (data) => {
    const event = {
      id: 'e1',
      source: 's',
      type: 't',
      path: TOPIC,
      data: Buffer.from(JSON.stringify(data)),
    };
    return TopicEventStatus[(await call('onTopicEvent', event)).status as number] ?? '';
  };
}

describe.each(PROTOCOLS)('the drain of events that came over %s', (protocol) => {
  const flags = [`--app-protocol=${protocol}`];

  test('lets those in flight finish, flushes their acknowledgements, and then runs the hooks', async () => {
    const { definition, entered, release } = createHeld();
    const steps: string[] = [];
    const plugin = { name: 'p', close: () => void steps.push('closed') };
    const app = await startApp([definition], {
      flags: [...flags, '--drain-timeout=10s'],
      source: { plugins: [plugin] },
    });
    const deliver = deliverBy(protocol, app);
    const acknowledgements = [1, 2, 3].map(deliver);
    await entered(3);
    const stopped = app.runtime.stop({ skipDelay: true });
    expect(app.runtime.state).toBe('draining');
    expect(steps).toEqual([]);
    release();
    expect(await Promise.all(acknowledgements)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
    await stopped;
    expect(steps).toEqual(['closed']);
  });

  test('has those retried that do not finish, and says how many; none is acknowledged', async () => {
    const { definition, entered } = createHeld();
    const app = await startApp([definition], { flags: [...flags, '--drain-timeout=30ms'] });
    const acknowledgements = [1, 2, 3].map(deliverBy(protocol, app));
    await entered(3);
    await expect(app.runtime.stop({ skipDelay: true })).rejects.toMatchObject({
      code: 'OFN_DRAIN_INCOMPLETE',
      message: '3 calls were cut off after 0.03 s',
    });
    expect(await Promise.all(acknowledgements)).toEqual(['RETRY', 'RETRY', 'RETRY']);
  });

  test('gives those back that wait behind a gate, and never calls them', async () => {
    const { definition, data, entered } = createHeld({ concurrency: 1 });
    const app = await startApp([definition], { flags: [...flags, '--drain-timeout=30ms'] });
    const deliver = deliverBy(protocol, app);
    const first = deliver(1);
    await entered(1);
    const others = [2, 3, 4].map(deliver);
    // One more round on each connection: what was sent before has arrived.
    await app.send({ path: '/healthz' });
    await expect(app.runtime.stop({ skipDelay: true })).rejects.toMatchObject({
      code: 'OFN_DRAIN_INCOMPLETE',
    });
    expect(await Promise.all([first, ...others])).toEqual(['RETRY', 'RETRY', 'RETRY', 'RETRY']);
    expect(data).toEqual([1]);
  });

  test('handles those that wait behind a gate when there is time', async () => {
    const { definition, data, entered, release } = createHeld({ concurrency: 1 });
    const app = await startApp([definition], { flags: [...flags, '--drain-timeout=10s'] });
    const deliver = deliverBy(protocol, app);
    const acknowledgements = [1, 2].map(deliver);
    await entered(1);
    const stopped = app.runtime.stop({ skipDelay: true });
    release();
    await entered(2);
    release();
    expect(await Promise.all(acknowledgements)).toEqual(['SUCCESS', 'SUCCESS']);
    await stopped;
    expect(new Set(data)).toEqual(new Set([1, 2]));
  });

  test('gives back what comes when hooks and plugins have begun to close, without calling it', async () => {
    const handler = vi.fn<() => void>();
    const closing = signalled();
    const end = signalled();
    const close = (): Promise<void> => {
      closing.resolve();
      return end.promise;
    };
    const app = await startApp([onOrder(handler)], {
      flags: [...flags, '--drain-timeout=10s'],
      source: { plugins: [{ name: 'p', close }] },
    });
    const socket = connect(app.port, '127.0.0.1');
    await once(socket, 'connect');
    const answered = once(socket, 'data');
    // Enough for the port to know who it is for; the rest comes late.
    const body = JSON.stringify(eventOf(1));
    const head = `POST ${TOPIC} HTTP/1.1\r\nHost: x\r\nContent-Type: application/cloudevents+json\r\n`;
    socket.write(head);
    await app.send({ path: '/healthz' });
    const stopped = app.runtime.stop({ skipDelay: true });
    await closing.promise;
    socket.write(`Content-Length: ${body.length}\r\n\r\n${body}`);
    const [reply] = (await answered) as [Buffer];
    expect(reply.toString()).toContain('{"status":"RETRY"}');
    expect(handler).not.toHaveBeenCalled();
    end.resolve();
    await stopped;
  });

  test('closes a connection that has not spoken, and an idle one', async () => {
    const app = await startApp([onOrder(() => {})], { flags });
    await deliverBy(protocol, app)(1);
    const silent = connect(app.port, '127.0.0.1');
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    await app.runtime.stop({ skipDelay: true });
    await closed;
    expect(silent.destroyed).toBe(true);
  });
});

describe.each(PROTOCOLS)('a sidecar that gives up on an event over %s', (protocol) => {
  test('aborts the signal of its handler, and has one that waits not handled', async () => {
    const seen: unknown[] = [];
    const [entered, waits, aborted, end] = [signalled(), signalled(), signalled(), signalled()];
    const handler = (ctx: Context, data: unknown): Promise<void> => {
      seen.push(data);
      ctx.signal.addEventListener('abort', () => aborted.resolve());
      entered.resolve();
      return end.promise;
    };
    // Asked when an event comes, before it waits.
    const order = ({ data }: { data?: unknown }): string => {
      if (String(data) === '2') waits.resolve();
      return 'k';
    };
    const app = await startApp([onOrder(handler, { order })], {
      flags: [`--app-protocol=${protocol}`],
    });
    const { deliver, goAway } = await startGoingSidecar(protocol, app);
    deliver(1);
    await entered.promise;
    deliver(2);
    await waits.promise;
    goAway();
    await aborted.promise;
    await vi.waitFor(() =>
      expect(app.lines).toMatchObject([
        { level: 'info', message: 'to be delivered again: the sidecar no longer waits' },
      ]),
    );
    end.resolve();
    await app.runtime.stop({ skipDelay: true });
    expect(seen).toEqual([1]);
  });
});

/** A sidecar whose connections break when it goes away; nobody hears what it is answered. */
async function startGoingSidecar(protocol: 'http' | 'grpc', app: App) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const upstream = connect(app.port, '127.0.0.1');
    sockets.push(upstream);
    for (const end of [socket, upstream]) end.on('error', () => {});
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const deliver = deliverBy(protocol, { ...app, port, post: postTo(port) });
  return {
    deliver: (data: unknown) => void deliver(data).catch(() => {}),
    goAway: () => sockets.forEach((socket) => socket.destroy()),
  };
}

/** Posts over a connection of its own, and never hears the answer. */
function postTo(port: number): App['post'] {
  return (path, body) => {
    const text = JSON.stringify(body);
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/cloudevents+json\r\n` +
        `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    return new Promise(() => {});
  };
}

describe('/healthz', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is 503 while it drains when there are inputs, so that the sidecar stops delivering', async () => {
    const { definition, entered, release } = createHeld();
    const app = await startApp([definition], {
      flags: ['--app-protocol=grpc', '--drain-delay=10s', '--drain-timeout=10s'],
    });
    const { call } = connectGrpc(app);
    expect((await app.send({ path: '/healthz' })).status).toBe(200);
    await call('healthCheck', {});
    const acknowledgement = deliverBy('http', app)(1);
    await entered(1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stopped = app.runtime.stop();
    const reply = await app.send({ path: '/healthz' });
    expect([reply.status, reply.json]).toEqual([503, { status: 'unavailable', state: 'draining' }]);
    await expect(call('healthCheck', {})).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      details: 'the app is draining',
    });
    release();
    expect(await acknowledgement).toBe('SUCCESS');
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    await stopped;
  });

  test('is served by default with inputs, and 200 while it drains without any', async () => {
    const plain = await startApp([web], { flags: ['--health-routes', '--drain-timeout=10s'] });
    expect((await plain.send({ path: '/healthz' })).status).toBe(200);
    const withInputs = await startApp([onOrder(() => {})]);
    expect((await withInputs.send({ path: '/healthz' })).status).toBe(200);
    const off = await startApp([onOrder(() => {})], { flags: ['--no-health-routes'] });
    expect((await off.send({ path: '/healthz' })).status).toBe(404);
  });
});

describe('/readyz', () => {
  test('is 503 while the sidecar cannot be reached, and events are taken all the same', async () => {
    // A port that nobody listens on any more.
    const gone = await startDaprd();
    await gone.close();
    const app = await startApp([onOrder(() => {})], {
      env: { DAPR_HTTP_ENDPOINT: gone.address.http },
    });
    const reply = await app.send({ path: '/readyz' });
    expect([reply.status, reply.json]).toEqual([
      503,
      { status: 'unavailable', state: 'running', sidecar: 'unreachable' },
    ]);
    expect((await app.send({ path: '/healthz' })).status).toBe(200);
    expect(await deliverBy('http', app)(1)).toBe('SUCCESS');
  });

  test('is 200 when the sidecar answers', async () => {
    const daprd = await startDaprd();
    const app = await startApp([onOrder(() => {})], {
      env: { DAPR_HTTP_ENDPOINT: daprd.address.http },
    });
    const reply = await app.send({ path: '/readyz' });
    expect([reply.status, reply.json]).toEqual([
      200,
      { status: 'ok', state: 'running', sidecar: 'ok' },
    ]);
  });

  test('asks no sidecar for a function that needs none', async () => {
    const app = await startApp([web], { flags: ['--health-routes'] });
    expect((await app.send({ path: '/readyz' })).json).toEqual({ status: 'ok', state: 'running' });
  });
});

describe('a start', () => {
  test('warns of inputs that no function can take, by their names', async () => {
    const inputs = { in: { componentName: 'mq', componentType: 'pubsub.redis', uri: 'orders' } };
    const { lines, send } = await startApp([web], { context: { runtime: 'Knative', inputs } });
    expect(lines).toMatchObject([{ level: 'warn', fields: { inputs: ['in'] } }]);
    expect(lines[0]?.message).toContain('inputs of the function context are not received');
    expect((await send({ path: '/' })).text).toBe('web');
  });

  test('warns when nothing can ever call a function', async () => {
    const plain = defineFunction('f', 'openfunction', () => undefined);
    const { lines } = await startApp([plain], { context: { runtime: 'Async' } });
    expect(lines).toMatchObject([
      { level: 'warn', message: expect.stringContaining('add one under "inputs"') as unknown },
    ]);
  });

  test('warns of nothing when all inputs are taken', async () => {
    const { lines } = await startApp([onOrder(() => {}), web]);
    expect(lines).toEqual([]);
  });

  test('tells plugins the inputs', async () => {
    const setup = vi.fn<(runtime: unknown) => void>();
    const { runtime } = await startApp([onOrder(() => {})], {
      source: { plugins: [{ name: 'p', setup }] },
    });
    expect(setup).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ inputs: runtime.inputs }),
    );
    expect(runtime.inputs).toMatchObject([{ component: 'mq', topic: 'orders' }]);
  });

  test('of an async runtime serves no function over HTTP', async () => {
    const plain = defineFunction('f', 'openfunction', () => 'over HTTP');
    const { send } = await startApp([plain], { context: { runtime: 'Async' } });
    expect((await send({ path: '/f' })).status).toBe(404);
    expect((await send({ path: '/' })).status).toBe(404);
    const { status: code, json } = await send({ method: 'POST', path: '/f' });
    expect([code, json.code]).toEqual([500, 'OFN_INPUT_UNKNOWN']);
  });

  test('serves a function that is registered for a topic over HTTP under no path', async () => {
    const { send } = await startApp([onOrder(() => {}), web]);
    expect((await send({ path: '/onOrder' })).status).toBe(404);
    expect((await send({ path: '/web' })).text).toBe('web');
  });

  test('serves a sync function over HTTP and the inputs of its context', async () => {
    const seen: unknown[] = [];
    const both = defineFunction('f', 'openfunction', (ctx: Context, data: unknown) => {
      seen.push(ctx.input?.name ?? 'HTTP', data);
      return 'answer';
    });
    const inputs = { in: { componentName: 'mq', componentType: 'pubsub.redis', uri: 'orders' } };
    const app = await startApp([both], { context: { runtime: 'Knative', inputs } });
    const [{ path } = { path: '' }] = app.runtime.inputs;
    expect((await app.post(path, eventOf(1))).json).toEqual({ status: 'SUCCESS' });
    expect((await app.send({ method: 'POST', path: '/x' })).text).toBe('answer');
    expect(seen).toEqual(['in', 1, 'HTTP', undefined]);
  });
});

test('ctx.drop and ctx.retry are refused for a call over HTTP', async () => {
  const seen: unknown[] = [];
  const f = defineFunction('f', 'openfunction', (ctx: Context) => {
    for (const ask of [() => ctx.drop(), () => ctx.retry()]) {
      try {
        ask();
      } catch (error) {
        seen.push((error as { code?: unknown }).code);
      }
    }
    return 'done';
  });
  const { send } = await startApp([f]);
  expect((await send({ path: '/' })).text).toBe('done');
  expect(seen).toEqual(['OFN_NOT_A_DELIVERY', 'OFN_NOT_A_DELIVERY']);
});

test('counts events by how they were acknowledged', async () => {
  const metrics = createMetrics();
  const app = await startApp(
    [
      onOrder((ctx: Context, data: unknown) => {
        if (data === 'drop') ctx.drop();
        if (data === 'bad') throw new Error('bad');
      }),
    ],
    { metrics },
  );
  const deliver = deliverBy('http', app);
  for (const data of ['good', 'good', 'drop', 'bad']) await deliver(data);
  const text = await metrics.render();
  const count = (said: string): string | undefined =>
    new RegExp(`_count\\{[^}]*status="${said}"[^}]*\\} (\\d+)`).exec(text)?.[1];
  expect([count('success'), count('drop'), count('retry')]).toEqual(['2', '1', '1']);
  expect(text).toMatch(/faas_errors_total\{function="onOrder"\} 1/);
  expect(text).toMatch(/faas_in_flight\{function="onOrder"\} 0/);
});

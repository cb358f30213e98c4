// The first call of an instance, whatever it is, and the signal by which calls learn that it stops.
import { describe, expect, it } from 'vitest';
import { cloudEvent, currentInvocation, http, openfunction, topic } from '../index.ts';
import { createTestRuntime } from '../testing.ts';
import { connectTo, listen, serve, signalled } from './serve.fixture.ts';

describe('the cold start', () => {
  it('is the first call of an instance, by req and by ctx', async () => {
    const send = await serve(
      http('cold', (req, res) => void res.json([req.coldStart, currentInvocation()?.coldStart])),
    );
    expect(await (await send()).json()).toEqual([true, true]);
    expect(await (await send()).json()).toEqual([false, false]);
    const other = await serve(openfunction('other', (ctx) => ({ cold: ctx.coldStart })));
    expect(await (await other()).json()).toEqual({ cold: true });
  });

  it('is one of all functions together', async () => {
    const functions = ['one', 'two'].map((name) =>
      http(name, (req, res) => void res.json(req.coldStart)),
    );
    const t = await createTestRuntime({ functions });
    expect(await (await t.request({ path: '/one' })).json()).toBe(true);
    expect(await (await t.request({ path: '/two' })).json()).toBe(false);
    await t.close();
  });

  it('is the first event of a topic', async () => {
    const seen: boolean[] = [];
    const t = await createTestRuntime({
      functions: [topic('orders', { pubsub: 'mq' }, (ctx) => void seen.push(ctx.coldStart))],
    });
    await t.topic('orders', 1);
    await t.topic('orders', 2);
    await t.close();
    expect(seen).toEqual([true, false]);
  });

  it('is the first event of a batch alone', async () => {
    const seen: unknown[] = [];
    const send = await serve(
      cloudEvent('batch', () => void seen.push(currentInvocation()?.coldStart)),
    );
    const event = { specversion: '1.0', source: '/s', type: 't' };
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    const body = [1, 2].map((id) => ({ ...event, id: String(id) }));
    await send({ headers, body });
    await send({ headers, body });
    expect(seen).toEqual([true, false, false, false]);
  });
});

describe('the signal that the instance stops', () => {
  it('aborts while the call is open, which then ends by itself', async () => {
    const called = signalled();
    const { addresses, runtime } = await listen(
      [
        http('stream', (req, res) => {
          res.write('data: 1\n\n');
          req.stopping.addEventListener('abort', () => res.end('data: bye\n\n'));
          called.resolve();
        }),
      ],
      ['--drain-timeout=10m'],
    );
    const { reply } = connectTo(addresses.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await called.promise;
    await runtime.stop();
    expect(await reply).toMatch(/data: 1[^]*data: bye\n\n\r\n0\r\n\r\n$/);
  });

  it('does not abort during the drain delay', async () => {
    const called = signalled<AbortSignal>();
    const { addresses, runtime } = await listen(
      [
        http('delayed', (req, res) => {
          called.resolve(req.stopping);
          req.stopping.addEventListener('abort', () => res.end(runtime.state));
        }),
      ],
      ['--drain-timeout=10m', '--drain-delay=50ms'],
    );
    connectTo(addresses.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const signal = await called.promise;
    const stopped = runtime.stop();
    expect([runtime.state, signal.aborted]).toEqual(['draining', false]);
    await stopped;
    expect(signal.aborted).toBe(true);
  });

  it('reaches a handler that goes on after its answer', async () => {
    const ended = signalled<boolean>();
    const { origin, runtime } = await listen(
      [
        http('background', async (req, res) => {
          res.send('answered');
          await new Promise((resolve) => req.stopping.addEventListener('abort', resolve));
          ended.resolve(req.stopping.aborted);
        }),
      ],
      ['--drain-timeout=10m'],
    );
    await (await fetch(origin)).text();
    await runtime.stop();
    expect(await ended.promise).toBe(true);
  });

  it('has listeners that are code of the call', async () => {
    const called = signalled();
    const { addresses, runtime } = await listen(
      [
        http('throws', (req, _res) => {
          req.stopping.addEventListener('abort', () => {
            currentInvocation()?.fail(new Error('from the listener'));
          });
          called.resolve();
        }),
      ],
      ['--drain-timeout=10m'],
    );
    const { reply } = connectTo(addresses.port, 'GET / HTTP/1.0\r\n\r\n');
    await called.promise;
    await runtime.stop();
    expect(await reply).toMatch(/^HTTP\/1\.1 500 /);
  });

  it('warns of no leak, however many calls listen', async () => {
    const warnings: Error[] = [];
    const keep = (warning: Error): void => void warnings.push(warning);
    process.on('warning', keep);
    const all = signalled();
    let count = 0;
    const { addresses, runtime } = await listen(
      [
        http('many', (req, res) => {
          req.stopping.addEventListener('abort', () => res.end('bye'));
          count += 1;
          if (count === 30) all.resolve();
        }),
      ],
      ['--drain-timeout=10m'],
    );
    const replies = Array.from({ length: 30 }, () =>
      connectTo(addresses.port, 'GET / HTTP/1.0\r\n\r\n'),
    );
    await all.promise;
    await runtime.stop();
    for (const { reply } of replies) expect(await reply).toMatch(/bye$/);
    process.removeListener('warning', keep);
    expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([]);
  });
});

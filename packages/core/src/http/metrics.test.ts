// Metrics: each call is counted once, under its function and its status.
import { describe, expect, it } from 'vitest';
import { http } from '../index.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { connectTo, listen, signalled } from './serve.fixture.ts';

const flags = ['--admin-port=0'];

async function lines(metrics: Metrics, name: string): Promise<string[]> {
  return (await metrics.render()).split('\n').filter((line) => line.startsWith(name));
}

describe('the metrics of calls', () => {
  it('count answers, failures and time-outs by function', async () => {
    const metrics = createMetrics();
    const { origin } = await listen(
      [
        http('mixed', { path: '/:what' }, (req, res) => {
          if (req.params['what'] === 'ok') res.send('ok');
          else if (req.params['what'] === 'bad') res.sendStatus(503);
          else if (req.params['what'] === 'mine') res.sendStatus(404);
        }),
      ],
      [...flags, '--timeout=30ms'],
      metrics,
    );
    for (const what of ['ok', 'ok', 'bad', 'mine', 'late']) {
      await (await fetch(`${origin}/${what}`)).text();
    }
    expect(await lines(metrics, 'faas_invoke_duration_seconds_count')).toEqual([
      'faas_invoke_duration_seconds_count{function="mixed",status="200"} 2',
      'faas_invoke_duration_seconds_count{function="mixed",status="503"} 1',
      'faas_invoke_duration_seconds_count{function="mixed",status="404"} 1',
      'faas_invoke_duration_seconds_count{function="mixed",status="504"} 1',
    ]);
    expect(await lines(metrics, 'faas_errors_total')).toEqual([
      'faas_errors_total{function="mixed"} 1',
    ]);
    expect(await lines(metrics, 'faas_timeouts_total')).toEqual([
      'faas_timeouts_total{function="mixed"} 1',
    ]);
    expect(await lines(metrics, 'faas_in_flight')).toEqual(['faas_in_flight{function="mixed"} 0']);
  });

  it('count a call while it runs, and as 499 when its client leaves', async () => {
    const metrics = createMetrics();
    const called = signalled();
    const aborted = signalled();
    const { addresses } = await listen(
      [
        http('left', (req, _res) => {
          req.signal.addEventListener('abort', () => aborted.resolve());
          called.resolve();
        }),
      ],
      flags,
      metrics,
    );
    const { socket } = connectTo(addresses.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await called.promise;
    expect(await lines(metrics, 'faas_in_flight')).toEqual(['faas_in_flight{function="left"} 1']);
    socket.destroy();
    await aborted.promise;
    await new Promise(setImmediate);
    expect(await lines(metrics, 'faas_invoke_duration_seconds_count')).toEqual([
      'faas_invoke_duration_seconds_count{function="left",status="499"} 1',
    ]);
  });

  it('count calls as they begin, and the first of them as the cold start of the instance', async () => {
    const metrics = createMetrics();
    const before = Date.now() / 1000;
    const first = http('first', { path: '/first' }, (_req, res) => void res.send('ok'));
    const other = http('other', { path: '/other' }, (_req, res) => void res.send('ok'));
    const { origin } = await listen([first, other], flags, metrics);
    expect(await lines(metrics, 'faas_first_call_timestamp_seconds')).toEqual([]);
    for (const path of ['/first', '/other', '/first']) await (await fetch(origin + path)).text();
    expect(await lines(metrics, 'faas_invocations_total')).toEqual([
      'faas_invocations_total{function="first"} 2',
      'faas_invocations_total{function="other"} 1',
    ]);
    expect(await lines(metrics, 'faas_coldstarts_total')).toEqual([
      'faas_coldstarts_total{function="first"} 1',
    ]);
    const [line = '', ...others] = await lines(metrics, 'faas_first_call_timestamp_seconds');
    const [, seconds] = /^\w+\{function="first"\} ([\d.e+]+)$/.exec(line) ?? [];
    expect(Number(seconds)).toBeGreaterThanOrEqual(before);
    expect(Number(seconds)).toBeLessThanOrEqual(Date.now() / 1000);
    expect(others).toEqual([]);
  });

  it('tell how long the process took to be ready, once it is', async () => {
    const metrics = createMetrics();
    const name = 'faas_init_duration_seconds';
    expect(await lines(metrics, name)).toEqual([]);
    metrics.ready(1.25);
    expect(await lines(metrics, name)).toEqual([`${name} 1.25`]);
    const started = createMetrics();
    await listen([http('any', (_req, res) => void res.send('ok'))], flags, started);
    expect((await lines(started, name))[0]).toMatch(/ \d+\.\d+$/);
  });

  it('of one runtime are apart from those of another', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.observer.began({ name: 'f' } as never, false);
    expect(await lines(one, 'faas_in_flight')).toHaveLength(1);
    expect(await lines(other, 'faas_in_flight')).toEqual([]);
  });
});

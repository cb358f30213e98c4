// The admin port: probes and metrics, for GET and HEAD only, apart from the functions.
import { describe, expect, it } from 'vitest';
import { http } from '../index.ts';
import { createAdminServer } from './admin.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { listen } from './serve.fixture.ts';

async function admin(
  metrics: Metrics = createMetrics(),
  flags: readonly string[] = [],
): Promise<string> {
  const functions = [http('any', (_req, res) => void res.send('function'))];
  const { addresses } = await listen(functions, ['--admin-port=0', ...flags], metrics);
  return `http://127.0.0.1:${addresses.adminPort}`;
}

describe('the admin port', () => {
  it('answers probes and metrics', async () => {
    const origin = await admin();
    expect(await (await fetch(`${origin}/healthz`)).json()).toMatchObject({ status: 'ok' });
    expect(await (await fetch(`${origin}/readyz?x`)).json()).toEqual({
      status: 'ok',
      state: 'running',
    });
    const metrics = await fetch(`${origin}/metrics`);
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await metrics.text()).toContain('process_cpu_user_seconds_total');
  });

  it('answers nothing else, and never a function', async () => {
    const origin = await admin();
    const other = await fetch(`${origin}/any`);
    expect([other.status, await other.text()]).toEqual([404, '']);
    const post = await fetch(`${origin}/metrics`, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const head = await fetch(`${origin}/healthz`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('tells the queue behind KEDA, in the shape of its version, and nowhere else', async () => {
    expect((await fetch(`${await admin()}/queue`)).status).toBe(404);
    const current = await fetch(`${await admin(undefined, ['--keda'])}/queue`);
    expect(current.headers.get('content-type')).toBe('application/json');
    expect(await current.json()).toEqual({ 'default/any': { Concurrency: 0, RequestCount: 0 } });
    const older = await admin(undefined, ['--keda', '--keda-add-on=0.5']);
    expect(await (await fetch(`${older}/queue`)).json()).toEqual({});
    expect((await fetch(`${older}/queue`, { method: 'POST' })).status).toBe(405);
  });

  it('answers 500 when the metrics cannot be rendered', async () => {
    const failing = { ...createMetrics(), render: () => Promise.reject(new Error('no')) };
    const origin = await admin(failing);
    expect((await fetch(`${origin}/metrics`)).status).toBe(500);
    expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  });

  it('does not listen by itself', () => {
    const health = {
      state: () => 'idle' as const,
      stopsWhenDraining: false,
      isSidecarReachable: undefined,
    };
    expect(createAdminServer(createMetrics(), health).listening).toBe(false);
  });
});

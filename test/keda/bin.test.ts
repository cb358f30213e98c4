// The bin as a process: a function from zero, and an end that leaves nothing behind.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { renderObjects, toInterceptorRoute } from '@ofn/keda';
import { BACKENDS, HOST } from './cluster.ts';
import { sendTraffic } from './traffic.ts';

const manifest = createRequire(import.meta.url).resolve('@ofn/keda/package.json');
const BIN = join(dirname(manifest), 'bin/ofn-interceptor.js');

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly output: () => string;
}

async function start(): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'ofn-bin-'));
  const file = join(folder, 'shop.yaml');
  const { route, scaledObject } = toInterceptorRoute({ name: 'shop', hosts: [HOST] });
  writeFileSync(file, renderObjects([route, scaledObject]));
  const command = BACKENDS.framework.map((word) => JSON.stringify(word)).join(' ');
  const args = [BIN, file, '--port', '0', '--admin-port', '0', '--run', command];
  const env = { PATH: process.env['PATH'], KEDA_HTTP_SHUTDOWN_DELAY: '100ms' };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const port = await vi.waitFor(() => {
    const [, found] = /→ shop at http:\/\/localhost:(\d+)/.exec(output) ?? [];
    if (found === undefined) throw new Error(`it does not listen: ${output}`);
    return Number(found);
  }, 20_000);
  return { child, port, output: () => output };
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'on %s requests in flight end, then the function, then the bin, with 0',
  async (signal) => {
    const { child, output, port } = await start();
    const traffic = sendTraffic({
      port,
      host: HOST,
      requests: 20,
      concurrency: 20,
      kinds: ['events'],
      onReply(replies) {
        if (replies === 1) child.kill(signal);
      },
    });
    expect(await traffic).toEqual({ ok: 20, failed: {} });
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    expect(output()).toContain('shop-1 has stopped');
  },
);

test('a second signal ends the function with the bin at once', async () => {
  const { child, output, port } = await start();
  await sendTraffic({ port, host: HOST, requests: 1, concurrency: 1, kinds: ['GET'] });
  const instance = await vi.waitFor(() => {
    const [, found] = /serving hello at http:\/\/localhost:(\d+)/.exec(output()) ?? [];
    if (found === undefined) throw new Error(`the function has not said where it is: ${output()}`);
    return found;
  });
  const asked = (): Promise<Response> => fetch(`http://127.0.0.1:${instance}/readyz`);
  expect((await asked()).status).toBe(200);
  child.kill('SIGTERM');
  await vi.waitFor(() => expect(output()).toContain('stopping'));
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  expect(code).toBe(1);
  await vi.waitFor(() => expect(asked()).rejects.toThrow('fetch failed'));
});

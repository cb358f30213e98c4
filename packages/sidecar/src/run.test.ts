import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from './run.ts';

/** A run that has not ended yet. */
function start(args: readonly string[], env: Record<string, string> = {}) {
  const stopping = new AbortController();
  const told = { out: '', err: '' };
  let onOut: (() => void) | undefined;
  const ready = new Promise<void>((resolve) => {
    onOut = resolve;
  });
  const code = run(args, {
    env,
    out: (text) => {
      told.out += text;
      onOut?.();
    },
    err: (text) => {
      told.err += text;
    },
    stop: stopping.signal,
  });
  return { told, ready, code, stop: () => stopping.abort() };
}

const FREE_PORTS = ['--dapr-http-port=0', '--dapr-grpc-port=0'];

function httpPortIn(text: string): number {
  return Number(/HTTP API at 127\.0\.0\.1:(\d+)/.exec(text)?.[1]);
}

describe('run', () => {
  it('tells both ports when it is ready, and ends with 0 when it is told to stop', async () => {
    const bin = start(['--app-id=orders', ...FREE_PORTS]);
    await bin.ready;
    expect(bin.told.out).toMatch(
      /^ofn-sidecar: ready for app "orders": HTTP API at 127\.0\.0\.1:\d+, gRPC API at 127\.0\.0\.1:\d+\n/,
    );
    const response = await fetch(`http://127.0.0.1:${httpPortIn(bin.told.out)}/v1.0/metadata`);
    expect(await response.json()).toMatchObject({ id: 'orders' });
    // There is no app to wait for.
    const health = await fetch(`http://127.0.0.1:${httpPortIn(bin.told.out)}/v1.0/healthz`);
    expect(health.status).toBe(204);
    bin.stop();
    expect(await bin.code).toBe(0);
    expect(bin.told.err).toBe('');
  });

  it('ends when a caller of its API asks for it', async () => {
    const bin = start(FREE_PORTS);
    await bin.ready;
    const url = `http://127.0.0.1:${httpPortIn(bin.told.out)}/v1.0/shutdown`;
    expect((await fetch(url, { method: 'POST' })).status).toBe(204);
    expect(await bin.code).toBe(0);
  });

  it('checks the token of the environment', async () => {
    const bin = start(FREE_PORTS, { DAPR_API_TOKEN: 'secret' });
    await bin.ready;
    const url = `http://127.0.0.1:${httpPortIn(bin.told.out)}/v1.0/metadata`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { 'dapr-api-token': 'secret' } })).status).toBe(200);
    bin.stop();
    await bin.code;
  });

  it('says what is missing for anything to be delivered', async () => {
    const bin = start(FREE_PORTS);
    const quiet = start([...FREE_PORTS, '--log-level=warn']);
    await Promise.all([bin.ready, quiet.ready]);
    bin.stop();
    quiet.stop();
    await Promise.all([bin.code, quiet.code]);
    expect(bin.told.out.split('\n').slice(1)).toEqual([
      'ofn-sidecar: components: none; --resources-path names a folder of them',
      'ofn-sidecar: no --app-port: nothing is delivered to an app',
      '',
    ]);
    expect(quiet.told.out.split('\n')).toHaveLength(2);
  });

  it('plays what is not here in memory when it is told to emulate, and refuses it otherwise', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sidecar-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const component =
      'apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: mq}\nspec: {type: pubsub.redis, version: v1}';
    await writeFile(join(folder, 'mq.yaml'), component);
    const args = [...FREE_PORTS, `--resources-path=${folder}`];
    const bin = start([...args, '--emulate']);
    const refusing = start(args);
    await bin.ready;
    bin.stop();
    expect(await bin.code).toBe(0);
    expect(bin.told.out).toContain(
      'ofn-sidecar: component "mq" is of type pubsub.redis, played in memory\n',
    );
    expect(bin.told.out).toContain('ofn-sidecar: components: mq (pubsub.redis)\n');
    expect(await refusing.code).toBe(1);
    expect(refusing.told.err).toContain('component "mq" has type "pubsub.redis"');
  });

  it('notes the flags that do nothing here, unless only errors are to be told', async () => {
    const args = [...FREE_PORTS, '--metrics-port=1', '--config=c.yaml'];
    const loud = start(args);
    const quiet = start([...args, '--log-level=error']);
    await Promise.all([loud.ready, quiet.ready]);
    loud.stop();
    quiet.stop();
    await Promise.all([loud.code, quiet.code]);
    expect(loud.told.err).toBe(
      'ofn-sidecar: --config, --metrics-port: accepted, but nothing here needs it\n',
    );
    expect(quiet.told.err).toBe('');
  });

  it('ends with 2 and one line for an option that is wrong', async () => {
    const bin = start(['--nonsense']);
    expect(await bin.code).toBe(2);
    expect(bin.told).toEqual({
      out: '',
      err: "ofn-sidecar: ERR_OPTION_UNKNOWN: Unknown option '--nonsense'; see --help\n",
    });
  });

  it('ends with 1 when a port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const bin = start([`--dapr-http-port=${port}`, '--dapr-grpc-port=0']);
    expect(await bin.code).toBe(1);
    expect(bin.told.err).toMatch(/^ofn-sidecar: ERR_PORT_UNAVAILABLE: 127\.0\.0\.1:\d+ cannot be/);
    server.close();
  });

  it('prints help and version, and ends with 0', async () => {
    const help = start(['--help']);
    expect(await help.code).toBe(0);
    expect(help.told.out).toContain('Usage: ofn-sidecar [flags]');
    const version = start(['--version']);
    expect(await version.code).toBe(0);
    expect(version.told.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

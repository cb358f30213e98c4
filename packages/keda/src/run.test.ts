import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { renderObjects, toHttpScaledObject } from './index.ts';
import { run } from './run.ts';
import { EXTERNAL_SCALER } from './scaler/external-scaler-service.ts';

const folder = mkdtempSync(join(tmpdir(), 'ofn-interceptor-'));

function write(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const objectOf = (name: string): string =>
  renderObjects([
    toHttpScaledObject(
      { name, hosts: [`${name}.example.com`], cooldownPeriod: 1000 },
      { addOn: 'current' },
    ),
  ]);

/** A run that has not ended yet. */
function start(args: readonly string[]) {
  const stopping = new AbortController();
  const told = { out: '', err: '' };
  const code = run([...args, '--port', '0', '--admin-port', '0'], {
    env: {},
    out: (chunk) => void (told.out += chunk),
    err: (chunk) => void (told.err += chunk),
    stop: stopping.signal,
  });
  onTestFinished(async () => {
    stopping.abort('SIGINT');
    await code;
  });
  return {
    told,
    code,
    stop: (): void => stopping.abort('SIGINT'),
    async says(pattern: RegExp): Promise<string> {
      return vi.waitFor(() => {
        const found = pattern.exec(told.out);
        if (found === null) throw new Error(`it has not said ${String(pattern)}: ${told.out}`);
        return found[1] ?? '';
      }, 10_000);
    },
  };
}

async function ask(port: string, host: string): Promise<[number | undefined, string]> {
  const outgoing = get({ port, host: '127.0.0.1', headers: { host }, agent: false });
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage];
  return [reply.statusCode, await text(reply)];
}

const SERVER = write(
  'function.cjs',
  `const server = require('node:http').createServer((request, response) => response.end('hello'));
   server.listen(process.env.PORT, '127.0.0.1');
   process.on('SIGTERM', () => process.exit(0));`,
);

test('starts the function of a first request, tells of it, and ends it with itself', async () => {
  const file = write('shop.yaml', objectOf('shop'));
  const running = start([file, '--run', `${process.execPath} ${SERVER}`]);
  const port = await running.says(/shop\.example\.com → shop at http:\/\/localhost:(\d+)/);
  expect(await ask(port, 'shop.example.com')).toEqual([200, 'hello']);
  await running.says(/(shop-1 is ready after \d+ ms)/);
  running.stop();
  expect(await running.code).toBe(0);
  expect(running.told.out).toContain('shop-1 has stopped');
});

test('sends requests to what runs already', async () => {
  const server = createServer((_, response) => response.end('there'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const file = write('cart.yaml', objectOf('cart'));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const running = start([file, '--backend', `cart=${address}`]);
  const port = await running.says(/→ cart at http:\/\/localhost:(\d+)/);
  expect(await ask(port, 'cart.example.com')).toEqual([200, 'there']);
});

const two = write('two.yaml', `${objectOf('a')}---\n${objectOf('b')}`);
const wrong = write('wrong.yaml', objectOf('wrong').replace('port: 80', 'port: 0'));
const other = write('other.yaml', 'apiVersion: v1\nkind: Service\nmetadata:\n  name: x\n');

test.each([
  [['/no/such/file.yaml'], 'OFN_KEDA_OBJECT_UNREADABLE: cannot read /no/such/file.yaml'],
  [[wrong], 'OFN_KEDA_OBJECT_INVALID'],
  [[other], 'there is no HTTPScaledObject or InterceptorRoute in it'],
  [[two, '--run', 'node x.js'], '--run needs the service that it is for'],
  [[two, '--run', 'c=node x.js'], '--run: no route leads to default/c'],
  [[two, '--backend', 'c=127.0.0.1:1'], '--backend: no route leads to default/c'],
])('ends with 2 and says why: %j', async (args, message) => {
  const { code, told } = start(args);
  expect(await code).toBe(2);
  expect(told.err).toMatch(/^ofn-interceptor: OFN_KEDA_\w+: .*\n$/);
  expect(told.err).toContain(message);
});

test('ends with 1 when its port is taken', async () => {
  const file = write('taken.yaml', objectOf('taken'));
  const first = start([file]);
  const port = await first.says(/http:\/\/localhost:(\d+)\n/);
  const told: string[] = [];
  const code = await run([file, '--port', port, '--admin-port', '0'], {
    env: {},
    out() {},
    err: (chunk) => void told.push(chunk),
    stop: new AbortController().signal,
  });
  expect([code, told.join()]).toEqual([1, expect.stringContaining('it is in use')]);
});

test('prints its help, and its version', async () => {
  const { code, told } = start(['--help']);
  expect([await code, told.out]).toEqual([0, expect.stringContaining('Usage: ofn-interceptor')]);
  const version = start(['--version']);
  expect([await version.code, version.told.out]).toEqual([
    0,
    expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  ]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('serves the external scaler of its routes at the port that is named', async () => {
  const file = write('scaled.yaml', objectOf('scaled'));
  const running = start([file, '--scaler-port', '0']);
  const address = await running.says(/external scaler at (\S+)/);
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  const call = promisify(client.makeUnaryRequest.bind(client)) as (
    path: string,
    serialize: (request: object) => Buffer,
    deserialize: (bytes: Buffer) => unknown,
    request: object,
  ) => Promise<unknown>;
  const { path, requestSerialize, responseDeserialize } = EXTERNAL_SCALER['IsActive']!;
  const scalerMetadata = { httpScaledObject: 'scaled' };
  const request = { name: 'scaled', namespace: 'default', scalerMetadata };
  expect(await call(path, requestSerialize, responseDeserialize, request)).toEqual({
    result: false,
  });
});

test('ends with 1, and stops the proxy, when the port of the scaler is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const file = write('scaled.yaml', objectOf('scaled'));
  const { code, told } = start([file, '--scaler-port', String(port)]);
  expect(await code).toBe(1);
  expect(told.err).toContain(`OFN_KEDA_PORT_UNAVAILABLE: 127.0.0.1:${port}`);
  const [, proxy = ''] = /at http:\/\/localhost:(\d+)/.exec(told.out) ?? [];
  await expect(ask(proxy, 'scaled.example.com')).rejects.toThrow('ECONNREFUSED');
});

// Functions that use Dapr with a real daprd beside each instance, where there is one; and without one.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { startDev } from './ofn-dev.ts';
import { ask, createProject, isAlive, post, start, type Running } from './project.ts';

const VERSION = versionOf(process.env['DAPRD'] || 'daprd');
const NAME =
  VERSION === undefined
    ? 'daprd (skipped: none is on PATH, and DAPRD names none)'
    : `daprd ${VERSION}`;
if (VERSION === undefined) console.info(`test/platform: ${NAME}`);

function versionOf(daprd: string): string | undefined {
  try {
    return execFileSync(daprd, ['--version'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}

const MAIN = `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: hello }
spec:
  image: example/hello:v1
  serving:
    pubsub: { mq: { type: pubsub.in-memory } }
    states: { store: { spec: { type: state.in-memory } } }
    outputs: [{ dapr: { name: mq, topic: orders, type: pubsub.in-memory } }]
    annotations: { openfunction.io/enable-dapr: 'true' }
    triggers: { http: { engine: keda, route: { hostnames: [hello.example.com] } } }
`;

// What its own daprd has in memory, no other one has: it takes what it sends.
const CODE = `import { openfunction, topic } from '@ofn/core';
openfunction('send', { path: '/' }, async (ctx, data) => {
  await ctx.send(data, 'mq');
  return { accepted: true };
});
topic('take', { pubsub: 'mq', topic: 'orders' }, async (ctx, order) => {
  const seen = [...((await ctx.states.store.get('seen')) ?? []), order.id];
  await ctx.states.store.save('seen', seen);
  console.log('seen', JSON.stringify(seen));
});
`;

const PROJECT = {
  'function.yaml': MAIN,
  'index.js': CODE,
  'package.json': '{"type":"module"}',
};

/** A Function whose sidecar speaks a protocol to it. */
const speaking = (file: string, protocol: string): string =>
  file.replace('annotations: {', `annotations: { dapr.io/app-protocol: ${protocol},`);

const CRON = `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: hello }
spec:
  image: example/hello:v1
  serving:
    annotations: { openfunction.io/enable-dapr: 'true' }
    bindings: { timer: { type: bindings.cron, metadata: [{ name: schedule, value: '@every 1h' }] } }
    triggers: { dapr: [{ name: timer, type: bindings.cron }] }
`;

/** Calls a binding by hand, of a function to which its sidecar speaks a protocol. */
async function tick(protocol: string) {
  const { folder } = createProject(
    {
      'function.yaml': speaking(CRON, protocol),
      'index.js': `import { openfunction } from '@ofn/core';
openfunction('tick', (ctx, data) => console.log('ticked', JSON.stringify(data)));
`,
      'package.json': '{"type":"module"}',
    },
    { framework: true },
  );
  const platform = await start([folder], { daprd: true });
  await platform.happened('ready');
  const url = `http://127.0.0.1:${platform.adminPort}/functions/default/hello/bindings/timer`;
  const response = await fetch(url, { method: 'POST', body: '{"by":"hand"}' });
  return { platform, reply: { status: response.status, body: await response.text() } };
}

const printed = ({ events }: Running): string =>
  events.flatMap((event) => (event.type === 'line' ? [event.line] : [])).join('\n');

const warnings = ({ events }: Running): readonly string[] =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

/** The processes of a daprd that has its components in a folder. */
function daprdsOf(folder: string): readonly number[] {
  const flag = `--resources-path=${folder}/.ofn/dapr/`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(flag);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** A program that says a version, and then does as it is told. */
function fakeDaprd(folder: string, code: string): string {
  const path = join(folder, 'fake-daprd');
  const text = `#!${process.execPath}
if (process.argv[2] === '--version') { console.log('1.18.3'); process.exit(0); }
${code}
`;
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

test('without the daprd that is named, ofn dev ends with 1, and says what to do', async () => {
  const { folder } = createProject(PROJECT, { framework: true });
  const { child, output } = startDev(folder, { args: ['--daprd', 'none'] });
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code).toBe(1);
  expect(output()).toMatch(/^none does not exist\. Install one with "dapr init --slim" or from /);
});

test('a component that nobody defines is an error before anything runs', async () => {
  const { folder } = createProject(
    { ...PROJECT, 'function.yaml': MAIN.replace(/^ +pubsub:.*\n/m, '') },
    { framework: true },
  );
  const daprd = fakeDaprd(folder, '');
  await expect(start([folder], { daprd })).rejects.toThrow(
    /names the component "mq", and nothing here defines it/,
  );
  expect(existsSync(join(folder, '.ofn'))).toBe(false);
});

test('a daprd that ends at once is a start that has failed, with its last words', async () => {
  const { folder } = createProject(PROJECT, { framework: true });
  const fatal = JSON.stringify({ level: 'fatal', msg: 'there is no Redis' });
  const daprd = fakeDaprd(folder, `console.log('${fatal}'); process.exitCode = 3;`);
  const platform = await start([folder], { daprd });
  const reply = await post(platform.port, 'localhost', { id: 1 });
  expect(reply.status).toBe(503);
  expect(reply.body).toContain('daprd ended: exit code 3: there is no Redis');
  expect(platform.events).toContainEqual(
    expect.objectContaining({
      type: 'crashed',
      how: expect.stringContaining('no Redis') as string,
    }),
  );
});

test('a function that KEDA would scale by events has its least replicas, and one warning says so', async () => {
  const file = MAIN.replace(
    /triggers:.*\n/,
    'scaleOptions: { minReplicas: 2, keda: { triggers: [{ type: kafka, metadata: {} }] } }\n    triggers: { dapr: [{ name: mq, topic: orders, type: pubsub.in-memory }] }\n',
  );
  const { folder, write } = createProject(
    { ...PROJECT, 'function.yaml': file },
    { framework: true },
  );
  const daprd = fakeDaprd(folder, 'process.exitCode = 1;');
  const platform = await start([folder], { daprd });
  expect(platform.events).toContainEqual({ type: 'scaled', function: 'hello', replicas: 2 });
  const told = () => warnings(platform).filter((each) => each.includes('not scaled by events'));
  expect(told()).toEqual([
    'hello: with daprd it is not scaled by events, and has its least replicas',
  ]);
  write('function.yaml', file.replace('minReplicas: 2', 'minReplicas: 3'));
  await vi.waitFor(
    () =>
      expect(platform.events).toContainEqual({ type: 'scaled', function: 'hello', replicas: 3 }),
    { timeout: 20_000 },
  );
  expect(told()).toHaveLength(1);
});

describe.skipIf(VERSION === undefined)(`with ${NAME},`, () => {
  test.for(['http', 'grpc'])(
    'a function over %s takes what it sends to a topic, and keeps state, and nothing is warned of',
    async (protocol) => {
      const { folder } = createProject(
        { ...PROJECT, 'function.yaml': speaking(MAIN, protocol) },
        { framework: true },
      );
      const platform = await start([folder], { daprd: true });
      expect((await post(platform.port, 'localhost', { id: 1 })).body).toBe('{"accepted":true}');
      await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('seen [1]');
      await post(platform.port, 'localhost', { id: 2 });
      await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('seen [1,2]');
      expect(daprdsOf(folder)).toHaveLength(1);
      await platform.stop();
      expect(daprdsOf(folder)).toEqual([]);
      expect(warnings(platform)).toEqual([]);
    },
  );

  test('what a daprd warns of is a warning of its function', async () => {
    const { folder } = createProject(
      {
        ...PROJECT,
        'index.js': CODE.replace('const seen', "throw new Error('no');\n  const seen"),
      },
      { framework: true },
    );
    const platform = await start([folder], { daprd: true });
    await post(platform.port, 'localhost', { id: 1 });
    await expect
      .poll(() => warnings(platform), { timeout: 20_000 })
      .toContainEqual(expect.stringMatching(/^hello-default: .*(?:RETRY status|retriable error)/));
  });

  test('an event by hand is published by the sidecar of a function that runs', async () => {
    const { folder } = createProject(PROJECT, { framework: true });
    const platform = await start([folder], { daprd: true });
    const publish = async (path: string) => {
      const url = `http://127.0.0.1:${platform.adminPort}/topics/${path}`;
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', headers, body: '{"id":7}' });
      return { status: response.status, body: await response.text() };
    };
    expect(await publish('mq/orders')).toMatchObject({
      status: 409,
      body: expect.stringMatching(/no function with the component \\"mq\\" runs/) as string,
    });
    expect(await publish('none/orders')).toMatchObject({
      status: 502,
      body: expect.stringMatching(/no function has a component \\"none\\"/) as string,
    });
    await post(platform.port, 'localhost', { id: 1 });
    await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('seen [1]');
    expect((await publish('mq/orders')).status).toBe(204);
    await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('seen [1,7]');
  });

  test('a binding is called by hand over HTTP', async () => {
    const { platform, reply } = await tick('http');
    expect(reply).toEqual({ status: 204, body: '' });
    expect(printed(platform)).toContain('ticked {"by":"hand"}');
  });

  test('a binding over gRPC is not called by hand, and the error says what calls it', async () => {
    const { reply } = await tick('grpc');
    expect(reply).toMatchObject({
      status: 502,
      body: expect.stringContaining(
        'with daprd, events of a binding come from its system itself',
      ) as string,
    });
  });

  test('one app calls another through both sidecars', async () => {
    const call =
      "http://127.0.0.1:' + process.env.DAPR_HTTP_PORT + '/v1.0/invoke/hello-default/method/";
    const other = MAIN.replace('name: hello', 'name: front').replace(
      'hello.example',
      'front.example',
    );
    const sub = (file: string, path: string): string =>
      file.replace(
        '  serving:',
        `  build: { builder: local, srcRepo: { url: 'https://example.com/a.git', sourceSubPath: ${path} } }\n  serving:`,
      );
    const { folder } = createProject(
      {
        'function.yaml': [
          sub(speaking(MAIN, 'http'), 'hello'),
          sub(speaking(other, 'http'), 'front'),
        ].join('---'),
        'hello/index.js': 'export default (req, res) => res.send("it is me");\n',
        'front/index.js': `export default async (req, res) => res.send(await (await fetch('${call}')).text());\n`,
        'package.json': '{"type":"module"}',
      },
      { framework: true },
    );
    const platform = await start([folder], { daprd: true });
    expect((await ask(platform.port, 'hello.localhost')).body).toBe('it is me');
    expect((await ask(platform.port, 'front.localhost')).body).toBe('it is me');
  });

  test('one that is killed is told of, and started again at its ports', async () => {
    const { folder } = createProject(PROJECT, { framework: true });
    const platform = await start([folder], { daprd: true });
    await post(platform.port, 'localhost', { id: 1 });
    await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('seen [1]');
    const [pid = 0] = daprdsOf(folder);
    process.kill(pid, 'SIGKILL');
    await expect
      .poll(() => warnings(platform), { timeout: 20_000 })
      .toContain('hello-default: daprd ended by itself: SIGKILL; it is started again in 1 s');
    // Its memory is gone.
    await expect
      .poll(
        async () => {
          await post(platform.port, 'localhost', { id: 2 });
          return printed(platform);
        },
        { timeout: 20_000, interval: 200 },
      )
      .toContain('seen [2]');
  });

  test('what it cannot reach is why the function does not start', async () => {
    const { folder } = createProject(
      {
        ...PROJECT,
        'function.yaml': MAIN.replace(
          'mq: { type: pubsub.in-memory }',
          "mq: { type: pubsub.redis, metadata: [{ name: redisHost, value: '127.0.0.1:1' }] }",
        ).replace('orders, type: pubsub.in-memory', 'orders, type: pubsub.redis'),
      },
      { framework: true },
    );
    const platform = await start([folder], { daprd: true });
    const reply = await post(platform.port, 'localhost', { id: 1 });
    expect(reply.status).toBe(503);
    expect(reply.body).toMatch(/daprd ended: exit code 1: .*pubsub\.redis.*127\.0\.0\.1:1/);
  });

  test('one ends when ofn dev is killed', async () => {
    const { folder } = createProject(PROJECT, { framework: true });
    const { child, port } = startDev(folder, { args: ['--daprd'], env: process.env });
    expect((await ask(await port(), 'localhost', '/', '{"id":1}')).status).toBe(200);
    const [pid = 0] = daprdsOf(folder);
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });
});

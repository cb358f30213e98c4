// The admin API of a platform: what it tells and to whom, and the file by which it is found.
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, createProject, start } from './project.ts';

const HELLO = {
  'index.js':
    'export default (req, res) => { console.log(`asked for ${req.url}`); res.send("hi"); };\n',
  'package.json': '{"type":"module"}',
};

const SHORT = { timeout: 20_000 };

interface Reply {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: unknown;
}

/** Asks the admin API. */
async function call(
  port: number,
  path: string,
  options: { method?: string; headers?: OutgoingHttpHeaders; body?: string | Buffer } = {},
): Promise<Reply> {
  const { body = '', headers = {}, method = 'GET' } = options;
  const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent: false });
  outgoing.on('error', () => {});
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const received = await text(response);
  const type = response.headers['content-type'];
  const isJson = type?.includes('json') === true;
  const parsed: unknown = isJson ? JSON.parse(received) : received;
  return { status: response.statusCode ?? 0, type, body: parsed };
}

/** Follows a stream of the admin API: what has come of it by now. */
function follow(port: number, path: string) {
  const events: { event: string; data: { metadata?: { name: string }; line?: string } }[] = [];
  const outgoing = request({ host: '127.0.0.1', port, path, agent: false });
  const ended = new Promise<void>((resolve) => {
    outgoing.on('response', (response: IncomingMessage) => {
      let rest = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const blocks = `${rest}${chunk}`.split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const [, event = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
          events.push({ event, data: JSON.parse(data) as (typeof events)[number]['data'] });
        }
      });
      response.on('close', resolve);
    });
  });
  outgoing.on('error', () => {});
  outgoing.end();
  onTestFinished(() => void outgoing.destroy());
  return { events, ended, close: () => outgoing.destroy() };
}

/** A platform with one function, and a second that has a namespace of its own. */
async function startTwo() {
  const functionOf = (name: string, namespace: string): string => `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  image: example/${name}:v1
  build: { builder: local, srcRepo: { url: 'https://example.com/a.git', sourceSubPath: code } }
  serving: { triggers: { http: { engine: keda, route: { hostnames: [${name}.example.com] } } } }
`;
  const { folder } = createProject({
    'function.yaml': `${functionOf('one', 'default')}---${functionOf('two', 'shop')}`,
    'code/index.js': HELLO['index.js'],
    'code/package.json': HELLO['package.json'],
  });
  return start([folder]);
}

async function startHello(options: Parameters<typeof start>[1] = {}) {
  const project = createProject(HELLO);
  return { ...project, ...(await start([project.folder], options)) };
}

type List = { readonly kind: string; readonly items: readonly { metadata: { name: string } }[] };

describe('what is there', () => {
  test('/ tells of the platform: version, process, ports, functions, and where to go on', async () => {
    const { adminPort, folder, port } = await startHello();
    expect(await call(adminPort, '/')).toMatchObject({
      status: 200,
      body: {
        apiVersion: 'platform.ofn/v1',
        kind: 'Platform',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        pid: process.pid,
        port,
        adminPort,
        directory: folder,
        functions: [
          {
            namespace: 'default',
            name: 'hello',
            urls: [`http://localhost:${port}/`, `http://hello.localhost:${port}/`],
          },
        ],
        links: { functions: '/functions', logs: '/logs' },
      },
    });
  });

  test('each kind is a list, and each object is at its own path, with the addresses of this machine', async () => {
    const { adminPort, happened, port } = await startHello();
    await ask(port);
    await happened('ready');
    for (const kind of ['functions', 'builders', 'servings', 'instances', 'events']) {
      const { body } = await call(adminPort, `/${kind}`);
      expect(body).toMatchObject({ apiVersion: 'v1', kind: 'List' });
      const [first] = (body as List).items;
      expect(await call(adminPort, `/${kind}/default/${first?.metadata.name}`)).toMatchObject({
        status: 200,
        body: first,
      });
    }
    expect((await call(adminPort, '/functions/default/hello')).body).toMatchObject({
      metadata: { creationTimestamp: expect.stringMatching(/Z$/) },
      status: { addresses: [{ type: 'External', value: `http://localhost:${port}/` }, {}] },
    });
  });

  test('lists are filtered by namespace and by function, events by what belongs to the function', async () => {
    const { adminPort } = await startTwo();
    const names = async (path: string): Promise<readonly string[]> =>
      ((await call(adminPort, path)).body as List).items.map(({ metadata }) => metadata.name);
    expect(await names('/functions')).toEqual(['one', 'two']);
    expect(await names('/functions?namespace=shop')).toEqual(['two']);
    expect(await names('/functions?function=one')).toEqual(['one']);
    expect(await names('/functions?function=one&namespace=shop')).toEqual([]);
    const { body } = await call(adminPort, '/events?function=two');
    const about = (body as { items: { regarding: { kind: string; namespace: string } }[] }).items;
    expect(new Set(about.map(({ regarding }) => regarding.kind))).toEqual(
      new Set(['Function', 'Builder', 'Serving']),
    );
    expect(new Set(about.map(({ regarding }) => regarding.namespace))).toEqual(new Set(['shop']));
  });

  test('logs are lists of lines: of an instance, and the latest of them', async () => {
    // Whose own lines come when they come.
    const { adminPort, port } = await startHello({ traces: false });
    await ask(port, 'localhost', '/first');
    await ask(port, 'localhost', '/second');
    const lines = async (query: string): Promise<readonly { line: string; instance: string }[]> =>
      ((await call(adminPort, `/logs${query}`)).body as { items: [] }).items;
    const last = await vi.waitFor(async () => {
      const [line] = await lines('?function=hello&tail=1');
      expect(line?.line).toContain('asked for /second');
      return line;
    }, SHORT);
    expect(await lines(`?instance=${last?.instance}&namespace=default`)).toContainEqual(last);
    expect(await lines('?instance=other')).toEqual([]);
    expect(await lines('?tail=0')).toEqual([]);
  });
});

describe('what happens', () => {
  test('a watch tells what is there, that this was all, and then each change', async () => {
    const { adminPort, port, stop } = await startHello();
    const builders = follow(adminPort, '/builders?watch=true');
    const instances = follow(adminPort, '/instances?watch=true&function=hello');
    const others = follow(adminPort, '/instances?watch=true&function=other');
    await vi.waitFor(() => {
      expect(builders.events.map(({ event }) => event)).toEqual(['added', 'synced']);
      expect(instances.events.map(({ event }) => event)).toEqual(['synced']);
      expect(others.events).toHaveLength(1);
    });
    await ask(port);
    await vi.waitFor(() =>
      expect(instances.events.map(({ event }) => event)).toEqual(['synced', 'added', 'modified']),
    );
    await stop();
    await Promise.all([builders.ended, instances.ended, others.ended]);
    expect(instances.events.at(-1)?.event).toBe('deleted');
    expect(others.events).toHaveLength(1);
  });

  test('logs are followed from the latest lines on', async () => {
    // Whose own lines come when they come.
    const { adminPort, port } = await startHello({ traces: false });
    await ask(port, 'localhost', '/first');
    const { events } = follow(adminPort, '/logs?follow=true&tail=1');
    const linesOf = (): readonly unknown[] =>
      events.map(({ data, event }) => (event === 'line' ? data.line : event));
    await vi.waitFor(() => expect(linesOf()).toContain('synced'));
    await ask(port, 'localhost', '/second');
    await vi.waitFor(() =>
      expect(linesOf()).toContainEqual(expect.stringContaining('asked for /second')),
    );
    expect(linesOf().indexOf('synced')).toBeLessThanOrEqual(1);
  });

  test('a client that does not read is told that it is slow, and is let go', async () => {
    const project = createProject({
      'index.js':
        'export default (req, res) => { for (let i = 0; i < 200; i += 1) console.log("x".repeat(100000)); res.send("hi"); };\n',
      'package.json': '{"type":"module"}',
    });
    const { adminPort, port } = await start([project.folder]);
    const socket = connect(adminPort, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(`GET /logs?follow=true HTTP/1.1\r\nhost: localhost:${adminPort}\r\n\r\n`);
    await once(socket, 'readable');
    socket.pause();
    await ask(port);
    await vi.waitFor(
      async () => {
        const { items } = (await call(adminPort, '/logs')).body as { items: readonly unknown[] };
        expect(items.length).toBeGreaterThan(199);
      },
      { timeout: 20_000 },
    );
    let received = '';
    for await (const chunk of socket) {
      received = `${received}${String(chunk)}`.slice(-1000);
      if (received.endsWith('0\r\n\r\n')) break;
    }
    expect(received).toContain('"code":"OFN_PLATFORM_CLIENT_SLOW"');
  });

  test('a restart replaces the processes of a function', async () => {
    const { adminPort, functions, port } = await startHello();
    await ask(port);
    const [before] = functions()[0]?.instances ?? [];
    const reply = await call(adminPort, '/functions/default/hello/restart', { method: 'POST' });
    expect(reply).toMatchObject({ status: 202, body: { metadata: { name: 'hello' } } });
    await vi.waitFor(
      () => {
        const pids = functions()[0]?.instances.map(({ status }) => status.pid) ?? [];
        expect(pids).toHaveLength(1);
        expect(pids).not.toContain(before?.status.pid);
      },
      { timeout: 20_000 },
    );
    expect((await ask(port)).body).toBe('hi');
  });
});

describe('what is sent by hand', () => {
  const TAKER = {
    'function.yaml': `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: taker }
spec:
  image: example/taker:v1
  serving:
    pubsub: { mq: { type: pubsub.kafka } }
    bindings: { feed: { type: bindings.kafka }, timer: { type: bindings.cron, metadata: [{ name: schedule, value: '@every 24h' }] } }
    triggers:
      dapr:
        - { name: mq, type: pubsub.kafka, topic: orders/new }
        - { name: feed, type: bindings.kafka }
        - { name: timer, type: bindings.cron }
`,
    'index.js': `import { openfunction } from '@ofn/core';
openfunction('function', (ctx, data) => {
  if (data?.bad) throw new Error('no');
  console.log('took', ctx.input.name, JSON.stringify(data).slice(0, 20));
});
`,
    'package.json': '{"type":"module"}',
  };

  async function startTaker() {
    const { folder } = createProject(TAKER, { framework: true });
    const platform = await start([folder]);
    await platform.happened('ready');
    const printed = (): string =>
      platform.events.flatMap((event) => (event.type === 'line' ? [event.line] : [])).join('\n');
    return { ...platform, printed };
  }

  const json = { 'content-type': 'application/json' };

  test('events go to topics and to bindings, and it is told when one is not taken', async () => {
    const { adminPort, printed } = await startTaker();
    const post = (path: string, body = '{"a":1}'): Promise<Reply> =>
      call(adminPort, path, { method: 'POST', body, headers: json });
    const binding = '/functions/default/taker/bindings';
    expect(await post('/topics/mq/orders%2Fnew?metadata.ttlInSeconds=60')).toMatchObject({
      status: 204,
    });
    await expect.poll(printed, SHORT).toContain('took mq {"a":1}');
    expect(await post(`${binding}/feed`, '{"b":2}')).toMatchObject({ status: 204 });
    expect(printed()).toContain('took feed {"b":2}');
    expect(await post(`${binding}/timer`, '')).toMatchObject({ status: 204 });
    expect(await post(`${binding}/feed`, '{"bad":true}')).toMatchObject({
      status: 502,
      body: { code: 'OFN_PLATFORM_EVENT_FAILED' },
    });
    expect(await post(`${binding}/none`)).toMatchObject({
      status: 502,
      body: { detail: expect.stringContaining("couldn't find input binding none") },
    });
    expect(await post('/topics/none/a')).toMatchObject({
      status: 502,
      body: { detail: expect.stringContaining('none') },
    });
  });

  test('4 MiB are taken, and a byte more is refused, whether or not its length is told', async () => {
    const { adminPort } = await startTaker();
    const send = (size: number, headers: OutgoingHttpHeaders): Promise<Reply> =>
      call(adminPort, '/topics/mq/other', {
        method: 'POST',
        body: Buffer.alloc(size, 0x61),
        headers,
      });
    const limit = 4 * 1024 * 1024;
    expect((await send(limit, {})).status).toBe(204);
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      expect(await send(limit + 1, headers)).toMatchObject({
        status: 413,
        body: { code: 'OFN_PLATFORM_BODY_TOO_LARGE' },
      });
    }
  });
});

describe('what is refused', () => {
  test.each([
    ['an unknown path', 'GET', '/nope', 404, 'OFN_PLATFORM_NOT_FOUND'],
    ['an unknown object', 'GET', '/functions/default/nope', 404, 'OFN_PLATFORM_NOT_FOUND'],
    [
      'a restart of an unknown function',
      'POST',
      '/functions/default/nope/restart',
      404,
      'OFN_PLATFORM_NOT_FOUND',
    ],
    [
      'a binding of an unknown function',
      'POST',
      '/functions/a/nope/bindings/b',
      404,
      'OFN_PLATFORM_NOT_FOUND',
    ],
    ['another method', 'POST', '/functions', 405, 'OFN_PLATFORM_METHOD_NOT_ALLOWED'],
    [
      'a method that would change an object',
      'DELETE',
      '/functions/default/hello',
      405,
      'OFN_PLATFORM_METHOD_NOT_ALLOWED',
    ],
    ['an unknown parameter', 'GET', '/functions?name=x', 400, 'OFN_PLATFORM_REQUEST_INVALID'],
    ['a parameter of another path', 'GET', '/events?tail=1', 400, 'OFN_PLATFORM_REQUEST_INVALID'],
    ['a flag that is none', 'GET', '/functions?watch=maybe', 400, 'OFN_PLATFORM_REQUEST_INVALID'],
    ['a tail that is no number', 'GET', '/logs?tail=-1', 400, 'OFN_PLATFORM_REQUEST_INVALID'],
    ['metadata that is none', 'POST', '/topics/mq/a?ttl=1', 400, 'OFN_PLATFORM_REQUEST_INVALID'],
    ['a topic of no component', 'POST', '/topics/mq/a', 502, 'OFN_PLATFORM_EVENT_FAILED'],
    [
      'a binding of a function without events',
      'POST',
      '/functions/default/hello/bindings/a',
      409,
      'OFN_PLATFORM_NO_INSTANCE',
    ],
  ])('%s', async (_, method, path, status, code) => {
    const { adminPort } = await startHello();
    const reply = await call(adminPort, path, { method });
    expect(reply).toMatchObject({
      status,
      type: 'application/problem+json',
      body: { type: 'about:blank', status, code, detail: expect.any(String) },
    });
    expect(JSON.stringify(reply.body)).not.toMatch(/\\n +at |node_modules/);
  });

  test('web pages: another Host, Origin or site, also of a function of this machine', async () => {
    const { adminPort, port } = await startHello();
    const own = `http://localhost:${adminPort}`;
    const statuses = async (all: readonly OutgoingHttpHeaders[]): Promise<readonly number[]> =>
      Promise.all(
        all.map(async (headers) => (await call(adminPort, '/functions', { headers })).status),
      );
    const taken = [
      { host: `localhost:${adminPort}` },
      { host: `127.0.0.1:${adminPort}` },
      { host: `[::1]:${adminPort}` },
      { origin: own, 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
    ];
    const refused = [
      { host: 'localhost' },
      { host: `localhost:${port}` },
      { host: `rebound.example.com:${adminPort}` },
      { host: `evil.localhost:${adminPort}` },
      { host: 'localhost@evil.example.com' },
      { origin: 'null' },
      { origin: 'https://example.com' },
      { origin: `http://hello.localhost:${port}` },
      { origin: `https://localhost:${adminPort}` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    expect(await statuses(taken)).toEqual(taken.map(() => 200));
    expect(await statuses(refused)).toEqual(refused.map(() => 403));
    expect(await call(adminPort, '/', { headers: { host: 'example.com' } })).toMatchObject({
      body: { code: 'OFN_PLATFORM_FOREIGN_CALLER' },
    });
  });

  test('connections that come from elsewhere: it listens on loopback alone', async () => {
    const { adminPort } = await startHello();
    await expect(once(connect({ port: adminPort, host: '::1' }), 'connect')).rejects.toThrow(
      'ECONNREFUSED',
    );
  });
});

describe('the file by which it is found', () => {
  const fileOf = (folder: string): string => join(folder, '.ofn/platform.json');

  test('names process and ports, for its user alone, and is gone when it has stopped', async () => {
    const { adminPort, folder, port, stop } = await startHello();
    expect(JSON.parse(readFileSync(fileOf(folder), 'utf8'))).toEqual({
      pid: process.pid,
      port,
      adminPort,
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(statSync(fileOf(folder)).mode & 0o777).toBe(0o600);
    await stop();
    expect(existsSync(fileOf(folder))).toBe(false);
    await expect(call(adminPort, '/')).rejects.toThrow('ECONNREFUSED');
  });

  test('a second platform for the folder is refused, and says which one runs; the first goes on', async () => {
    const { adminPort, folder, port } = await startHello();
    const before = readFileSync(fileOf(folder), 'utf8');
    await expect(start([folder])).rejects.toMatchObject({
      code: 'OFN_PLATFORM_RUNNING',
      message: expect.stringContaining(
        `process ${process.pid}, functions at http://localhost:${port}/, admin API at http://localhost:${adminPort}/`,
      ),
    });
    expect(readFileSync(fileOf(folder), 'utf8')).toBe(before);
    expect((await ask(port)).body).toBe('hi');
  });

  test('of several that start together, one runs', async () => {
    const { folder } = createProject(HELLO);
    const started = await Promise.allSettled([1, 2, 3, 4].map(() => start([folder])));
    const errors = started.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(errors).toHaveLength(3);
    for (const error of errors) expect(error).toMatchObject({ code: 'OFN_PLATFORM_RUNNING' });
    const running = started.find((each) => each.status === 'fulfilled');
    expect(JSON.parse(readFileSync(fileOf(folder), 'utf8'))).toMatchObject({
      adminPort: running?.value.adminPort,
    });
  });

  test.each(['of a port where nothing listens', 'of a port where another program is', 'cut off'])(
    'one that is %s is taken over',
    async (which) => {
      const project = createProject({ ...HELLO, '.ofn/keep': '' });
      const other = createServer((_, response) => response.end('{"kind":"Other"}'));
      other.listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port: busy } = other.address() as { port: number };
      const isOpen = which.includes('another');
      if (!isOpen) other.close();
      onTestFinished(() => void other.close());
      const stale = { pid: process.pid, port: 1, adminPort: busy, startedAt: '' };
      const text = JSON.stringify(stale);
      writeFileSync(fileOf(project.folder), which === 'cut off' ? text.slice(0, 20) : text);
      const { adminPort } = await start([project.folder]);
      expect(JSON.parse(readFileSync(fileOf(project.folder), 'utf8'))).toMatchObject({ adminPort });
    },
  );

  test('a port that is taken is told, and no function is served', async () => {
    const { adminPort } = await startHello();
    const { folder } = createProject(HELLO);
    await expect(start([folder], { adminPort })).rejects.toMatchObject({
      code: 'OFN_PLATFORM_PORT_UNAVAILABLE',
      message: expect.stringContaining(`127.0.0.1:${adminPort}`),
    });
    expect(existsSync(fileOf(folder))).toBe(false);
  });
});

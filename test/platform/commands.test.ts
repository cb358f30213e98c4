// get, describe, logs and invoke of `ofn`, as processes, against a platform that runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { BIN } from './ofn-dev.ts';
import { ask, createProject, start } from './project.ts';

const ECHO = {
  'index.js': `export default (req, res) => {
  console.log('asked for ' + req.url);
  if (req.path === '/bytes') return res.send(Buffer.from([0xff, 0x00]));
  if (req.path === '/fail') return res.status(418).send('no');
  res.json({ method: req.method, url: req.url, host: req.headers.host, headers: req.headers, body: req.rawBody?.toString() });
};
`,
  'package.json': '{"type":"module"}',
};

/** Starts `ofn`. */
function spawnOfn(args: readonly string[], cwd: string, environment: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: 'pipe',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Runs `ofn` to its end. */
async function ofn(
  cwd: string,
  args: readonly string[],
  {
    environment = {},
    stdin = '',
  }: { environment?: NodeJS.ProcessEnv; stdin?: string | Buffer } = {},
) {
  const child = spawnOfn(args, cwd, environment);
  child.stdin.end(stdin);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  expect(err).not.toMatch(/^ +at /m);
  return { code, out, err };
}

/** Starts `ofn` and leaves it running. */
function follow(cwd: string, args: readonly string[]) {
  const child = spawnOfn(args, cwd);
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += String(chunk)));
  return {
    out: () => out,
    async end() {
      child.kill('SIGINT');
      const [code] = await exited;
      return code;
    },
    exited,
    err: text(child.stderr),
  };
}

async function startEcho(options: Parameters<typeof start>[1] = {}) {
  const project = createProject(ECHO);
  const platform = await start([project.folder], options);
  return { ...project, ...platform, run: (...args: string[]) => ofn(project.folder, args) };
}

const SHORT = { timeout: 10_000 };

test('without a platform each says how to start one, and ends with 1', async () => {
  const { folder } = createProject(ECHO);
  for (const args of [
    ['get', 'functions'],
    ['describe', 'fn', 'hello'],
    ['logs'],
    ['invoke', 'hello'],
  ]) {
    expect(await ofn(folder, args)).toEqual({
      code: 1,
      out: '',
      err: 'no ofn dev runs in this folder or above it; start it with: ofn dev\n',
    });
  }
});

test('the file of a platform that was killed hides no platform of a folder above', async () => {
  const { folder } = await startEcho();
  mkdirSync(join(folder, 'below/.ofn'), { recursive: true });
  writeFileSync(join(folder, 'below/.ofn/platform.json'), '{"pid":1,"port":1,"adminPort":1}');
  expect(await ofn(join(folder, 'below'), ['get', 'fn'])).toMatchObject({ code: 0 });
});

test('a platform is found from folders below its own, by --admin, and by OFN_ADMIN; one that was killed is not', async () => {
  const { adminPort, folder } = await startEcho();
  const { folder: other } = createProject({});
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  mkdirSync(other, { recursive: true });
  const url = `http://localhost:${adminPort}/`;
  const get = ['get', 'fn'];
  const found = await Promise.all([
    ofn(join(folder, 'a/b'), get),
    ofn(other, [...get, '--admin', url]),
    ofn(other, get, { environment: { OFN_ADMIN: url } }),
  ]);
  for (const { code, out } of found) {
    expect(code).toBe(0);
    expect(out).toMatch(/^hello /m);
  }
  expect(await ofn(other, [...get, '--admin', 'http://localhost:1'])).toMatchObject({
    code: 1,
    err: 'no platform answers at http://localhost:1\n',
  });
  expect((await ofn(other, [...get, '--admin', 'localhost'])).err).toContain('must be a URL');
  mkdirSync(join(other, '.ofn'));
  writeFileSync(join(other, '.ofn/platform.json'), '{"pid":1,"port":1,"adminPort":1}');
  expect((await ofn(other, get)).err).toContain('start it with: ofn dev');
});

test('get prints the columns of OpenFunction, and the same objects as JSON and YAML', async () => {
  const { happened, port, run } = await startEcho();
  expect(await run('get', 'instances')).toEqual({
    code: 0,
    out: '',
    err: 'there are no instances\n',
  });
  await ask(port);
  await happened('ready');
  const tables = [
    [
      'fn',
      /^NAME +BUILDSTATE +SERVINGSTATE +BUILDER +SERVING +ADDRESS +AGE\nhello +Succeeded +Running +builder-\w+ +serving-\w+ +http:\/\/localhost:\d+\/ +\d+s\n$/,
    ],
    [
      'builder',
      /^NAME +PHASE +STATE +REASON +BUILDDURATION +AGE\nbuilder-\w+ +Build +Succeeded +Succeeded +\d+ms +\d+s\n$/,
    ],
    ['SERVINGS', /^NAME +PHASE +STATE +REASON +AGE\nserving-\w+ +Serving +Running +\d+s\n$/],
    [
      'inst',
      /^NAME +STATE +FUNCTION +SERVING +PID +ADDRESS +AGE\nhello-\w+-1 +ready +hello +serving-\w+ +\d+ +127\.0\.0\.1:\d+ +\d+s\n$/,
    ],
    [
      'ev',
      /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\d+s +Normal +Created +function\/hello +Function created\n/,
    ],
  ] as const;
  for (const [kind, table] of tables) expect((await run('get', kind)).out).toMatch(table);

  const json: unknown = JSON.parse((await run('get', 'fn', '-o', 'json')).out);
  expect(json).toMatchObject({ apiVersion: 'v1', kind: 'List', items: [{ kind: 'Function' }] });
  const one: unknown = JSON.parse((await run('get', 'fn', 'hello', '-o', 'json')).out);
  expect(one).toEqual((json as { items: unknown[] }).items[0]);
  expect(parse((await run('get', 'fn', 'hello', '-o', 'yaml')).out)).toEqual(one);
});

test('get takes a name, a function and a namespace; what is not there ends with 1, a wrong kind with 2', async () => {
  const { run } = await startEcho();
  expect((await run('get', 'fn', '-n', 'other')).err).toBe('there are no functions\n');
  expect((await run('get', 'ev', '--function', 'hello')).out).toContain('Function created');
  expect((await run('get', 'ev', '--function', 'other')).out).toBe('');
  expect(await run('get', 'fn', 'nope')).toEqual({
    code: 1,
    out: '',
    err: 'there is no nope among the functions; ofn get functions lists them\n',
  });
  expect(await run('get', 'pods')).toMatchObject({
    code: 2,
    err: expect.stringContaining('functions (fn), builders (bd)'),
  });
});

test('get --watch goes on with each change until it is told to end, or the platform has', async () => {
  const { folder, port, stop } = await startEcho();
  const table = follow(folder, ['get', 'instances', '-w']);
  const yaml = follow(folder, ['get', 'servings', '--watch', '-o', 'yaml']);
  await vi.waitFor(() => {
    expect(table.out()).toMatch(/^EVENT +NAME/);
    expect(parseAllDocuments(yaml.out())).toHaveLength(1);
  }, SHORT);
  await ask(port);
  await vi.waitFor(() => {
    expect(table.out()).toMatch(/^ADDED +hello-\w+-1 +starting .*\nMODIFIED +hello-\w+-1 +ready /m);
    expect(yaml.out()).toContain('state: Running');
  }, SHORT);
  expect(await table.end()).toBe(0);
  const documents = parseAllDocuments(yaml.out()).map((each) => each.toJS() as { type: string });
  expect(documents.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'MODIFIED']);
  await stop();
  expect(await yaml.exited).toEqual([1, null]);
  expect(await yaml.err).toBe('ofn dev has ended\n');
});

test('describe tells of a function, its instances and all events, and of its parts', async () => {
  const { happened, port, run } = await startEcho();
  await ask(port);
  await happened('ready');
  const { code, out } = await run('describe', 'function', 'hello');
  expect(code).toBe(0);
  expect(out).toMatch(/^Name: +hello\nNamespace: +default\n/);
  expect(out).toContain(
    `Addresses:\n  http://localhost:${port}/\n  http://hello.localhost:${port}/\n`,
  );
  expect(out).toMatch(/\nInstances:\n +Name [^]*hello-\w+-1 +ready [^]*\nEvents:\n/);
  expect(out).toMatch(/Normal +Running +\d+s +serving\/serving-\w+ +Serving is running\n/);
  expect(out).toMatch(/Normal +Completed +\d+s +builder\/builder-\w+ +Build completed/);
  const builder = /builder-\w+/.exec(out)?.[0] ?? '';
  const serving = /serving-\w+/.exec(out)?.[0] ?? '';
  const instance = /hello-\w+-1/.exec(out)?.[0] ?? '';
  expect((await run('describe', 'bd', builder)).out).toMatch(/State: +Succeeded/);
  expect((await run('describe', 'sv', serving)).out).toContain(instance);
  expect((await run('describe', 'inst', instance)).out).toMatch(/PID: +\d+/);
  expect(await run('describe', 'fn', 'nope')).toMatchObject({ code: 1, out: '' });
});

test('describe says why a function cannot be built', async () => {
  const { folder } = createProject({ ...ECHO, 'index.js': 'export default (req, res => {' });
  await start([folder]);
  const { out } = await ofn(folder, ['describe', 'fn', 'hello']);
  expect(out).toMatch(/Build:\n +State: +Failed\n +Reason: +BuildFailed\n +Message: [^]*index\.js/);
  expect(out).toMatch(/Warning +BuildFailed/);
});

test('logs prints the lines of instances, the latest, and those to come', async () => {
  const { folder, port, run } = await startEcho();
  await ask(port, 'localhost', '/first');
  const following = follow(folder, ['logs', 'hello', '-f', '--tail', '1']);
  await vi.waitFor(() => expect(following.out()).not.toBe(''), SHORT);
  await ask(port, 'localhost', '/second');
  await vi.waitFor(
    () => expect(following.out()).toMatch(/^hello-\w+-1 \| asked for \/second$/m),
    SHORT,
  );
  expect(await following.end()).toBe(0);
  const all = await run('logs');
  expect(all.out).toMatch(/\| asked for \/first\n[^]*\| asked for \/second\n/);
  expect((await run('logs', 'hello', '--tail', '1')).out.trim().split('\n')).toHaveLength(1);
  expect((await run('logs', '--instance', 'other')).out).toBe('');
  expect((await run('logs', 'nope')).code).toBe(1);
  expect((await run('logs', '--tail', 'x')).code).toBe(2);
});

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

test('invoke calls a function by its own host, with method, path, headers and data', async () => {
  const { folder, port, run, write } = await startEcho();
  const echo = async (...args: string[]): Promise<Echo> =>
    JSON.parse((await run('invoke', 'hello', ...args)).out) as Echo;
  expect(await echo()).toMatchObject({
    method: 'GET',
    url: '/',
    host: `hello.localhost:${port}`,
  });
  expect(await echo('-X', 'put', '-p', '/a?b=1', '-H', 'X-A: 1', '-H', 'x-b:2')).toMatchObject({
    method: 'PUT',
    url: '/a?b=1',
    headers: { 'x-a': '1', 'x-b': '2' },
  });
  expect(await echo('-d', '{"a": 1}')).toMatchObject({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"a": 1}',
  });
  expect((await echo('-d', 'hi')).headers['content-type']).toBe('text/plain; charset=utf-8');
  write('data.csv', 'a,b');
  expect(await echo('-d', '@data.csv', '-H', 'Content-Type: text/csv')).toMatchObject({
    headers: { 'content-type': 'text/csv' },
    body: 'a,b',
  });
  const piped = await ofn(folder, ['invoke', 'hello', '-d', '-'], { stdin: 'from a pipe' });
  expect(JSON.parse(piped.out)).toMatchObject({ body: 'from a pipe' });
  expect(await run('invoke', 'hello', '-d', '@none')).toMatchObject({
    code: 1,
    err: expect.stringContaining('none cannot be read'),
  });
});

test('what a command prints is whole in a pipe that is read late', async () => {
  const { folder } = createProject({
    'index.js': `export default (req, res) => res.send('x'.repeat(3_000_000));\n`,
  });
  await start([folder]);
  const child = spawnOfn(['invoke', 'hello'], folder);
  await once(child.stdout, 'readable');
  expect(await text(child.stdout)).toHaveLength(3_000_000);
});

test('the port of functions is not taken for the admin API', async () => {
  const { folder } = createProject({
    'index.js': `export default (req, res) => res.send('hello');\n`,
  });
  const { port } = await start([folder]);
  for (const args of [
    ['get', 'functions'],
    ['invoke', 'hello'],
  ]) {
    const { code, err } = await ofn(folder, [...args, '--admin', `http://localhost:${port}`]);
    expect([code, err.split('\n').length]).toEqual([1, 2]);
  }
});

test('invoke sends the standard input byte by byte', async () => {
  const { folder } = createProject({
    'index.js': `export default (req, res) => res.send(req.body.toString('hex'));\n`,
  });
  await start([folder]);
  const bytes = Buffer.from([0xff, 0xd8, 0x00, 0xfe]);
  expect((await ofn(folder, ['invoke', 'hello', '-d', '-'], { stdin: bytes })).out).toBe(
    'ffd800fe',
  );
});

test('invoke prints the reply as it is, head too with -i, and ends with 1 from status 400 on', async () => {
  const { folder, run } = await startEcho();
  expect(await run('invoke', 'hello', '-i', '-p', '/fail')).toEqual({
    code: 1,
    out: expect.stringMatching(/^HTTP\/1\.1 418 [^]*\nContent-Type: text\/html[^]*\n\nno$/),
    err: "hello answered 418 I'm a Teapot\n",
  });
  const child = spawnOfn(['invoke', 'hello', '-p', '/bytes'], folder);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');
  expect(Buffer.concat(chunks)).toEqual(Buffer.from([0xff, 0x00]));
});

test('invoke sends CloudEvents, in both modes', async () => {
  const { run } = await startEcho();
  const binary = await run('invoke', 'hello', '--type', 'a.b', '--subject', 's', '-d', '{"a":1}');
  expect(JSON.parse(binary.out)).toMatchObject({
    method: 'POST',
    headers: { 'ce-type': 'a.b', 'ce-subject': 's', 'content-type': 'application/json' },
    body: '{"a":1}',
  });
  const structured = await run('invoke', 'hello', '--structured', '--id', '7', '-d', '{"a":1}');
  const { body = '', headers } = JSON.parse(structured.out) as Echo;
  expect(headers['content-type']).toMatch(/^application\/cloudevents\+json/);
  expect(JSON.parse(body)).toMatchObject({ id: '7', type: 'ofn.invoke', data: { a: 1 } });
});

test('invoke sends to topics and bindings, with the attributes of an event in its body', async () => {
  const { folder, write } = createProject(
    {
      'function.yaml': `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: taker }
spec:
  image: example/taker:v1
  serving:
    pubsub: { mq: { type: pubsub.kafka } }
    bindings: { feed: { type: bindings.kafka } }
    triggers: { dapr: [{ name: mq, type: pubsub.kafka, topic: a/b }, { name: feed, type: bindings.kafka }] }
`,
      'index.js': `import { openfunction } from '@ofn/core';
openfunction('function', (ctx, data) => {
  if (data === 'bad') throw new Error('no');
  console.log('took', ctx.input.name, ctx.event?.type, JSON.stringify(data));
});
`,
      'package.json': '{"type":"module"}',
    },
    { framework: true },
  );
  write('.keep', '');
  const { events, happened } = await start([folder]);
  await happened('ready');
  const run = (...args: string[]) => ofn(folder, args);
  const printed = (): string =>
    events.flatMap((event) => (event.type === 'line' ? [event.line] : [])).join('\n');
  expect(await run('invoke', '--topic', 'mq/a/b', '-d', '{"a":1}')).toEqual({
    code: 0,
    out: 'published to mq/a/b\n',
    err: '',
  });
  await expect.poll(printed, { timeout: 20_000 }).toMatch(/took mq .* \{"a":1\}/);
  expect((await run('invoke', '--topic', 'mq/a/b', '--type', 'x.y', '-d', '5')).code).toBe(0);
  await expect.poll(printed, { timeout: 20_000 }).toMatch(/took mq x\.y 5/);
  expect(await run('invoke', 'taker', '--binding', 'feed', '-d', '7')).toEqual({
    code: 0,
    out: 'taken by taker\n',
    err: '',
  });
  expect(printed()).toMatch(/took feed .* 7/);
  expect(await run('invoke', 'taker', '--binding', 'feed', '-d', 'bad')).toMatchObject({
    code: 1,
    err: expect.stringContaining('(OFN_PLATFORM_EVENT_FAILED)'),
  });
  expect(await run('invoke', 'taker')).toMatchObject({
    code: 1,
    err: 'taker has several triggers; choose one: --topic mq/a/b, --binding feed\n',
  });
  expect(await run('invoke', 'taker', '--topic', 'orders')).toMatchObject({
    code: 1,
    err: 'taker takes no --topic orders; it takes --topic mq/a/b, --binding feed\n',
  });
});

test('invoke --count repeats, sums up, and ends with 1 when one failed', async () => {
  const { run } = await startEcho();
  expect(await run('invoke', 'hello', '--count', '60')).toEqual({
    code: 0,
    out: expect.stringMatching(
      /^sent 60, ok 60, failed 0 in [\d.]+ s \(\d+\/s\); p50 [\d.]+ ms, p99 [\d.]+ ms\n$/,
    ),
    err: '',
  });
  expect(await run('invoke', 'hello', '--count', '3', '--rate', '100', '-p', '/fail')).toEqual({
    code: 1,
    out: expect.stringContaining('sent 3, ok 0, failed 3'),
    err: "3 failed: 418 I'm a Teapot\n",
  });
});

test('invoke --count ends early when it is told to, and sums up what was sent', async () => {
  const { folder, happened } = await startEcho();
  const many = follow(folder, ['invoke', 'hello', '--count', '100000', '--rate', '200']);
  await happened('request', 5);
  expect(await many.end()).toBe(0);
  const [, sent, ok] = /^sent (\d+), ok (\d+), failed 0 /.exec(many.out()) ?? [];
  expect(Number(sent)).toBeGreaterThanOrEqual(5);
  expect(ok).toBe(sent);
});

test.each([
  [['invoke'], "missing required argument 'function'"],
  [['invoke', 'hello', '-p', 'x'], 'It must begin with a /'],
  [['invoke', 'hello', '-H', 'x'], 'It must be "Name: value"'],
  [['invoke', 'hello', '--count', '0'], 'It must be a number from 1'],
  [['invoke', 'hello', '--rate', '0'], 'It must be a number above 0'],
  [['invoke', 'hello', '--topic', 'a', '--binding', 'b'], 'cannot be used with'],
  [['get'], "missing required argument 'kind'"],
  [['get', 'fn', '-o', 'xml'], 'Allowed choices are table, json, yaml'],
  [['dev', '--admin-port', 'x'], 'It must be a port from 0 to 65535'],
])('%j is refused with 2', async (args, message) => {
  const { folder } = createProject({ '.keep': '' });
  const { code, err, out } = await ofn(folder, args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(message);
});

// Functions on the local platform: from zero, reloaded, broken and mended.
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, createProject, start } from './project.ts';

const sends = (text: string): string =>
  `import { name } from './name.ts';\nexport default (req: unknown, res: { send(text: string): void }): void => res.send(\`${text} from \${name}\`);\n`;
const NAME = "export const name: string = 'hello';\n";

test('a folder with TypeScript has no process until its first request, which is held and answered', async () => {
  const { folder } = createProject({ 'index.ts': sends('one'), 'name.ts': NAME });
  const { functions, happened, port, types } = await start([folder]);
  expect(functions()).toMatchObject([
    {
      name: 'hello',
      urls: [`http://localhost:${port}/`, `http://hello.localhost:${port}/`],
      instances: [],
    },
  ]);
  const reply = await ask(port);
  expect([reply.status, reply.body]).toEqual([200, 'one from hello']);
  expect(reply.headers['x-keda-http-cold-start']).toBe('true');
  await happened('ready');
  expect(types()).toEqual(['built', 'scaled', 'ready']);
  expect(functions()[0]?.instances).toMatchObject([{ status: { state: 'ready' } }]);
  expect((await ask(port, 'hello.localhost')).body).toBe('one from hello');
  expect((await ask(port, 'other.localhost')).status).toBe(404);
});

test('saves are served by the new code, of imported files too, and no request in between fails', async () => {
  const { folder, write } = createProject({ 'index.ts': sends('0'), 'name.ts': NAME });
  const { happened, port } = await start([folder]);
  await ask(port);
  const statuses = new Set<number>();
  const done = new AbortController();
  const traffic = (async () => {
    while (!done.signal.aborted) statuses.add((await ask(port)).status);
  })();
  for (let round = 1; round <= 3; round += 1) {
    write('index.ts', sends(String(round)));
    await happened('built', 1 + round);
    await expect.poll(async () => (await ask(port)).body).toBe(`${round} from hello`);
  }
  write('name.ts', NAME.replace('hello', 'world'));
  await expect.poll(async () => (await ask(port)).body, { timeout: 10_000 }).toBe('3 from world');
  done.abort();
  await traffic;
  expect([...statuses]).toEqual([200]);
});

test('code that cannot be built is told in the response, and served once it is mended', async () => {
  const { folder, write } = createProject({
    'index.ts': 'export default (req, res => {',
    'name.ts': NAME,
  });
  const { events, happened, port } = await start([folder]);
  expect(events[0]).toMatchObject({
    type: 'build-failed',
    message: expect.stringContaining('index.ts'),
  });
  const reply = await ask(port);
  expect([reply.status, reply.headers['content-type']]).toEqual([503, 'application/problem+json']);
  expect(JSON.parse(reply.body)).toMatchObject({
    code: 'OFN_PLATFORM_BUILD_FAILED',
    detail: expect.stringContaining('index.ts'),
  });
  write('index.ts', sends('mended'));
  await happened('built');
  await expect.poll(async () => (await ask(port)).body).toBe('mended from hello');
});

test.each([
  ['cannot be built', 'export default (req, res => {', 'build-failed'],
  ['does not start', 'throw new Error("no");\nexport default () => {};', 'kept'],
] as const)('the old code goes on serving when the new one %s', async (_, code, event) => {
  const { folder, write } = createProject({ 'index.ts': sends('old'), 'name.ts': NAME });
  const { happened, port } = await start([folder]);
  await ask(port);
  write('index.ts', code);
  await happened(event);
  expect((await ask(port)).body).toBe('old from hello');
  write('index.ts', sends('new'));
  await expect.poll(async () => (await ask(port)).body, { timeout: 10_000 }).toBe('new from hello');
});

const functionOf = (name: string, path: string): string => `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: ${name} }
spec:
  image: example/${name}:v1
  build:
    builder: local
    env: { FUNC_NAME: handler }
    srcRepo: { url: 'https://example.com/a.git', sourceSubPath: ${path} }
  serving:
    params: { GREETING: 'Hello from ${name}' }
    scaleOptions: { keda: { httpScaledObject: { targetPendingRequests: 10 } } }
    triggers:
      http: { engine: keda, route: { hostnames: [${name}.example.com], rules: [{ matches: [{ path: { type: PathPrefix, value: / } }] }] } }
`;
const HANDLER = 'exports.handler = (req, res) => res.send(process.env.GREETING);\n';

test('the functions of a file are at their hosts, each with the environment of its own', async () => {
  const { folder } = createProject({
    'function.yaml': `${functionOf('one', 'a')}---${functionOf('two', 'b')}`,
    'a/index.js': HANDLER,
    'b/index.js': HANDLER,
  });
  const { port } = await start([folder]);
  for (const name of ['one', 'two']) {
    for (const host of [`${name}.example.com`, `${name}.localhost`]) {
      expect((await ask(port, host)).body).toBe(`Hello from ${name}`);
    }
  }
  expect((await ask(port)).status).toBe(404);
});

test.each([
  ['a folder without code', {}, 'has no code to run'],
  [
    'code outside of its folder',
    { 'function.yaml': functionOf('one', '../x') },
    'leads out of the folder',
  ],
  [
    'a name that is taken',
    {
      'function.yaml': `${functionOf('one', '.')}---${functionOf('one', '.')}`,
      'index.js': HANDLER,
    },
    'there are two functions default/one',
  ],
  [
    'a function with two components of one name',
    {
      'function.yaml': functionOf('one', '.').replace(
        'params:',
        'bindings: { mq: { type: bindings.kafka } }\n    pubsub: { mq: { type: pubsub.redis } }\n    params:',
      ),
      'index.js': HANDLER,
    },
    'has two components named "mq"',
  ],
])('refuses %s, and says why', async (_, files, message) => {
  const { folder } = createProject({ '.keep': '', ...files });
  await expect(start([folder])).rejects.toThrow(message);
});

test('an error has the files and lines of the source in its stack, whatever folder they are in', async () => {
  const { folder } = createProject({
    'index.ts': "import { fail } from './src/fail.ts';\nexport default (): never => fail();\n",
    'src/fail.ts': '// one\n// two\nexport function fail(): never {\n  throw new Error("no");\n}\n',
  });
  const { events, port } = await start([folder]);
  expect((await ask(port)).status).toBe(500);
  await expect
    .poll(() => events.flatMap((event) => (event.type === 'line' ? [event.line] : [])).join('\n'))
    .toContain(`${folder}/src/fail.ts:4:`);
});

test('a build that was cut off is built again', async () => {
  const { folder, write } = createProject({ 'index.ts': sends('whole'), 'name.ts': NAME });
  const first = await start([folder]);
  const [build = ''] = readdirSync(join(folder, '.ofn/builds'));
  await first.stop();
  rmSync(join(folder, '.ofn/builds', build, 'index.mjs'));
  write(`.ofn/builds/${build}/plugins`, 'a rest');
  const { port } = await start([folder]);
  expect((await ask(port)).body).toBe('whole from hello');
});

test('data that is written beside the code is no save, and saves of code beside it are served', async () => {
  const { folder, write } = createProject({
    'index.js': `import { writeFileSync } from 'node:fs';
export default (req, res) => { writeFileSync('visits.log', String(Math.random())); res.send('one'); };
`,
    'package.json': '{"type":"module"}',
  });
  const { events, happened, port } = await start([folder]);
  for (let visit = 0; visit < 20; visit += 1) {
    write(`upload-${visit}.bin`, 'data');
    expect((await ask(port)).body).toBe('one');
  }
  write('index.js', "export default (req, res) => res.send('two');\n");
  await happened('built', 2);
  await expect.poll(async () => (await ask(port)).body).toBe('two');
  const [first, ...others] = events.filter(({ type }) => type === 'ready');
  expect([first, others.length]).toEqual([expect.anything(), 1]);
  const { events: told } = JSON.parse(readFileSync(join(folder, '.ofn/state.json'), 'utf8')) as {
    events: { reason: string; series?: { count: number } }[];
  };
  const builds = told.filter(({ reason }) => reason === 'BuildCreated');
  expect(builds.length).toBe(2);
});

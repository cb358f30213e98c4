// What people do to a project while ofn dev runs: each change is served.
import { mkdirSync, symlinkSync, writeFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, createProject, functionFile, start, state } from './project.ts';

const says = (text: string): string => `export default (req, res) => res.send(\`${text}\`);\n`;
const served = (port: number, host = 'localhost') =>
  expect.poll(async () => (await ask(port, host)).body, { timeout: 8000 });

test('1 sourceSubPath changed', async () => {
  const { folder, write } = createProject({
    'function.yaml': functionFile('hello', '', 'v1'),
    'v1/index.js': says('v1'),
    'v2/index.js': says('v2'),
  });
  const { port } = await start([folder]);
  await served(port).toBe('v1');
  write('function.yaml', functionFile('hello', '', 'v2'));
  await served(port).toBe('v2');
  write('v2/index.js', says('v2 saved'));
  await served(port).toBe('v2 saved');
});

test('2 FUNC_NAME changed', async () => {
  const { folder, write } = createProject({
    'function.yaml': functionFile().replace('build: { ', 'build: { env: { FUNC_NAME: one }, '),
    'index.js': `export const one = (req, res) => res.send('one');export const two = (req, res) => res.send('two');`,
  });
  const { port } = await start([folder]);
  await served(port).toBe('one');
  write('function.yaml', functionFile().replace('build: { ', 'build: { env: { FUNC_NAME: two }, '));
  await served(port).toBe('two');
});

test('3 symlinked folder', async () => {
  const { folder, write } = createProject({
    'shared/name.js': `export const name = 'a';`,
    'fn/index.js': `import { name } from './lib/name.js'; export default (req, res) => res.send(name);`,
  });
  symlinkSync('../shared', join(folder, 'fn/lib'));
  const { port } = await start([join(folder, 'fn')]);
  await served(port).toBe('a');
  write('shared/name.js', `export const name = 'b';`);
  await served(port).toBe('b');
});

test('4 file outside of the folder', async () => {
  const { folder, write } = createProject({
    'shared/name.js': `export const name = 'a';`,
    'fn/index.js': `import { name } from '../shared/name.js'; export default (req, res) => res.send(name);`,
  });
  const { port } = await start([join(folder, 'fn')]);
  await served(port).toBe('a');
  write('shared/name.js', `export const name = 'b';`);
  await served(port).toBe('b');
});

test('5 worker and fork', async () => {
  const { folder } = createProject({
    'index.js': `import { Worker } from 'node:worker_threads'; import { fork } from 'node:child_process';import {writeFileSync} from 'node:fs';
    writeFileSync('child.cjs', "setTimeout(() => process.send('forked ' + process.execArgv.length), 300)");
    export default async (req, res) => {
      const w = new Worker("setTimeout(() => require('worker_threads').parentPort.postMessage('worked'), 300)", { eval: true });
      const a = await new Promise((resolve) => w.on('message', resolve));
      const c = fork('child.cjs', { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      const b = await new Promise((resolve) => { c.on('message', resolve); c.on('exit', (code, signal) => resolve('exit ' + code + signal)); });
      res.send(a + ' ' + b + ' ' + process.pid);
    };`,
  });
  const { port, events } = await start([folder]);
  const one = await ask(port);
  console.log(
    one.status,
    one.body,
    events.filter((e) => e.type === 'crashed'),
  );
  const two = await ask(port);
  console.log(
    two.status,
    two.body,
    events.filter((e) => e.type === 'crashed'),
  );
});

test('6 plugin changed', async () => {
  const { folder, write } = createProject({
    'index.js': `import { readdirSync } from 'node:fs'; export default (req, res) => res.send('x');`,
    'components/x.yaml': '',
  });
  void write;
  void folder;
});

test('7 cjs __dirname', async () => {
  const { folder } = createProject({
    'index.js': `const path = require('node:path'); const { name } = require('./name.js'); const data = require('./data.json'); exports.function = (req, res) => res.send(name + data.a + path.basename(__dirname));`,
    'name.js': `module.exports = { name: 'cjs' };`,
    'data.json': '{"a":1}',
    'package.json': '{}',
  });
  const { port } = await start([folder]);
  const r = await ask(port);
  console.log(r.status, r.body);
});

test('8 tsconfig paths and imports', async () => {
  const { folder } = createProject({
    'index.ts': `import { name } from '@/name'; import { other } from '#lib/other.ts'; export default (req: unknown, res: { send(text: string): void }): void => res.send(name + other);`,
    'src/name.ts': `export const name: string = 'paths';`,
    'src/other.ts': `export const other: string = ' imports';`,
    'tsconfig.json': JSON.stringify({ compilerOptions: { paths: { '@/*': ['./src/*'] } } }),
    'package.json': JSON.stringify({ type: 'module', imports: { '#lib/*': './src/*' } }),
  });
  const { port } = await start([folder]);
  const r = await ask(port);
  console.log(r.status, r.body);
});

test('9 two namespaces', async () => {
  const one = createProject({
    'function.yaml': functionFile('hello', '', '.')
      .replace('name: hello', 'name: hello, namespace: a')
      .replace('hello.example', 'a.example'),
    'index.js': says('a'),
  });
  const two = createProject({
    'function.yaml': functionFile('hello', '', '.')
      .replace('name: hello', 'name: hello, namespace: b')
      .replace('hello.example', 'b.example'),
    'index.js': says('b'),
  });
  const { port, functions } = await start([one.folder, two.folder]);
  console.log(
    functions().map((f) => f.urls),
    (await ask(port, 'hello.localhost')).body,
  );
});

test('10 http to dapr to http', async () => {
  const dapr = functionFile('hello').replace(
    /triggers:.*\n/,
    'triggers: { dapr: [{ name: mq, topic: t, type: pubsub.redis }] }\n',
  );
  const { folder, write } = createProject({
    'function.yaml': functionFile(),
    'index.js': says('a'),
  });
  const { port, functions, events } = await start([folder]);
  await served(port).toBe('a');
  write('function.yaml', dapr);
  await expect.poll(() => functions()[0]?.urls).toEqual([]);
  await new Promise((r) => setTimeout(r, 1500));
  console.log(functions()[0]);
  write('function.yaml', functionFile());
  await served(port).toBe('a');
  await new Promise((r) => setTimeout(r, 1500));
  console.log(
    functions()[0],
    events.filter((e) => e.type !== 'line'),
  );
}, 30000);

test('11 scale options lowered', async () => {
  const { folder, write } = createProject({
    'function.yaml': functionFile(
      'hello',
      'scaleOptions: { minReplicas: 2, keda: { httpScaledObject: { cooldownPeriod: 1 } } }',
    ),
    'index.js': says('a'),
  });
  const { port, functions } = await start([folder]);
  await served(port).toBe('a');
  await expect.poll(() => functions()[0]?.instances.length, { timeout: 5000 }).toBe(2);
  write(
    'function.yaml',
    functionFile(
      'hello',
      'scaleOptions: { minReplicas: 0, keda: { httpScaledObject: { cooldownPeriod: 1 } } }',
    ),
  );
  await expect.poll(() => functions()[0]?.instances.length, { timeout: 15000 }).toBe(0);
}, 30000);

test('12 state without spec', async () => {
  const { folder } = createProject({ 'index.js': says('a') });
  mkdirSync(join(folder, '.ofn'));
  writeFileSync(
    join(folder, '.ofn/state.json'),
    JSON.stringify({
      version: 1,
      events: [],
      functions: {
        'default/hello': {
          build: { condition: { state: 'Succeeded' }, canceling: [], history: [], count: 1 },
          serving: {
            condition: { state: 'Running' },
            count: 1,
            serving: { kind: 'Serving', metadata: { name: 'x' } },
          },
        },
      },
    }),
  );
  const { port } = await start([folder]);
  await served(port).toBe('a');
});

test('13 components beside changed', async () => {
  const component = (schedule: string) =>
    `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: timer }\nspec: { type: bindings.cron, version: v1, metadata: [{ name: schedule, value: '${schedule}' }] }\n`;
  const { folder, write } = createProject({
    'function.yaml': functionFile('hello').replace(
      /triggers:.*\n/,
      'triggers: { dapr: [{ name: timer, type: bindings.cron }] }\n',
    ),
    'components/timer.yaml': component('@every 1h'),
    'index.js': `import { onBinding } from 'x'`,
  });
  write('index.js', `exports.function = (ctx, data) => { console.log('tick'); };`);
  const { events, functions } = await start([folder]);
  await expect
    .poll(() => functions()[0]?.instances[0]?.status.state, { timeout: 8000 })
    .toBe('ready');
  write('components/timer.yaml', component('@every 1s'));
  await expect.poll(() => events.some((e) => e.type === 'event'), { timeout: 8000 }).toBe(true);
}, 30000);

test('14 builds pile up', async () => {
  const { folder, write } = createProject({ 'index.js': says('0') });
  const { port } = await start([folder]);
  for (let i = 1; i < 30; i++) {
    write('index.js', says(String(i)));
    await served(port).toBe(String(i));
  }
  console.log('BUILDS', readdirSync(join(folder, '.ofn/builds')).length);
}, 60000);

test('15 spaces and unicode', async () => {
  const { folder } = createProject({
    'my ünï shop #1/index.js': `export default (req, res) => { throw new Error('x') }`,
    'my ünï shop #1/package.json': '{"type":"module"}',
  });
  const { port, functions, events } = await start([join(folder, 'my ünï shop #1')]);
  const r = await ask(port);
  console.log(
    r.status,
    r.body,
    functions()[0]?.urls,
    events.flatMap((e) => (e.type === 'line' ? [e.line] : [])),
  );
});

test('16 env', async () => {
  const { folder, write } = createProject({
    'index.js': `export default (req, res) => res.send(JSON.stringify([process.env.A, process.env.PORT === '1', process.env.NODE_OPTIONS, process.env.FUNC_CONTEXT, process.title, process.argv.length, process.execArgv]));`,
    '.env':
      'PORT=1\nA="x\ny"\nNODE_OPTIONS=--max-old-space-size=99\nFUNC_CONTEXT={}\nSECRET=topsecretvalue\n',
  });
  const { port } = await start([folder]);
  console.log((await ask(port)).body);
  write('.env', 'A=2');
  await expect.poll(async () => (await ask(port)).body).toContain('"2"');
  console.log((await ask(port)).body, JSON.stringify(state(folder)).includes('topsecret'));
  console.log(readFileSync(join(folder, '.ofn/state.json'), 'utf8').length);
});

// Functions beside each other, and processes beside those of functions.
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, createProject, functionFile, start } from './project.ts';

const admin = (port: number, path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(10_000), ...init });

test('functions of one name in two namespaces are told apart', async () => {
  const file = (namespace: string): string =>
    functionFile()
      .replace('name: hello', `name: hello, namespace: ${namespace}`)
      .replace('hello.example', `${namespace}.example`);
  const one = createProject({
    'function.yaml': file('a'),
    'index.js': `export default (req, res) => res.send('a')`,
  });
  const two = createProject({
    'function.yaml': file('b'),
    'index.js': `export default (req, res) => res.send('b')`,
  });
  const { functions, port } = await start([one.folder, two.folder]);
  expect(functions().map(({ urls }) => urls)).toEqual([
    [`http://hello.a.localhost:${port}/`],
    [`http://hello.b.localhost:${port}/`],
  ]);
  expect((await ask(port, 'hello.a.localhost')).body).toBe('a');
  expect((await ask(port, 'hello.b.localhost')).body).toBe('b');
  expect((await ask(port, 'hello.localhost')).status).toBe(404);
});

test('what a function starts of Node.js itself, as a fork or a worker, runs as elsewhere', async () => {
  const { folder } = createProject({
    'child.cjs': `setTimeout(() => process.send('forked'), 100);`,
    'index.js': `import { Worker } from 'node:worker_threads';
import { fork } from 'node:child_process';
const answer = (from) => new Promise((resolve) => from.on('message', resolve).on('exit', (code) => resolve('exit ' + code)));
export default async (req, res) => {
  const worker = new Worker("setTimeout(() => require('worker_threads').parentPort.postMessage('worked'), 100)", { eval: true });
  const child = fork('child.cjs', { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const said = await Promise.all([answer(worker), answer(child)]);
  res.send(said.join() + ' ' + process.execArgv.join());
};
`,
  });
  const { port, types } = await start([folder]);
  for (let n = 0; n < 3; n += 1)
    expect((await ask(port)).body).toBe('worked,forked --enable-source-maps');
  expect(types()).not.toContain('crashed');
});

test('an event for a binding is refused, and nobody waits, where nobody will take it', async () => {
  const serving = (triggers: string, more = ''): string =>
    functionFile('hello', more).replace(/triggers:.*/, `triggers: ${triggers}`);
  const crashing = createProject({
    'function.yaml': serving(
      '{ dapr: [{ name: timer, type: bindings.cron }] }',
      'bindings: { timer: { type: bindings.cron, version: v1, metadata: [{ name: schedule, value: "@every 1h" }] } }',
    ),
    'index.js': 'setTimeout(() => process.exit(1), 300); await new Promise(() => {});',
  });
  const sending = createProject({
    'function.yaml': functionFile(
      'sender',
      'outputs: [{ dapr: { name: box, type: bindings.redis, operation: create } }]',
    ),
    'index.js': `export default (req, res) => res.send('x')`,
  });
  const { adminPort, port } = await start([crashing.folder, sending.folder]);
  await ask(port);
  const path = (name: string, binding: string) => `/functions/default/${name}/bindings/${binding}`;
  const [one, two] = await Promise.all([
    admin(adminPort, path('hello', 'timer'), { method: 'POST' }),
    admin(adminPort, path('sender', 'box'), { method: 'POST' }),
  ]);
  // While one that crashes is waited for, or between two of them.
  expect([502, 409]).toContain(one.status);
  expect(two.status).toBe(409);
});

// Processes that stand by with a framework, or did so.
function standbys(framework: string): number {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' });
  const lines = stdout.split('\n');
  return lines.filter((line) => line.includes(`${framework}/`) && line.includes('--standby'))
    .length;
}

test('a framework that is built anew is that of the next instance, whatever stands by', async () => {
  const { folder, write } = createProject({
    'index.js': `export default (req, res) => res.send('1 ' + globalThis.frameworkOf);\n`,
  });
  const core = dirname(createRequire(import.meta.url).resolve('@ofn/core/package.json'));
  const own = join(folder, 'node_modules/@ofn/core');
  for (const name of ['bin', 'dist', 'package.json']) {
    cpSync(join(core, name), join(own, name), { recursive: true });
  }
  symlinkSync(join(core, 'node_modules'), join(own, 'node_modules'), 'junction');
  const { happened, port } = await start([folder]);
  expect((await ask(port)).body).toBe('1 undefined');
  await happened('ready');
  // Beside the one that runs, which began like this, another one stands by now.
  await expect.poll(() => standbys(own), { timeout: 20_000 }).toBe(2);
  for (const file of ['index.js', 'runtime.js']) {
    appendFileSync(join(own, 'dist', file), "\nglobalThis.frameworkOf = 'today';\n");
  }
  write('index.js', `export default (req, res) => res.send('2 ' + globalThis.frameworkOf);\n`);
  await expect.poll(async () => (await ask(port)).body, { timeout: 20_000 }).toBe('2 today');
});

test('a function of any engine has its least number of instances', async () => {
  const { folder } = createProject({
    'function.yaml': functionFile('hello', 'scaleOptions: { minReplicas: 2 }').replace(
      /triggers:.*/,
      'triggers: { http: {} }',
    ),
    'index.js': `export default (req, res) => res.send('x');\n`,
  });
  const { functions } = await start([folder]);
  await expect.poll(() => functions()[0]?.instances.length, { timeout: 10_000 }).toBe(2);
});

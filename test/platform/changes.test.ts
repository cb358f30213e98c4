// What is saved beside the code itself: each change is served, without a restart of the platform.
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ask, createProject, functionFile, start } from './project.ts';

const says = (text: string): string => `export default (req, res) => res.send('${text}');\n`;
const body = async (port: number): Promise<string> => (await ask(port)).body;
const WAIT = { timeout: 10_000 };

test('a function whose code is in another folder from now on is watched there', async () => {
  const { folder, write } = createProject({
    'function.yaml': functionFile('hello', '', 'one'),
    'one/index.js': says('one'),
    'two/index.js': says('two'),
  });
  const { port } = await start([folder]);
  await expect.poll(() => body(port), WAIT).toBe('one');
  write('function.yaml', functionFile('hello', '', 'two'));
  await expect.poll(() => body(port), WAIT).toBe('two');
  write('two/index.js', says('two, saved'));
  await expect.poll(() => body(port), WAIT).toBe('two, saved');
});

test('a file of another folder that the code imports is watched, also after a restart', async () => {
  const { folder, write } = createProject({
    'code/index.js': "export { default } from '../shared/reply.js';\n",
    'code/package.json': '{"type":"module"}',
    'shared/reply.js': says('one'),
    'shared/package.json': '{"type":"module"}',
  });
  const first = await start([join(folder, 'code')]);
  await expect.poll(() => body(first.port), WAIT).toBe('one');
  write('shared/reply.js', says('two'));
  await expect.poll(() => body(first.port), WAIT).toBe('two');
  await first.stop();
  const second = await start([join(folder, 'code')]);
  await expect.poll(() => body(second.port), WAIT).toBe('two');
  write('shared/reply.js', says('three'));
  await expect.poll(() => body(second.port), WAIT).toBe('three');
});

test('another FUNC_NAME in the Function is another target of the same code', async () => {
  const fileFor = (target: string): string =>
    functionFile().replace('build: { ', `build: { env: { FUNC_NAME: ${target} }, `);
  const { folder, write } = createProject({
    'function.yaml': fileFor('one'),
    'index.js': `export const one = (req, res) => res.send('one');\nexport const two = (req, res) => res.send('two');\n`,
  });
  const { port } = await start([folder]);
  await expect.poll(() => body(port), WAIT).toBe('one');
  write('function.yaml', fileFor('two'));
  await expect.poll(() => body(port), WAIT).toBe('two');
});

test('a file of a folder that is a link is served when it is saved, and links in a circle do no harm', async () => {
  const { folder, write } = createProject({
    'shared/name.js': `export const name = 'one';`,
    'code/index.js': `import { name } from './lib/name.js';\nexport default (req, res) => res.send(name);\n`,
  });
  symlinkSync('../shared', join(folder, 'code/lib'));
  for (const link of ['shared/back', 'shared/again', 'code/back']) {
    symlinkSync('..', join(folder, link));
  }
  const { port } = await start([join(folder, 'code')], { directory: folder });
  await expect.poll(() => body(port), WAIT).toBe('one');
  write('shared/name.js', `export const name = 'two';`);
  await expect.poll(() => body(port), WAIT).toBe('two');
});

test('a Component that stands beside the Function is another one for its instances when it is saved', async () => {
  const component = (schedule: string): string =>
    `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: timer }
spec: { type: bindings.cron, version: v1, metadata: [{ name: schedule, value: '${schedule}' }] }
`;
  const { folder, write } = createProject({
    'function.yaml': functionFile().replace(
      /triggers:.*/,
      'triggers: { dapr: [{ name: timer, type: bindings.cron }] }',
    ),
    'components/timer.yaml': component('@every 1h'),
    'index.js': 'exports.function = () => {};',
  });
  const { happened, types } = await start([folder]);
  await happened('ready');
  write('components/timer.yaml', component('@every 1s'));
  await expect.poll(types, WAIT).toContain('event');
});

test('a plugin that is saved is loaded', async () => {
  const plugin = (text: string): string => `globalThis.greeting = '${text}';
export default class { name = 'greeting'; execPreHook() {} }\n`;
  const { folder, write } = createProject({
    'index.mjs': 'export default (req, res) => res.send(globalThis.greeting);\n',
    'plugins/greeting.mjs': plugin('one'),
  });
  const { port } = await start([folder]);
  await expect.poll(() => body(port), WAIT).toBe('one');
  write('plugins/greeting.mjs', plugin('two'));
  await expect.poll(() => body(port), WAIT).toBe('two');
});

describe('scaling that is changed goes on from the instances that run', () => {
  const fileFor = (minReplicas: number): string =>
    functionFile(
      'hello',
      `scaleOptions: { minReplicas: ${minReplicas}, keda: { httpScaledObject: { cooldownPeriod: 1 } } }`,
    );
  const asEvents = (file: string): string =>
    file.replace(/triggers:.*/, 'triggers: { dapr: [{ name: mq, type: pubsub.redis, topic: t }] }');

  test('those that are too much end', async () => {
    const { folder, write } = createProject({
      'function.yaml': fileFor(2),
      'index.js': says('one'),
    });
    const { functions } = await start([folder]);
    const count = () => functions()[0]?.instances.length;
    await expect.poll(count, WAIT).toBe(2);
    write('function.yaml', fileFor(0));
    await expect.poll(count, WAIT).toBe(0);
  });

  test('a function of events that becomes one over HTTP is scaled by requests', async () => {
    const { folder, write } = createProject({
      'function.yaml': asEvents(fileFor(1)),
      'index.js': says('one'),
    });
    const { functions, happened } = await start([folder]);
    await happened('ready');
    write('function.yaml', fileFor(0));
    await expect.poll(() => functions()[0]?.instances.length, WAIT).toBe(0);
  });
});

test('a state file whose objects are not whole begins anew', async () => {
  const { folder } = createProject({ 'index.js': says('one') });
  const serving = { kind: 'Serving', metadata: { name: 'serving-1' } };
  const kept = {
    build: { condition: { state: 'Succeeded' }, canceling: [], history: [], count: 1 },
    serving: { condition: { state: 'Running' }, count: 1, serving },
  };
  mkdirSync(join(folder, '.ofn'));
  writeFileSync(
    join(folder, '.ofn/state.json'),
    JSON.stringify({ version: 1, events: [], functions: { 'default/hello': kept } }),
  );
  const { events, port } = await start([folder]);
  expect(events[0]).toMatchObject({ message: expect.stringContaining('all begins anew') });
  expect((await ask(port)).body).toBe('one');
});

test('of builds, the latest 20 and those that are needed stay', async () => {
  const { folder, write } = createProject({ 'index.js': says('0') });
  const { port } = await start([folder]);
  const builds = join(folder, '.ofn/builds');
  for (let count = 0; count < 30; count += 1) mkdirSync(join(builds, `old-${count}`));
  write('index.js', says('1'));
  await expect.poll(() => body(port), WAIT).toBe('1');
  await expect.poll(() => readdirSync(builds).length).toBeLessThanOrEqual(21);
  write('index.js', says('0'));
  await expect.poll(() => body(port), WAIT).toBe('0');
});

test('names of tsconfig.json and of package.json lead to files that are bundled', async () => {
  const { folder } = createProject({
    'index.ts': `import { one } from '@/one';
import { two } from '#lib/two.ts';
export default (req: unknown, res: { send(text: string): void }): void => res.send(one + two);
`,
    'src/one.ts': `export const one: string = 'one';`,
    'src/two.ts': `export const two: string = 'two';`,
    'tsconfig.json': JSON.stringify({ compilerOptions: { paths: { '@/*': ['./src/*'] } } }),
    'package.json': JSON.stringify({ type: 'module', imports: { '#lib/*': './src/*' } }),
  });
  const { port } = await start([folder]);
  expect((await ask(port)).body).toBe('onetwo');
});

test.each([
  ['can be built', 'dev.txt', says('one')],
  ['cannot be built', 'dev.txt', 'export default ('],
  ['cannot be built', 'dev.log', 'export default ('],
])('what is told of code that %s may be written to %s in its folder', async (_, file, code) => {
  const { folder, write } = createProject({ 'index.js': code, [file]: '' });
  const { events } = await start([folder], {
    onEvent: (event) => appendFileSync(join(folder, file), `${JSON.stringify(event)}\n`),
  });
  expect(events).toEqual([]);
  const lines = () => readFileSync(join(folder, file), 'utf8').split('\n').length;
  write('index.js', says('two'));
  // This is looked at after all that was written in between.
  await expect.poll(lines).toBeGreaterThan(2);
  write('index.js', says('three'));
  await expect.poll(lines).toBeGreaterThan(3);
  expect(lines()).toBeLessThan(8);
});

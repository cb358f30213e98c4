// What a local platform keeps and leaves behind: killed and started again, stopped in the middle, without its disk.
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPlatform } from '@ofn/platform';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startDev } from './ofn-dev.ts';
import {
  ask,
  createProject,
  functionFile,
  hello,
  post,
  processesIn,
  start,
  state,
  told,
  type Running,
} from './project.ts';

const WAIT = { timeout: 20_000, interval: 10 };
const MODULE = '{"type":"module"}';

const says = (text: string): string => `export default (req, res) => res.send('${text}');\n`;

async function kill({ child }: ReturnType<typeof startDev>): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const warnings = ({ events }: Running): readonly string[] =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

test('a platform that is killed leaves no process, also of functions that do not heed SIGTERM, block or have children', async () => {
  const { folder } = createProject({
    'function.yaml': ['deaf', 'stuck', 'parent']
      .map((name) => functionFile(name, '', name))
      .join('---\n'),
    'deaf/index.mjs':
      "export default (req, res) => { process.removeAllListeners('SIGTERM').on('SIGTERM', () => {}); res.send(''); };\n",
    'stuck/index.mjs':
      "export default (req, res) => { res.on('finish', () => { for (;;); }).send(''); };\n",
    'parent/index.mjs': `import { spawn } from 'node:child_process';
export default (req, res) => {
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']).on('spawn', () => res.send(''));
};\n`,
  });
  const dev = startDev(folder);
  const [, found] = await vi.waitFor(() => {
    const match = /deaf\.localhost:(\d+)/.exec(dev.output());
    if (match === null) throw new Error(dev.output());
    return match;
  }, WAIT);
  for (const name of ['deaf', 'stuck', 'parent']) {
    expect((await ask(Number(found), `${name}.localhost`)).status).toBe(200);
  }
  // Itself and its instances, one of which has a child.
  expect(processesIn(folder).length).toBeGreaterThanOrEqual(5);
  await kill(dev);
  await vi.waitFor(() => expect(processesIn(folder)).toEqual([]), WAIT);
});

test('one that was killed goes on where it was: the same Serving, no new build, and the events of before', async () => {
  const { folder } = createProject({ 'index.js': says('one'), 'package.json': MODULE });
  const first = startDev(folder);
  expect((await ask(await first.port())).body).toBe('one');
  await expect.poll(() => hello(folder).serving.condition.state, WAIT).toBe('Running');
  const before = state(folder);
  await kill(first);
  const second = startDev(folder);
  expect((await ask(await second.port())).body).toBe('one');
  expect(second.output()).not.toContain('built in');
  const after = state(folder);
  expect(after.functions).toEqual(before.functions);
  const names = after.events.map(({ metadata }) => metadata.name);
  expect(names).toEqual(expect.arrayContaining(before.events.map(({ metadata }) => metadata.name)));
});

test('what was saved while it was down is built, and a Function that says something else is updated', async () => {
  const { folder, write } = createProject({
    'index.js': 'export default (req, res) => res.send(process.env.TEXT);\n',
    'package.json': MODULE,
    'function.yaml': functionFile('hello', 'params: { TEXT: one }'),
  });
  const first = await start([folder]);
  expect((await ask(first.port)).body).toBe('one');
  await first.stop();
  const { serving } = hello(folder).serving;
  write('function.yaml', functionFile('hello', 'params: { TEXT: two }'));
  const second = await start([folder]);
  expect((await ask(second.port)).body).toBe('two');
  expect(told(folder, 'Function')).toContain('Updated: Function updated');
  expect(hello(folder).serving.serving?.metadata.name).not.toBe(serving?.metadata.name);
});

test('a Function that was removed while it was down is deleted, with all that was made of it', async () => {
  const file = `${functionFile('hello')}---\n${functionFile('other')}`;
  const { folder, write } = createProject({
    'index.js': says('well'),
    'package.json': MODULE,
    'function.yaml': file,
  });
  const first = await start([folder]);
  expect((await ask(first.port, 'other.localhost')).body).toBe('well');
  await first.stop();
  const other = state(folder).functions['default/other'];
  write('function.yaml', functionFile('hello'));
  const { port } = await start([folder]);
  expect((await ask(port, 'other.localhost')).status).toBe(404);
  await expect.poll(() => Object.keys(state(folder).functions), WAIT).toEqual(['default/hello']);
  const deleted = state(folder).events.filter(({ reason }) => reason === 'Deleted');
  expect(deleted.map(({ regarding }) => regarding.name)).toEqual(
    expect.arrayContaining([
      'other',
      other?.build.builder?.metadata.name,
      other?.serving.serving?.metadata.name,
    ]),
  );
});

test('a Builder that was in the middle when the platform was killed runs again', async () => {
  const { folder } = createProject({ 'index.js': says('one'), 'package.json': MODULE });
  const first = await start([folder]);
  await ask(first.port);
  await first.stop();
  const path = join(folder, '.ofn/state.json');
  const kept = JSON.parse(readFileSync(path, 'utf8'));
  const { build, serving } = kept.functions['default/hello'];
  kept.functions['default/hello'].build = {
    ...build,
    condition: { ...build.condition, state: 'Building' },
    builder: { ...build.builder, status: { phase: 'Build', state: 'Building' } },
  };
  writeFileSync(path, JSON.stringify(kept));
  const second = await start([folder]);
  expect(second.types()).toEqual(['built']);
  expect((await ask(second.port)).body).toBe('one');
  const after = hello(folder);
  expect(after.build).toMatchObject({
    condition: { state: 'Succeeded' },
    builder: { metadata: build.builder.metadata },
  });
  expect(after.serving.serving?.metadata).toEqual(serving.serving.metadata);
});

test('what had failed is tried again, as its reason may have been outside of the code', async () => {
  const gate = createProject({ '.keep': '' }).folder;
  const { folder } = createProject({
    'index.js': `import { existsSync } from 'node:fs';
if (!existsSync('${gate}/open')) setInterval(() => {}, 1000), await new Promise(() => {});
${says('open')}`,
    'package.json': MODULE,
    'function.yaml': functionFile('hello', 'timeout: 1s'),
  });
  const first = await start([folder], { stopTimeout: 100 });
  expect((await ask(first.port)).status).toBe(503);
  await first.stop();
  expect(hello(folder).serving.condition.state).toBe('Timeout');
  writeFileSync(join(gate, 'open'), '');
  const { port } = await start([folder]);
  expect((await ask(port)).body).toBe('open');
  await expect.poll(() => hello(folder).serving.condition.state, WAIT).toBe('Running');
});

test.each([
  ['broken', '{ "version": 1, "functions": {'],
  ['empty', ''],
  ['of another version', '{"version":2,"functions":{},"events":[]}'],
  ['something else', 'null'],
  [
    'full of something else',
    '{"version":1,"functions":{"default/hello":{"build":{}}},"events":[]}',
  ],
  ['without a sense of events', '{"version":1,"functions":{},"events":[7]}'],
])('a state file that is %s is put aside, and all begins anew', async (_, text) => {
  const { folder } = createProject({
    'index.js': says('one'),
    'package.json': MODULE,
    '.ofn/state.json': text,
  });
  const platform = await start([folder]);
  expect((await ask(platform.port)).body).toBe('one');
  expect(warnings(platform)).toEqual([expect.stringContaining('state.json.broken')]);
  expect(readFileSync(join(folder, '.ofn/state.json.broken'), 'utf8')).toBe(text);
  await expect.poll(() => hello(folder).serving.condition.state, WAIT).toBe('Running');
});

test('a state file that was half written changes nothing: the one before counts', async () => {
  const { folder, write } = createProject({ 'index.js': says('one'), 'package.json': MODULE });
  const first = await start([folder]);
  await ask(first.port);
  await first.stop();
  const before = hello(folder);
  write('.ofn/state.json.new', '{ "version": 1, "fun');
  const second = await start([folder]);
  expect((await ask(second.port)).body).toBe('one');
  expect([warnings(second), hello(folder)]).toEqual([[], before]);
});

test('a state file that cannot be read or written is told, and all goes on in memory', async () => {
  const { folder, write } = createProject({
    'index.js': says('one'),
    'package.json': MODULE,
    // As nobody can write to a folder as if it were a file, not even root.
    '.ofn/state.json/in-the-way': '',
  });
  const platform = await start([folder]);
  expect((await ask(platform.port)).body).toBe('one');
  write('index.js', says('two'));
  await expect.poll(async () => (await ask(platform.port)).body, WAIT).toBe('two');
  expect(warnings(platform)).toEqual([
    expect.stringContaining('state.json cannot be read'),
    expect.stringMatching(/the state cannot be kept in .*state\.json: .*; it goes on in memory/),
  ]);
  rmSync(join(folder, '.ofn/state.json'), { recursive: true });
  write('index.js', says('three'));
  await expect.poll(async () => (await ask(platform.port)).body, WAIT).toBe('three');
  await vi.waitFor(() => expect(hello(folder).serving.condition.state).toBe('Running'), WAIT);
});

test.skipIf(process.platform !== 'linux')(
  'a disk that is full is told, all goes on in memory, and is kept once there is room (Linux only: needs /dev/full)',
  async () => {
    const { folder, write } = createProject({ 'index.js': says('one'), 'package.json': MODULE });
    mkdirSync(join(folder, '.ofn'));
    symlinkSync('/dev/full', join(folder, '.ofn/state.json.new'));
    const platform = await start([folder]);
    expect((await ask(platform.port)).body).toBe('one');
    await vi.waitFor(() => expect(warnings(platform)).toHaveLength(1), WAIT);
    expect(warnings(platform)[0]).toContain('ENOSPC');
    rmSync(join(folder, '.ofn/state.json.new'));
    write('index.js', says('two'));
    await expect.poll(async () => (await ask(platform.port)).body, WAIT).toBe('two');
    await vi.waitFor(() => expect(hello(folder).serving.count).toBe(2), WAIT);
    expect(warnings(platform)).toHaveLength(1);
  },
);

test('a build that cannot be written has failed and says why, the old code serves, and the next one is built', async () => {
  const { folder, write } = createProject({ 'index.js': says('old'), 'package.json': MODULE });
  const platform = await start([folder]);
  const { events, happened, port } = platform;
  expect((await ask(port)).body).toBe('old');
  rmSync(join(folder, '.ofn/builds'), { recursive: true });
  write('.ofn/builds', 'in the way');
  write('index.js', says('new'));
  await happened('build-failed');
  expect(events.find(({ type }) => type === 'build-failed')).toMatchObject({
    message: expect.stringMatching(/^the build cannot be written: E(?:NOTDIR|EXIST)/),
  });
  expect((await ask(port)).body).toBe('old');
  await expect
    .poll(() => hello(folder).build.condition, WAIT)
    .toMatchObject({ state: 'Failed', message: expect.stringContaining('cannot be written') });
  rmSync(join(folder, '.ofn/builds'));
  write('index.js', says('newer'));
  await expect.poll(async () => (await ask(port)).body, WAIT).toBe('newer');
});

test('an instance whose build is gone from the disk is built again by the next start', async () => {
  const { folder } = createProject({ 'index.js': says('one'), 'package.json': MODULE });
  const first = await start([folder]);
  await ask(first.port);
  await first.stop();
  rmSync(join(folder, '.ofn/builds'), { recursive: true });
  const { port } = await start([folder]);
  expect((await ask(port)).body).toBe('one');
  const created = state(folder).events.filter(
    ({ reason, regarding }) => regarding.kind === 'Function' && reason === 'Created',
  );
  expect(created).toHaveLength(1);
});

test('a port that is taken ends ofn dev with 1 and the reason, and nothing is left running', async () => {
  const server = createServer().listen(0, '0.0.0.0');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const { folder } = createProject({ 'index.js': says('one'), 'package.json': MODULE });
  const dev = startDev(folder, { args: ['--port', String(port)] });
  const [code] = (await once(dev.child, 'exit')) as [number | null];
  expect(code).toBe(1);
  expect(dev.output()).toContain(`:${port}: it is in use; choose another, or 0`);
  expect(processesIn(folder)).toEqual([]);
});

test('a platform that cannot be created gives its port back', async () => {
  const { folder } = createProject({
    'index.js': says('one'),
    'package.json': MODULE,
    // It has a process from the beginning.
    'function.yaml': functionFile('hello', 'pubsub: { mq: { type: pubsub.redis } }').replace(
      /triggers: .*/,
      'triggers: { dapr: [{ name: mq, topic: orders, type: pubsub.redis }] }',
    ),
  });
  const free = createServer().listen(0, '0.0.0.0');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  await once(free, 'close');
  const options = { paths: [folder], port, directory: folder };
  // What the platform tells of it is not taken.
  const created = createPlatform({
    ...options,
    onEvent(event) {
      if (event.type === 'scaled') throw new Error('no room for that');
    },
  });
  await expect(created).rejects.toThrow('no room for that');
  expect(processesIn(folder)).toEqual([]);
  const again = await createPlatform(options);
  onTestFinished(() => again.stop());
  expect(again.port).toBe(port);
});

test('a stop during a build or a start leaves no process, and may be asked for twice', async () => {
  const { folder, write } = createProject({ 'index.js': says('0'), 'package.json': MODULE });
  for (let round = 1; round <= 5; round += 1) {
    const platform = await start([folder], { stopTimeout: 500 });
    // Held until the process is there, or until the platform is not.
    const held = ask(platform.port).catch(() => undefined);
    write('index.js', says(String(round)));
    await (round % 2 === 0 ? platform.happened('scaled') : Promise.resolve());
    await Promise.all([platform.stop(), platform.stop()]);
    await held;
    const { length } = platform.events;
    expect(processesIn(folder)).toEqual([]);
    // Nothing goes on behind its back.
    await ask(platform.port).catch(() => undefined);
    expect(platform.events.slice(length)).toEqual([]);
  }
  const { port } = await start([folder]);
  expect((await ask(port)).body).toBe('5');
});

test('a request that is held when the platform stops is answered by what it waited for', async () => {
  const { folder } = createProject({ 'index.js': says('one'), 'package.json': MODULE });
  const platform = await start([folder]);
  const held = ask(platform.port);
  await platform.happened('scaled');
  await platform.stop();
  expect((await held).body).toBe('one');
});

test('a request that waits for what never starts does not keep the platform from its end', async () => {
  const { folder } = createProject({
    'index.js': 'setInterval(() => {}, 1000);\nawait new Promise(() => {});\n',
    'package.json': MODULE,
  });
  const platform = await start([folder], { stopTimeout: 300 });
  const held = ask(platform.port).catch(({ code }: NodeJS.ErrnoException) => code);
  await platform.happened('scaled');
  await platform.stop();
  expect(await held).toBe('ECONNRESET');
  expect(processesIn(folder)).toEqual([]);
});

test('an event that is handled when the platform stops is handled to its end', async () => {
  const dapr = 'pubsub: { mq: { type: pubsub.redis } }';
  const output = join(tmpdir(), `ofn-handled-${process.pid}`);
  onTestFinished(() => rmSync(output, { force: true }));
  const { folder } = createProject(
    {
      'function.yaml': [
        functionFile(
          'front',
          `${dapr}\n    outputs: [{ dapr: { name: mq, topic: orders, type: pubsub.redis } }]`,
          'front',
        ),
        functionFile('worker', dapr, 'worker').replace(
          /triggers: .*/,
          'triggers: { dapr: [{ name: mq, topic: orders, type: pubsub.redis }] }',
        ),
      ].join('---\n'),
      'front/index.ts': `import { openfunction } from '@ofn/core';
openfunction('front', (ctx: any, data: unknown) => ctx.send(data, 'mq'));\n`,
      'worker/index.ts': `import { openfunction } from '@ofn/core';
import { writeFileSync } from 'node:fs';
let told = () => {};
const stopping = new Promise<void>((resolve) => (told = resolve));
process.on('SIGTERM', () => told());
openfunction('worker', async () => {
  console.log('handling');
  await stopping;
  writeFileSync('${output}', 'handled');
});\n`,
    },
    { framework: true },
  );
  const platform = await start([folder]);
  await post(platform.port, 'front.localhost', {});
  await expect
    .poll(
      () => platform.events.some((event) => event.type === 'line' && event.line === 'handling'),
      WAIT,
    )
    .toBe(true);
  await platform.stop();
  expect(existsSync(output)).toBe(true);
});

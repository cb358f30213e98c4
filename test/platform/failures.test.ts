// Processes that fail on the local platform: killed, looping, hanging, leaking, deaf.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  ask,
  createProject,
  functionFile,
  hello,
  isAlive,
  post,
  processesIn,
  start,
  told,
  type Running,
} from './project.ts';

const WAIT = { timeout: 20_000, interval: 10 };
const MODULE = '{"type":"module"}';

const says = (text: string): string => `export default (req, res) => res.send('${text}');\n`;

/** A project with a function of this code, called hello. */
function createHello(code: string, files: Readonly<Record<string, string>> = {}) {
  return createProject({ 'index.js': code, 'package.json': MODULE, ...files });
}

const printed = ({ events }: Running): string =>
  events.flatMap((event) => (event.type === 'line' ? [event.line] : [])).join('\n');

const crashes = ({ events }: Running): readonly string[] =>
  events.flatMap((event) => (event.type === 'crashed' ? [event.how] : []));

function pidOf({ functions }: Running, name = 'hello'): number {
  const found = functions().find((each) => each.name === name);
  const pid = found?.instances[0]?.status.pid;
  if (pid === undefined) throw new Error(`${name} has no process`);
  return pid;
}

/** The error code of a reply, with its status. */
async function failure(port: number): Promise<string> {
  const { body, status } = await ask(port);
  if (status === 200) return `200 ${body}`;
  return `${status} ${(JSON.parse(body) as { code: string }).code}`;
}

test('an instance that is killed fails the requests it has with 502, and its replacement answers all others', async () => {
  const { folder } = createHello(
    `export default (req, res) => {
      if (req.path === '/hang') console.log('hanging');
      else res.send(String(process.pid));
    };\n`,
  );
  const platform = await start([folder]);
  const { happened, port } = platform;
  for (let round = 1; round <= 2; round += 1) {
    const first = Number((await ask(port)).body);
    // A GET would be sent again.
    const hanging = ask(port, 'localhost', '/hang', '{}');
    await vi.waitFor(() => expect(printed(platform).match(/hanging/g)).toHaveLength(round), WAIT);
    process.kill(first, 'SIGKILL');
    const requests = (): Promise<readonly { readonly status: number; readonly body: string }[]> =>
      Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          ask(port, 'localhost', '/', index % 2 === 0 ? undefined : '{}'),
        ),
      );
    // Those that come while the dying process still has its port may be cut off with it.
    const during = await requests();
    expect(during.every(({ status }) => status === 200 || status === 502)).toBe(true);
    expect((await hanging).status).toBe(502);
    await happened('crashed', round);
    const after = await requests();
    expect(new Set(after.map(({ body }) => body))).toEqual(new Set([String(pidOf(platform))]));
  }
  await expect
    .poll(() => told(folder, 'Serving'), WAIT)
    .toContain('BackOff: Back-off restarting instance: SIGKILL (x2)');
  expect(hello(folder).serving.condition.state).toBe('Running');
});

test('no event is lost when the instance that has it is killed, and none of those that wait', async () => {
  const gate = mkdtempSync(join(tmpdir(), 'ofn-gate-'));
  onTestFinished(() => rmSync(gate, { recursive: true, force: true }));
  const dapr = 'pubsub: { mq: { type: pubsub.redis } }';
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
import { existsSync } from 'node:fs';
openfunction('worker', async (ctx: any, data: { id: number }) => {
  if (!existsSync('${join(gate, 'open')}')) {
    console.log('holds', data.id);
    await new Promise(() => {});
  }
  console.log('done', data.id);
});\n`,
    },
    { framework: true },
  );
  const platform = await start([folder]);
  const send = async (id: number): Promise<void> => {
    expect((await post(platform.port, 'front.localhost', { id })).status).toBe(204);
  };
  for (const id of [1, 2, 3]) await send(id);
  await expect.poll(() => printed(platform), WAIT).toMatch(/holds \d/);
  writeFileSync(join(gate, 'open'), '');
  process.kill(pidOf(platform, 'worker'), 'SIGKILL');
  for (const id of [4, 5]) await send(id);
  await expect
    .poll(() => [...new Set(printed(platform).match(/done \d/g))].toSorted(), WAIT)
    .toEqual(['done 1', 'done 2', 'done 3', 'done 4', 'done 5']);
});

const NEVER =
  'setInterval(() => {}, 1000);\nawait new Promise(() => {});\nexport default () => {};\n';

test('a function that never gets ready is given up after its timeout: its callers are told, and a save mends it', async () => {
  const { folder, write } = createHello(NEVER, {
    'function.yaml': functionFile('hello', 'timeout: 1s'),
  });
  const { events, port } = await start([folder], { stopTimeout: 100 });
  const replies = await Promise.all([failure(port), failure(port)]);
  expect(replies).toEqual(Array.from({ length: 2 }, () => '503 OFN_PLATFORM_START_FAILED'));
  await expect
    .poll(() => hello(folder).serving.condition, WAIT)
    .toMatchObject({ state: 'Timeout', reason: 'Timeout', message: 'not running after 1s' });
  expect(told(folder, 'Function')).toContain(
    'ServingTimeout: Serving did not run in time: not running after 1s',
  );
  const message = 'not running after 1s';
  expect(events).toContainEqual({ type: 'start-timeout', function: 'hello', message });
  // It is not tried for ever.
  await vi.waitFor(() => expect(processesIn(folder)).toEqual([]), WAIT);
  write('index.js', says('mended'));
  await expect.poll(() => failure(port), WAIT).toBe('200 mended');
  await expect.poll(() => hello(folder).serving.condition.state, WAIT).toBe('Running');
});

test('the old code serves while and after the new one does not get ready', async () => {
  const { folder, write } = createHello(says('old'), {
    'function.yaml': functionFile('hello', 'timeout: 1s'),
  });
  const { events, happened, port } = await start([folder], { stopTimeout: 100 });
  expect((await ask(port)).body).toBe('old');
  write('index.js', NEVER);
  await happened('built', 2);
  expect((await ask(port)).body).toBe('old');
  await happened('kept');
  expect((await ask(port)).body).toBe('old');
  write('index.js', says('new'));
  await expect.poll(async () => (await ask(port)).body, WAIT).toBe('new');
  expect(events.every((event) => event.type !== 'request' || event.status === 200)).toBe(true);
});

test('code that ends before it is ready is in CrashLoopBackOff with its last words, until a save mends it', async () => {
  const { folder, write } = createHello("throw new Error('no database');\n");
  const platform = await start([folder]);
  const { happened, port } = platform;
  const first = await ask(port);
  expect([first.status, JSON.parse(first.body)]).toMatchObject([
    503,
    { code: 'OFN_PLATFORM_START_FAILED', detail: expect.stringContaining('no database') },
  ]);
  await happened('crashed', 3);
  await expect
    .poll(() => hello(folder).serving.condition, WAIT)
    .toMatchObject({
      state: 'Failed',
      reason: 'CrashLoopBackOff',
      message: expect.stringMatching(/it ended before it was ready: exit code \d+: .*no database/),
    });
  await expect
    .poll(() => told(folder, 'Serving').join('\n'), WAIT)
    .toMatch(/BackOff: Back-off restarting instance: .*no database \(x\d\)/);
  write('index.js', says('mended'));
  await expect.poll(() => failure(port), WAIT).toBe('200 mended');
});

test.each([
  ['exits with 0 after each request', "res.on('finish', () => process.exit(0)).send('done')", 200],
  ['exits with 1 in each request', 'process.exit(1)', 502],
] as const)(
  'one that %s is started again each time, and that is counted',
  async (_, statement, status) => {
    const { folder } = createHello(`export default (req, res) => { ${statement}; };\n`);
    const platform = await start([folder]);
    for (let round = 1; round <= 3; round += 1) {
      expect((await ask(platform.port)).status).toBe(status);
      await platform.happened('crashed', round);
    }
    const how = status === 200 ? 'exit code 0' : 'exit code 1';
    expect(crashes(platform)).toEqual([how, how, how]);
    await expect
      .poll(() => told(folder, 'Serving'), WAIT)
      .toContain(`BackOff: Back-off restarting instance: ${how} (x3)`);
    expect(hello(folder).serving.condition.state).toBe('Running');
  },
);

test('one that has used up its memory says so, and the next one serves', async () => {
  const { folder } = createHello(
    `const kept = [];
export default (req, res) => {
  if (req.path !== '/leak') return res.send('well');
  for (;;) kept.push(Array.from({ length: 10_000 }, () => ({})));
};\n`,
    { '.env': 'NODE_OPTIONS=--max-old-space-size=40\n' },
  );
  const platform = await start([folder]);
  expect((await ask(platform.port)).body).toBe('well');
  expect((await ask(platform.port, 'localhost', '/leak', '{}')).status).toBe(502);
  await platform.happened('crashed');
  expect((await ask(platform.port)).body).toBe('well');
  expect(crashes(platform)).toEqual([expect.stringContaining('JavaScript heap out of memory')]);
});

const DEAF = `export default (req, res) => {
  process.removeAllListeners('SIGTERM').on('SIGTERM', () => {});
  res.send('old ' + process.pid);
};\n`;

test('one that does not heed SIGTERM delays no reload, and is killed after the stop timeout', async () => {
  const { folder, write } = createHello(DEAF);
  const platform = await start([folder], { stopTimeout: 2000 });
  const { port } = platform;
  const old = Number((await ask(port)).body.split(' ')[1]);
  const saved = performance.now();
  write('index.js', says('new'));
  await expect.poll(async () => (await ask(port)).body, WAIT).toBe('new');
  expect(isAlive(old)).toBe(true);
  expect(platform.functions()[0]?.instances.map(({ status }) => status.state)).toEqual([
    'ready',
    'stopping',
  ]);
  await vi.waitFor(() => expect(isAlive(old)).toBe(false), WAIT);
  expect(performance.now() - saved).toBeGreaterThan(1900);
});

test('one that does not heed SIGTERM is gone when the platform has stopped', async () => {
  const { folder } = createHello(DEAF);
  const platform = await start([folder], { stopTimeout: 100 });
  await ask(platform.port);
  await platform.stop();
  expect(processesIn(folder)).toEqual([]);
});

test('what an instance has started ends with it: by a reload, and when it is killed', async () => {
  const { folder, write } = createHello(
    `import { spawn } from 'node:child_process';
export default (req, res) => {
  const code = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";
  const child = spawn(process.execPath, ['-e', code], { stdio: 'inherit' });
  child.on('spawn', () => res.send('started'));
};\n`,
  );
  const platform = await start([folder]);
  const { port } = platform;
  const children = (): readonly number[] => {
    const pids = platform.functions()[0]?.instances.map(({ status }) => status.pid);
    return processesIn(folder).filter((pid) => pids?.includes(pid) !== true);
  };
  expect((await ask(port)).body).toBe('started');
  expect(children()).toHaveLength(1);
  process.kill(pidOf(platform), 'SIGKILL');
  await vi.waitFor(() => expect(children()).toEqual([]), WAIT);
  expect((await ask(port)).body).toBe('started');
  expect(children()).toHaveLength(1);
  write('index.js', says('new'));
  await expect.poll(async () => (await ask(port)).body, WAIT).toBe('new');
  await vi.waitFor(() => expect(children()).toEqual([]), WAIT);
});

test('one that blocks its event loop is unready: new requests wait, and a save mends it', async () => {
  const { folder, write } = createHello(
    `export default (req, res) => {
  if (req.path === '/block') for (;;);
  res.send('old');
};\n`,
  );
  const platform = await start([folder], { stopTimeout: 200 });
  const { functions, port } = platform;
  await ask(port);
  const blocked = ask(port, 'localhost', '/block', '{}');
  await expect
    .poll(() => functions()[0]?.instances.map(({ status }) => status.state), WAIT)
    .toEqual(['unready']);
  const waiting = ask(port);
  write('index.js', says('new'));
  expect((await waiting).body).toBe('new');
  expect((await blocked).status).toBe(502);
  await expect
    .poll(() => told(folder, 'Serving'), WAIT)
    .toContain('Unhealthy: Readiness probe failed');
});

test('a build that is not done in its time is over, and the next save may be', async () => {
  const { folder, write } = createHello(says('late'), {
    'function.yaml': functionFile().replace('builder: local', 'builder: local, timeout: 1ms'),
  });
  const { port } = await start([folder]);
  expect(await failure(port)).toBe('503 OFN_PLATFORM_BUILD_FAILED');
  await expect
    .poll(() => told(folder, 'Function'), WAIT)
    .toContain('BuildTimeout: Build timed out: after 0s');
  expect(hello(folder).build.condition.state).toBe('Timeout');
  write('function.yaml', functionFile());
  await expect.poll(() => failure(port), WAIT).toBe('200 late');
});

test.each(['a restart', 'a save that changes no code'])(
  'what was given up after its timeout is tried again by %s',
  async (way) => {
    const { folder, write } = createProject({
      'function.yaml': functionFile('hello', 'timeout: 500ms'),
      'index.mjs': `import { existsSync } from 'node:fs';
while (!existsSync(process.cwd() + '-is-up')) await new Promise((resolve) => setTimeout(resolve, 10));
export default (req, res) => res.send('up');
`,
    });
    const { port, restart } = await start([folder]);
    expect((await ask(port)).status).toBe(503);
    writeFileSync(`${folder}-is-up`, '');
    if (way === 'a restart') restart();
    else write('package.json', '{}');
    await expect.poll(async () => (await ask(port)).body, { timeout: 10_000 }).toBe('up');
  },
);

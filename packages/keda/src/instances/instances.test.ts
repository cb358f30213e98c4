import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createInstances, type InstanceEvent, type InstancesOptions } from './instances.ts';

/** Instances of a script, which end with the test. */
function start(script: string, options: Partial<InstancesOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ofn-instances-'));
  const file = join(folder, 'function.cjs');
  writeFileSync(file, script);
  const endpoints: (readonly string[])[] = [];
  const events: InstanceEvent[] = [];
  const lines: string[] = [];
  const instances = createInstances({
    command: [process.execPath, file],
    onEndpoints: (addresses) => endpoints.push(addresses),
    onEvent: (event) => events.push(event),
    log: {
      info: (_, line) => void lines.push(line),
      warn: (_, line) => void lines.push(line),
      error() {},
    },
    ...options,
  });
  onTestFinished(async () => {
    await instances.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const types = (): string[] => events.map(({ type }) => type);
  return { instances, endpoints, events, lines, types };
}

const SERVER = `
  const server = require('node:http').createServer((request, response) => {
    response.statusCode = request.url === '/readyz' && global.unready ? 503 : 200;
    response.end();
    if (request.url === '/unready') global.unready = true;
    if (request.url === '/crash') process.exit(3);
  });
  server.listen(process.env.PORT, '127.0.0.1');
  console.log('pid ' + process.pid);
  process.on('SIGTERM', () => process.exit(0));
`;

test('an instance is told to end once what is on its way to it has arrived, and a second later at last', async () => {
  const drained: string[] = [];
  let arrive = (): void => {};
  const { endpoints, instances, types } = start(SERVER, {
    drain(address) {
      drained.push(address);
      return new Promise((resolve) => (arrive = resolve));
    },
  });
  await instances.scale(1);
  const [address] = endpoints.at(-1) ?? [];
  const ended = instances.scale(0);
  await vi.waitFor(() => expect(drained).toEqual([address]));
  // It gets no requests by then, and runs on.
  expect([endpoints.at(-1), instances.list().map(({ state }) => state)]).toEqual([
    [],
    ['stopping'],
  ]);
  expect(types()).not.toContain('stopped');
  arrive();
  await ended;
  await instances.scale(1);
  await instances.scale(0);
  expect(types().filter((type) => type === 'stopped')).toHaveLength(2);
});

test('starts as many as are wanted, each on a port of its own, and ends those that are too many', async () => {
  const { endpoints, instances, types } = start(SERVER);
  await instances.scale(2);
  expect(new Set(endpoints.at(-1)).size).toBe(2);
  expect(instances.list().map(({ state }) => state)).toEqual(['ready', 'ready']);
  await instances.scale(1);
  expect(endpoints.at(-1)).toHaveLength(1);
  await instances.scale(0);
  expect([endpoints.at(-1), instances.list()]).toEqual([[], []]);
  expect(types().toSorted()).toEqual([
    'ready',
    'ready',
    'started',
    'started',
    'stopped',
    'stopped',
  ]);
});

test('takes the address away before the instance is ended', async () => {
  const states: string[] = [];
  const { instances } = start(SERVER, {
    onEndpoints: (addresses) => states.push(`${addresses.length} of ${instances.list().length}`),
  });
  await instances.scale(1);
  await instances.scale(0);
  expect(states).toEqual(['1 of 1', '0 of 1']);
});

test('an instance is ready when its probe says so, and no longer when it says no', async () => {
  const { endpoints, instances } = start(SERVER, { ready: { path: '/readyz', period: 10 } });
  await instances.scale(1);
  const [address] = endpoints.at(-1) ?? [];
  await fetch(`http://${address}/unready`);
  await vi.waitFor(() => expect(endpoints.at(-1)).toEqual([]));
  expect(instances.list().map(({ state }) => state)).toEqual(['unready']);
});

test('starts an instance again that has crashed, and takes its address away at once', async () => {
  const { endpoints, events, instances, types } = start(SERVER);
  await instances.scale(1);
  const [address] = endpoints.at(-1) ?? [];
  await fetch(`http://${address}/crash`).catch(() => {});
  await vi.waitFor(() =>
    expect(types()).toEqual(['started', 'ready', 'crashed', 'started', 'ready']),
  );
  expect(events[2]?.exit?.code).toBe(3);
  expect(endpoints.map(({ length }) => length)).toEqual([1, 0, 1]);
});

test.each([0, 1])(
  'one that ends in a loop, with code %i, is started less and less often',
  async (code) => {
    const { events, instances, lines } = start(`process.exit(${code})`);
    void instances.scale(1);
    await vi.waitFor(() => expect(lines).toHaveLength(3), { timeout: 5000 });
    expect(lines.map((line) => /again in (\d+) ms$/.exec(line)?.[1])).toEqual([
      '100',
      '200',
      '400',
    ]);
    expect(events.every(({ type }) => type !== 'ready')).toBe(true);
  },
);

test('one that ends with 0 soon after it was ready is replaced at once, and in a loop less and less often', async () => {
  const { instances, lines } = start(`
    require('node:net').createServer().listen(process.env.PORT, '127.0.0.1');
    setTimeout(() => process.exit(0), 100);
  `);
  void instances.scale(1);
  await vi.waitFor(() => expect(lines).toHaveLength(4), { timeout: 10_000 });
  expect(lines.map((line) => /again (at once|in \d+ ms)$/.exec(line)?.[1])).toEqual([
    'at once',
    'in 100 ms',
    'in 200 ms',
    'in 400 ms',
  ]);
});

test('says why a command cannot be started', async () => {
  const { instances, lines } = start('', { command: ['/no/such/file'] });
  void instances.scale(1);
  await vi.waitFor(() => expect(lines.join()).toContain('ENOENT'));
});

test('kills one that does not heed SIGTERM, and what it has started itself', async () => {
  const script = `
    const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)']);
    console.log('child ' + child.pid);
    process.on('SIGTERM', () => {});
    require('node:net').createServer().listen(process.env.PORT, '127.0.0.1');
  `;
  const { instances, lines } = start(script, { stopTimeout: 50 });
  await instances.scale(1);
  const pids = await vi.waitFor(() => {
    const [, child] = /child (\d+)/.exec(lines.join()) ?? [];
    if (child === undefined) throw new Error('it has not said it yet');
    return [Number(child), instances.list()[0]?.pid ?? 0];
  });
  await instances.scale(0);
  for (const pid of pids) {
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(/ESRCH/));
  }
});

test('passes lines on that instances print', async () => {
  const { instances, lines } = start(SERVER);
  await instances.scale(1);
  await vi.waitFor(() => expect(lines[0]).toMatch(/^pid \d+$/));
});

test('a command that cannot be a command is a crash that is told, not the end of this process', async () => {
  const { events, instances, lines } = start('', { command: [process.execPath, 'a\0b'] });
  void instances.scale(1);
  await vi.waitFor(() => expect(events.at(0)?.type).toBe('crashed'));
  expect(events[0]?.exit?.error?.message).toContain('null bytes');
  expect(lines[0]).toContain('null bytes');
});

test('however many there are, this process has one listener for its own end', async () => {
  const before = process.listenerCount('exit');
  const { instances } = start(SERVER);
  await instances.scale(3);
  expect(process.listenerCount('exit')).toBe(before + 1);
  await instances.scale(0);
  expect(process.listenerCount('exit')).toBe(before);
});

test('a probe whose answer has no end leaves no connection open', async () => {
  const script = `
    const open = new Set();
    const server = require('node:http').createServer((request, response) => response.write('x'));
    server.on('connection', (socket) => {
      open.add(socket);
      console.log('open ' + open.size);
      socket.on('close', () => open.delete(socket));
    });
    server.listen(process.env.PORT, '127.0.0.1');
  `;
  const { instances, lines } = start(script, { ready: { path: '/readyz', period: 5 } });
  await instances.scale(1);
  await vi.waitFor(() => expect(lines.length).toBeGreaterThan(20), { timeout: 10_000 });
  const counts = lines.map((line) => Number(/^open (\d+)$/.exec(line)?.[1]));
  expect(Math.max(...counts)).toBeLessThan(4);
});

test.each([-1, 1.5, Number.NaN])('refuses to scale to %d', async (replicas) => {
  const { instances } = start(SERVER);
  expect(() => instances.scale(replicas)).toThrow('a whole number from 0 up');
});

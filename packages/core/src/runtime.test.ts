// A runtime from start to stop: its states, its hooks in order, its ports, and how it drains.
import { Agent, createServer, get as httpGet, type IncomingHttpHeaders } from 'node:http';
import { Server, connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { OfnError } from './errors.ts';
import type { LoadedSource } from './function/load.ts';
import { defineFunction } from './function/definition.ts';
import { onStart, onStop, registry, use } from './function/registry.ts';
import type {
  Context,
  FunctionDefinition,
  Handler,
  HttpFunctionOptions,
} from './function/signature.ts';
import { createMetrics, type Metrics } from './http/metrics.ts';
import type { Plugin } from './invocation/plugin.ts';
import type { Tracing } from './invocation/trace.ts';
import { createRecorder } from './invocation/tracer.fixture.ts';
import { createLogger } from './logger.ts';
import { parseOptions } from './options.ts';
import { createRuntime, type Runtime } from './runtime.ts';

const runtimes: Runtime[] = [];
const log = createLogger({ level: 'silent' });

afterEach(async () => {
  vi.useRealTimers();
  await Promise.allSettled(runtimes.map((runtime) => runtime.stop({ skipDelay: true })));
  for (const { server } of runtimes.splice(0)) server.close();
  registry.plugins.length = 0;
  registry.startHooks.length = 0;
  registry.stopHooks.length = 0;
});

const define = (
  name: string,
  handler: Handler = (_req, res) => res.end(name),
  options: HttpFunctionOptions = {},
): FunctionDefinition => defineFunction(name, 'http', handler, options);

interface Given extends Partial<LoadedSource> {
  readonly args?: readonly string[];
  /** Default: loopback. Empty for all addresses. */
  readonly host?: string;
  readonly context?: object;
  readonly metrics?: Metrics;
  readonly tracing?: Tracing;
}

function create({ args = [], host = '127.0.0.1', ...given }: Given = {}): Runtime {
  const { context, metrics, tracing, ...source } = given;
  const env = context === undefined ? {} : { FUNC_CONTEXT: JSON.stringify(context) };
  const command = parseOptions(
    ['--port=0', ...(host === '' ? [] : ['--host', host]), ...args],
    env,
  );
  if (command.kind !== 'serve') throw new Error(`the command is ${command.kind}`);
  const loaded = { functions: [define('hello')], plugins: [], hookPlugins: [], ...source };
  const runtime = createRuntime(command.options, log, loaded, metrics, tracing);
  runtimes.push(runtime);
  return runtime;
}

interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function get(port: number, path = '/', agent = new Agent()): Promise<Reply> {
  return new Promise((resolve, reject) => {
    httpGet({ host: '127.0.0.1', port, path, agent }, (incoming) => {
      text(incoming).then(
        (body) => resolve({ status: incoming.statusCode, headers: incoming.headers, body }),
        reject,
      );
    }).on('error', reject);
  });
}

/** Whether something listens on a port. */
async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

/** A function whose calls wait until they are released. */
function createGate() {
  const calls: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const definition = define('gate', async (req, res) => {
    signals.push(req.signal);
    await new Promise<void>((resolve) => calls.push(resolve));
    res.end('released');
  });
  return {
    definition,
    signals,
    entered: (count: number) => vi.waitFor(() => expect(calls).toHaveLength(count)),
    release: () => calls.forEach((resolve) => resolve()),
  };
}

const failure = (promise: Promise<unknown>): Promise<OfnError> =>
  promise.then(
    () => new Error('nothing failed') as OfnError,
    (error: unknown) => error as OfnError,
  );

describe('the states', () => {
  test('are idle, starting, running, draining, stopped', async () => {
    const states: string[] = [];
    const look = (): void => {
      states.push(runtime.state);
    };
    onStart(look);
    onStop(look);
    const runtime = create({ plugins: [{ name: 'p', setup: look, close: look }] });
    look();
    runtime.server.once('listening', look);
    await runtime.start();
    look();
    await runtime.stop();
    look();
    expect(states).toEqual([
      'idle',
      'starting',
      'starting',
      'starting',
      'running',
      'draining',
      'draining',
      'stopped',
    ]);
  });

  test('are running without a port when a runtime is only opened', async () => {
    const runtime = create();
    await runtime.open();
    expect(runtime.state).toBe('running');
    expect(runtime.server.listening).toBe(false);
  });

  test('end with stopped when the start fails', async () => {
    onStart(() => {
      throw new Error('no database');
    });
    const runtime = create();
    await failure(runtime.start());
    expect(runtime.state).toBe('stopped');
  });
});

describe('the start', () => {
  test('resolves with the ports, and serves on them', async () => {
    const { port, adminPort } = await create({ metrics: createMetrics() }).start();
    expect(await get(port)).toMatchObject({ status: 200, body: 'hello' });
    expect(await get(adminPort ?? 0, '/readyz')).toMatchObject({ status: 200 });
    expect((await get(adminPort ?? 0, '/metrics')).body).toContain('faas_in_flight');
  });

  test('opens no admin port without metrics', async () => {
    expect((await create().start()).adminPort).toBeUndefined();
  });

  test('sets plugins up from the outside in, then runs the start hooks, each in order', async () => {
    const steps: string[] = [];
    const plugin = (name: string): Plugin => ({
      name,
      async setup() {
        await Promise.resolve();
        steps.push(name);
      },
    });
    const shared = plugin('shared');
    use(plugin('global'));
    onStart(async () => {
      await Promise.resolve();
      steps.push('first hook');
    });
    onStart(() => steps.push('second hook'));
    const functions = [
      define('a', undefined, { plugins: [plugin('of a'), shared] }),
      define('b', undefined, { plugins: [shared, plugin('of b')] }),
    ];
    await create({ functions, plugins: [plugin('of the folder')] }).start();
    expect(steps).toEqual([
      'global',
      'of the folder',
      'of a',
      'shared',
      'of b',
      'first hook',
      'second hook',
    ]);
  });

  test('tells plugins the functions, the context and the logger', async () => {
    const setup = vi.fn<NonNullable<Plugin['setup']>>();
    const functions = [define('a')];
    const context = { name: 'shop', runtime: 'Knative' };
    await create({ functions, plugins: [{ name: 'p', setup }], context }).start();
    expect(setup).toHaveBeenCalledExactlyOnceWith({
      functions,
      inputs: [],
      context: expect.objectContaining({ name: 'shop' }),
      log,
    });
  });

  test('runs plugins around a call in the order: global, folder, hooks, function', async () => {
    const steps: string[] = [];
    const plugin = (name: string): Plugin => ({
      name,
      wrap(_, next) {
        steps.push(name);
        return next();
      },
    });
    use(plugin('global'));
    const { port } = await create({
      functions: [define('a', undefined, { plugins: [plugin('function')] })],
      plugins: [plugin('folder')],
      hookPlugins: [{ name: 'audit', execPreHook: () => steps.push('pre-hook') }],
    }).start();
    await get(port);
    expect(steps).toEqual(['global', 'folder', 'pre-hook', 'function']);
  });

  test('hands plugins of the folder to handlers by their names', async () => {
    const audit = { name: 'audit', execPreHook() {} };
    const definition = defineFunction(
      'f',
      'openfunction',
      (ctx: Context) => ctx.getPlugin('audit') === audit,
    );
    const runtime = create({ functions: [definition], hookPlugins: [audit] });
    const { port } = await runtime.start();
    expect((await get(port)).body).toBe('true');
  });
});

describe('tracing', () => {
  test('is set up before all plugins, and closed after them, the stop hooks and the calls', async () => {
    const steps: string[] = [];
    const { tracing, calls } = createRecorder();
    const step = (name: string) => () => void steps.push(name);
    use({ name: 'a', setup: step('set up a'), close: step('close a') });
    onStart(step('start'));
    onStop(step('stop'));
    const gate = createGate();
    const runtime = create({
      functions: [gate.definition],
      tracing: {
        ...tracing,
        setup: step('set up tracing'),
        close: () => steps.push(`close tracing after ${calls[0]?.ends.length} end`),
      },
    });
    const { port } = await runtime.start();
    const reply = get(port);
    await gate.entered(1);
    const stopped = runtime.stop();
    gate.release();
    expect((await reply).body).toBe('released');
    await stopped;
    expect(steps).toEqual([
      'set up tracing',
      'set up a',
      'start',
      'stop',
      'close a',
      'close tracing after 1 end',
    ]);
  });

  test.each([
    ['fails to close', () => Promise.reject(new Error('no collector'))],
    ['throws when it closes', () => fail('no collector')],
    ['does not end', () => new Promise(() => {})],
  ])('that %s fails no stop', async (_title, close) => {
    const warn = vi.spyOn(log, 'warn');
    const { tracing } = createRecorder();
    const runtime = create({ args: ['--drain-timeout=0'], tracing: { ...tracing, close } });
    await runtime.start();
    await runtime.stop();
    expect(runtime.state).toBe('stopped');
    expect(inspect(warn.mock.calls)).toMatch(/tracing .* what it has not sent is lost/);
    warn.mockRestore();
  });

  test('is told what plugins are told, and may wrap calls as they do, from the outside', async () => {
    const seen: string[] = [];
    use({ name: 'a', wrap: (_, next) => (seen.push('a'), next()) });
    const setup = vi.fn<NonNullable<Plugin['setup']>>();
    const { tracing } = createRecorder();
    const hello = define('hello');
    const runtime = create({
      functions: [hello],
      tracing: { ...tracing, setup, wrap: (_, next) => (seen.push('tracing'), next()) },
    });
    const { port } = await runtime.start();
    await get(port);
    expect(setup.mock.calls).toEqual([
      [{ functions: [hello], inputs: [], context: undefined, log }],
    ]);
    expect(seen).toEqual(['tracing', 'a']);
  });
});

describe('a runtime that is not valid', () => {
  test('has an http function and an async function context', () => {
    expect(() => create({ context: { runtime: 'Async' } })).toThrowError(
      expect.objectContaining({ code: 'OFN_SIGNATURE_UNSUPPORTED', exitCode: 1 }),
    );
  });

  test('has hooks that no plugin of the folder has', () => {
    expect(() => create({ context: { prePlugins: ['missing'] } })).toThrowError(
      expect.objectContaining({ code: 'OFN_PLUGIN_INVALID' }),
    );
  });

  test('has a plugin that is none, for all functions or for one', () => {
    const invalid = expect.objectContaining({ code: 'OFN_PLUGIN_INVALID' });
    const functions = [define('a', undefined, { plugins: [null as never] })];
    expect(() => create({ functions })).toThrowError(invalid);
    use({ wrap: () => 1 } as never);
    expect(() => create()).toThrowError(invalid);
  });
});

describe('a start that fails', () => {
  test.each([
    ['a start hook', (): void => onStart(() => Promise.reject(new Error('no database')))],
    ['the set-up of a plugin', (): void => use({ name: 'p', setup: () => fail('no database') })],
  ])('in %s leaves nothing running', async (_title, prepare) => {
    const steps: string[] = [];
    use({ name: 'outer', close: () => steps.push('closed') });
    onStop(() => steps.push('stop hook'));
    prepare();
    const runtime = create({ metrics: createMetrics() });
    const listen = vi.spyOn(runtime.server, 'listen');
    const error = await failure(runtime.start());
    expect(error).toMatchObject({
      code: 'OFN_START_FAILED',
      exitCode: 1,
      message: 'start-up failed: no database',
      cause: { message: 'no database' },
    });
    expect(listen).not.toHaveBeenCalled();
    expect(steps).toEqual(['stop hook', 'closed']);
  });

  test('with an error of the framework keeps its code', async () => {
    const error = new OfnError('OFN_PLUGIN_INVALID', 'no');
    use({ name: 'p', setup: () => Promise.reject(error) });
    expect(await failure(create().start())).toBe(error);
  });

  test('tells its own reason when closing fails too', async () => {
    onStart(() => fail('first'));
    onStop(() => fail('second'));
    expect((await failure(create().start())).message).toBe('start-up failed: first');
  });

  test('runs no later hook', async () => {
    const later = vi.fn<() => void>();
    onStart(() => fail('first'));
    onStart(later);
    await failure(create().start());
    expect(later).not.toHaveBeenCalled();
  });

  test('closes only plugins whose set-up was done', async () => {
    const close = vi.fn<(name: string) => void>();
    const plugin = (name: string, setup = (): unknown => undefined): Plugin => ({
      name,
      setup,
      close: () => close(name),
    });
    use(plugin('a'));
    use(plugin('b', () => Promise.resolve()));
    use(plugin('broken', () => Promise.reject(new Error('no database'))));
    use(plugin('later'));
    await failure(create().start());
    expect(close.mock.calls).toEqual([['b'], ['a']]);
  });

  test('has run its stop hooks: a stop after it does not run them again', async () => {
    const stopHook = vi.fn<() => void>();
    onStop(stopHook);
    onStart(() => fail('no database'));
    const runtime = create();
    await failure(runtime.start());
    await runtime.stop();
    expect(stopHook).toHaveBeenCalledOnce();
    expect(runtime.state).toBe('stopped');
  });
});

function fail(message: string): never {
  throw new Error(message);
}

describe('a port that cannot be listened on', () => {
  test('is named, with the remedy, when it is in use; nothing is left running', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const stopHook = vi.fn<() => void>();
    onStop(stopHook);
    const runtime = create({ args: [`--port=${port}`], metrics: createMetrics() });
    const listen = vi.spyOn(Server.prototype, 'listen');
    const error = await failure(runtime.start());
    const servers = listen.mock.contexts;
    listen.mockRestore();
    other.close();
    expect(error).toMatchObject({ code: 'OFN_PORT_UNAVAILABLE', exitCode: 1 });
    expect(error.message).toBe(
      `cannot listen on 127.0.0.1:${port}: it is in use; ` +
        'stop the other process or choose another with --port',
    );
    expect(error.cause).toMatchObject({ code: 'EADDRINUSE' });
    expect(stopHook).toHaveBeenCalledOnce();
    expect(runtime.state).toBe('stopped');
    expect(servers.map((server) => (server as Server).listening)).toEqual([false, false]);
  });

  test('is named when it is the admin port, and the functions are never served', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const runtime = create({ args: [`--admin-port=${port}`], metrics: createMetrics() });
    const listen = vi.spyOn(runtime.server, 'listen');
    const error = await failure(runtime.start());
    other.close();
    expect(error.code).toBe('OFN_PORT_UNAVAILABLE');
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.message).toMatch(/--admin-port$/);
    expect(listen).not.toHaveBeenCalled();
  });

  test.each([
    [
      'EACCES',
      /^cannot listen on .*: this user may not listen on it; choose one above 1023 with --port$/,
    ],
    ['EADDRNOTAVAIL', /^cannot listen on .*: told by the system$/],
  ])('is explained when the system says %s', async (code, message) => {
    const runtime = create();
    vi.spyOn(runtime.server, 'listen').mockImplementation(() => {
      const error = Object.assign(new Error('told by the system'), { code });
      queueMicrotask(() => runtime.server.emit('error', error));
      return runtime.server;
    });
    const error = await failure(runtime.start());
    expect(error).toMatchObject({ code: 'OFN_PORT_UNAVAILABLE', cause: { code } });
    expect(error.message).toMatch(message);
  });

  test('is named without an address when all addresses are listened on', async () => {
    const runtime = create({ host: '' });
    vi.spyOn(runtime.server, 'listen').mockImplementation(() => {
      queueMicrotask(() => runtime.server.emit('error', new Error('no')));
      return runtime.server;
    });
    expect((await failure(runtime.start())).message).toBe('cannot listen on port 0: no');
  });
});

describe('a stop', () => {
  test('runs stop hooks, then closes plugins, each in reverse order', async () => {
    const steps: string[] = [];
    use({ name: 'a', close: () => steps.push('close a') });
    use({ name: 'b', close: async () => steps.push('close b') });
    onStop(() => steps.push('stop 1'));
    onStop(() => steps.push('stop 2'));
    const runtime = create();
    await runtime.start();
    await runtime.stop();
    expect(steps).toEqual(['stop 2', 'stop 1', 'close b', 'close a']);
  });

  test('happens once, however often it is asked for', async () => {
    const stopHook = vi.fn<() => void>();
    onStop(stopHook);
    const runtime = create();
    await runtime.start();
    const first = runtime.stop();
    expect(runtime.stop({ skipDelay: true })).toBe(first);
    await first;
    await runtime.stop();
    expect(stopHook).toHaveBeenCalledOnce();
  });

  test('closes both ports', async () => {
    const runtime = create({ metrics: createMetrics() });
    const { port, adminPort = 0 } = await runtime.start();
    expect([await listens(port), await listens(adminPort)]).toEqual([true, true]);
    await runtime.stop();
    expect([await listens(port), await listens(adminPort)]).toEqual([false, false]);
  });

  test('closes idle connections', async () => {
    const runtime = create();
    const { port } = await runtime.start();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.resume();
    const closed = once(socket, 'close');
    await runtime.stop();
    expect(await closed).toEqual([false]);
  });

  test('goes on when a hook fails, and then tells of each failure', async () => {
    const steps: string[] = [];
    use({ name: 'p', close: () => fail('plugin') });
    onStop(() => steps.push('last'));
    onStop(() => fail('hook'));
    const runtime = create();
    const { port } = await runtime.start();
    const error = await failure(runtime.stop());
    expect(error).toMatchObject({
      code: 'OFN_STOP_FAILED',
      exitCode: 1,
      message: 'a stop hook failed: hook; plugin',
      cause: { message: 'hook' },
    });
    expect(steps).toEqual(['last']);
    expect(runtime.state).toBe('stopped');
    expect(await listens(port)).toBe(false);
  });

  test.each([
    ['a stop hook', (): void => onStop(() => new Promise(() => {}))],
    ['a plugin', (): void => use({ name: 'endless', close: () => new Promise(() => {}) })],
  ])('waits for %s no longer than for the calls, and runs the others', async (_, prepare) => {
    const steps: string[] = [];
    use({ name: 'p', close: () => steps.push('plugin') });
    onStop(() => steps.push('first registered'));
    prepare();
    onStop(() => steps.push('last registered'));
    const runtime = create({ args: ['--drain-timeout=20ms'] });
    await runtime.start();
    expect(await failure(runtime.stop())).toMatchObject({
      code: 'OFN_STOP_FAILED',
      exitCode: 1,
      message: 'a stop hook failed: it did not end within 0.02 s',
    });
    expect(steps).toEqual(['last registered', 'first registered', 'plugin']);
    expect(runtime.state).toBe('stopped');
  });

  test('during the start keeps it from listening', async () => {
    let release = (): void => {};
    const reached = new Promise<void>((resolve) => {
      onStart(() => {
        resolve();
        return new Promise<void>((done) => {
          release = done;
        });
      });
    });
    const runtime = create();
    const started = runtime.start().catch(() => 'not started');
    await reached;
    const stopped = runtime.stop();
    release();
    await stopped;
    expect(await started).toBe('not started');
    expect(runtime.server.listening).toBe(false);
    expect(runtime.state).toBe('stopped');
  });
});

describe('the drain', () => {
  test('lets calls in flight finish before the stop hooks run', async () => {
    const { definition, entered, release } = createGate();
    const steps: string[] = [];
    onStop(() => steps.push('stop hook'));
    const runtime = create({ functions: [definition] });
    const { port } = await runtime.start();
    const replies = [get(port), get(port), get(port)].map(async (reply) => {
      const { status, body } = await reply;
      steps.push(`${status} ${body}`);
    });
    await entered(3);
    const stopped = runtime.stop();
    expect(runtime.state).toBe('draining');
    release();
    await Promise.all([stopped, ...replies]);
    expect(steps.toSorted()).toEqual([...Array<string>(3).fill('200 released'), 'stop hook']);
    expect(runtime.state).toBe('stopped');
  });

  test('takes no new connection', async () => {
    const { definition, entered, release } = createGate();
    const runtime = create({ functions: [definition] });
    const { port } = await runtime.start();
    const reply = get(port);
    await entered(1);
    const stopped = runtime.stop();
    expect(await listens(port)).toBe(false);
    release();
    expect(await reply).toMatchObject({ status: 200 });
    await stopped;
  });

  test('cuts calls off at the deadline: their signal aborts, and the stop says how many', async () => {
    const { definition, entered, signals } = createGate();
    const runtime = create({ functions: [definition], args: ['--drain-timeout=20ms'] });
    const { port } = await runtime.start();
    const replies = Promise.allSettled([get(port), get(port)]);
    await entered(2);
    const error = await failure(runtime.stop());
    expect(error).toMatchObject({
      code: 'OFN_DRAIN_INCOMPLETE',
      exitCode: 1,
      message: '2 calls were cut off after 0.02 s',
    });
    expect(signals.map(({ reason }) => (reason as OfnError).code)).toEqual([
      'OFN_STOPPING',
      'OFN_STOPPING',
    ]);
    await replies;
    expect(runtime.state).toBe('stopped');
  });

  test('serves the request of a connection that was open before', async () => {
    const runtime = create();
    const { port } = await runtime.start();
    const socket = connect(port, '127.0.0.1');
    await Promise.all([once(runtime.server, 'connection'), once(socket, 'connect')]);
    const stopped = runtime.stop();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const reply = await text(socket);
    expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*hello$/);
    expect(reply).toMatch(/\r\nConnection: close\r\n/i);
    await stopped;
  });

  test('waits half a second for such a request, and not longer', async () => {
    const runtime = create();
    const { port } = await runtime.start();
    const socket = connect(port, '127.0.0.1');
    const closed = once(socket, 'close');
    await Promise.all([once(runtime.server, 'connection'), once(socket, 'connect')]);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stopped = runtime.stop();
    await vi.advanceTimersByTimeAsync(499);
    expect(runtime.state).toBe('draining');
    await vi.advanceTimersByTimeAsync(1);
    await stopped;
    expect(runtime.state).toBe('stopped');
    await closed;
  });

  test('runs the stop hooks even when calls were cut off', async () => {
    const { definition, entered } = createGate();
    const stopHook = vi.fn<() => void>();
    onStop(stopHook);
    const runtime = create({ functions: [definition], args: ['--drain-timeout=0'] });
    const { port } = await runtime.start();
    const reply = get(port).catch(() => 'cut off');
    await entered(1);
    await failure(runtime.stop());
    expect(stopHook).toHaveBeenCalledOnce();
    await reply;
  });

  test('waits for the drain delay, in which calls are served and readiness fails', async () => {
    const args = ['--drain-delay=5s', '--health-routes'];
    const runtime = create({ args });
    const { port } = await runtime.start();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stopped = runtime.stop();
    const agent = new Agent({ keepAlive: true });
    expect(await get(port, '/', agent)).toMatchObject({
      status: 200,
      headers: { connection: 'close' },
    });
    expect(await get(port, '/readyz')).toMatchObject({ status: 503 });
    expect(await get(port, '/healthz')).toMatchObject({ status: 200 });
    await vi.advanceTimersByTimeAsync(4999);
    expect(await listens(port)).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    await stopped;
    expect(await listens(port)).toBe(false);
    agent.destroy();
  });

  test('skips the delay when it is asked to', async () => {
    const runtime = create({ args: ['--drain-delay=1h'] });
    const { port } = await runtime.start();
    await runtime.stop({ skipDelay: true });
    expect(await listens(port)).toBe(false);
  });
});

describe('the host of the addresses', () => {
  test.each([
    ['127.0.0.1', 'localhost'],
    ['0.0.0.0', 'localhost'],
    ['localhost', 'localhost'],
    ['127.0.0.2', '127.0.0.2'],
    ['::', 'localhost'],
    ['2001:db8::7', '[2001:db8::7]'],
  ])('of --host %s is %s', async (host, expected) => {
    const runtime = create({ host });
    vi.spyOn(runtime.server, 'listen').mockImplementation((...args) => {
      queueMicrotask(args.at(-1) as () => void);
      return runtime.server;
    });
    vi.spyOn(runtime.server, 'address').mockReturnValue({ port: 7 } as AddressInfo);
    expect(await runtime.start()).toEqual({ host: expected, port: 7, adminPort: undefined });
  });
});

describe('paths', () => {
  test('are every path for the only function, and its name for one of several', () => {
    const only = create({ functions: [define('a')] });
    expect(only.functions.map((definition) => only.pathOf(definition))).toEqual([undefined]);
    const functions = [define('a'), define('b', undefined, { path: '/b/:id' })];
    const several = create({ functions });
    expect(several.functions.map((definition) => several.pathOf(definition))).toEqual([
      '/a',
      '/b/:id',
    ]);
  });

  test.each([
    ['http', [], 404],
    ['http', ['--ignored-routes='], 200],
    ['http', ['--ignored-routes=/robots.txt'], 200],
    ['http', ['--ignored-routes=/favicon.ico'], 404],
    ['openfunction', [], 200],
    ['openfunction', ['--ignored-routes=/favicon.ico'], 404],
  ] as const)(
    'of browsers are ignored for %s functions with %j: %i',
    async (signature, args, status) => {
      const handler: Handler = signature === 'http' ? (_req, res) => res.end('icon') : () => 'icon';
      const functions = [defineFunction('f', signature, handler)];
      const { port } = await create({ functions, args }).start();
      expect((await get(port, '/favicon.ico')).status).toBe(status);
    },
  );
});

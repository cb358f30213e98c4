// The header guard: one warning for each call that is about to keep its interceptor waiting too long.
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FunctionDefinition } from '../function/signature.ts';
import { createMetrics } from '../http/metrics.ts';
import { connectTo, signalled } from '../http/serve.fixture.ts';
import { registry } from '../function/registry.ts';
import { http, openfunction } from '../index.ts';
import { createLogger } from '../logger.ts';
import { parseOptions } from '../options.ts';
import { createRuntime, type Runtime } from '../runtime.ts';

// Sockets are real; only what the guard counts is not.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});

const runtimes: Runtime[] = [];

afterEach(async () => {
  vi.useRealTimers();
  await Promise.allSettled(runtimes.splice(0).map((runtime) => runtime.stop({ skipDelay: true })));
});

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly function?: string;
  readonly elapsed?: number;
  readonly limit?: number;
}

async function start(
  definition: FunctionDefinition,
  flags: readonly string[] = ['--keda', '--keda-add-on=0.5'],
  env: Record<string, string> = {},
) {
  const lines: Line[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Line);
      done();
    },
  });
  const base = ['--port=0', '--host=127.0.0.1', '--drain-timeout=50ms'];
  const command = parseOptions([...base, ...flags], env);
  if (command.kind !== 'serve') throw new Error(`the command is ${command.kind}`);
  const metrics = createMetrics();
  const loaded = { functions: [definition], plugins: [], hookPlugins: [] };
  const log = createLogger({ level: 'warn', stream });
  registry.functions.delete(definition.name);
  const runtime = createRuntime(command.options, log, loaded, metrics);
  runtimes.push(runtime);
  const { port } = await runtime.start();
  const late = async (): Promise<string | undefined> => {
    const text = await metrics.render();
    return text.split('\n').find((line) => line.startsWith('faas_late_headers_total{'));
  };
  return { port, lines, late };
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

describe('a call without headers after 80 % of the limit', () => {
  it('is warned of once, with its function, the time, and what to do', async () => {
    const called = signalled();
    const finish = signalled();
    const { port, lines, late } = await start(
      http('slow', async (_req, res) => {
        called.resolve();
        await finish.promise;
        res.send('done');
      }),
    );
    const { reply } = connectTo(port, GET);
    await called.promise;
    vi.advanceTimersByTime(400);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(25);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 'warn', function: 'slow', elapsed: 400, limit: 500 });
    expect(lines[0]?.msg).toContain('"slow" has sent no response headers for 400 ms');
    expect(lines[0]?.msg).toContain('--early-headers');
    vi.advanceTimersByTime(5000);
    expect(lines).toHaveLength(1);
    expect(await late()).toBe('faas_late_headers_total{function="slow"} 1');
    finish.resolve();
    expect(await reply).toMatch(/done$/);
  });

  it('is measured by the limit that the interceptor was given', async () => {
    const called = signalled();
    const { port, lines } = await start(
      http('slow', () => called.resolve()),
      ['--keda'],
      { KEDA_HTTP_RESPONSE_HEADER_TIMEOUT: '10s' },
    );
    connectTo(port, GET);
    await called.promise;
    vi.advanceTimersByTime(8000);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(lines).toMatchObject([{ limit: 10_000 }]);
  });
});

describe('nothing is warned of', () => {
  const waiting = (called: () => void): FunctionDefinition => http('slow', () => called());

  it.each([
    ['without KEDA', ['--no-keda'], {}],
    ['when the interceptor waits for ever', ['--keda'], { KEDA_HTTP_RESPONSE_HEADER_TIMEOUT: '0' }],
  ])('%s', async (_, flags, env) => {
    const called = signalled();
    const { port, lines } = await start(waiting(called.resolve), flags, env);
    connectTo(port, GET);
    await called.promise;
    vi.advanceTimersByTime(3_600_000);
    expect(lines).toEqual([]);
  });

  it('when the headers are there, however long the body takes', async () => {
    const called = signalled();
    const { port, lines } = await start(
      http('stream', (_req, res) => {
        res.write('first');
        called.resolve();
      }),
    );
    connectTo(port, GET);
    await called.promise;
    vi.advanceTimersByTime(5000);
    expect(lines).toEqual([]);
  });

  it('while the request itself is on its way', async () => {
    const called = signalled();
    const { port, lines } = await start(
      http('upload', { body: 'stream' }, (_req, _res) => called.resolve()),
    );
    const { socket } = connectTo(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab');
    await called.promise;
    vi.advanceTimersByTime(5000);
    expect(lines).toEqual([]);
    socket.destroy();
  });

  it('and nothing is looked at, while no call is open', async () => {
    const { port } = await start(http('quick', (_req, res) => void res.send('quick')));
    await connectTo(port, GET).reply;
    expect(vi.getTimerCount()).toBe(1);
    await vi.waitFor(() => {
      vi.advanceTimersByTime(25);
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});

describe('with --early-headers', () => {
  const flags = ['--keda', '--keda-add-on=0.5', '--early-headers'];

  /** A handler that goes on once its headers were sent early. */
  async function early(
    rest: (res: any) => unknown,
    before: (res: any) => void = () => {},
    name = 'http',
  ) {
    const called = signalled();
    const finish = signalled();
    const handler = async (res: unknown): Promise<unknown> => {
      before(res);
      called.resolve();
      await finish.promise;
      return rest(res);
    };
    const definition =
      name === 'http'
        ? http('slow', (_req, res) => handler(res))
        : openfunction('slow', (ctx) => handler(ctx.res));
    const { port, lines } = await start(definition, flags);
    const { socket, reply } = connectTo(port, GET);
    await called.promise;
    const head = new Promise<string>((resolve) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    });
    vi.advanceTimersByTime(425);
    const sent = await head;
    finish.resolve();
    return { sent, reply: await reply, lines };
  }

  it('the head goes out with what is set by then, and the body below it', async () => {
    const { sent, reply, lines } = await early(
      (res) => res.json({ late: true }),
      (res) => res.set('content-type', 'application/json').set('x-before', 'kept'),
    );
    expect(sent).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(sent).toMatch(/content-type: application\/json/i);
    expect(sent).toMatch(/x-before: kept/i);
    expect(sent).toMatch(/transfer-encoding: chunked/i);
    expect(reply).toMatch(/\{"late":true\}\r\n0\r\n\r\n$/);
    expect(lines).toMatchObject([{ level: 'warn' }]);
    expect(lines[0]?.msg).toContain('they are sent now');
  });

  it.each<[string, string, (res: any) => unknown, RegExp]>([
    ['res.send', 'http', (res) => res.send('text'), /\r\ntext\r\n0\r\n\r\n$/],
    ['res.end', 'http', (res) => res.end('end'), /\r\nend\r\n0\r\n\r\n$/],
    ['res.sendStatus(204)', 'http', (res) => res.sendStatus(204), /\r\n0\r\n\r\n$/],
    [
      'res.writeHead',
      'http',
      (res) => res.writeHead(201, { 'Content-Type': 'text/plain' }).end('made'),
      /\r\nmade\r\n0\r\n\r\n$/,
    ],
    ['a Web Response', 'http', () => Response.json({ web: 1 }), /\{"web":1\}\r\n0\r\n\r\n$/],
    ['a returned value', 'openfunction', () => ({ value: 1 }), /\{"value":1\}\r\n0\r\n\r\n$/],
    ['nothing', 'openfunction', () => undefined, /\r\n0\r\n\r\n$/],
  ])('%s of %s functions still answers', async (_, name, rest, ending) => {
    const { reply, lines } = await early(rest, undefined, name);
    expect(reply).toMatch(ending);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it.each<[string, (res: any) => unknown, RegExp]>([
    [
      'an error',
      () => {
        throw new Error('too late');
      },
      /the function failed/,
    ],
    ['a status that is no success', (res) => res.status(404).json({}), /status 404 came too late/],
    ['a redirect', (res) => res.redirect('/x'), /./],
    ['a part', (res) => res.status(206).send('part'), /status 206 came too late/],
    ['a header', (res) => res.set('x-late', '1').send('ok'), /./],
    ['a header of writeHead', (res) => res.writeHead(200, { 'X-Late': '1' }).end('ok'), /./],
    ['a Web Response of a failure', () => new Response('no', { status: 500 }), /status 500 came/],
  ])('%s that comes later cuts the connection, and is logged', async (_, rest, message) => {
    const { reply, lines } = await early(rest);
    expect(reply).toMatch(/^HTTP\/1\.1 200 OK/);
    // Without its last chunk nobody takes it for the whole.
    expect(reply).not.toMatch(/0\r\n\r\n$/);
    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]?.msg).toMatch(message);
  });
});

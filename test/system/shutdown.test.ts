// How a process ends: what a signal, a deadline or a stray error does to the calls in flight, and
// the exit code.
import { setTimeout as wait } from 'node:timers/promises';
import { describe } from 'vitest';
import { call, codeOf } from './call.ts';
import { test, type LogLine } from './start-function.ts';

/** A line that a function printed once so many calls had begun. */
const begun =
  (count: number) =>
  (line: LogLine): boolean =>
    line['begun'] === count;
const stopping = ({ msg }: LogLine): boolean => msg?.startsWith('stopping') === true;

/** Begins each call by counting it; `answer` is the rest of the handler. */
const counting = (answer: string, before = ''): Record<string, string> => ({
  'index.mjs': `
    import { setTimeout as wait } from 'node:timers/promises';
    const signal = new Promise((resolve) => process.once('SIGTERM', resolve));
    let begun = 0;
    ${before}
    export default async (req, res) => {
      begun += 1;
      console.log(JSON.stringify({ begun }));
      ${answer}
    };
  `,
});

const FOR_EVER = 'await new Promise(() => {});';

test.concurrent(
  'SIGTERM loses none of 200 calls that take any length of time',
  async ({ start, expect }) => {
    const { url, kill, exit, logged } = await start({
      files: counting(`
      await signal;
      await wait(Math.random() * 1000);
      res.send(req.query.id);
    `),
    });
    const ids = Array.from({ length: 200 }, (_, index) => String(index));
    const replies = Promise.all(ids.map((id) => call(`${url}/?id=${id}`)));
    await logged(begun(200));
    kill('SIGTERM');
    expect((await replies).map(({ status, text }) => [status, text])).toEqual(
      ids.map((id) => [200, id]),
    );
    const { code, signal } = await exit;
    expect([code, signal]).toEqual([0, null]);
  },
);

test.concurrent(
  'calls in flight at SIGTERM are answered on connections that close',
  async ({ start, expect }) => {
    const { url, kill, exit, logged } = await start({
      files: counting(`await signal; res.send('finished');`),
    });
    const reply = call(url, { headers: { connection: 'keep-alive' } });
    await logged(begun(1));
    kill('SIGTERM');
    const { text, headers } = await reply;
    // On a connection that stays open the client would send its next call, which nobody answers.
    expect([text, headers.connection]).toEqual(['finished', 'close']);
    expect((await exit).code).toBe(0);
  },
);

describe('during the drain delay', () => {
  test.concurrent(
    'new calls are served on connections that close, and readiness fails',
    async ({ start, expect }) => {
      const { url, kill, exit, logged } = await start({
        args: ['--drain-delay', '60s', '--health-routes'],
        files: { 'index.mjs': `export default (req, res) => res.send('served');` },
      });
      const ready = await call(`${url}/readyz`);
      kill('SIGTERM');
      await logged(stopping);
      const served = await call(url, { headers: { connection: 'keep-alive' } });
      const unready = await call(`${url}/readyz`);
      const alive = await call(`${url}/healthz`);
      kill('SIGTERM');
      await exit;
      expect(ready.status).toBe(200);
      expect([served.status, served.text, served.headers.connection]).toEqual([
        200,
        'served',
        'close',
      ]);
      expect([unready.status, JSON.parse(unready.text)]).toEqual([
        503,
        { status: 'unavailable', state: 'draining' },
      ]);
      expect(alive.status).toBe(200);
    },
  );

  test.concurrent(
    'nothing ends before it, and after it the process exits 0',
    async ({ start, expect }) => {
      const { url, kill, exit, logged } = await start({
        args: ['--drain-delay', '700ms'],
        files: { 'index.mjs': `export default (req, res) => res.send('served');` },
      });
      kill('SIGTERM');
      await logged(stopping);
      const during = await call(url);
      const { code } = await exit;
      expect(during.text).toBe('served');
      expect(code).toBe(0);
      await expect(call(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    },
  );

  test.concurrent(
    'SIGINT does not wait for it, but for the calls in flight',
    async ({ start, expect }) => {
      const { url, kill, exit, logged } = await start({
        args: ['--drain-delay', '10m'],
        files: counting(
          `await interrupted; await wait(200); res.send('finished');`,
          `const interrupted = new Promise((resolve) => process.once('SIGINT', resolve));`,
        ),
      });
      const reply = call(url);
      await logged(begun(1));
      kill('SIGINT');
      expect((await reply).text).toBe('finished');
      expect((await exit).code).toBe(0);
    },
  );
});

test.concurrent(
  'calls beyond the drain deadline are cut off with 503, and the exit code is 1',
  async ({ start, expect }) => {
    const { url, kill, exit, logged } = await start({
      args: ['--drain-timeout', '300ms'],
      files: counting(FOR_EVER),
    });
    const replies = Promise.all([call(url), call(url)]);
    await logged(begun(2));
    kill('SIGTERM');
    expect((await replies).map((reply) => [reply.status, codeOf(reply)])).toEqual([
      [503, 'OFN_STOPPING'],
      [503, 'OFN_STOPPING'],
    ]);
    const { err, msg } = await logged(({ level, err }) => {
      return level === 'error' && (err as { code?: string }).code === 'OFN_DRAIN_INCOMPLETE';
    });
    expect(err).toMatchObject({ message: msg });
    expect(msg).toMatch(/^2 calls /);
    expect((await exit).code).toBe(1);
  },
);

test.concurrent.for([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('a second %s exits at once with %i', async ([signal, exitCode], { start, expect }) => {
  const { url, kill, exit, logged } = await start({
    args: ['--drain-timeout', '10m'],
    files: counting(FOR_EVER),
  });
  const lost = call(url).then(
    () => 'answered',
    (error: NodeJS.ErrnoException) => error.code,
  );
  await logged(begun(1));
  kill(signal);
  await logged(stopping);
  kill(signal);
  expect((await exit).code).toBe(exitCode);
  expect(await lost).toBe('ECONNRESET');
});

test.concurrent(
  'stop hooks run after the last call, in reverse order',
  async ({ start, expect }) => {
    const { url, kill, exit, logged } = await start({
      files: counting(
        `await signal; await wait(100); console.log('call'); res.send('done');`,
        `
        const { onStop } = await import('@ofn/core');
        onStop(() => console.log('first registered'));
        onStop(() => console.log('last registered'));
      `,
      ),
    });
    const reply = call(url);
    await logged(begun(1));
    kill('SIGTERM');
    expect((await reply).text).toBe('done');
    const { code, stdout } = await exit;
    const printed = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
    expect(printed).toEqual(['call', 'last registered', 'first registered']);
    expect(code).toBe(0);
  },
);

test.concurrent.for([
  ['thrown', `throw new Error('stray');`],
  ['rejected', `Promise.reject(new Error('stray'));`],
] as const)(
  'an error %s outside of every call lets the calls in flight finish, then exits 16',
  async ([, stray], { start, expect }) => {
    const { url, kill, exit, logged } = await start({
      args: ['--drain-delay', '10m'],
      files: counting(
        `await strayed; await wait(200); res.send('finished');`,
        `
          let tell;
          const strayed = new Promise((resolve) => (tell = resolve));
          process.once('SIGUSR2', () => {
            tell();
            ${stray}
          });
        `,
      ),
    });
    const replies = Promise.all([call(url), call(url)]);
    await logged(begun(2));
    kill('SIGUSR2');
    expect((await replies).map(({ text }) => text)).toEqual(['finished', 'finished']);
    const line = await logged(({ level }) => level === 'fatal');
    expect(line.msg).toMatch(/stray$/);
    expect(line.err).toMatchObject({ code: 'OFN_UNCAUGHT' });
    expect(JSON.stringify(line.err)).toContain('index.mjs');
    expect((await exit).code).toBe(16);
  },
);

test.concurrent(
  'an idle keep-alive connection does not hold up the exit',
  async ({ start, open, expect }) => {
    const { port, kill, exit } = await start({
      files: { 'index.mjs': `export default (req, res) => res.send('served');` },
    });
    const connection = await open(port);
    connection.send('GET / HTTP/1.1\r\nHost: f\r\n\r\n');
    await connection.until(/served$/);
    kill('SIGTERM');
    const ended = await Promise.race([exit, wait(8000, 'still running', { ref: false })]);
    expect(ended).toMatchObject({ code: 0 });
  },
);

test.concurrent(
  'a handler that never ends after its answer does not make the exit code 1',
  async ({ start, expect }) => {
    const { url, kill, exit } = await start({
      args: ['--drain-timeout', '200ms'],
      files: counting(`res.send('answered'); ${FOR_EVER}`),
    });
    expect((await call(url)).text).toBe('answered');
    kill('SIGTERM');
    expect((await exit).code).toBe(0);
  },
);

test.concurrent('a handler that timed out is not waited for', async ({ start, expect }) => {
  const { url, kill, exit } = await start({
    args: ['--timeout', '100ms', '--drain-timeout', '10m'],
    files: counting(FOR_EVER),
  });
  expect((await call(url)).status).toBe(504);
  kill('SIGTERM');
  expect((await exit).code).toBe(0);
});

test.concurrent(
  'a stop hook that never ends is given up after the drain time-out, with exit code 1',
  async ({ start, expect }) => {
    const { kill, exit } = await start({
      args: ['--drain-timeout', '200ms'],
      files: counting(
        `res.end();`,
        `
        const { onStop } = await import('@ofn/core');
        onStop(() => console.log('the other hook'));
        onStop(() => new Promise(() => {}));
      `,
      ),
    });
    kill('SIGTERM');
    const { code, stdout } = await exit;
    expect(code).toBe(1);
    expect(stdout).toContain('"code":"OFN_STOP_FAILED"');
    expect(stdout).toContain('the other hook');
  },
);

test.concurrent(
  'an error outside of every call while it drains makes the exit code 16',
  async ({ start, expect }) => {
    const { url, kill, exit, logged } = await start({
      files: counting(
        `await strayed; res.send('finished');`,
        `
          let tell;
          const strayed = new Promise((resolve) => (tell = resolve));
          process.once('SIGUSR2', () => {
            tell();
            throw new Error('stray');
          });
        `,
      ),
    });
    const reply = call(url);
    await logged(begun(1));
    kill('SIGTERM');
    await logged(stopping);
    kill('SIGUSR2');
    expect((await reply).text).toBe('finished');
    expect((await exit).code).toBe(16);
  },
);

test.concurrent(
  'SIGTERM during the start ends it before it listens, and runs the stop hooks',
  async ({ run, expect }) => {
    const { kill, exit, logged } = run({
      args: ['--port', '0'],
      files: {
        'index.mjs': `
        import { http, onStart, onStop } from '@ofn/core';
        http('hello', (req, res) => res.send('hello'));
        onStop(() => console.log('stop hook'));
        onStart(async () => {
          const signal = new Promise((resolve) => process.once('SIGTERM', resolve));
          console.log(JSON.stringify({ starting: true }));
          const connecting = setInterval(() => {}, 1000);
          await signal;
          clearInterval(connecting);
        });
      `,
      },
    });
    await logged(({ starting }) => starting === true);
    kill('SIGTERM');
    const { code, stdout, stderr } = await exit;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('stop hook');
    expect(stdout).not.toContain('serving');
  },
);

// A function behind KEDA as a process: what a pod's termination does to streams and sockets, and what the
// interceptor's limits make it say.
import { describe } from 'vitest';
import { call } from './call.ts';
import { test, type LogLine } from './start-function.ts';

const stopping = ({ msg }: LogLine): boolean => msg?.startsWith('stopping') === true;

// Far beyond the time limit of a test: what ends by its deadline does not end in time.
const PATIENT = ['--keda', '--drain-timeout', '10m'];

const GET = 'GET / HTTP/1.1\r\nHost: f\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nHost: f\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n';

const STREAM = {
  'index.mjs': `
    export default (req, res) => {
      res.set('content-type', 'text/event-stream');
      res.write('data: first\\n\\n');
      req.stopping.addEventListener('abort', () => res.end('data: bye\\n\\n'));
    };
  `,
};

/** Takes connections over; \`rest\` runs for each. */
const socket = (rest: string): Record<string, string> => ({
  'index.mjs': `
    import { http } from '@ofn/core';
    const upgrade = (req, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: lines\\r\\n\\r\\n');
      ${rest}
    };
    http('lines', { upgrade }, (req, res) => res.send('plain'));
  `,
});

describe('SIGTERM', () => {
  test.concurrent(
    'lets a stream of events that listens end by itself, and the process exits 0 long before its deadline',
    async ({ start, open, expect }) => {
      const { port, kill, exit } = await start({ args: PATIENT, files: STREAM });
      const connection = await open(port);
      connection.send(GET);
      await connection.until(/data: first/);
      kill('SIGTERM');
      expect(await connection.until(/0\r\n\r\n$/)).toContain('data: bye');
      expect((await exit).code).toBe(0);
    },
  );

  test.concurrent(
    'lets an upgraded connection that listens end by itself, and the process exits 0',
    async ({ start, open, expect }) => {
      const { port, kill, exit } = await start({
        args: PATIENT,
        files: socket(`req.stopping.addEventListener('abort', () => socket.end('bye'));`),
      });
      const connection = await open(port);
      connection.send(UPGRADE);
      await connection.until(/Upgrade: lines/);
      kill('SIGTERM');
      expect(await connection.closed).toMatch(/bye$/);
      expect((await exit).code).toBe(0);
    },
  );

  test.concurrent(
    'leaves both alone during the drain delay, while new calls are served',
    async ({ start, open, expect }) => {
      const { port, url, kill, exit, logged } = await start({
        args: [...PATIENT, '--drain-delay', '1s'],
        files: socket(`
          socket.on('data', (data) => socket.write('got ' + data));
          req.stopping.addEventListener('abort', () => socket.end('bye'));
        `),
      });
      const connection = await open(port);
      connection.send(UPGRADE);
      await connection.until(/Upgrade: lines/);
      kill('SIGTERM');
      await logged(stopping);
      connection.send('news');
      expect(await connection.until(/got news$/)).not.toContain('bye');
      const during = await call(url, { headers: { connection: 'keep-alive' } });
      expect([during.text, during.headers.connection]).toEqual(['plain', 'close']);
      expect((await call(`${url}/readyz`)).status).toBe(503);
      expect(await connection.closed).toMatch(/bye$/);
      expect((await exit).code).toBe(0);
    },
  );

  test.concurrent(
    'cuts an upgraded connection off that does not listen, and the exit code is 1',
    async ({ start, open, expect }) => {
      const { port, kill, exit } = await start({
        args: ['--keda', '--drain-timeout', '200ms'],
        files: socket(''),
      });
      const connection = await open(port);
      connection.send(UPGRADE);
      await connection.until(/Upgrade: lines/);
      kill('SIGTERM');
      await connection.closed;
      const { code, stdout } = await exit;
      expect(stdout).toContain('OFN_DRAIN_INCOMPLETE');
      expect(code).toBe(1);
    },
  );
});

test.concurrent(
  'an error in a listener of an upgraded connection closes it, and the process serves on',
  async ({ start, open, expect }) => {
    const { port, url, kill, exit } = await start({
      args: ['--keda'],
      files: socket(`
        socket.on('data', () => {
          throw new Error('in a listener');
        });
      `),
    });
    const connection = await open(port);
    connection.send(UPGRADE);
    await connection.until(/Upgrade: lines/);
    connection.send('x');
    await connection.closed;
    expect((await call(url)).text).toBe('plain');
    kill('SIGTERM');
    const { code, stdout } = await exit;
    expect(stdout).toContain('in a listener');
    expect(code).toBe(0);
  },
);

test.concurrent(
  'an error in a listener of stopping fails its call, and the process exits 0',
  async ({ start, open, expect }) => {
    const { port, kill, exit } = await start({
      args: PATIENT,
      files: {
        'index.mjs': `
          export default (req, res) => {
            res.write('begun');
            req.stopping.addEventListener('abort', () => {
              throw new Error('in a listener');
            });
          };
        `,
      },
    });
    const connection = await open(port);
    connection.send(GET);
    await connection.until(/begun/);
    kill('SIGTERM');
    const { code, stdout } = await exit;
    expect(stdout).toContain('in a listener');
    expect(code).toBe(0);
  },
);

test.concurrent(
  'a function behind add-on 0.5 is warned of when it is about to keep the interceptor waiting too long',
  async ({ start, expect }) => {
    const context = { name: 'slow', triggers: { http: { port: 8080, engine: 'keda' } } };
    const { url, logged } = await start({
      env: { FUNC_CONTEXT_V1BETA2: JSON.stringify(context) },
      files: {
        'index.mjs': `
          import { setTimeout as wait } from 'node:timers/promises';
          export default async (req, res) => {
            await wait(600);
            res.send('late');
          };
        `,
      },
    });
    expect((await call(url)).text).toBe('late');
    const line = await logged(({ level }) => level === 'warn');
    expect(line).toMatchObject({ function: 'function', limit: 500 });
    expect(line['elapsed']).toBeGreaterThanOrEqual(400);
  },
);

// Clients that are slow, that go away, or that send more or other than they may: each gets the
// status that says so, and the server serves on.
import { request } from 'node:http';
import { createConnection } from 'node:net';
import type { Writable } from 'node:stream';
import { describe } from 'vitest';
import { call } from './call.ts';
import { test } from './start-function.ts';

const ECHO = {
  'index.mjs': `
    export default (req, res) => {
      if (req.path === '/fail') throw new Error('asked for');
      res.send(\`\${req.method} \${req.path} \${req.rawBody?.length ?? 0}.\`);
    };
  `,
};

function drainedOrClosed(sent: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      sent.removeListener('drain', settle).removeListener('close', settle);
      resolve();
    };
    sent.on('drain', settle).on('close', settle);
  });
}

const statuses = (received: string): string[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status ?? '');

describe('a client that is too slow gets 408', () => {
  test.concurrent('with its headers', async ({ start, open, expect }) => {
    const { port, url } = await start({
      files: ECHO,
      args: ['--headers-timeout', '300ms', '--request-timeout', '30s'],
    });
    const slow = await open(port);
    slow.send('GET / HTTP/1.1\r\nHost: f\r\nX-Slow: ');
    const received = await slow.closed;
    expect(statuses(received)).toEqual(['408']);
    expect(received).toContain('"code":"OFN_REQUEST_TIMEOUT"');
    expect((await call(url)).text).toBe('GET / 0.');
  });

  test.concurrent('with its body', async ({ start, open, expect }) => {
    const { port, url } = await start({
      files: ECHO,
      args: ['--headers-timeout', '300ms', '--request-timeout', '400ms'],
    });
    const slow = await open(port);
    slow.send('POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 10\r\n\r\nhalf');
    const received = await slow.closed;
    expect(statuses(received)).toEqual(['408']);
    expect(received).toContain('"code":"OFN_REQUEST_TIMEOUT"');
    expect((await call(url)).text).toBe('GET / 0.');
  });

  test.concurrent(
    'with its body, when that limit is the shorter one',
    async ({ start, open, expect }) => {
      const { port } = await start({ files: ECHO, args: ['--request-timeout', '500ms'] });
      const slow = await open(port);
      slow.send('POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 10\r\n\r\nhalf');
      expect(statuses(await slow.closed)).toEqual(['408']);
    },
  );
});

describe('a client that goes away', () => {
  test.concurrent(
    'in the middle of its body does not call the function',
    async ({ start, open, expect }) => {
      const { port, url, kill, exit } = await start({
        files: {
          'index.mjs': `
          let calls = 0;
          export default (req, res) => res.send(String((calls += 1)));
        `,
        },
      });
      for (const framing of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
        const gone = await open(port);
        gone.send(`POST / HTTP/1.1\r\nHost: f\r\n${framing}\r\n\r\n4\r\nhalf\r\n`);
        gone.destroy();
        await gone.closed;
      }
      expect((await call(url)).text).toBe('1');
      kill('SIGTERM');
      const { code, stdout, stderr } = await exit;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).not.toContain('"level":"error"');
    },
  );

  test.concurrent(
    'during the call aborts the signal of the call',
    async ({ start, open, expect }) => {
      const { port, url, logged } = await start({
        files: {
          'index.mjs': `
          export default (req, res) => {
            if (req.path === '/') return void res.send('served');
            req.signal.addEventListener('abort', () => {
              console.log(JSON.stringify({ aborted: req.signal.reason.name }));
            });
            console.log(JSON.stringify({ begun: true }));
          };
        `,
        },
      });
      const gone = await open(port);
      gone.send('GET /wait HTTP/1.1\r\nHost: f\r\n\r\n');
      await logged(({ begun }) => begun === true);
      gone.destroy();
      const { aborted } = await logged((line) => 'aborted' in line);
      expect(aborted).toBe('AbortError');
      expect((await call(url)).text).toBe('served');
    },
  );
});

describe('a body larger than the limit is answered 413 to a client that keeps sending', () => {
  const SIZE = 64 * 1024 * 1024;

  test.concurrent.for([
    ['with its length announced', { 'content-length': String(SIZE) }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ] as const)('%s', async ([, headers], { start, expect }) => {
    const { url } = await start({ files: ECHO, args: ['--body-limit', '1MiB'] });
    const sent = request(url, { method: 'POST', headers, agent: false });
    // The server may close while the rest is being sent: what counts is that the reply was read.
    sent.on('error', () => {});
    const status = new Promise<number | undefined>((resolve) => {
      sent.on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('close', () => resolve(undefined));
    });
    const chunk = Buffer.alloc(256 * 1024);
    for (let size = 0; size < SIZE && !sent.destroyed; size += chunk.length) {
      if (!sent.write(chunk)) await drainedOrClosed(sent);
    }
    sent.end();
    expect({ status: await status }).toEqual({ status: 413 });
    expect((await call(url)).text).toBe('GET / 0.');
  });
});

test.concurrent(
  'a client that reads only once it has sent its whole body still gets 413',
  async ({ start, onTestFinished, expect }) => {
    const { port } = await start({ files: ECHO, args: ['--body-limit', '1MiB'] });
    const client = createConnection({ port, host: 'localhost' });
    onTestFinished(() => void client.destroy());
    client.on('error', () => {});
    const closed = new Promise<string>((resolve) => client.on('close', () => resolve('')));
    const size = 16 * 1024 * 1024;
    client.write(`POST / HTTP/1.1\r\nHost: f\r\nContent-Length: ${size}\r\n\r\n`);
    const chunk = Buffer.alloc(64 * 1024);
    for (let sent = 0; sent < size && !client.destroyed; sent += chunk.length) {
      if (!client.write(chunk)) await drainedOrClosed(client);
    }
    const first = new Promise<string>((resolve) => {
      client.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')));
    });
    expect(statuses(await Promise.race([first, closed]))).toEqual(['413']);
  },
);

describe('one connection', () => {
  const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: f\r\n\r\n`;
  const POST = (path: string, type: string, body: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: f\r\nContent-Type: ${type}\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`;

  test.concurrent('answers pipelined requests in their order', async ({ start, open, expect }) => {
    const { port } = await start({
      files: {
        'index.mjs': `
          let release;
          const second = new Promise((resolve) => (release = resolve));
          export default async (req, res) => {
            if (req.path === '/1') await second;
            if (req.path === '/2') release();
            res.send(\`answer \${req.path} \${req.body?.n ?? ''}.\`);
          };
        `,
      },
    });
    const client = await open(port);
    client.send(GET('/1') + GET('/2') + POST('/3', 'application/json', '{"n":3}') + GET('/4'));
    const received = await client.until(/answer \/4 \./);
    expect(received.match(/answer [^.]*\./g)).toEqual([
      'answer /1 .',
      'answer /2 .',
      'answer /3 3.',
      'answer /4 .',
    ]);
  });

  test.concurrent(
    'is kept after each error that leaves it intact',
    async ({ start, open, expect }) => {
      const { port } = await start({
        files: {
          'index.mjs': `
          import { cloudEvent, http } from '@ofn/core';
          http('ok', (req, res) => res.send('fine'));
          http('fail', () => { throw new Error('asked for'); });
          cloudEvent('event', () => {});
        `,
        },
      });
      const client = await open(port);
      const requests = [
        POST('/ok', 'application/json', '{bad'),
        POST('/fail', 'application/json', '{}'),
        GET('/absent'),
        GET('/event'),
        POST('/event', 'application/json', '{}'),
        POST('/ok', 'text/plain; charset=utf-99', 'x'),
        GET('/ok'),
      ];
      for (const [index, text] of requests.entries()) {
        client.send(text);
        await client.until(new RegExp(`(?:HTTP/1\\.1 [^]*?\\r\\n\\r\\n[^]*?){${index + 1}}[}e]$`));
      }
      expect(statuses(client.received)).toEqual(['400', '500', '404', '405', '400', '415', '200']);
    },
  );

  test.concurrent.for([
    [
      'too many headers',
      'GET / HTTP/1.1\r\nHost: f\r\n' + 'X-A: 1\r\n'.repeat(300) + '\r\n',
      '431',
      'OFN_HEADERS_TOO_LARGE',
    ],
    [
      'headers that are too large',
      `GET / HTTP/1.1\r\nHost: f\r\nX-A: ${'a'.repeat(40_000)}\r\n\r\n`,
      '431',
      'OFN_HEADERS_TOO_LARGE',
    ],
    ['what is no HTTP', 'hello, is this the harbour?\r\n\r\n', '400', 'OFN_REQUEST_MALFORMED'],
    [
      'a chunk that is none',
      'POST / HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      '400',
      'OFN_REQUEST_MALFORMED',
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      '400',
      'OFN_REQUEST_MALFORMED',
    ],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '400',
      'OFN_REQUEST_MALFORMED',
    ],
  ] as const)(
    'that sends %s gets one problem reply',
    async ([, text, status, code], { start, open, expect }) => {
      const { port, url } = await start({ files: ECHO });
      const client = await open(port);
      client.send(text);
      const received = await client.until(/\}$/);
      expect(statuses(received)).toEqual([status]);
      expect(received).toMatch(/content-type: application\/problem\+json/i);
      expect(received).toContain(`"code":"${code}"`);
      expect((await call(url)).text).toBe('GET / 0.');
    },
  );
});

test.concurrent(
  'pipelined calls whose connection dies leave their places to others',
  async ({ start, open, expect }) => {
    const { url, port, logged } = await start({
      args: ['--max-concurrency', '2'],
      files: {
        'index.mjs': `
        let begun = 0;
        let aborted = 0;
        export default (req, res) => {
          if (req.path === '/free') return void res.send('free');
          console.log(JSON.stringify({ begun: (begun += 1) }));
          req.signal.addEventListener('abort', () => {
            console.log(JSON.stringify({ aborted: (aborted += 1) }));
          });
          return new Promise(() => {});
        };
      `,
      },
    });
    const client = await open(port);
    client.send('GET / HTTP/1.1\r\nHost: f\r\n\r\n'.repeat(2));
    await logged(({ begun }) => begun === 2);
    expect((await call(`${url}/free`)).status).toBe(503);
    client.destroy();
    await logged(({ aborted }) => aborted === 2);
    expect((await call(`${url}/free`)).text).toBe('free');
  },
);

describe('a handler that reads a body of which the rest does not come', () => {
  const files = {
    'index.mjs': `
      import { http } from '@ofn/core';
      http('reading', { body: 'stream' }, async (req, res) => {
        try {
          for await (const chunk of req) console.log(JSON.stringify({ read: chunk.length }));
        } catch (error) {
          console.log(JSON.stringify({ ended: error.code }));
          throw error;
        }
        res.send('whole');
      });
    `,
  };

  test.concurrent.for([
    ['its client has gone', [], 'destroy'],
    ['its client has ended', [], 'end'],
    ['the call takes too long', ['--timeout', '300ms'], 'stay'],
    ['the client takes too long', ['--request-timeout', '300ms'], 'stay'],
  ] as const)(
    'ends when %s, and is not said to have failed',
    async ([, args, leave], { start, expect, onTestFinished }) => {
      const { port, kill, exit, logged } = await start({ files, args });
      const client = createConnection({ port, host: 'localhost' });
      onTestFinished(() => void client.destroy());
      client.on('error', () => {}).resume();
      client.write('POST / HTTP/1.1\r\nHost: f\r\nContent-Length: 10\r\n\r\nhalf');
      await logged(({ read }) => read === 4);
      if (leave !== 'stay') client[leave]();
      const { ended } = await logged((line) => 'ended' in line);
      expect(ended).toBe('ERR_STREAM_PREMATURE_CLOSE');
      kill('SIGTERM');
      const { code, stdout } = await exit;
      expect(code).toBe(0);
      expect(stdout).not.toContain('Premature close');
    },
  );
});

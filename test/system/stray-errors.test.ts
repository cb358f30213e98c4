// One failing call touches no other: an error that escapes the promise of its call is answered 500
// there, while fifty other calls in flight end as they would have.
import { call, codeOf } from './call.ts';
import { test } from './start-function.ts';

const FILES = {
  'index.mjs': `
    import { EventEmitter } from 'node:events';
    import { readFile } from 'node:fs';
    let held = 0;
    let release;
    const released = new Promise((resolve) => (release = resolve));
    const error = () => new Error('stray');

    const ways = {
      rejection: () => { Promise.reject(error()); },
      later: () => { setImmediate(async () => { throw error(); }); },
      timer: () => { setTimeout(() => { throw error(); }, 1); },
      callback: () => { readFile('index.mjs', () => { throw error(); }); },
      listener: () => {
        const emitter = new EventEmitter().on('late', () => { throw error(); });
        setTimeout(() => emitter.emit('late'), 1);
      },
      'error-event': () => {
        const emitter = new EventEmitter();
        process.nextTick(() => emitter.emit('error', error()));
      },
      'no-error': () => { setTimeout(() => { throw null; }, 1); },
    };

    export default async (req, res) => {
      if (req.path === '/hold') {
        held += 1;
        if (held === 50) console.log(JSON.stringify({ held }));
        await released;
        res.send(req.query.id);
      } else if (req.path === '/release') {
        release();
        res.send('released');
      } else {
        ways[req.query.way]();
        await new Promise(() => {});
      }
    };
  `,
};

const WAYS = [
  ['an unhandled rejection', 'rejection'],
  ['a rejection in a later turn', 'later'],
  ['a throw in a timer', 'timer'],
  ['a throw in a callback of the file system', 'callback'],
  ['a throw in an event listener', 'listener'],
  ['an error event without a listener', 'error-event'],
  ['a throw of what is no Error', 'no-error'],
] as const;

test('each way to fail ends its own call with 500, and none of fifty others', async ({
  start,
  expect,
}) => {
  const { url, logged } = await start({ files: FILES });
  const ids = Array.from({ length: 50 }, (_, index) => String(index));
  const others = Promise.all(ids.map((id) => call(`${url}/hold?id=${id}`)));
  await logged(({ held }) => held === 50);
  const failed = await Promise.all(
    WAYS.map(async ([name, way]) => {
      const reply = await call(`${url}/fail?way=${way}`);
      return [name, reply.status, codeOf(reply)];
    }),
  );
  expect(failed).toEqual(WAYS.map(([name]) => [name, 500, 'OFN_FUNCTION_FAILED']));
  const released = await call(`${url}/release`);
  expect(released.text).toBe('released');
  expect((await others).map(({ status, text }) => [status, text])).toEqual(
    ids.map((id) => [200, id]),
  );
});

test('an error after the answer is logged with its call, and the process serves on', async ({
  start,
  expect,
}) => {
  const { url, logged } = await start({
    files: {
      'index.mjs': `
        export default (req, res) => {
          res.send('answered');
          if (req.path === '/late') res.on('close', () => setTimeout(() => { throw new Error('too late'); }));
        };
      `,
    },
  });
  const late = await call(`${url}/late`, { headers: { 'x-request-id': 'late-call' } });
  const line = await logged(({ level }) => level === 'error');
  const next = await call(url);
  expect(late.text).toBe('answered');
  expect(line).toMatchObject({ invocation: 'late-call', err: { message: 'too late' } });
  expect(next.text).toBe('answered');
});

test('an error after the reply has begun cuts the reply off, so that no client takes it for whole', async ({
  start,
  expect,
}) => {
  const { url } = await start({
    files: {
      'index.mjs': `
        export default (req, res) => {
          res.write('half', () => setTimeout(() => { throw new Error('stray'); }, 1));
        };
      `,
    },
  });
  await expect(call(url)).rejects.toMatchObject({ code: 'ECONNRESET' });
});

const LISTENERS = [
  ['data of the request', `req.on('data', fail);`],
  ['end of the request', `req.resume().once('end', fail);`],
  ['close of the request', `req.resume().addListener('close', fail);`],
] as const;

test.concurrent.for(
  LISTENERS.flatMap(([event, adds]) => [
    [event, 'throws', adds, `() => { throw new Error('stray'); }`] as const,
    [event, 'rejects', adds, `async () => { throw new Error('stray'); }`] as const,
  ]),
)('a listener for %s that %s fails its call alone', async ([, , adds, fail], { start, expect }) => {
  const { url, kill, exit } = await start({
    args: ['--drain-timeout', '100ms'],
    files: {
      'index.mjs': `
        import { http } from '@ofn/core';
        const fail = ${fail};
        http('listening', { body: 'stream' }, (req, res) => {
          if (req.path === '/fine') return void res.send('fine');
          ${adds}
          return new Promise(() => {});
        });
      `,
    },
  });
  const failed = await call(url, { method: 'POST', body: 'x' });
  const fine = await call(`${url}/fine`);
  kill('SIGTERM');
  expect([failed.status, codeOf(failed)]).toEqual([500, 'OFN_FUNCTION_FAILED']);
  expect(fine.text).toBe('fine');
  expect((await exit).code).toBe(0);
});

test.concurrent.for([
  ['finish of the response', 'throws', `res.on('finish', () => { throw new Error('late'); });`],
  ['close of the response', 'throws', `res.on('close', () => { throw new Error('late'); });`],
  ['close of the request', 'rejects', `req.on('close', async () => { throw new Error('late'); });`],
] as const)(
  'a listener for %s that %s is logged with its call, and the process serves on',
  async ([, , adds], { start, expect }) => {
    const { url, kill, exit, logged } = await start({
      files: {
        'index.mjs': `
        export default (req, res) => {
          if (req.path === '/late') { ${adds} }
          res.send('answered');
        };
      `,
      },
    });
    const late = await call(`${url}/late`, { headers: { 'x-request-id': 'late-call' } });
    const line = await logged(({ level }) => level === 'error');
    const next = await call(url);
    kill('SIGTERM');
    expect([late.text, next.text]).toEqual(['answered', 'answered']);
    expect(line).toMatchObject({ invocation: 'late-call', err: { message: 'late' } });
    expect((await exit).code).toBe(0);
  },
);

test.concurrent.for([
  ['throws', `() => { throw new Error('stray'); }`],
  ['rejects', `async () => { throw new Error('stray'); }`],
] as const)(
  'a listener of the signal that %s when the client goes is logged with its call',
  async ([, listener], { start, open, expect }) => {
    const { url, port, kill, exit, logged } = await start({
      files: {
        'index.mjs': `
        export default (req, res) => {
          if (req.path === '/fine') return void res.send('fine');
          req.signal.addEventListener('abort', ${listener});
          console.log(JSON.stringify({ begun: true }));
          return new Promise(() => {});
        };
      `,
      },
      args: ['--drain-timeout', '100ms'],
    });
    const client = await open(port);
    client.send('GET / HTTP/1.1\r\nHost: f\r\nX-Request-Id: left\r\n\r\n');
    await logged(({ begun }) => begun === true);
    client.destroy();
    const line = await logged(({ level }) => level === 'error');
    expect(line).toMatchObject({ invocation: 'left', err: { message: 'stray' } });
    expect((await call(`${url}/fine`)).text).toBe('fine');
    kill('SIGTERM');
    expect((await exit).code).toBe(0);
  },
);

const UNREADABLE = [
  ['message', `Object.defineProperty(new Error('x'), 'message', { get() { throw 1; } })`],
  ['stack', `Object.defineProperty(new Error('x'), 'stack', { get() { throw 1; } })`],
  ['field', `Object.defineProperty(new Error('x'), 'f', { enumerable: true, get() { throw 1; } })`],
  ['prototype', `new Proxy({}, { getPrototypeOf() { throw 1; } })`],
] as const;

test.concurrent.for(
  UNREADABLE.flatMap(([what, error]) => [
    [what, 'at once', `throw ${error};`] as const,
    [what, 'in a timer', `setTimeout(() => { throw ${error}; }, 1);`] as const,
    [what, 'after the answer', `res.send('x'); setTimeout(() => { throw ${error}; }, 1);`] as const,
  ]),
)(
  'an error whose %s cannot be read, thrown %s, stays inside its call',
  async ([, , fails], { start, expect }) => {
    const { url, kill, exit, logged } = await start({
      files: {
        'index.mjs': `
        export default (req, res) => {
          if (req.path === '/fine') return void res.send('fine');
          setTimeout(() => console.log(JSON.stringify({ after: true })), 20);
          ${fails}
        };
      `,
      },
    });
    const failed = call(url).then(
      ({ status }) => status,
      ({ code }: NodeJS.ErrnoException) => code,
    );
    expect([200, 500, 'ECONNRESET']).toContain(await failed);
    await logged(({ after }) => after === true);
    expect((await call(`${url}/fine`)).text).toBe('fine');
    kill('SIGTERM');
    expect((await exit).code).toBe(0);
  },
);

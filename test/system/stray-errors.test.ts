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

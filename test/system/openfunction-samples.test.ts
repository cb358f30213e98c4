// Functions written for OpenFunction's framework run as they are, with its flags and variables.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe } from 'vitest';
import { call, postJson } from './call.ts';
import { test as base } from './start-function.ts';

const test = base.extend<{ takenPort: number }>({
  takenPort: async ({ onTestFinished }, use) => {
    const server = createServer().listen(0);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    await use((server.address() as AddressInfo).port);
  },
});

test.concurrent('a CommonJS function without a package.json', async ({ start, expect }) => {
  const { url } = await start({
    env: { FUNCTION_TARGET: 'helloWorld' },
    files: { 'function.js': `exports.helloWorld = (req, res) => { res.send('Hello, World'); };` },
  });
  expect((await call(url)).text).toBe('Hello, World');
});

test.concurrent('an ES module', async ({ start, expect }) => {
  const { url } = await start({
    args: ['--target', 'helloESM'],
    files: {
      'package.json': '{ "main": "index.mjs", "type": "module" }',
      'index.mjs': `
        function helloESM(req, res) {
          res.send({ hello: req.query.u ?? 'ESM' });
        }
        export { helloESM };
      `,
    },
  });
  expect((await call(`${url}/?u=tester`)).text).toBe('{"hello":"tester"}');
});

const FORWARDER = {
  'package.json': '{ "main": "index.mjs" }',
  'index.mjs': `
    export function tryKnative(req, res) {
      res.send(\`Hello, \${req.query.u ?? 'World'}!\`);
    }
    export async function tryKnativeAsync(ctx, data) {
      console.log('received: %o', data);
      await ctx.send(data);
      if (ctx.req.query.answer) ctx.res.send(data);
    }
  `,
};

// As the controller sets it for a function behind Knative.
const FUNC_CONTEXT = JSON.stringify({
  name: 'hello',
  version: 'v1.0.0',
  runtime: 'Knative',
  port: '8080',
});

test.concurrent(
  'a Knative function with the context of the controller',
  async ({ start, expect }) => {
    const { url } = await start({
      env: { FUNCTION_TARGET: 'tryKnative', FUNC_CONTEXT },
      files: FORWARDER,
    });
    expect((await call(`${url}/?u=tester`)).text).toBe('Hello, tester!');
  },
);

test.concurrent(
  'an OpenFunction function over HTTP that sends to outputs, of which there are none',
  async ({ start, expect }) => {
    const { url } = await start({
      env: {
        FUNCTION_TARGET: 'tryKnativeAsync',
        FUNCTION_SIGNATURE_TYPE: 'openfunction',
        FUNC_CONTEXT,
      },
      files: FORWARDER,
    });
    const silent = await postJson(url, { crates: 4 });
    const answered = await postJson(`${url}/?answer=1`, { crates: 4 });
    expect([silent.status, silent.text]).toEqual([204, '']);
    expect([answered.status, answered.text]).toEqual([200, '{"crates":4}']);
  },
);

// A port that is taken tells whether it was chosen: only then the start fails.
describe('the port is that of', () => {
  const contextOf = (port: number): string => JSON.stringify({ name: 'hello', port: String(port) });
  const files = { 'index.mjs': `export default (req, res) => res.send('served');` };

  test.concurrent('--port before PORT', async ({ start, takenPort, expect }) => {
    const { url } = await start({ files, env: { PORT: String(takenPort) } });
    expect((await call(url)).text).toBe('served');
  });

  test.concurrent('PORT before the context', async ({ run, takenPort, expect }) => {
    const { logged } = run({ files, env: { PORT: '0', FUNC_CONTEXT: contextOf(takenPort) } });
    const { msg } = await logged((line) => line.msg?.startsWith('serving ') === true);
    expect(msg).not.toContain(`:${takenPort}/`);
  });

  test.concurrent('the context before the default', async ({ run, takenPort, expect }) => {
    const { code, stderr } = await run({ files, env: { FUNC_CONTEXT: contextOf(takenPort) } }).exit;
    expect(code).toBe(1);
    expect(stderr).toContain(`cannot listen on port ${takenPort}:`);
  });
});

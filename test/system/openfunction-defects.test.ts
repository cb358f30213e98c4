// Regression: the defects of OpenFunction's Node framework that concern HTTP, each shown not to be
// here. SIGTERM during calls is in shutdown.test.ts, a malformed context in start-errors.test.ts.
import { Agent } from 'node:http';
import { call, codeOf, postJson } from './call.ts';
import { test } from './start-function.ts';

const OPENFUNCTION = ['--signature-type', 'openfunction'];

test.concurrent('a thousand calls at once each get their own answer', async ({ start, expect }) => {
  const { url } = await start({
    args: OPENFUNCTION,
    files: {
      'index.mjs': `
        const waiting = [];
        export default async (ctx) => {
          const { id } = ctx.req.query;
          await new Promise((resolve) => {
            waiting.push(resolve);
            if (waiting.length === 1000) releaseInAnyOrder();
          });
          if (Number(id) % 2 === 0) return { id: ctx.req.query.id };
          ctx.res.json({ id: ctx.req.query.id });
        };
        function releaseInAnyOrder() {
          for (const resolve of waiting) setTimeout(resolve, Math.random() * 200);
        }
      `,
    },
  });
  const agent = new Agent({ keepAlive: true });
  const ids = Array.from({ length: 1000 }, (_, index) => String(index));
  const replies = await Promise.all(ids.map((id) => call(`${url}/?id=${id}`, { agent })));
  agent.destroy();
  expect(replies.map(({ text }) => (JSON.parse(text) as { id: string }).id)).toEqual(ids);
});

test.concurrent('a failed call leaves no error behind for the next', async ({ start, expect }) => {
  const { url } = await start({
    args: OPENFUNCTION,
    files: {
      'index.mjs': `
        export default (ctx) => {
          if (ctx.req.path === '/fail') throw new Error('once');
          return { error: String(ctx.error) };
        };
      `,
    },
  });
  const failed = await call(`${url}/fail`);
  const next = await call(url);
  expect([failed.status, codeOf(failed)]).toEqual([500, 'OFN_FUNCTION_FAILED']);
  expect([next.status, next.text]).toEqual([200, '{"error":"undefined"}']);
});

test.concurrent('what the handler returns is the reply', async ({ start, expect }) => {
  const { url } = await start({
    args: OPENFUNCTION,
    files: { 'index.mjs': `export default (ctx, data) => ({ doubled: data.value * 2 });` },
  });
  const reply = await postJson(url, { value: 21 });
  expect([reply.status, reply.text]).toEqual([200, '{"doubled":42}']);
});

test.concurrent(
  'FUNC_CONTEXT_V1BETA2 is read, and FUNC_CONTEXT fills its holes',
  async ({ start, expect }) => {
    const { url } = await start({
      args: OPENFUNCTION,
      env: {
        FUNC_CONTEXT: JSON.stringify({
          name: 'older',
          version: 'v1.0.0',
          runtime: 'Knative',
          port: '8080',
          prePlugins: [],
        }),
        FUNC_CONTEXT_V1BETA2: JSON.stringify({
          name: 'newer',
          triggers: { http: { port: 9898, engine: 'keda' } },
        }),
      },
      files: {
        'index.mjs': `
        export default ({ name, version, context: { engine, port } }) =>
          ({ name, version, engine, port });
      `,
      },
    });
    expect(JSON.parse((await call(url)).text)).toEqual({
      name: 'newer',
      version: 'v1.0.0',
      engine: 'keda',
      port: 9898,
    });
  },
);

test.concurrent(
  'an openfunction function takes every method over HTTP',
  async ({ start, expect }) => {
    const { url } = await start({
      args: OPENFUNCTION,
      files: { 'index.mjs': `export default (ctx) => ctx.req.method;` },
    });
    const methods = ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST'];
    const replies = await Promise.all(methods.map((method) => call(url, { method })));
    expect(replies.map(({ status, text }) => [status, text])).toEqual(
      methods.map((method) => [200, method]),
    );
  },
);

const PLUGINS = {
  'index.mjs': `export default (ctx) => [...(ctx.locals.ran ?? []), 'handler'];`,
  'plugins/first.mjs': `
    export class First {
      name = 'first';
      version = 'v1';
      async execPreHook(ctx) { (ctx.locals.ran ??= []).push('first'); }
      async execPostHook() {}
    }
  `,
  'plugins/second.mjs': `
    export class Second {
      name = 'second';
      version = 'v1';
      async execPreHook(ctx) { (ctx.locals.ran ??= []).push('second'); }
      async execPostHook() {}
    }
  `,
};

test.concurrent.for([
  ['no plugin for an empty list', [], ['handler']],
  ['only the plugins of the list', ['second'], ['second', 'handler']],
  ['the plugins in the order of the list', ['second', 'first'], ['second', 'first', 'handler']],
] as const)('the context runs %s', async ([, prePlugins, wanted], { start, expect }) => {
  const { url } = await start({
    args: OPENFUNCTION,
    env: { FUNC_CONTEXT: JSON.stringify({ name: 'f', prePlugins, postPlugins: [] }) },
    files: PLUGINS,
  });
  expect(JSON.parse((await call(url)).text)).toEqual(wanted);
});

test.concurrent(
  'a pre-hook that fails answers 500, and the handler does not run',
  async ({ start, expect }) => {
    const { url, logged } = await start({
      args: OPENFUNCTION,
      files: {
        'index.mjs': `
        export let calls = 0;
        export default (ctx) => {
          calls += 1;
          return { calls };
        };
      `,
        'plugins/gate.mjs': `
        export class Gate {
          name = 'gate';
          version = 'v1';
          async execPreHook(ctx) {
            if (ctx.req.path === '/refused') throw new Error('the gate is shut');
          }
        }
      `,
      },
    });
    const refused = await call(`${url}/refused`);
    const served = await call(url);
    expect([refused.status, codeOf(refused)]).toEqual([500, 'OFN_FUNCTION_FAILED']);
    expect(served.text).toBe('{"calls":1}');
    const { err } = await logged(({ level }) => level === 'error');
    expect(err).toMatchObject({ message: 'the gate is shut' });
  },
);

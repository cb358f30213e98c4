// Regression: where Google's framework answers wrongly or not at all, and what its users asked it
// for in vain. Rejections are in stray-errors.test.ts, SIGTERM is in shutdown.test.ts.
import { describe } from 'vitest';
import { call, codeOf, postJson } from './call.ts';
import { test } from './start-function.ts';

describe('a cloudevent function', () => {
  const files = { 'index.mjs': `export default () => {};` };
  const args = ['--signature-type', 'cloudevent'];

  test.concurrent('answers GET with 405 and an empty POST with 400', async ({ start, expect }) => {
    const { url } = await start({ files, args });
    const get = await call(url);
    const empty = await call(url, { method: 'POST' });
    expect([get.status, get.headers.allow, codeOf(get)]).toEqual([
      405,
      'POST',
      'OFN_METHOD_NOT_ALLOWED',
    ]);
    expect([empty.status, codeOf(empty)]).toEqual([400, 'OFN_EVENT_MALFORMED']);
  });
});

test.concurrent(
  'bad JSON is answered with a problem, not with a page',
  async ({ start, expect }) => {
    const { url } = await start({
      files: { 'index.mjs': `export default (req, res) => res.send('unreached');` },
    });
    const reply = await call(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"open":',
    });
    expect(reply.status).toBe(400);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(codeOf(reply)).toBe('OFN_BODY_MALFORMED');
  },
);

test.concurrent(
  'one process serves several functions, by path and method',
  async ({ start, expect }) => {
    const { url } = await start({
      files: {
        'index.mjs': `
        import { cloudEvent, http } from '@ofn/core';
        http('users', { path: '/users/:id', methods: ['GET'] }, (req, res) => {
          res.json({ id: req.params.id });
        });
        http('hello', (req, res) => res.send('hello'));
        cloudEvent('onOrder', () => {});
      `,
      },
    });
    const user = await call(`${url}/users/7`);
    const hello = await call(`${url}/hello`);
    const wrongMethod = await postJson(`${url}/users/7`, {});
    const nowhere = await call(`${url}/nowhere`);
    expect(user.text).toBe('{"id":"7"}');
    expect(hello.text).toBe('hello');
    expect([wrongMethod.status, wrongMethod.headers.allow]).toEqual([405, 'GET, HEAD']);
    expect([nowhere.status, codeOf(nowhere)]).toEqual([404, 'OFN_NOT_FOUND']);
  },
);

test.concurrent('a plugin wraps every function, as middleware would', async ({ start, expect }) => {
  const { url } = await start({
    files: {
      'index.mjs': `
        import { definePlugin, http, use } from '@ofn/core';
        use(definePlugin({
          name: 'key',
          wrap({ req, res }, next) {
            if (req.get('x-key') === 'right') return next();
            res.sendStatus(401);
          },
        }));
        http('one', (req, res) => res.send('one'));
        http('two', (req, res) => res.send('two'));
      `,
    },
  });
  const shut = await call(`${url}/one`);
  const headers = { 'x-key': 'right' };
  const opened = await Promise.all([
    call(`${url}/one`, { headers }),
    call(`${url}/two`, { headers }),
  ]);
  expect(shut.status).toBe(401);
  expect(opened.map(({ text }) => text)).toEqual(['one', 'two']);
});

test.concurrent(
  'a multipart form arrives unread at a function that asks for it',
  async ({ start, expect }) => {
    const { url } = await start({
      files: {
        'index.mjs': `
        import { http } from '@ofn/core';
        http('upload', async (request) => {
          const form = await request.formData();
          return Response.json({ name: form.get('name'), file: await form.get('file').text() });
        });
      `,
      },
    });
    const form = new FormData();
    form.set('name', 'aurora');
    form.set('file', new File(['four crates'], 'manifest.txt'));
    const reply = await fetch(url, { method: 'POST', body: form });
    expect(await reply.json()).toEqual({ name: 'aurora', file: 'four crates' });
  },
);

test.concurrent(
  'a TypeScript module is run where Node can, else the error names the remedy',
  async ({ run, start, expect }) => {
    const files = {
      'package.json': '{ "type": "module", "main": "function.ts" }',
      'function.ts': `export default (req: { path: string }, res: any): void => res.send(req.path);`,
    };
    if ((process.features as { typescript?: unknown }).typescript) {
      const { url } = await start({ files });
      expect((await call(`${url}/typed`)).text).toBe('/typed');
    } else {
      const { code, stderr } = await run({ files }).exit;
      expect(code).toBe(1);
      expect(stderr).toMatch(/^functions-framework: OFN_TYPESCRIPT_UNSUPPORTED: .*22\.18.*\n$/);
    }
  },
);

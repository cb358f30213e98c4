// The package as user code meets it: `import`, `require` and both bins lead to one registry.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { call } from './call.ts';
import { test } from './start-function.ts';

test.concurrent(
  'functions registered through import and through require are served together',
  async ({ start, expect }) => {
    const { url } = await start({
      files: {
        'index.mjs': `
        import { http, OfnError } from '@ofn/core';
        import legacy from './legacy.cjs';
        http('modern', (req, res) => res.send(legacy.OfnError === OfnError ? 'same' : 'other'));
      `,
        'legacy.cjs': `
        const { http, OfnError } = require('@ofn/core');
        http('legacy', (req, res) => res.send('legacy'));
        exports.OfnError = OfnError;
      `,
      },
    });
    expect((await call(`${url}/modern`)).text).toBe('same');
    expect((await call(`${url}/legacy`)).text).toBe('legacy');
  },
);

test.concurrent('a CommonJS source registers what the bin serves', async ({ start, expect }) => {
  const { url } = await start({
    files: {
      'index.js': `
        const { openfunction } = require('@ofn/core');
        openfunction('greet', (ctx, data) => ({ hello: ctx.req.query.name }));
      `,
    },
  });
  expect((await call(`${url}/?name=Ada`)).text).toBe('{"hello":"Ada"}');
});

test.concurrent.for(['functions-framework', 'functions-framework-nodejs'])(
  'the workspace has the bin %s, and it serves',
  async (name, { start, expect }) => {
    const bin = fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url));
    const { url } = await start({
      bin,
      files: { 'index.mjs': `export default (req, res) => res.send('served');` },
    });
    expect((await call(url)).text).toBe('served');
  },
);

test.concurrent(
  'require() of the package gives the names that import gives',
  async ({ expect }) => {
    const script = `
    import { createRequire } from 'node:module';
    import * as imported from '@ofn/core';
    const required = createRequire(import.meta.url)('@ofn/core');
    const missing = Object.keys(imported).filter((name) => required[name] !== imported[name]);
    console.log(JSON.stringify({ count: Object.keys(imported).length, missing }));
  `;
    const stdout = await new Promise<string>((resolve, reject) => {
      const cwd = fileURLToPath(new URL('.', import.meta.url));
      const args = ['--input-type=module', '--eval', script];
      execFile(process.execPath, args, { cwd }, (error, text) => {
        if (error === null) resolve(text);
        else reject(error);
      });
    });
    const { count, missing } = JSON.parse(stdout) as { count: number; missing: string[] };
    expect(missing).toEqual([]);
    expect(count).toBeGreaterThan(8);
  },
);

// The package as user code meets it: `import`, `require` and both bins lead to one registry.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { call, codeOf } from './call.ts';
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

/** A second installation of the package, with the dependencies of the first. */
function installCopy(onTestFinished: (clean: () => void) => void): string {
  const first = dirname(createRequire(import.meta.url).resolve('@ofn/core/package.json'));
  const copy = mkdtempSync(join(tmpdir(), 'ofn-copy-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  for (const name of ['package.json', 'bin', 'dist']) {
    cpSync(join(first, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(first, 'node_modules'), join(copy, 'node_modules'), 'junction');
  return copy;
}

test.concurrent(
  'the bin of one copy serves what another copy registers, with its calls and its errors',
  async ({ start, expect, onTestFinished }) => {
    const copy = installCopy(onTestFinished);
    const { url } = await start({
      bin: join(copy, 'bin/functions-framework.js'),
      files: {
        'index.mjs': `
        import { OfnError, currentInvocation, http, openfunction } from '@ofn/core';
        openfunction('who', (ctx) => currentInvocation() === ctx);
        http('gone', () => { throw new OfnError('OFN_NOT_FOUND', 'it is gone'); });
        http('stray', () => { setTimeout(() => { throw new Error('stray'); }, 1); });
      `,
      },
    });
    const who = await call(`${url}/who`);
    const gone = await call(`${url}/gone`);
    const stray = await call(`${url}/stray`);
    expect(who.text).toBe('true');
    expect([gone.status, codeOf(gone)]).toEqual([404, 'OFN_NOT_FOUND']);
    expect([stray.status, codeOf(stray)]).toEqual([500, 'OFN_FUNCTION_FAILED']);
  },
);

test.concurrent(
  'a default export that was compiled to CommonJS is served',
  async ({ start, expect }) => {
    const { url } = await start({
      files: {
        'index.js': `
        Object.defineProperty(exports, '__esModule', { value: true });
        exports.default = (req, res) => res.send('compiled');
      `,
      },
    });
    expect((await call(url)).text).toBe('compiled');
  },
);

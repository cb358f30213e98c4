// A start that fails: one line on standard error with a documented code, an exit code, and nothing
// left behind; and the two options that only print.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe } from 'vitest';
import { test, type StartOptions } from './start-function.ts';

const HELLO = { 'index.mjs': `export const hello = (req, res) => res.send('hello');` };
const SERVES = ['--target', 'hello'];
const REGISTERS = `
  import { http, onStart } from '@ofn/core';
  http('hello', (req, res) => res.send('hello'));
`;

/** What is wrong, how to start it, the exit code, the code, and what the line says. */
type Mistake = readonly [string, StartOptions, number, string, RegExp];

const MISTAKES: readonly Mistake[] = [
  ['an unknown flag', { args: ['--prot', '1'] }, 2, 'OFN_OPTION_UNKNOWN', /--prot.*--help/],
  ['an argument too many', { args: ['hello'] }, 2, 'OFN_OPTION_UNKNOWN', /hello.*--help/],
  ['a flag without its value', { args: ['--port'] }, 2, 'OFN_OPTION_INVALID', /--port/],
  [
    'a port that is no number',
    { args: ['--port', 'http'] },
    2,
    'OFN_OPTION_INVALID',
    /--port.*"http"/,
  ],
  [
    'a port out of range',
    { args: ['--port=65536'] },
    2,
    'OFN_OPTION_INVALID',
    /--port.*65535.*"65536"/,
  ],
  ['a bad PORT', { env: { PORT: '80x' } }, 2, 'OFN_OPTION_INVALID', /PORT.*"80x"/],
  ['a bad duration', { args: ['--timeout', 'soon'] }, 2, 'OFN_OPTION_INVALID', /--timeout.*"soon"/],
  [
    'a bad size',
    { env: { FUNCTION_BODY_LIMIT: 'big' } },
    2,
    'OFN_OPTION_INVALID',
    /FUNCTION_BODY_LIMIT.*"big"/,
  ],
  [
    'a bad signature type',
    { args: ['--signature-type', 'grpc'] },
    2,
    'OFN_OPTION_INVALID',
    /--signature-type.*"grpc"/,
  ],
  [
    'a missing target',
    { args: ['--target', 'absent'] },
    1,
    'OFN_TARGET_NOT_FOUND',
    /"absent".*"hello"/,
  ],
  [
    'a target that is nearly one',
    { args: ['--target', 'helo'] },
    1,
    'OFN_TARGET_NOT_FOUND',
    /did you mean "hello"\?/,
  ],
  [
    'a target that is no function',
    { args: ['--target', 'hello'], files: { 'index.mjs': `export const hello = 'world';` } },
    1,
    'OFN_FUNCTION_INVALID',
    /"hello".*string/,
  ],
  [
    'a source that is not there',
    { args: ['--source', 'absent.js'] },
    1,
    'OFN_SOURCE_NOT_FOUND',
    /absent\.js/,
  ],
  ['a folder without functions', { files: {} }, 1, 'OFN_SOURCE_NOT_FOUND', /--source/],
  [
    'a main that leads nowhere',
    { files: { 'package.json': '{ "main": "dist/absent.js" }' } },
    1,
    'OFN_SOURCE_NOT_FOUND',
    /main of .*package\.json/,
  ],
  [
    'a FUNC_CONTEXT that is no JSON',
    { env: { FUNC_CONTEXT: '{"name":' } },
    2,
    'OFN_CONTEXT_MALFORMED',
    /FUNC_CONTEXT is not valid JSON/,
  ],
  [
    'a FUNC_CONTEXT_V1BETA2 that is no JSON',
    { env: { FUNC_CONTEXT_V1BETA2: 'name: f' } },
    2,
    'OFN_CONTEXT_MALFORMED',
    /FUNC_CONTEXT_V1BETA2 is not valid JSON/,
  ],
  [
    'a FUNC_CONTEXT with a field of the wrong type',
    { env: { FUNC_CONTEXT: '{"name":"f","prePlugins":"one"}' } },
    2,
    'OFN_CONTEXT_MALFORMED',
    /FUNC_CONTEXT .*prePlugins/,
  ],
  [
    'a FUNC_CONTEXT_V1BETA2 with a field of the wrong type',
    { env: { FUNC_CONTEXT_V1BETA2: '{"name":"f","triggers":{"http":{"port":"many"}}}' } },
    2,
    'OFN_CONTEXT_MALFORMED',
    /FUNC_CONTEXT_V1BETA2 .*triggers\.http\.port/,
  ],
  [
    'a --context that is no JSON',
    { args: ['--context', '{'] },
    2,
    'OFN_CONTEXT_MALFORMED',
    /not valid JSON/,
  ],
  [
    'two functions on one route',
    {
      args: [],
      files: {
        'index.mjs': `
          import { http } from '@ofn/core';
          http('one', { path: '/same' }, (req, res) => res.send('one'));
          http('two', { path: '/same' }, (req, res) => res.send('two'));
        `,
      },
    },
    1,
    'OFN_ROUTE_CONFLICT',
    /"one".*"two".*\/same/,
  ],
  [
    'a hook that names a plugin that is not there',
    { env: { FUNC_CONTEXT: '{"name":"f","prePlugins":["absent"]}' } },
    1,
    'OFN_PLUGIN_INVALID',
    /"absent"/,
  ],
];

describe('one line names the mistake', () => {
  test.concurrent.for(MISTAKES)(
    '%s',
    async ([, options, exitCode, code, said], { run, expect }) => {
      const { args = SERVES, env = {}, files = HELLO } = options;
      const command = run({
        args: args,
        env: { PORT: '0', ...env },
        files,
      });
      const { code: exited, stdout, stderr } = await command.exit;
      expect({ exited, stdout }).toEqual({ exited: exitCode, stdout: '' });
      expect(stderr).toMatch(/^functions-framework: [^\n]*\n$/);
      expect(stderr.startsWith(`functions-framework: ${code}: `)).toBe(true);
      expect(stderr).toMatch(said);
    },
  );

  test.concurrent('a port that is in use', async ({ run, onTestFinished, expect }) => {
    const taken = createServer().listen(0);
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { code, stdout, stderr } = await run({
      files: HELLO,
      args: [...SERVES, '--port', String(port)],
    }).exit;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      new RegExp(
        `^functions-framework: OFN_PORT_UNAVAILABLE: [^\\n]*port ${port}[^\\n]*in use[^\\n]*\\n$`,
      ),
    );
  });
});

describe('the line is followed by the stack of user code alone', () => {
  test.concurrent.for([
    [
      'a module that throws',
      `throw new TypeError('no database');`,
      'OFN_SOURCE_FAILED',
      'no database',
    ],
    [
      'a module that rejects',
      `await Promise.reject(new TypeError('no database'));`,
      'OFN_SOURCE_FAILED',
      'no database',
    ],
    [
      'a start hook that throws',
      `${REGISTERS} onStart(() => { throw new TypeError('no database'); });`,
      'OFN_START_FAILED',
      'no database',
    ],
    [
      'a start hook that rejects',
      `${REGISTERS} onStart(async () => { throw new TypeError('no database'); });`,
      'OFN_START_FAILED',
      'no database',
    ],
    [
      'a module that throws what is no Error',
      `throw 'no database';`,
      'OFN_SOURCE_FAILED',
      'no database',
    ],
  ] as const)('%s', async ([name, text, code, message], { run, expect }) => {
    const {
      code: exited,
      stdout,
      stderr,
    } = await run({
      files: { 'index.mjs': text },
      args: ['--port', '0', '--target', 'hello'],
    }).exit;
    const [first = '', ...stack] = stderr.trimEnd().split('\n');
    expect({ exited, stdout }).toEqual({ exited: 1, stdout: '' });
    expect(first).toMatch(new RegExp(`^functions-framework: ${code}: .*${message}`));
    if (!name.includes('no Error')) {
      expect(stack[0]).toBe(`TypeError: ${message}`);
      expect(stack[1]).toMatch(/^ {4}at .*index\.mjs:\d+:\d+/);
    }
    expect(stderr).not.toContain('OfnError');
  });

  test.concurrent('a module that does not parse', async ({ run, expect }) => {
    const { code, stderr } = await run({ files: { 'index.mjs': `export const = 1;` } }).exit;
    const [first, ...stack] = stderr.split('\n');
    expect(code).toBe(1);
    expect(first).toMatch(/^functions-framework: OFN_SOURCE_FAILED: .*index\.mjs.*SyntaxError/);
    expect(stack.join('\n')).toContain('SyntaxError');
  });
});

describe('a rejection that the module leaves unhandled ends the process with 16', () => {
  test.concurrent.for([
    ['at once', {}],
    [
      'while plugins are still being loaded',
      { 'plugins/slow.mjs': `await new Promise((r) => setTimeout(r, 50));` },
    ],
  ] as const)('%s', async ([, plugins], { run, expect }) => {
    const { code, stdout, stderr } = await run({
      files: {
        'index.mjs': `Promise.reject(new TypeError('no database')); ${HELLO['index.mjs']}`,
        ...plugins,
      },
      args: [...SERVES, '--port', '0'],
    }).exit;
    expect(code).toBe(16);
    expect(stdout + stderr).toMatch(/OFN_UNCAUGHT.*no database|no database.*OFN_UNCAUGHT/);
    expect(stdout).not.toContain('serving');
  });
});

test.concurrent.for([
  ['a module', `await new Promise(() => {}); ${HELLO['index.mjs']}`],
  ['a start hook', `${REGISTERS} onStart(() => new Promise(() => {}));`],
] as const)(
  '%s that waits for what can never happen ends with one line',
  async ([, text], { run, expect }) => {
    const { code, stdout, stderr } = await run({
      files: { 'index.mjs': text },
      args: [...SERVES, '--port', '0'],
    }).exit;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^functions-framework: OFN_START_FAILED: [^\n]*can never happen\n$/);
  },
);

test.concurrent(
  'an error thrown in the background while the source loads ends with its stack',
  async ({ run, expect }) => {
    const { code, stdout, stderr } = await run({
      files: {
        'index.mjs': `
        setTimeout(() => { throw new TypeError('no database'); });
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      `,
      },
      args: [...SERVES, '--port', '0'],
    }).exit;
    const [first, ...stack] = stderr.trimEnd().split('\n');
    expect({ code, stdout }).toEqual({ code: 16, stdout: '' });
    expect(first).toMatch(/^functions-framework: OFN_UNCAUGHT: [^\n]*no database$/);
    expect(stack[0]).toBe('TypeError: no database');
  },
);

const FLAGS = [
  'target',
  'source',
  'signature-type',
  'port',
  'context',
  'timeout',
  'body-limit',
  'max-concurrency',
  'drain-delay',
  'drain-timeout',
  'admin-port',
  'health-routes',
  'ignored-routes',
  'log-level',
  'keep-alive-timeout',
  'headers-timeout',
  'request-timeout',
  'max-header-size',
  'max-headers',
];
const VARIABLES = [
  'PORT',
  'FUNCTION_TARGET',
  'FUNCTION_SIGNATURE_TYPE',
  'FUNCTION_SOURCE',
  'FUNC_CONTEXT',
  'FUNC_CONTEXT_V1BETA2',
  'CLOUD_RUN_TIMEOUT_SECONDS',
];

describe('an option that only prints', () => {
  test.concurrent(
    '--help lists every option with its variable, and the default port',
    async ({ run, expect }) => {
      const { code, stdout, stderr } = await run({ args: ['--help'] }).exit;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const listed = [...stdout.matchAll(/--(?:\[no-\])?([a-z-]+) /g)].map(([, flag]) => flag);
      expect(listed).toEqual(expect.arrayContaining(FLAGS));
      for (const variable of VARIABLES) expect(stdout).toContain(variable);
      expect(stdout).toMatch(/--port .*\n.*\[PORT\] default: .*8080/);
    },
  );

  test.concurrent('--version prints the version of the package', async ({ run, expect }) => {
    const { code, stdout } = await run({ args: ['--version'] }).exit;
    const { default: manifest } = await import('@ofn/core/package.json', {
      with: { type: 'json' },
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${manifest.version}\n` });
  });
});

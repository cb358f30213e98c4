// Loading @ofn/tracing: from where the functions are, when it is wanted, and never in their way.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { currentInvocation } from './invocation/invoke.ts';
import { createLines, type Line } from './dapr/channel.fixture.ts';
import type { TracingRequest } from './invocation/trace.ts';
import { parseOptions } from './options.ts';
import { loadTracing } from './tracing.ts';

const TRACER = `{ name: 'tracing', begin() {}, request }`;

const MODULE = (made: string): string => `export const createTracing = (request) => (${made});`;

/** A folder of functions, with the package installed as its manifest and files say. */
function folderWith(files: Readonly<Record<string, string | object>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ofn-tracing-')));
  onTestFinished(() => rmSync(root, { recursive: true }));
  // Below node_modules, Vitest leaves JavaScript to Node's own loader.
  const folder = join(root, 'node_modules', 'source');
  for (const [name, content] of Object.entries({ 'index.js': '', ...files })) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

/** The package as it is published: `require` gets a file that forwards. */
const installed = (source: string, manifest: object = {}): Record<string, string | object> => ({
  'node_modules/@ofn/tracing/package.json': {
    name: '@ofn/tracing',
    type: 'module',
    exports: {
      '.': { import: './dist/index.js', require: './dist/cjs/index.js' },
      './package.json': './package.json',
    },
    ...manifest,
  },
  'node_modules/@ofn/tracing/dist/index.js': source,
  'node_modules/@ofn/tracing/dist/cjs/package.json': { type: 'commonjs' },
  'node_modules/@ofn/tracing/dist/cjs/index.js': 'throw new Error("required");',
});

const WANTED = { SW_AGENT_COLLECTOR_BACKEND_SERVICES: 'oap:11800' };

/** Loads it for functions of a folder; core is in another, which is empty unless said otherwise. */
async function load(
  source: string,
  env: Record<string, string> = WANTED,
  flags: readonly string[] = [],
  core = folderWith({}),
) {
  const command = parseOptions([`--source=${source}`, ...flags], env);
  if (command.kind !== 'serve') throw new Error('it does not serve');
  const { log, lines } = createLines();
  const tracing = await loadTracing(command.options, env, log, join(core, 'index.js'));
  return { tracing, log, lines };
}

/** The lines that are written when a cold start has had its time. */
function later(lines: readonly Line[]): readonly Line[] {
  expect(lines).toEqual([]);
  vi.runAllTimers();
  return lines;
}

// The shims of package managers put their own folders into it, where the real package may be.
beforeAll(() => {
  const { _initPaths: readNodePath } = Module as unknown as { _initPaths: () => void };
  vi.stubEnv('NODE_PATH', '');
  readNodePath();
  return () => {
    vi.unstubAllEnvs();
    readNodePath();
  };
});

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

describe('tracing that is wanted', () => {
  test('is made by the package beside the functions, of all that it needs', async () => {
    const source = folderWith(installed(MODULE(TRACER)));
    const context = { name: 'f', tracing: { enabled: true } };
    const env = { ...WANTED, FUNC_CONTEXT_V1BETA2: JSON.stringify(context) };
    const { tracing, log, lines } = await load(source, env, [
      '--target=work',
      '--tracing=skywalking',
    ]);
    const { request } = tracing as unknown as { request: TracingRequest };
    expect(request).toEqual({
      provider: 'skywalking',
      env,
      context: expect.objectContaining(context) as unknown,
      source,
      target: 'work',
      log,
      current: currentInvocation,
    });
    expect(later(lines)).toEqual([]);
  });

  test('is found from a source that is a file, in the folders above it', async () => {
    const source = folderWith({ ...installed(MODULE(TRACER)), 'src/deep/work.js': '' });
    const { tracing } = await load(join(source, 'src/deep/work.js'));
    expect(tracing?.name).toBe('tracing');
  });

  test('is found where core is, when it is not beside the functions', async () => {
    const core = folderWith(installed(MODULE(`({ ...${TRACER}, name: 'of core' })`)));
    expect((await load(folderWith({}), WANTED, [], core)).tracing?.name).toBe('of core');
    const source = folderWith(installed(MODULE(TRACER)));
    expect((await load(source, WANTED, [], core)).tracing?.name).toBe('tracing');
  });

  test('may be made in a while', async () => {
    const source = folderWith(installed(MODULE(`Promise.resolve(${TRACER})`)));
    expect((await load(source)).tracing?.name).toBe('tracing');
  });

  test('may turn out to be off', async () => {
    const { tracing, lines } = await load(folderWith(installed(MODULE('undefined'))));
    expect(tracing).toBeUndefined();
    expect(later(lines)).toEqual([]);
  });

  test('that no source can be found for fails as the source does', async () => {
    await expect(load('/nowhere/at/all')).rejects.toMatchObject({ code: 'OFN_SOURCE_NOT_FOUND' });
  });
});

test('tracing that nothing wants is not looked for', async () => {
  const source = folderWith(installed('throw new Error("loaded");'));
  const { tracing, lines } = await load(source, {});
  expect(tracing).toBeUndefined();
  expect(later(lines)).toEqual([]);
});

describe('a package that is missing', () => {
  test.each<[string, Record<string, string>, string[]]>([
    ['SW_AGENT_COLLECTOR_BACKEND_SERVICES', WANTED, []],
    ['--tracing', {}, ['--tracing=opentelemetry']],
    [
      'the function context',
      { FUNC_CONTEXT: '{"name":"f","pluginsTracing":{"enabled":true}}' },
      [],
    ],
  ])('is a warning that names %s and the remedy, after the start', async (setting, env, flags) => {
    const { tracing, lines } = await load(folderWith({}), env, flags);
    expect(tracing).toBeUndefined();
    expect(later(lines)).toEqual([
      {
        level: 'warn',
        fields: { setting },
        message:
          `tracing is wanted by ${setting}, but @ofn/tracing is missing: calls are not traced; ` +
          `run "npm install @ofn/tracing"`,
      },
    ]);
  });
});

describe('a package that fails is a warning with its error, and no tracing:', () => {
  test.each<[string, string, object, RegExp]>([
    ['while it is loaded', 'throw new Error("boom");', {}, /boom/],
    ['with a syntax error', 'export const = 1;', {}, /./],
    ['without createTracing', 'export const x = 1;', {}, /not a function/],
    ['while it makes tracing', MODULE('(() => { throw new Error("boom"); })()'), {}, /boom/],
    ['in a promise', MODULE('Promise.reject(new Error("boom"))'), {}, /boom/],
    ['throwing no error', MODULE('Promise.reject("boom")'), {}, /boom/],
    ['making no plugin', MODULE('({ begin() {} })'), {}, /name/],
    ['making no tracer', MODULE(`({ name: 'tracing' })`), {}, /does not trace/],
    [
      'with a manifest that leads nowhere',
      '',
      { exports: { './package.json': './package.json' } },
      /./,
    ],
    [
      'with a manifest that hides itself',
      '',
      { exports: { '.': './dist/index.js' } },
      /package\.json/,
    ],
  ])('%s', async (_, text, manifest, reason) => {
    const { tracing, lines } = await load(folderWith(installed(text, manifest)));
    expect(tracing).toBeUndefined();
    const [line, ...others] = later(lines);
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      level: 'warn',
      fields: {
        setting: 'SW_AGENT_COLLECTOR_BACKEND_SERVICES',
        err: { message: expect.stringMatching(reason) as unknown },
      },
      message:
        'tracing is wanted by SW_AGENT_COLLECTOR_BACKEND_SERVICES, but @ofn/tracing failed: ' +
        'calls are not traced',
    });
    expect(line?.fields['err']).toBeInstanceOf(Error);
  });
});

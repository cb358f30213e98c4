// Finding and importing user code: where a source lies, what it exports, and what is wrong with it.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OfnError } from '../errors.ts';
import { loadSource, resolveSource, type LoadRequest, type LoadedSource } from './load.ts';
import { cloudEvent, http, registry } from './registry.ts';

let root: string;
let folder: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ofn-load-')));
  // Below node_modules, Vitest leaves JavaScript to Node's own loader.
  folder = join(root, 'node_modules', 'source');
});

afterEach(() => {
  rmSync(root, { recursive: true });
  registry.functions.clear();
});

/** Writes files below the source folder. */
function write(files: Readonly<Record<string, string | object>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
}

function load(request: Partial<LoadRequest> = {}): Promise<LoadedSource> {
  return loadSource({ source: folder, target: undefined, signatureType: 'http', ...request });
}

/** What the functions of a source return, by their names. */
async function answers(request: Partial<LoadRequest> = {}): Promise<Record<string, unknown>> {
  const { functions } = await load(request);
  return Object.fromEntries(functions.map(({ name, handler }) => [name, handler()]));
}

async function refusal(request: Partial<LoadRequest> = {}): Promise<OfnError> {
  const error: unknown = await load(request).then(
    () => new Error('the source was loaded'),
    (reason: unknown) => reason,
  );
  if (error instanceof OfnError) return error;
  throw error;
}

describe('the kinds of module', () => {
  test.each([
    ['index.js', 'exports.hello = () => typeof require;', 'function'],
    ['index.cjs', 'module.exports = { hello: () => typeof require };', 'function'],
    ['index.mjs', 'export const hello = () => typeof require;', 'undefined'],
    ['index.ts', 'export const hello = (): string => "typed";', 'typed'],
  ])('%s is loaded: %s', async (file, text, answer) => {
    write({ [file]: text });
    expect(await answers({ target: 'hello' })).toEqual({ hello: answer });
  });

  test('a .js file is ESM when its package says so', async () => {
    write({
      'package.json': { type: 'module' },
      'index.js': 'export const hello = () => import.meta.url.startsWith("file:");',
    });
    expect(await answers({ target: 'hello' })).toEqual({ hello: true });
  });

  test('ESM may await at its top level', async () => {
    write({ 'index.mjs': 'const name = await "Ada"; export const hello = () => name;' });
    expect(await answers({ target: 'hello' })).toEqual({ hello: 'Ada' });
  });

  test('what was compiled to CommonJS from ESM is read by its names', async () => {
    write({
      'index.js':
        'Object.defineProperty(exports, "__esModule", { value: true });' +
        'exports.default = () => "default"; exports.hello = () => "hello";',
    });
    expect(await answers({ target: 'hello' })).toEqual({ hello: 'hello' });
  });
});

describe('the file of a source', () => {
  const found = (): string => relative(folder, resolveSource(folder));

  test('is the source itself when it is a file, whatever lies beside it', async () => {
    write({
      'package.json': { main: './main.js' },
      'index.js': 'exports.hello = () => "index";',
      'other.js': 'exports.hello = () => "other";',
    });
    const source = join(folder, 'other.js');
    expect(await answers({ source, target: 'hello' })).toEqual({ hello: 'other' });
  });

  test.each(['other.js', './other.js', './other', 'lib', './lib/', './lib/index.js'])(
    'is what main of package.json says: %s',
    (main) => {
      write({ 'package.json': { main }, 'index.js': '', 'other.js': '', 'lib/index.js': '' });
      expect(found()).toBe(main.includes('lib') ? join('lib', 'index.js') : 'other.js');
    },
  );

  test('is what exports of package.json says, before main', () => {
    write({
      'package.json': { name: 'mine', main: './main.js', exports: './exported.js' },
      'main.js': '',
      'exported.js': '',
    });
    expect(found()).toBe('exported.js');
  });

  test.each([
    ['with conditions', { '.': { node: './exported.mjs', default: './other.mjs' } }],
    ['for import only', { import: './exported.mjs' }],
    ['for require only', { require: './exported.mjs' }],
  ])('is what exports says %s', (_title, exports) => {
    write({
      'package.json': { name: 'mine', exports },
      'exported.mjs': '',
      'other.mjs': '',
    });
    expect(found()).toBe('exported.mjs');
  });

  test('is what exports says in a package without a name', () => {
    write({ 'package.json': { exports: './exported.js' }, 'exported.js': '', 'index.js': '' });
    expect(found()).toBe('exported.js');
  });

  test('is in the folder when its package has the name of a module of Node.js', () => {
    write({ 'package.json': { name: 'events', exports: './exported.js' }, 'exported.js': '' });
    expect(found()).toBe('exported.js');
  });

  test('is index or function when package.json says nothing', () => {
    write({ 'package.json': { name: 'mine' }, 'function.js': '' });
    expect(found()).toBe('function.js');
    write({ 'index.mjs': '' });
    expect(found()).toBe('index.mjs');
    write({ 'index.js': '' });
    expect(found()).toBe('index.js');
  });

  test.each(['index', 'function'])('is %s with each extension of Node.js, in one order', (name) => {
    const extensions = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];
    for (const extension of extensions.toReversed()) {
      write({ [name + extension]: '' });
      expect(found()).toBe(name + extension);
    }
  });

  test.each(['index.js', 'function.mjs'])(
    'is %s when main of package.json leads nowhere, as npm writes it by default',
    (file) => {
      write({ 'package.json': { main: 'missing.js' }, [file]: '' });
      expect(found()).toBe(file);
    },
  );

  test('is what the import condition says, before that of require', () => {
    const exports = { require: './required.cjs', import: './imported.mjs' };
    write({ 'package.json': { exports }, 'required.cjs': '', 'imported.mjs': '' });
    expect(found()).toBe('imported.mjs');
  });

  test('is found from a path relative to the working directory', () => {
    write({ 'index.js': '' });
    expect(resolveSource(relative(process.cwd(), folder))).toBe(join(folder, 'index.js'));
  });
});

describe('a source without a file', () => {
  test('is refused when there is nothing', async () => {
    const error = await refusal();
    expect(error).toMatchObject({ code: 'OFN_SOURCE_NOT_FOUND', exitCode: 1 });
    expect(error.message).toBe(`there is nothing at ${folder}`);
  });

  test('is refused when the folder holds no function, with what was looked for', async () => {
    write({ 'readme.md': '' });
    const error = await refusal();
    expect(error.code).toBe('OFN_SOURCE_NOT_FOUND');
    expect(error.message).toMatch(
      /package\.json with main or exports, an index\.js or a function\.js/,
    );
    expect(error.message).toMatch(/name the file with --source$/);
  });

  test.each([
    ['main', { main: './dist/index.js' }],
    ['exports', { name: 'mine', exports: './dist/index.js' }],
    ['exports', { name: 'mine', exports: { './other': './index.js' } }],
  ])('is refused when %s of package.json leads nowhere', async (field, manifest) => {
    write({ 'package.json': manifest, 'other.js': '' });
    const error = await refusal();
    expect(error.code).toBe('OFN_SOURCE_NOT_FOUND');
    expect(error.message).toContain(
      `${field} of ${join(folder, 'package.json')} leads nowhere: Error: `,
    );
    expect(error.message).toMatch(/; build the source first, or name the file with --source$/);
    expect(error.message).not.toContain('\n');
  });

  test.each(['{', 'null', '[]', '"text"'])('is refused when package.json is %s', async (text) => {
    write({ 'package.json': text });
    const error = await refusal();
    expect(error.message).toContain(folder);
    expect(['OFN_SOURCE_FAILED', 'OFN_SOURCE_NOT_FOUND']).toContain(error.code);
  });

  test.each([
    ['main', { main: '../outside.js' }],
    ['an absolute main', () => ({ main: join(dirname(folder), 'outside.js') })],
  ])('is refused when %s leads outside of the folder', async (_title, manifest) => {
    write({
      'package.json': typeof manifest === 'function' ? manifest() : manifest,
      '../outside.js': 'exports.hello = () => "outside";',
    });
    const error = await refusal();
    expect(error.code).toBe('OFN_SOURCE_NOT_FOUND');
    expect(error.message).toMatch(/outside/);
  });
});

describe('a module that fails while it is loaded', () => {
  test('is named with the first line of its error, which is the cause', async () => {
    write({ 'index.js': 'throw new RangeError("no database\\nsecond line");' });
    const error = await refusal();
    expect(error).toMatchObject({ code: 'OFN_SOURCE_FAILED', exitCode: 1 });
    const file = join(folder, 'index.js');
    expect(error.message).toBe(`${file} failed while it was loaded: RangeError: no database`);
    expect(error.cause).toMatchObject({ name: 'RangeError' });
  });

  test('is named when it does not parse', async () => {
    write({ 'index.mjs': 'export const = 1;' });
    const error = await refusal();
    expect(error.code).toBe('OFN_SOURCE_FAILED');
    expect(error.message).toContain('failed while it was loaded: SyntaxError: ');
  });

  test.each([
    ['index.mjs', 'import "not-installed-anywhere";'],
    ['index.cjs', 'require("not-installed-anywhere");'],
  ])('%s asks to install what it imports and is missing', async (file, text) => {
    write({ [file]: text });
    const error = await refusal();
    expect(error.code).toBe('OFN_SOURCE_FAILED');
    expect(error.message).toContain('not-installed-anywhere');
    expect(error.message).toMatch(/; install its dependencies, or check the path it imports$/);
  });

  test.each(['undefined', 'null', '"text"', '{}'])('is named when it throws %s', async (thrown) => {
    write({ 'index.cjs': `throw ${thrown};` });
    const error = await refusal();
    expect(error.code).toBe('OFN_SOURCE_FAILED');
    expect(error.message).toContain(`${join(folder, 'index.cjs')} failed while it was loaded: `);
  });

  test('keeps the code of an error of the framework', async () => {
    write({ 'index.ts': `http('hello', 1);` });
    Object.assign(globalThis, { http });
    const error = await refusal().finally(() => Reflect.deleteProperty(globalThis, 'http'));
    expect(error.code).toBe('OFN_FUNCTION_INVALID');
  });

  test('names the remedies when this Node.js cannot run TypeScript', async () => {
    // What Node.js without type stripping throws; Vitest itself would run the file.
    const thrown = `Object.assign(new TypeError('Unknown file extension ".ts"'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' })`;
    write({ 'index.ts': `throw ${thrown};` });
    const error = await refusal();
    expect(error).toMatchObject({ code: 'OFN_TYPESCRIPT_UNSUPPORTED', exitCode: 1 });
    expect(error.message).toContain(`Node.js ${process.version} cannot run ${folder}`);
    expect(error.message).toContain('use Node.js 22.18 or newer');
    expect(error.message).toContain('NODE_OPTIONS="--import tsx"');
  });

  test('is no matter of TypeScript when another file has the unknown extension', async () => {
    const thrown = `Object.assign(new TypeError('Unknown file extension ".ts"'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' })`;
    write({ 'index.js': `throw ${thrown};` });
    expect((await refusal()).code).toBe('OFN_SOURCE_FAILED');
  });
});

describe('without a target', () => {
  test('every registered function is served, and no exported one', async () => {
    write({ 'index.js': 'exports.function = () => "exported";' });
    http('users', () => 'users');
    cloudEvent('onOrder', () => 'order');
    expect(await answers()).toEqual({ users: 'users', onOrder: 'order' });
  });

  test('the export named function is served when nothing is registered', async () => {
    write({ 'index.js': 'exports.function = () => "f"; exports.other = () => "o";' });
    expect(await answers()).toEqual({ function: 'f' });
  });

  test.each([
    ['index.js', 'module.exports = () => "default";'],
    ['index.mjs', 'export default () => "default";'],
  ])('the default export of %s is served when there is no other', async (file, text) => {
    write({ [file]: text });
    expect(await answers()).toEqual({ function: 'default' });
  });

  test('the exported functions are listed when none can be chosen', async () => {
    write({ 'index.mjs': 'export const hello = () => 1, bye = () => 2, version = "1";' });
    const error = await refusal();
    expect(error.code).toBe('OFN_TARGET_NOT_FOUND');
    expect(error.message).toBe(
      `${join(folder, 'index.mjs')} has no function "function": ` +
        'name one with --target; there is "bye", "hello"',
    );
  });
});

describe('a target', () => {
  test('is a registered function before an exported one, with its own signature', async () => {
    write({ 'index.js': 'exports.hello = () => "exported";' });
    cloudEvent('hello', () => 'registered');
    const { functions } = await load({ target: 'hello' });
    expect(functions.map(({ signature, handler }) => [signature, handler()])).toEqual([
      ['cloudevent', 'registered'],
    ]);
  });

  test('may be exported beside registered functions', async () => {
    write({ 'index.js': 'exports.hello = () => "exported";' });
    http('users', () => 'users');
    expect(await answers({ target: 'hello' })).toEqual({ hello: 'exported' });
  });

  test.each(['http', 'cloudevent', 'openfunction', 'event'] as const)(
    'that is exported has the signature that was asked for: %s',
    async (signatureType) => {
      write({ 'index.js': 'exports.hello = () => {};' });
      const { functions } = await load({ target: 'hello', signatureType });
      expect(functions).toEqual([
        expect.objectContaining({ name: 'hello', signature: signatureType }),
      ]);
    },
  );

  test('reaches into exported objects', async () => {
    write({ 'index.js': 'exports.users = { v1: { find: () => "found" } };' });
    expect(await answers({ target: 'users.v1.find' })).toEqual({ 'users.v1.find': 'found' });
  });

  test.each([
    ['an instance', 'exports.svc = new Service();'],
    ['an object', 'exports.svc = { name: "Ada", handle() { return this.name; } };'],
    [
      'a class, as a static method',
      'exports.svc = class { static who = "Ada"; static handle() { return this.who; } };',
    ],
  ])('is a method of %s, with its this', async (_, text) => {
    write({
      'index.js': `class Service { name = 'Ada'; handle() { return this.name; } } ${text}`,
    });
    expect(await answers({ target: 'svc.handle' })).toEqual({ 'svc.handle': 'Ada' });
  });

  test.each([undefined, 'function'])(
    'may be the default export that was compiled to CommonJS: --target %s',
    async (target) => {
      write({
        'index.js':
          'Object.defineProperty(exports, "__esModule", { value: true });' +
          'exports.default = { function: () => "default" };',
      });
      expect(await answers({ target })).toEqual({ function: 'default' });
    },
  );

  test('is the default export itself when that was compiled to CommonJS', async () => {
    write({
      'index.js':
        'Object.defineProperty(exports, "__esModule", { value: true });' +
        'exports.default = () => "default";',
    });
    expect(await answers()).toEqual({ function: 'default' });
  });

  test('is refused when it is a class', async () => {
    write({ 'index.js': 'exports.Service = class Service {};' });
    expect(await refusal({ target: 'Service' })).toMatchObject({
      code: 'OFN_FUNCTION_INVALID',
      exitCode: 1,
    });
  });

  test('reaches into a default export', async () => {
    write({ 'index.mjs': 'export default { users: { find: () => "found" } };' });
    expect(await answers({ target: 'users.find' })).toEqual({ 'users.find': 'found' });
  });

  test('reaches into an exported function', async () => {
    write({ 'index.mjs': 'export function users() {} users.find = () => "found";' });
    expect(await answers({ target: 'users.find' })).toEqual({ 'users.find': 'found' });
  });

  test.each(['toString', 'users.constructor', 'users.find.call', '__proto__.toString'])(
    'does not reach what every object inherits: %s',
    async (target) => {
      write({ 'index.js': 'exports.users = { find: () => {} };' });
      expect((await refusal({ target })).code).toBe('OFN_TARGET_NOT_FOUND');
    },
  );

  test('is an object with a fetch method, such as a Hono app', async () => {
    write({ 'index.mjs': 'export const app = { fetch: () => "fetched" };' });
    const { functions } = await load({ target: 'app' });
    expect(functions).toMatchObject([{ name: 'app', style: 'fetch', body: 'stream' }]);
  });
});

describe('a target that is not there', () => {
  const text = 'export const helloWorld = () => 1, goodbye = () => 2, settings = {};';

  test.each(['helloworld', 'heloWorld', 'HelloWorld', 'hello_World'])(
    'is answered with the near miss: %s',
    async (target) => {
      write({ 'index.mjs': text });
      const error = await refusal({ target });
      expect(error).toMatchObject({ code: 'OFN_TARGET_NOT_FOUND', exitCode: 1 });
      expect(error.message).toBe(
        `${join(folder, 'index.mjs')} has no function "${target}": ` +
          'did you mean "helloWorld"? there is "goodbye", "helloWorld"',
      );
    },
  );

  test('is answered with what is there when nothing is near', async () => {
    write({ 'index.mjs': text });
    expect((await refusal({ target: 'payments' })).message).toMatch(
      /has no function "payments": there is "goodbye", "helloWorld"$/,
    );
  });

  test('is answered with registered functions too', async () => {
    write({ 'index.js': 'exports.hello = () => {};' });
    http('users', () => {});
    expect((await refusal({ target: 'user' })).message).toMatch(
      /did you mean "users"\? there is "users", "hello"$/,
    );
  });

  test('is answered when there is nothing at all', async () => {
    write({ 'index.js': '' });
    expect((await refusal({ target: 'hello' })).message).toMatch(
      /has no function "hello": there is none$/,
    );
  });

  test.each([
    ['a', 'of type object'],
    ['b', 'an array'],
    ['c', 'of type string'],
  ])('is answered with what it is instead: %s is %s', async (target, kind) => {
    write({ 'index.mjs': 'export const a = {}, b = [], c = "text", hello = () => {};' });
    const error = await refusal({ target });
    expect(error).toMatchObject({ code: 'OFN_FUNCTION_INVALID', exitCode: 1 });
    expect(error.message).toBe(
      `"${target}" of ${join(folder, 'index.mjs')} is no function but ${kind}; there is "hello"`,
    );
  });
});

describe('the plugins folder', () => {
  const AUDIT =
    'class Audit { constructor() { this.name = "audit"; } execPreHook() {} execPostHook() {} }';

  async function plugins(files: Readonly<Record<string, string>>): Promise<string[][]> {
    write({ 'index.js': 'exports.function = () => {};' });
    for (const [name, text] of Object.entries(files)) write({ [`plugins/${name}`]: text });
    const loaded = await load();
    return [loaded.plugins, loaded.hookPlugins].map((list) => list.map(({ name }) => name));
  }

  test('may be missing, or be no folder', async () => {
    expect(await plugins({})).toEqual([[], []]);
    write({ plugins: '' });
    expect(await load()).toMatchObject({ plugins: [], hookPlugins: [] });
  });

  test.each([
    ['a class', 'a.js', `${AUDIT} module.exports = Audit;`],
    ['an object of classes', 'a.js', `${AUDIT} module.exports = { Audit };`],
    ['a named class', 'a.mjs', `export ${AUDIT}`],
    ['a default class', 'a.mjs', `export default ${AUDIT}`],
    ['an instance', 'a.mjs', `${AUDIT} export default new Audit();`],
    ['a class under two names', 'a.mjs', `export ${AUDIT} export default Audit;`],
    ['a class under two names', 'a.js', `${AUDIT} module.exports = Audit; Audit.Audit = Audit;`],
    ['a class under two names', 'a.js', `${AUDIT} exports.default = Audit; exports.Audit = Audit;`],
  ])("gives one plugin of OpenFunction's kind for %s in %s", async (_title, file, text) => {
    expect(await plugins({ [file]: text })).toEqual([[], ['audit']]);
  });

  test.each([
    ['a.mjs', 'export default { name: "timing", wrap: (_, next) => next() };'],
    ['a.mjs', 'export const timing = { name: "timing", setup() {} };'],
    ['a.cjs', 'module.exports = { name: "timing", close() {} };'],
    ['a.cjs', 'exports.timing = { name: "timing", close() {} };'],
  ])('gives a plugin made with definePlugin: %s %s', async (file, text) => {
    expect(await plugins({ [file]: text })).toEqual([['timing'], []]);
  });

  test('is read in the order of its file names, and passes over what is no plugin', async () => {
    expect(
      await plugins({
        'b.mjs': 'export default { name: "b", wrap: (_, next) => next() };',
        'a.mjs':
          'export const other = 1, text = "x", nothing = null, fn = () => {}, named = { name: "n" };' +
          'export const a = { name: "a", wrap: (_, next) => next() };',
        'notes.txt': 'not code',
      }),
    ).toEqual([['a', 'b'], []]);
  });

  test('passes over declarations of types', async () => {
    expect(
      await plugins({
        'audit.js': `${AUDIT} module.exports = Audit;`,
        'audit.d.ts': 'throw new Error("a declaration was run");',
      }),
    ).toEqual([[], ['audit']]);
  });

  test('lies beside a source that is a file', async () => {
    write({
      'lib/main.js': 'exports.function = () => {};',
      'lib/plugins/a.js': `${AUDIT} module.exports = Audit;`,
    });
    const { hookPlugins } = await load({ source: join(folder, 'lib', 'main.js') });
    expect(hookPlugins.map(({ name }) => name)).toEqual(['audit']);
  });

  test('lies in the source folder, wherever main is', async () => {
    write({
      'package.json': { main: './dist/index.js' },
      'dist/index.js': 'exports.function = () => {};',
      'plugins/a.js': `${AUDIT} module.exports = Audit;`,
    });
    expect((await load()).hookPlugins.map(({ name }) => name)).toEqual(['audit']);
  });

  test('fails the start when a class fails in its constructor', async () => {
    const text =
      'module.exports = class Bad { constructor() { throw new Error("no key"); } execPreHook() {} };';
    const error: unknown = await plugins({ 'bad.js': text }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'OFN_PLUGIN_INVALID' });
    expect((error as Error).message).toBe(
      `the plugin Bad of ${join(folder, 'plugins', 'bad.js')} failed when it was made: Error: no key`,
    );
  });

  test('fails the start when a hook of a plugin is no function', async () => {
    const bad = plugins({ 'bad.mjs': 'export default { name: "bad", wrap: 1 };' });
    await expect(bad).rejects.toMatchObject({
      code: 'OFN_PLUGIN_INVALID',
      message: 'plugin "bad": wrap is not a function',
    });
  });

  test('fails the start when a file of it throws', async () => {
    const bad = plugins({ 'bad.js': 'throw new Error("broken");' });
    await expect(bad).rejects.toMatchObject({
      code: 'OFN_SOURCE_FAILED',
      message: expect.stringContaining('bad.js failed while it was loaded: Error: broken'),
    });
  });
});

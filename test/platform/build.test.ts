// `ofn build`: the folder that it makes runs by itself, and nothing that is not its own is touched.
import { cpSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { binOf, install, runNode, serve } from './framework.ts';
import { ask, createProject, type Project } from './project.ts';

const OFN = binOf('@ofn/cli', 'ofn');

const CODE = `import { http } from '@ofn/core';
import { shout } from 'shout';
enum Word { Hello = 'hello' }
http('hello', (req, res) => {
  if (req.query['fail'] !== undefined) throw new Error('no');
  res.send(shout(Word.Hello));
});
`;
const SHOUT = {
  'node_modules/shout/package.json': '{"name":"shout","version":"1.0.0","main":"lib/shout.js"}',
  'node_modules/shout/lib/shout.js':
    "let extra;\ntry { extra = require('not-there'); } catch {}\nexports.shout = (text) => text.toUpperCase() + '!';\n",
};

/** A project with a function in TypeScript, and @ofn/core installed. */
function project(files: Readonly<Record<string, string>> = {}): Project {
  const created = createProject({
    'index.ts': CODE,
    'package.json': '{"type":"module"}',
    ...SHOUT,
    ...files,
  });
  install(created.folder, '@ofn/core');
  return created;
}

const build = (folder: string, ...args: string[]) => runNode(folder, [OFN, 'build', ...args]);

/** What an image has: what was built, and the framework. */
function deploy(built: string): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ofn-image-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  cpSync(built, root, { recursive: true });
  install(root, '@ofn/core');
  return root;
}

function read(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files.map((file) => [file.slice(folder.length + 1), readFileSync(file, 'utf8')]),
  );
}

const dependenciesOf = (built: string): unknown =>
  (JSON.parse(readFileSync(join(built, 'package.json'), 'utf8')) as { dependencies: unknown })
    .dependencies;
const { version } = JSON.parse(
  readFileSync(join(binOf('@ofn/core', 'functions-framework'), '../../package.json'), 'utf8'),
) as { version: string };

describe('what is built', () => {
  test('answers in a folder that has nothing but the framework, and stops on SIGTERM', async () => {
    const { folder } = project();
    const { code, err, out } = await build(folder);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(
      /^hello: built in \d+ ms: dist \(index\.mjs \d+ B\)\n\nNext:\n {2}docker build -t hello dist\n$/,
    );
    const image = deploy(join(folder, 'dist'));
    expect(dependenciesOf(image)).toEqual({ '@ofn/core': version });
    const { end, port } = await serve(image, ['--source', 'index.mjs', '--port', '0']);
    expect((await ask(port)).body).toBe('HELLO!');
    expect(await end()).toBe(0);
  });

  test('tells the lines of the source in stacks', async () => {
    const { folder } = project();
    await build(folder);
    const image = deploy(join(folder, 'dist'));
    const { output, port } = await serve(image, ['--source', 'index.mjs', '--port', '0']);
    expect((await ask(port, 'localhost', '/?fail')).status).toBe(500);
    await expect.poll(output).toContain(`${image}/index.ts:5:`);
  });

  test('is the same byte by byte when it is built again, and elsewhere', async () => {
    const [one, other] = [project(), project()];
    await build(one.folder);
    const first = read(join(one.folder, 'dist'));
    expect(Object.keys(first).toSorted()).toEqual(
      ['.dockerignore', 'Dockerfile', 'index.mjs', 'index.mjs.map', 'package.json'].toSorted(),
    );
    await build(one.folder);
    await build(other.folder);
    expect(read(join(one.folder, 'dist'))).toEqual(first);
    expect(read(join(other.folder, 'dist'))).toEqual(first);
    expect(JSON.stringify(first)).not.toContain(one.folder);
  });

  test('has the plugins beside it, and what they import as dependencies', async () => {
    const { folder } = project({
      'plugins/mark.js':
        "import { shout } from 'shout';\nexport const mark = { name: 'mark', wrap: async (ctx, next) => { console.log(shout('marked')); return next(); } };\n",
    });
    await build(folder);
    const image = deploy(join(folder, 'dist'));
    expect(dependenciesOf(image)).toEqual({ '@ofn/core': version, shout: '1.0.0' });
    cpSync(join(folder, 'node_modules/shout'), join(image, 'node_modules/shout'), {
      recursive: true,
    });
    const { output, port } = await serve(image, ['--source', 'index.mjs', '--port', '0']);
    expect((await ask(port)).body).toBe('HELLO!');
    await expect.poll(output).toContain('MARKED!');
  });
});

describe('packages', () => {
  test('with native code, and those that look for files of their own, are dependencies', async () => {
    const { folder } = project({
      'index.ts': "import 'shout';\nimport 'deep';\nexport default () => {};\n",
      'node_modules/deep/package.json': '{"name":"deep","version":"2.0.0"}',
      'node_modules/deep/index.js': "require('addon');\nrequire('reader/part.js');\n",
      'node_modules/addon/package.json':
        '{"name":"addon","version":"3.1.0","scripts":{"install":"node-gyp rebuild"}}',
      'node_modules/addon/index.js': "require('./build/addon.node');\n",
      'node_modules/addon/build/addon.node': '',
      'node_modules/reader/package.json': '{"name":"reader","version":"4.0.0-rc.1"}',
      'node_modules/reader/part.js': 'exports.place = __dirname;\n',
    });
    const { code, out } = await build(folder);
    expect([code, out]).toEqual([0, expect.stringContaining(' B, beside addon, reader)')]);
    const dist = join(folder, 'dist');
    expect(dependenciesOf(dist)).toEqual({
      '@ofn/core': version,
      addon: '3.1.0',
      reader: '4.0.0-rc.1',
    });
    expect(read(dist)['Dockerfile']).toContain(
      '--ignore-scripts --no-audit --no-fund && npm rebuild addon',
    );
  });

  test('that others share with them are dependencies, and what --external names', async () => {
    const named = (name: string, more = '') => ({
      [`node_modules/${name}/package.json`]: `{"name":"${name}","version":"1.0.0"${more}}`,
      [`node_modules/${name}/index.js`]: `exports.name = '${name}';\n`,
    });
    const { folder } = project({
      'index.ts': "import 'addon';\nimport 'shared';\nimport 'hooked';\nimport 'bundled';\n",
      ...named('addon', ',"gypfile":true,"peerDependencies":{"shared":"1","not-there":"1"}'),
      ...named('shared'),
      ...named('hooked'),
      ...named('bundled'),
    });
    await build(folder, '--external', 'hooked', '--external', 'addon', '.');
    expect(dependenciesOf(join(folder, 'dist'))).toEqual({
      '@ofn/core': version,
      addon: '1.0.0',
      hooked: '1.0.0',
      shared: '1.0.0',
    });
    expect(await build(folder, '--external', 'hoked')).toMatchObject({
      code: 1,
      err: 'hello: cannot be built\nthe package "hoked", which is not to be bundled, is not installed\n',
    });
  });

  test('that tracing hooks are dependencies of a project with tracing, and of no other', async () => {
    const driver = {
      'index.ts': "import 'pg';\nexport default () => {};\n",
      'node_modules/pg/package.json': '{"name":"pg","version":"8.0.0"}',
      'node_modules/pg/index.js': '',
    };
    const plain = project(driver);
    const traced = project({
      ...driver,
      'package.json': '{"type":"module","dependencies":{"@ofn/tracing":"*"}}',
      'node_modules/@ofn/tracing/package.json': '{"name":"@ofn/tracing","version":"0.1.0"}',
    });
    await build(plain.folder);
    await build(traced.folder);
    expect(dependenciesOf(join(plain.folder, 'dist'))).not.toHaveProperty('pg');
    expect(dependenciesOf(join(traced.folder, 'dist'))).toHaveProperty('pg', '8.0.0');
  });

  test('of the framework that the project depends on, and nothing imports, are dependencies', async () => {
    const { folder } = project({
      'package.json': '{"type":"module","dependencies":{"@ofn/tracing":"*"}}',
      'node_modules/@ofn/tracing/package.json': '{"name":"@ofn/tracing","version":"0.1.0"}',
    });
    await build(folder);
    expect(dependenciesOf(join(folder, 'dist'))).toEqual({
      '@ofn/core': version,
      '@ofn/tracing': '0.1.0',
    });
  });
});

test('a package that the project has of a packed file goes with the build, for a function in a folder below too', async () => {
  const { folder } = project({
    'package.json': '{"type":"module","dependencies":{"@ofn/core":"file:../hello/core.tgz"}}',
    'core.tgz': 'packed',
    'below/index.js': "import '@ofn/core';\nexport default () => {};\n",
  });
  for (const built of ['.', 'below']) {
    await build(join(folder, built));
    const dist = join(folder, built, 'dist');
    expect(dependenciesOf(dist)).toEqual({ '@ofn/core': 'file:packages/core.tgz' });
    expect(read(dist)).toMatchObject({
      'packages/core.tgz': 'packed',
      Dockerfile: expect.stringMatching(/COPY packages packages\nRUN npm install/),
    });
  }
  expect((await build(folder)).code).toBe(0);
});

describe('the Dockerfile', () => {
  const functionOf = (env: string, name = 'hello', path = '.'): string =>
    `apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: ${name} }
spec:
  image: example/${name}:v1
  build: { dockerfile: Dockerfile, env: ${env}, srcRepo: { url: 'https://example.com/a.git', sourceSubPath: ${path} } }
  serving: {}
`;

  test('runs what FUNC_NAME and FUNC_TYPE say, as one process that is not root', async () => {
    const { folder } = project({
      'function.yaml': functionOf('{ FUNC_NAME: greet, FUNC_TYPE: openfunction }'),
      'index.ts': 'export const greet = (ctx: unknown, data: string) => `Hello, ${data}!`;\n',
    });
    expect((await build(folder)).out).toContain(
      '  docker build -t example/hello:v1 dist\n  npx ofn render function.yaml | kubectl apply -f -\n',
    );
    const dockerfile = readFileSync(join(folder, 'dist/Dockerfile'), 'utf8');
    expect(dockerfile).toMatch(/^USER 1000:1000$/m);
    const env = Object.fromEntries(
      [...dockerfile.matchAll(/^ENV (\w+)="?([^"\n]*)"?$/gm)].map(([, name = '', value = '']) => [
        name,
        value,
      ]),
    );
    expect(env).toEqual({
      NODE_ENV: 'production',
      FUNCTION_TARGET: 'greet',
      FUNCTION_SIGNATURE_TYPE: 'openfunction',
    });
    const [, command = '[]'] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? [];
    const [node, flag, bin, ...args] = JSON.parse(command) as string[];
    expect([node, flag]).toEqual(['node', '--enable-source-maps']);
    const image = deploy(join(folder, 'dist'));
    expect(realpathSync(join(image, bin ?? ''))).toBe(
      realpathSync(binOf('@ofn/core', 'functions-framework')),
    );
    const { port } = await serve(image, [...args, '--port', '0'], env);
    const reply = await fetch(`http://localhost:${port}/`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'Ada',
    });
    expect(await reply.text()).toBe('Hello, Ada!');
  });

  test('is not made for a signature type that there is not', async () => {
    const { folder } = project({ 'function.yaml': functionOf('{ FUNC_TYPE: lambda }') });
    const { code, err } = await build(folder);
    expect([code, err]).toEqual([
      1,
      'Function "hello": FUNC_TYPE of spec.build.env is "lambda"; it must be http, cloudevent, openfunction, event\n',
    ]);
    expect(readdirSync(folder)).not.toContain('dist');
  });

  test('of several functions is in a folder for each', async () => {
    const { folder } = project({
      'function.yaml': `${functionOf('{}', 'one', 'a')}---\n${functionOf('{}', 'two', 'b')}`,
      'a/index.js': 'export default () => {};\n',
      'b/index.js': 'export default () => {};\n',
    });
    expect((await build(folder)).code).toBe(0);
    expect(readdirSync(join(folder, 'dist')).toSorted()).toEqual(['one', 'two']);
    expect((await build(folder, '--out', 'other')).code).toBe(0);
    expect(
      Object.keys(read(join(folder, 'other'))).filter((file) => file.endsWith('.mjs')),
    ).toEqual([join('one', 'index.mjs'), join('two', 'index.mjs')]);
  });
});

describe('what cannot be built ends with 1, leaves the last build as it is, and is told', () => {
  test.each([
    [
      'code that is not valid',
      'export default (req, res => {',
      /^hello: cannot be built\n[^]*index\.ts:1:30/,
    ],
    [
      'a file that is not there',
      "import './gone.js';",
      /Could not resolve '\.\/gone\.js' in index\.ts/,
    ],
    [
      'a package that is not installed',
      "import 'gone/part';",
      /^index\.ts imports "gone\/part", which is not installed$/m,
    ],
    [
      'a package of the framework that is not installed',
      "import '@ofn/gone';",
      /^index\.ts imports "@ofn\/gone", which is not installed$/m,
    ],
    [
      'a native addon of the function itself',
      "require('./own.node');",
      /^index\.ts imports \.\/own\.node: a native addon has to be in a package$/m,
    ],
  ])('%s', async (_, code, message) => {
    const { folder, write } = project({ 'own.node': '' });
    await build(folder);
    const before = read(join(folder, 'dist'));
    write('index.ts', code);
    const ended = await build(folder);
    expect(ended).toMatchObject({ code: 1, out: '', err: expect.stringMatching(message) });
    expect(ended.err).not.toMatch(/^ +at /m);
    expect(read(join(folder, 'dist'))).toEqual(before);
  });

  test('a plugin that imports what is not deployed with it', async () => {
    const { folder } = project({ 'plugins/a.js': "import '../index.ts';\n" });
    expect((await build(folder)).err).toContain(
      'plugins/a.js imports ../index.ts, and only the folder plugins is deployed with it',
    );
  });

  test('two versions of a package that cannot be bundled', async () => {
    const addon = (parent: string, version: string) => ({
      [`node_modules/${parent}/package.json`]: `{"name":"${parent}","version":"1.0.0"}`,
      [`node_modules/${parent}/index.js`]: "require('addon');\n",
      [`node_modules/${parent}/node_modules/addon/package.json`]: `{"name":"addon","version":"${version}","gypfile":true}`,
      [`node_modules/${parent}/node_modules/addon/index.js`]: '',
    });
    const { folder } = project({
      'index.ts': "import 'one';\nimport 'two';\n",
      ...addon('one', '1.0.0'),
      ...addon('two', '2.0.0'),
    });
    expect((await build(folder)).err).toMatch(
      /"addon" cannot be bundled, and is needed in the versions \d\.0\.0 and \d\.0\.0/,
    );
  });
});

describe('a folder is only written to when it is of a build', () => {
  test.each([
    ['with a file that no build makes', { 'dist/mine.txt': 'kept' }, 'mine.txt'],
    [
      'with files of the same names that are not of a build',
      { 'dist/index.mjs': 'kept' },
      'index.mjs',
    ],
    ['with a Dockerfile of the user', { 'dist/Dockerfile': 'FROM scratch\n' }, 'Dockerfile'],
  ])('%s', async (_, files, named) => {
    const { folder } = project(files);
    const before = read(join(folder, 'dist'));
    const { code, err } = await build(folder);
    expect([code, err]).toEqual([
      1,
      `dist has files that ofn build has not made (${named}); name another folder with --out, or remove it\n`,
    ]);
    expect(read(join(folder, 'dist'))).toEqual(before);
    expect((await build(folder, '--out', 'other')).code).toBe(0);
  });

  test('what installing the packages of a build adds is no obstacle, and stays', async () => {
    const { folder, write } = project();
    await build(folder);
    write('dist/package-lock.json', '{}');
    write('dist/node_modules/kept/package.json', '{}');
    expect((await build(folder)).code).toBe(0);
    expect(Object.keys(read(join(folder, 'dist')))).toEqual(
      expect.arrayContaining(['package-lock.json', join('node_modules', 'kept', 'package.json')]),
    );
  });
});

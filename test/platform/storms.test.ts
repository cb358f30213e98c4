// Files that change in ways that editors, checkouts and people have, on the local platform.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import {
  ask,
  createProject,
  functionFile,
  hello,
  processesIn,
  start,
  startTraffic,
  told,
  type Running,
} from './project.ts';

const WAIT = { timeout: 20_000, interval: 10 };
const MODULE = '{"type":"module"}';

const says = (text: string): string => `export default (req, res) => res.send('${text}');\n`;
const passes =
  "import { text } from './src/text.js';\nexport default (req, res) => res.send(text);\n";
const textFile = (text: string): string => `export const text = '${text}';\n`;

const builds = ({ events }: Running): number =>
  events.filter(({ type }) => type === 'built' || type === 'build-failed').length;

const body = async (port: number): Promise<string> => (await ask(port)).body;

test('of 200 saves in a row the last is served, with few builds, and no request fails', async () => {
  const { folder, write } = createProject({ 'index.js': says('0'), 'package.json': MODULE });
  const platform = await start([folder]);
  await ask(platform.port);
  const traffic = startTraffic(platform.port);
  for (let save = 1; save <= 200; save += 1) write('index.js', says(String(save)));
  await expect.poll(() => body(platform.port), WAIT).toBe('200');
  expect(Object.keys(await traffic.end())).toEqual(['200']);
  expect(builds(platform)).toBeLessThan(20);
});

test('saves every 50 ms for three seconds fail no request, and the last is served', async () => {
  const { folder, write } = createProject({ 'index.js': says('0'), 'package.json': MODULE });
  const platform = await start([folder]);
  await ask(platform.port);
  const traffic = startTraffic(platform.port);
  let save = 0;
  // A person who types, not a test that waits.
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      save += 1;
      write('index.js', says(`save ${save}`));
      if (save < 60) return;
      clearInterval(timer);
      resolve();
    }, 50);
  });
  await expect.poll(() => body(platform.port), WAIT).toBe('save 60');
  expect(Object.keys(await traffic.end())).toEqual(['200']);
  // Those of code that nobody needs any more end.
  await vi.waitFor(() => expect(processesIn(folder)).toHaveLength(1), WAIT);
});

/** What replaces the folder `src`, whose `text.js` says another text then; and then the same for another one. */
const replacements: readonly (readonly [string, (folder: string, text: string) => void])[] = [
  [
    'is replaced by a rename',
    (folder, text) => {
      const next = join(dirname(folder), `next-${text}`);
      mkdirSync(next);
      writeFileSync(join(next, 'text.js'), textFile(text));
      renameSync(join(folder, 'src'), join(dirname(folder), `old-${text}`));
      renameSync(next, join(folder, 'src'));
    },
  ],
  [
    'is removed, and made again',
    (folder, text) => {
      rmSync(join(folder, 'src'), { recursive: true });
      mkdirSync(join(folder, 'src'));
      writeFileSync(join(folder, 'src/text.js'), textFile(text));
    },
  ],
];

test.each(replacements)(
  'a folder that %s is served as it is now, and watched on',
  async (_, replace) => {
    const { folder, write } = createProject({
      'index.js': passes,
      'package.json': MODULE,
      'src/text.js': textFile('zero'),
    });
    const { port } = await start([folder]);
    expect(await body(port)).toBe('zero');
    const traffic = startTraffic(port);
    for (const round of ['one', 'two']) {
      replace(folder, round);
      await expect.poll(() => body(port), WAIT).toBe(round);
      write('src/text.js', textFile(`${round} saved`));
      await expect.poll(() => body(port), WAIT).toBe(`${round} saved`);
    }
    expect(Object.keys(await traffic.end())).toEqual(['200']);
  },
);

test('a function whose whole folder is replaced is served as it is now, and watched on', async () => {
  const { folder, write } = createProject({ 'index.js': says('zero'), 'package.json': MODULE });
  const root = dirname(folder);
  const { port } = await start([folder], { directory: root });
  expect(await body(port)).toBe('zero');
  const traffic = startTraffic(port);
  for (const round of ['one', 'two']) {
    mkdirSync(join(root, 'next'));
    writeFileSync(join(root, 'next/index.js'), says(round));
    writeFileSync(join(root, 'next/package.json'), MODULE);
    renameSync(folder, join(root, `before-${round}`));
    renameSync(join(root, 'next'), folder);
    await expect.poll(() => body(port), WAIT).toBe(round);
    write('index.js', says(`${round} saved`));
    await expect.poll(() => body(port), WAIT).toBe(`${round} saved`);
  }
  rmSync(folder, { recursive: true });
  write('package.json', MODULE);
  write('index.js', says('again'));
  await expect.poll(() => body(port), WAIT).toBe('again');
  expect(Object.keys(await traffic.end())).toEqual(['200']);
});

test('a checkout of many files is served in its last state, and no request fails', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `part-${index}`);
  const files = (version: string): Readonly<Record<string, string>> => ({
    'index.js': `${names.map((name, index) => `import { part as p${index} } from './parts/${index % 7}/${name}.js';`).join('\n')}
export default (req, res) => res.send([...new Set([${names.map((_, index) => `p${index}`).join()}])].join());\n`,
    ...Object.fromEntries(
      names.map((name, index) => [
        `parts/${index % 7}/${name}.js`,
        `export const part = '${version}';\n`,
      ]),
    ),
  });
  const { folder, write } = createProject({ ...files('one'), 'package.json': MODULE });
  const platform = await start([folder]);
  expect(await body(platform.port)).toBe('one');
  const traffic = startTraffic(platform.port, 2);
  for (const version of ['two', 'three']) {
    // As git does: what is replaced is removed first.
    for (const [file, code] of Object.entries(files(version))) {
      rmSync(join(folder, file));
      write(file, code);
    }
    await expect.poll(() => body(platform.port), WAIT).toBe(version);
  }
  expect(Object.keys(await traffic.end())).toEqual(['200']);
  expect(builds(platform)).toBeLessThan(30);
});

test('files that are saved by a rename, or removed and written again, are served', async () => {
  const { folder, write } = createProject({ 'index.js': says('zero'), 'package.json': MODULE });
  const { events, port } = await start([folder]);
  expect(await body(port)).toBe('zero');
  const traffic = startTraffic(port);
  for (let round = 1; round <= 3; round += 1) {
    write('.index.js.swp', says(`renamed ${round}`));
    renameSync(join(folder, '.index.js.swp'), join(folder, 'index.js'));
    await expect.poll(() => body(port), WAIT).toBe(`renamed ${round}`);
    rmSync(join(folder, 'index.js'));
    write('index.js', says(`written ${round}`));
    await expect.poll(() => body(port), WAIT).toBe(`written ${round}`);
  }
  rmSync(join(folder, 'index.js'));
  await expect
    .poll(() => events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])), WAIT)
    .toContainEqual(expect.stringContaining('has no code to run'));
  expect(await body(port)).toBe('written 3');
  write('index.js', says('back'));
  await expect.poll(() => body(port), WAIT).toBe('back');
  expect(Object.keys(await traffic.end())).toEqual(['200']);
});

test('a Function file that is broken is told once, and what it said serves until it is mended', async () => {
  const { folder, write } = createProject({
    'index.js': "export default (req, res) => res.send(process.env.TEXT ?? '');\n",
    'package.json': MODULE,
    'function.yaml': functionFile('hello', 'params: { TEXT: one }'),
  });
  const { events, port } = await start([folder]);
  expect(await body(port)).toBe('one');
  const traffic = startTraffic(port);
  const warnings = (): readonly string[] =>
    events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  write('function.yaml', 'kind: [\n');
  await vi.waitFor(() => expect(warnings()).toHaveLength(1), WAIT);
  expect(warnings()[0]).toContain('function.yaml:');
  write('function.yaml', functionFile('hello', 'paramz: { TEXT: two }'));
  await vi.waitFor(() => expect(warnings()).toHaveLength(2), WAIT);
  expect(warnings()[1]).toContain('did you mean params?');
  expect(await body(port)).toBe('one');
  write('function.yaml', functionFile('hello', 'params: { TEXT: two }'));
  await expect.poll(() => body(port), WAIT).toBe('two');
  rmSync(join(folder, 'function.yaml'));
  write('function.yaml', functionFile('hello', 'params: { TEXT: three }'));
  await expect.poll(() => body(port), WAIT).toBe('three');
  expect(Object.keys(await traffic.end())).toEqual(['200']);
  expect(told(folder, 'Function').join('\n')).toMatch(/Updated: Function updated/);
  await expect.poll(() => hello(folder).serving.condition.state, WAIT).toBe('Running');
});

test('functions that come and go in one file are served and deleted, also when they change places', async () => {
  const file = (...names: readonly string[]): string =>
    names.map((name) => functionFile(name, `params: { TEXT: ${name} }`)).join('---\n');
  const { folder, write } = createProject({
    'index.js': "export default (req, res) => res.send(process.env.TEXT ?? '');\n",
    'package.json': MODULE,
    'function.yaml': file('one', 'two'),
  });
  const { functions, port } = await start([folder]);
  for (const names of [
    ['two', 'three'],
    ['one', 'three'],
    ['one', 'two', 'three'],
  ]) {
    // The second save comes while the first one is taken in.
    write('function.yaml', file('two'));
    write('function.yaml', file(...names));
    await expect
      .poll(
        async () =>
          (await Promise.all(names.map((name) => ask(port, `${name}.localhost`)))).map(
            (reply) => reply.body,
          ),
        WAIT,
      )
      .toEqual(names);
    await vi.waitFor(
      () =>
        expect(
          functions()
            .map(({ name }) => name)
            .toSorted(),
        ).toEqual(names.toSorted()),
      WAIT,
    );
  }
  expect(told(folder, 'Function').join('\n')).toMatch(/Deleted: Function deleted/);
});

test('30 reloads leave no process, listener or timer behind', async () => {
  const { folder, write } = createProject({ 'index.js': says('0'), 'package.json': MODULE });
  const { port } = await start([folder], { stopTimeout: 2000 });
  async function reload(count: number): Promise<void> {
    write('index.js', says(String(count)));
    await expect.poll(() => body(port), WAIT).toBe(String(count));
  }
  async function settled() {
    await vi.waitFor(() => expect(processesIn(folder)).toHaveLength(1), WAIT);
    const resources = new Map<string, number>();
    for (const name of process.getActiveResourcesInfo()) {
      resources.set(name, (resources.get(name) ?? 0) + 1);
    }
    const listeners = process
      .eventNames()
      .reduce((sum, name) => sum + process.listenerCount(name), 0);
    return { resources, listeners };
  }
  await ask(port);
  for (let count = 1; count <= 5; count += 1) await reload(count);
  const before = await settled();
  for (let count = 6; count <= 35; count += 1) await reload(count);
  await expect
    .poll(async () => {
      const { listeners, resources } = await settled();
      const grown = [...resources].filter(
        ([name, count]) => count > (before.resources.get(name) ?? 0) + 5,
      );
      return [listeners - before.listeners, grown];
    }, WAIT)
    .toEqual([0, []]);
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAgent, toSummary } from './agent.fixture.ts';
import { hookLibraries } from './libraries.ts';

const fixture = createAgent();
const { agent, segments } = fixture;
let folder = '';

// What the agent hooks of ioredis, and how it says that it was loaded.
const REDIS = `
  class Redis {
    options = { host: 'redis', port: 6379 };
    sendCommand(command) { return Promise.resolve(command.name); }
  }
  globalThis.loadedRedis = (globalThis.loadedRedis ?? 0) + 1;
  module.exports = Redis;
`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ofn-libraries-'));
  segments.length = 0;
  Reflect.deleteProperty(globalThis, 'loadedRedis');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const manifest = (dependencies: object): string => JSON.stringify({ dependencies });

const redis = (at = 'node_modules/ioredis'): Record<string, string> => ({
  [`${at}/package.json`]: JSON.stringify({ name: 'ioredis', version: '5.0.0', main: 'index.js' }),
  [`${at}/index.js`]: REDIS,
});

/** Calls the library as the function would, and returns the spans of it. */
async function callRedis(from = 'index.js'): Promise<unknown[]> {
  const Redis = createRequire(join(folder, from))('ioredis') as new () => {
    sendCommand(command: { name: string }): Promise<string>;
  };
  await expect(new Redis().sendCommand({ name: 'get' })).resolves.toBe('get');
  return segments.flatMap(({ spans }) => spans.map(toSummary));
}

test('a library that the function depends on is hooked, wherever the agent is installed', async () => {
  write({ 'package.json': manifest({ ioredis: '*' }), ...redis() });
  hookLibraries(agent, folder, []);
  expect(await callRedis()).toMatchObject([
    { operation: 'redis/get', type: 'Exit', peer: 'redis:6379', layer: 5 },
  ]);
});

test('the package is that above the source, which may be a file below it', async () => {
  write({ 'package.json': manifest({ ioredis: '*' }), 'dist/index.js': '', ...redis() });
  hookLibraries(agent, join(folder, 'dist/index.js'), []);
  expect(await callRedis('dist/index.js')).toHaveLength(1);
});

test('a library that only a dependency of the function uses is hooked too', async () => {
  write({
    'package.json': manifest({ queue: '*' }),
    'node_modules/queue/package.json': manifest({ ioredis: '*' }),
    ...redis(),
  });
  hookLibraries(agent, folder, []);
  expect(await callRedis()).toHaveLength(1);
});

test('a library that is installed, and not used, is not even loaded', () => {
  write({ 'package.json': manifest({ other: '*' }), ...redis() });
  hookLibraries(agent, folder, []);
  expect(globalThis).not.toHaveProperty('loadedRedis');
});

test('a library that is switched off is left alone, in any letter case', async () => {
  write({ 'package.json': manifest({ ioredis: '*' }), ...redis() });
  hookLibraries(agent, folder, ['ioRedis']);
  expect(globalThis).not.toHaveProperty('loadedRedis');
  expect(await callRedis()).toEqual([]);
});

test.each([
  ['no manifest', {}],
  ['a manifest that is no JSON', { 'package.json': '{' }],
  ['a manifest of an odd shape', { 'package.json': '{"dependencies":7}' }],
  ['a dependency that is not installed', { 'package.json': manifest({ ioredis: '*' }) }],
  [
    'a dependency that throws',
    {
      'package.json': manifest({ ioredis: '*' }),
      ...redis(),
      'node_modules/ioredis/index.js': 'throw new Error("broken")',
    },
  ],
])('%s stops nothing', (_, files) => {
  write(files);
  expect(() => hookLibraries(agent, folder, [])).not.toThrow();
});

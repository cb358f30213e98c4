// Covers plugins: around all functions, around one, of the plugins folder; and the hooks.
import { join } from 'node:path';
import { createTestRuntime } from '@ofn/core/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'plugin');

async function runExample(options: Parameters<typeof createTestRuntime>[0] = {}) {
  // What the stop hook prints would stand between the results.
  vi.spyOn(console, 'log').mockReturnValue();
  const runtime = await createTestRuntime({ source: folder, ...options });
  onTestFinished(() => runtime.close());
  return runtime;
}

test('lets the global plugin see each function, and its failure', async () => {
  const runtime = await runExample();
  const greeted = await runtime.request({ path: '/greet' });
  expect(greeted.headers.get('server-timing')).toMatch(/^function;dur=\d+$/);

  const example = await startExample(folder);
  await fetch(`${example.origin}/secret`);
  expect(await example.line(({ msg }) => msg === 'timed')).toMatchObject({ function: 'secret' });
});

test('keeps a call out that the plugin of its function refuses', async () => {
  const runtime = await runExample();
  const refused = await runtime.request({ path: '/secret' });
  expect(refused.status).toBe(401);
  expect(await refused.json()).toMatchObject({ detail: 'send the header X-Api-Key' });
  const headers = { 'x-api-key': 'secret' };
  const allowed = await runtime.request({ path: '/secret', headers });
  expect(await allowed.json()).toEqual({ greeting: 'Good day' });
});

test('runs the class of the plugins folder before the handler', async () => {
  const runtime = await runExample();
  for (const calls of [1, 2]) {
    const response = await runtime.request({ path: '/greet' });
    expect(await response.json()).toEqual({ greeting: 'Hello', calls });
  }
});

test('runs no class of the plugins folder when the context lists none', async () => {
  const context = JSON.stringify({ preHooks: [], postHooks: [] });
  const runtime = await runExample({ env: { FUNC_CONTEXT_V1BETA2: context } });
  const response = await runtime.request({ path: '/greet' });
  expect(await response.json()).toEqual({ greeting: 'Hello' });
});

test('runs the stop hook when the process is told to stop', async () => {
  const example = await startExample(folder);
  expect(example.output()).not.toContain('stopped, after the last call');
  expect(await example.stop()).toBe(0);
  expect(example.output()).toContain('stopped, after the last call');
});

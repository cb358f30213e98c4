// Covers Web-standard handlers: a Hono app that routes its own paths, and a plain function.
import { join } from 'node:path';
import { createTestRuntime } from '@ofn/core/testing';
import { expect, onTestFinished, test } from 'vitest';

const folder = join(import.meta.dirname, 'fetch-handler');

async function runExample() {
  const runtime = await createTestRuntime({ source: folder });
  onTestFinished(() => runtime.close());
  return runtime;
}

test.each([
  ['/books', '["Middlemarch","Emma"]'],
  ['/books/Emma', 'You asked for Emma.\n'],
  ['/books/Emma/words', 'once\nupon\na\ntime\n'],
])('lets the Hono app answer %s', async (path, body) => {
  const runtime = await runExample();
  const response = await runtime.request({ path });
  expect(await response.text()).toBe(body);
});

test('sends the status that the Hono app gives an unknown path', async () => {
  const runtime = await runExample();
  const response = await runtime.request({ path: '/books/a/b/c' });
  expect(response.status).toBe(404);
  expect(await response.text()).toBe('404 Not Found');
});

test('hands a plain function a Request, and sends its Response with its headers', async () => {
  const runtime = await runExample();
  const response = await runtime.request({ path: '/shout', method: 'POST', body: 'hello' });
  expect(await response.text()).toBe('HELLO\n');
  expect(response.headers.get('x-length')).toBe('5');
});

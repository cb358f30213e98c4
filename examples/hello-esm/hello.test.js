// How to test a function: it runs in this process, through the real server, without a port.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createTestRuntime } from '@ofn/core/testing';

const runtime = await createTestRuntime({ source: import.meta.dirname });
after(() => runtime.close());

await test('greets the world', async () => {
  const response = await runtime.http('hello');
  assert.equal(response.status, 200);
  assert.equal(await response.text(), 'Hello, World!\n');
});

await test('greets by name', async () => {
  const response = await runtime.http('hello', { path: '/?name=Ada' });
  assert.equal(await response.text(), 'Hello, Ada!\n');
});

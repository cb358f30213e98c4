// Covers a function over HTTP that feeds a topic, and the function that the topic feeds.
import { join } from 'node:path';
import { createTestRuntime } from '@ofn/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { freePort, startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'http-triggers-async');

const QUEUE = { uri: 'orders', componentName: 'pubsub', componentType: 'pubsub.in-memory' };

test.each(['http', 'grpc'] as const)('accepts and handles, delivered by %s', async (protocol) => {
  const example = await startExample(folder, protocol);
  const response = await fetch(`${example.origin}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"id":9}',
  });
  expect(response.status).toBe(202);
  await example.line(({ msg }) => msg === 'order 9 is handled');
  expect(await example.stop()).toBe(0);
});

test('tells its caller when the order could not be sent', async () => {
  const runtime = await createTestRuntime({
    source: folder,
    env: {
      FUNC_CONTEXT: JSON.stringify({ outputs: { queue: QUEUE } }),
      DAPR_HTTP_PORT: await freePort(),
    },
    options: { 'dapr-timeout': '50ms' },
  });
  onTestFinished(() => runtime.close());
  const response = await runtime.http('placeOrder', { method: 'POST', body: { id: 9 } });
  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({ code: 'OFN_OUTPUT_FAILED' });
});

// Covers retries, drops and the dead-letter topic: in process, and with a sidecar.
import { join } from 'node:path';
import { createTestRuntime } from '@ofn/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'dead-letters');

test('retries what may succeed later, drops what never can', async () => {
  const runtime = await createTestRuntime({ source: folder });
  onTestFinished(() => runtime.close());
  const closed = { id: 'a', amount: 5, failures: 1 };
  expect(await runtime.topic('charge', closed)).toBe('RETRY');
  expect(await runtime.topic('charge', closed)).toBe('SUCCESS');
  expect(await runtime.topic('charge', { id: 'b', amount: 0 })).toBe('DROP');
});

test.each(['http', 'grpc'] as const)(
  'tries three times in all, delivered by %s',
  async (protocol) => {
    const example = await startExample(folder, protocol);
    await fetch(`${example.sidecar}/v1.0/publish/pubsub/payments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: 4, amount: 5, failures: 9 }),
    });
    await example.line(({ msg }) => msg === 'payment 4 has failed for good');
    const tries = example.lines.filter(({ msg }) => msg.startsWith('to be delivered again'));
    expect(tries).toHaveLength(3);
  },
);

// Covers a schema on a CloudEvent: valid data with its defaults, and data that is refused.
import { join } from 'node:path';
import { createTestRuntime } from '@ofn/core/testing';
import { expect, onTestFinished, test } from 'vitest';

const folder = join(import.meta.dirname, 'cloud-event-schema');

async function runExample() {
  const runtime = await createTestRuntime({ source: folder });
  onTestFinished(() => runtime.close());
  return runtime;
}

const event = { id: '7', source: '/shop', type: 'order.placed' };

const priced = { id: '7-priced', type: 'order.priced', data: { item: 'tea', total: 6 } };

test.each([
  ['binary', 'application/json; charset=utf-8', priced.data],
  ['structured', 'application/cloudevents+json; charset=utf-8', priced],
  ['batched', 'application/cloudevents-batch+json; charset=utf-8', [priced]],
] as const)('answers an event in %s mode with one in the same mode', async (mode, type, body) => {
  const runtime = await runExample();
  const data = { item: 'tea', price: 3, quantity: 2 };
  const response = await runtime.cloudEvent('onOrder', { ...event, data }, { mode });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe(type);
  expect(await response.json()).toMatchObject(body);
});

test('hands the handler what the schema made of the data', async () => {
  const runtime = await runExample();
  const response = await runtime.cloudEvent('onOrder', {
    ...event,
    data: { item: 'tea', price: 3 },
  });
  expect(await response.json()).toEqual({ item: 'tea', total: 3 });
});

test('answers data that does not fit 400, with each issue and its path', async () => {
  const runtime = await runExample();
  const response = await runtime.cloudEvent('onOrder', {
    ...event,
    data: { item: '', price: '3' },
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: 'OFN_SCHEMA_FAILED',
    issues: [{ path: ['item'] }, { path: ['price'] }],
  });
});

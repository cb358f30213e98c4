import { expect, test } from 'vitest';
import { parseFunction } from '@ofn/resources';
import { parseTopic, targetOf } from './target.ts';

function functionOf(triggers: object) {
  const given = {
    apiVersion: 'core.openfunction.io/v1beta2',
    kind: 'Function',
    metadata: { name: 'hello', namespace: 'shop' },
    spec: { image: 'example/hello:v1', serving: { triggers } },
  };
  return parseFunction(JSON.stringify(given));
}

const ORDERS = { name: 'mq', type: 'pubsub.redis', topic: 'orders' };
const BILLS = { name: 'mq', type: 'pubsub.redis', topic: 'bills' };
const CRON = { name: 'cron', type: 'bindings.cron' };

const toOrders = { type: 'topic', pubsub: 'mq', topic: 'orders' };
const toCron = { type: 'binding', namespace: 'shop', name: 'hello', binding: 'cron' };

test.each([
  [
    'HTTP, where it serves that',
    { http: {} },
    {},
    { type: 'http', name: 'hello', host: 'hello.localhost' },
  ],
  ['its only topic', { dapr: [ORDERS] }, {}, toOrders],
  ['its only binding', { dapr: [CRON] }, {}, toCron],
  ['an input', { http: {}, inputs: [{ dapr: ORDERS }] }, { topic: 'orders' }, toOrders],
  ['the topic that is named', { dapr: [BILLS, ORDERS, CRON] }, { topic: 'orders' }, toOrders],
  ['the topic of a pubsub', { dapr: [BILLS, ORDERS] }, { topic: 'mq/orders' }, toOrders],
  ['the binding that is named', { dapr: [ORDERS, CRON] }, { binding: 'cron' }, toCron],
])('a function is called by %s', (_, triggers, flags, target) => {
  expect(targetOf(functionOf(triggers), flags)).toEqual(target);
});

test('of several hosts of a function, the last one is its own', () => {
  const addresses = ['http://localhost:8080/', 'http://hello.shop.localhost:8080/'].map(
    (value) => ({ type: 'External' as const, value }),
  );
  const target = targetOf({ ...functionOf({ http: {} }), status: { addresses } }, {});
  expect(target).toMatchObject({ type: 'http', host: 'hello.shop.localhost' });
});

test.each([
  [
    'several triggers',
    { dapr: [ORDERS, CRON] },
    {},
    'hello has several triggers; choose one: --topic mq/orders, --binding cron',
  ],
  [
    'a topic that it does not take',
    { dapr: [ORDERS] },
    { topic: 'other' },
    'hello takes no --topic other; it takes --topic mq/orders',
  ],
  [
    'a binding, where it takes no events',
    { http: {} },
    { binding: 'cron' },
    'hello takes no --binding cron; it takes no events',
  ],
])('%s: the error says what can be chosen', (_, triggers, flags, message) => {
  expect(() => targetOf(functionOf(triggers), flags)).toThrow(message);
});

test('a topic of no function has its pubsub before it, and may have slashes', () => {
  expect(parseTopic('mq/a/b')).toEqual({ type: 'topic', pubsub: 'mq', topic: 'a/b' });
  for (const text of ['mq', '/a', 'mq/'])
    expect(() => parseTopic(text)).toThrow('<pubsub>/<topic>');
});

import { parseFunction } from '@ofn/resources';
import { expect, test } from 'vitest';
import { inputsOf } from './inputs.ts';

test('lists topics, schedules and other bindings, in their order', () => {
  const given = parseFunction(`
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: ticker }
spec:
  image: example/ticker:v1
  serving:
    pubsub: { mq: { type: pubsub.redis } }
    bindings:
      timer: { type: bindings.cron, metadata: [{ name: schedule, value: '@every 1s' }] }
    triggers:
      dapr:
        - { name: timer, type: bindings.cron }
        - { name: mq, topic: orders, type: pubsub.redis }
        - { name: kafka, type: bindings.kafka }
`);
  expect(inputsOf(given, [])).toEqual([
    { binding: 'timer', schedule: '@every 1s' },
    { pubsub: 'mq', topic: 'orders' },
    { binding: 'kafka' },
  ]);
});

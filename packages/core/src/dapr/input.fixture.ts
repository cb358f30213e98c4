// Inputs for the tests of what receives events, without a runtime.
import { defineFunction } from '../function/definition.ts';
import type { Input } from './input.ts';

/** An input of a topic; changed as asked. */
export function inputOf(changes: Partial<Input> = {}): Input {
  return {
    name: 'onOrder',
    kind: 'topic',
    component: 'mq',
    topic: 'orders',
    path: '/dapr/topics/mq/orders/onOrder',
    definition: defineFunction('onOrder', 'openfunction', () => {}),
    match: undefined,
    deadLetterTopic: undefined,
    bulk: undefined,
    rawPayload: false,
    metadata: {},
    concurrency: 0,
    order: undefined,
    ...changes,
  };
}

/** An input of a binding; changed as asked. */
export function bindingOf(changes: Partial<Input> = {}): Input {
  const own = { name: 'tick', kind: 'binding', component: 'cron', topic: undefined } as const;
  return inputOf({ ...own, path: '/cron', ...changes });
}

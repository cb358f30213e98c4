import { expect, test } from 'vitest';
import type { PlatformEvent } from '../platform-event.ts';
import { tellEvents } from './event-outcomes.ts';

function collect() {
  const told: PlatformEvent[] = [];
  return {
    told,
    tell: tellEvents(
      (appId) => appId.replace('-default', ''),
      (event) => told.push(event),
    ),
  };
}

const ORDER = { appId: 'worker-default', pubsub: 'mq', topic: 'orders', id: '1', path: '/orders' };

test('tells of an event that failed and of its next attempt that was taken, and of no other outcome', () => {
  const { tell, told } = collect();
  tell({
    outcome: 'published',
    appId: 'front-default',
    pubsub: 'mq',
    topic: 'orders',
    subscribers: 1,
  });
  tell({ outcome: 'delivered', ...ORDER, attempt: 1 });
  tell({ outcome: 'retried', ...ORDER, attempt: 1, reason: 'status 500' });
  tell({ outcome: 'delivered', ...ORDER, attempt: 2 });
  tell({ outcome: 'acked', ...ORDER, attempt: 2 });
  tell({ outcome: 'lost', ...ORDER, attempt: 3 });
  const common = { type: 'event', function: 'worker', source: 'topic orders of mq' };
  const duration: unknown = expect.any(Number);
  expect(told).toEqual([
    { ...common, outcome: 'retried', attempt: 1, reason: 'status 500', duration },
    { ...common, outcome: 'acked', attempt: 2, duration },
  ]);
});

test('names a binding', () => {
  const { tell, told } = collect();
  tell({ outcome: 'acked', appId: 'ticker-default', binding: 'timer', attempt: 1 });
  expect(told).toMatchObject([{ function: 'ticker', source: 'binding timer', duration: 0 }]);
});

// What a sidecar is told that the app subscribes to.
import { describe, expect, test } from 'vitest';
import { bindingOf, inputOf } from './input.fixture.ts';
import { toSubscriptions } from './subscription.ts';

describe('the subscriptions', () => {
  test('are none without topics', () => {
    expect(toSubscriptions([])).toEqual([]);
    expect(toSubscriptions([bindingOf()])).toEqual([]);
  });

  test('name a topic and where its events go, and nothing that was not asked for', () => {
    expect(toSubscriptions([inputOf()])).toEqual([
      {
        pubsubname: 'mq',
        topic: 'orders',
        routes: { default: '/dapr/topics/mq/orders/onOrder' },
      },
    ]);
  });

  test('are one for a topic that several functions share, with a rule for each match in order', () => {
    const inputs = [
      inputOf({ path: '/gold', match: 'event.type == "gold"' }),
      bindingOf(),
      inputOf({ path: '/rest' }),
      inputOf({ path: '/silver', match: 'event.type == "silver"' }),
    ];
    expect(toSubscriptions(inputs)).toEqual([
      {
        pubsubname: 'mq',
        topic: 'orders',
        routes: {
          rules: [
            { match: 'event.type == "gold"', path: '/gold' },
            { match: 'event.type == "silver"', path: '/silver' },
          ],
          default: '/rest',
        },
      },
    ]);
  });

  test('have no default when every function takes a part', () => {
    const [subscription] = toSubscriptions([inputOf({ path: '/gold', match: 'true' })]);
    expect(subscription?.routes).toEqual({ rules: [{ match: 'true', path: '/gold' }] });
  });

  test('tell the same topic of two components apart', () => {
    const inputs = [inputOf(), inputOf({ component: 'kafka', path: '/kafka' })];
    expect(toSubscriptions(inputs).map(({ pubsubname }) => pubsubname)).toEqual(['mq', 'kafka']);
  });

  test('say how: dead letters, bulk, raw payload and metadata', () => {
    const input = inputOf({
      deadLetterTopic: 'failed',
      bulk: { maxMessages: 10, maxWait: 50 },
      rawPayload: true,
      metadata: { consumerID: 'c' },
    });
    expect(toSubscriptions([input])).toMatchObject([
      {
        deadLetterTopic: 'failed',
        bulkSubscribe: { enabled: true, maxMessagesCount: 10, maxAwaitDurationMs: 50 },
        metadata: { consumerID: 'c', rawPayload: 'true' },
      },
    ]);
  });

  test('of DaprServer have string metadata stringified twice; these have it as it is', () => {
    const metadata = { consumerID: 'c', quoted: '"x"' };
    const json = JSON.stringify(toSubscriptions([inputOf({ metadata })]));
    expect(JSON.parse(json)).toMatchObject([{ metadata }]);
  });
});

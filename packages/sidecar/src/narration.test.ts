import { expect, test } from 'vitest';
import { createNarration, type TellLevel } from './narration.ts';

function narrate(...entries: Parameters<ReturnType<typeof createNarration>>[0][]) {
  const told: [TellLevel, string][] = [];
  const narration = createNarration((message, level) => told.push([level, message]));
  for (const entry of entries) narration(entry);
  return told;
}

const event = { pubsub: 'mq', topic: 'orders', id: '7', attempt: 1 };

test('says once that nobody takes a topic, and again when that is new', () => {
  const published = { outcome: 'published', pubsub: 'mq', topic: 'orders' } as const;
  const none = { ...published, subscribers: 0 };
  const one = { ...published, subscribers: 1 };
  const line = ['warn', 'nobody takes the topic orders of mq: what is published to it is gone'];
  expect(narrate(one)).toEqual([]);
  expect(narrate(none, none, { ...none, topic: 'others' })).toHaveLength(2);
  expect(narrate(none, one, none)).toEqual([line, line]);
});

test('warns of each event that the app will not get again, with the reason', () => {
  expect(
    narrate(
      { outcome: 'dropped', ...event, reason: 'the app said so' },
      { outcome: 'deadLettered', ...event, reason: 'boom' },
      { outcome: 'lost', ...event, reason: 'boom' },
      { outcome: 'lost', binding: 'tick', attempt: 2, reason: 'boom' },
    ),
  ).toEqual([
    ['warn', 'event 7 of topic orders of mq is dropped (attempt 1): the app said so'],
    ['warn', 'event 7 of topic orders of mq goes to the dead-letter topic (attempt 1): boom'],
    [
      'warn',
      'event 7 of topic orders of mq is lost (attempt 1): boom; no retry policy (a Resiliency resource) is left, and there is no dead-letter topic',
    ],
    [
      'warn',
      'event of binding tick is lost (attempt 2): boom; no retry policy (a Resiliency resource) is left',
    ],
  ]);
});

test('says nothing of policies when the sidecar stopped', () => {
  expect(narrate({ outcome: 'lost', ...event, reason: 'the sidecar stopped' })).toEqual([
    ['warn', 'event 7 of topic orders of mq is lost (attempt 1): the sidecar stopped'],
  ]);
});

test('keeps what is as it should be to those who debug', () => {
  expect(
    narrate(
      { outcome: 'delivered', ...event },
      { outcome: 'acked', ...event },
      { outcome: 'retried', ...event, reason: 'boom' },
    ).map(([level]) => level),
  ).toEqual(['debug', 'debug', 'info']);
});

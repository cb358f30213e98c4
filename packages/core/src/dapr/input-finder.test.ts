// Which input an event is for, by its path or by the name of its topic or component.
import { describe, expect, test } from 'vitest';
import { createInputFinder } from './input-finder.ts';
import { bindingOf, inputOf } from './input.fixture.ts';

const gold = inputOf({ name: 'gold', path: '/gold', match: 'event.type == "gold"' });
const rest = inputOf({ name: 'rest', path: '/rest' });
const elsewhere = inputOf({ name: 'elsewhere', path: '/elsewhere', component: 'kafka' });
const cron = bindingOf();

describe('an input', () => {
  test('is found at the path that was announced, and at no other', () => {
    const find = createInputFinder([gold, rest, cron]);
    expect(find.atPath('/gold')).toBe(gold);
    expect(find.atPath('/cron')).toBe(cron);
    for (const path of ['', '/', '/gold/', '/GOLD', 'gold', '/__proto__', '/toString']) {
      expect(find.atPath(path)).toBeUndefined();
    }
  });

  test('of a topic is found by its name; of several, the one that takes the rest', () => {
    const find = createInputFinder([gold, rest]);
    expect(find.named('orders')).toBe(rest);
    expect(createInputFinder([gold]).named('orders')).toBe(gold);
    expect(find.named('other')).toBeUndefined();
    expect(find.named('mq')).toBeUndefined();
  });

  test('of a topic that two components have is found by the component', () => {
    const find = createInputFinder([rest, elsewhere]);
    expect(find.named('orders', { component: 'kafka' })).toBe(elsewhere);
    expect(find.named('orders', { component: 'mq' })).toBe(rest);
    expect(find.named('orders', { component: 'nats' })).toBeUndefined();
  });

  test('of a binding is found by its component, also where a topic has the same name', () => {
    const topic = inputOf({ name: 'topic', topic: 'cron' });
    const find = createInputFinder([topic, cron]);
    expect(find.named('cron', { kind: 'binding' })).toBe(cron);
    expect(find.named('cron', { kind: 'topic' })).toBe(topic);
    expect(createInputFinder([topic]).named('cron', { kind: 'binding' })).toBeUndefined();
  });
});

import { expect, it } from 'vitest';
import { compileRule, findRoute } from './route.ts';

const EVENT = { type: 'order.created', subject: 'eu/1', data: { amount: 150, tags: ['vip'] } };

it.each([
  ['event.type == "order.created"', true],
  ['event.type == "other"', false],
  ['event.data.amount > 100', true],
  ['event.data.amount == 150', true],
  ['event.data.amount < 99.5', false],
  ['has(event.data.missing)', false],
  ['event.subject.startsWith("eu/") && "vip" in event.data.tags', true],
  ['', true],
])('%s is %s for the event', (match, expected) => {
  expect(findRoute([compileRule(match, '/here')], EVENT)).toBe(expected ? '/here' : undefined);
});

it('takes the first rule that matches', () => {
  const rules = [
    compileRule('event.data.amount > 1000', '/large'),
    compileRule('event.data.amount > 100', '/medium'),
    compileRule('', '/small'),
  ];
  expect(findRoute(rules, EVENT)).toBe('/medium');
});

it('throws for a field that is not there, and for a result that is no boolean', () => {
  expect(() => findRoute([compileRule('event.data.missing > 1', '/')], EVENT)).toThrow('missing');
  expect(() => findRoute([compileRule('event.type', '/')], EVENT)).toThrow('not a boolean');
});

it('refuses what is not CEL', () => {
  expect(() => compileRule('event.type ==', '/')).toThrow('event.type ==');
});

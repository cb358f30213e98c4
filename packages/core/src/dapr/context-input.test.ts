// The inputs of the function context: what is a topic and what a binding, which metadata is a setting
// of ours, and what is refused.
import { describe, expect, test } from 'vitest';
import type { ContextComponent } from '../function/context.ts';
import { OfnError } from '../errors.ts';
import { fromBinding, fromJsonEvent } from './message.ts';
import { parseContextInputs, type ContextInput } from './context-input.ts';
import { bindingOf, inputOf } from './input.fixture.ts';

const MQ = { componentName: 'mq', componentType: 'pubsub.redis', uri: 'orders' };
const CRON = { componentName: 'cron', componentType: 'bindings.cron' };

function parse(component: ContextComponent): ContextInput {
  const [input] = parseContextInputs({ in: component });
  if (input === undefined) throw new Error('there is no input');
  return input;
}

const withMetadata = (metadata: Record<string, string>): ContextInput => parse({ ...MQ, metadata });

function refusal(component: ContextComponent): OfnError {
  try {
    parse(component);
  } catch (error) {
    if (error instanceof OfnError) return error;
  }
  throw new Error('the input was not refused');
}

describe('an input', () => {
  test('of a pub/sub component is a topic, named by its uri', () => {
    expect(parse(MQ)).toEqual({
      name: 'in',
      kind: 'topic',
      component: 'mq',
      topic: 'orders',
      route: undefined,
      match: undefined,
      deadLetterTopic: undefined,
      bulk: undefined,
      rawPayload: undefined,
      metadata: {},
      concurrency: undefined,
      order: undefined,
    });
  });

  test('has its topic in the field of that name before the uri', () => {
    expect(parse({ ...MQ, topic: 'returns' }).topic).toBe('returns');
  });

  test('of a binding has no topic, whatever its uri is', () => {
    expect(parse({ ...CRON, uri: 'cron' })).toMatchObject({ kind: 'binding', component: 'cron' });
    expect(parse({ ...CRON, uri: 'cron' }).topic).toBeUndefined();
  });

  test('has its type in any letter case', () => {
    expect(parse({ ...MQ, componentType: 'PubSub.Redis' }).kind).toBe('topic');
    expect(parse({ ...CRON, componentType: 'BINDINGS.cron' }).kind).toBe('binding');
  });

  test('without a type is a topic when it names one, else a binding', () => {
    expect(parse({ componentName: 'mq', topic: 'orders' }).kind).toBe('topic');
    expect(parse({ componentName: 'cron', uri: 'cron' }).kind).toBe('binding');
  });
});

describe('the metadata', () => {
  test("holds settings of ours; the rest is the subscription's", () => {
    const input = withMetadata({
      match: 'event.type == "gold"',
      deadLetterTopic: 'failed',
      rawPayload: 'TRUE',
      maxConcurrency: '3',
      consumerID: 'c',
    });
    expect(input).toMatchObject({
      match: 'event.type == "gold"',
      deadLetterTopic: 'failed',
      rawPayload: true,
      concurrency: 3,
    });
    expect(input.metadata).toEqual({ consumerID: 'c' });
  });

  test.each([
    [{ 'bulkSubscribe.enabled': 'true' }, { maxMessages: 100, maxWait: 1000 }],
    [{ 'bulkSubscribe.maxMessagesCount': '5' }, { maxMessages: 5, maxWait: 1000 }],
    [{ 'bulkSubscribe.maxAwaitDurationMs': '5' }, { maxMessages: 100, maxWait: 5 }],
    [{ 'bulkSubscribe.enabled': 'false', 'bulkSubscribe.maxMessagesCount': '5' }, undefined],
    [{}, undefined],
  ])('%j asks for bulk %j', (metadata, bulk) => {
    expect(withMetadata(metadata as Record<string, string>).bulk).toEqual(bulk);
  });

  test('gives the route of a binding, with or without its slash', () => {
    expect(parse({ ...CRON, metadata: { route: '/tick' } }).route).toBe('/tick');
    expect(parse({ ...CRON, metadata: { route: 'tick' } }).route).toBe('/tick');
  });

  test('orders events by an attribute, and bindings by their metadata', () => {
    const { order } = withMetadata({ orderBy: 'subject' });
    const keyOf = (attributes: object): string | undefined => {
      const event = { id: '1', source: 's', type: 't', ...attributes };
      const message = fromJsonEvent(inputOf(), event, NONE);
      return order?.({ event: message.event, data: message.data, metadata: {} });
    };
    expect(keyOf({ subject: 'a' })).toBe('a');
    expect(keyOf({ subject: '' })).toBe('');
    expect(keyOf({ subject: 7 })).toBe('7');
    expect(keyOf({})).toBeUndefined();
    expect(keyOf({ subject: null })).toBeUndefined();

    const { order: byKey } = parse({ ...CRON, metadata: { orderBy: 'partitionKey' } });
    const { event, data } = fromBinding(bindingOf(), Buffer.from('x'), NONE);
    expect(byKey?.({ event, data, metadata: { partitionKey: '7' } })).toBe('7');
    // As a header, which is lower-case.
    expect(byKey?.({ event, data, metadata: { partitionkey: '7' } })).toBe('7');
    expect(byKey?.({ event, data, metadata: {} })).toBeUndefined();
  });

  test('that looks like a member of every object is no setting', () => {
    const metadata = JSON.parse('{"__proto__":"x","constructor":"y","toString":"z"}') as object;
    const input = withMetadata(metadata as Record<string, string>);
    expect(Object.keys(input.metadata)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(input.match).toBeUndefined();
  });
});

const NONE = { headers: {}, metadata: {} };

describe('an input that lacks what it needs', () => {
  test.each([
    [{}, 'componentName', 'it names no Dapr component'],
    [{ ...MQ, componentName: '' }, 'componentName', 'it names no Dapr component'],
    [
      { ...MQ, componentType: 'state.redis' },
      'componentType',
      'must begin with pubsub or bindings, not "state.redis"',
    ],
    [{ componentName: 'mq', componentType: 'pubsub' }, 'uri', 'it names no topic'],
    [{ ...MQ, uri: '' }, 'uri', 'it names no topic'],
    [
      { ...MQ, metadata: { maxConcurrency: '0' } },
      'metadata.maxConcurrency',
      'must be a whole number from 1 up, not "0"',
    ],
    [
      { ...MQ, metadata: { 'bulkSubscribe.maxMessagesCount': '1.5' } },
      'metadata.bulkSubscribe.maxMessagesCount',
      'must be a whole number from 1 up, not "1.5"',
    ],
    [
      { ...MQ, metadata: { rawPayload: 'yes' } },
      'metadata.rawPayload',
      'must be true or false, not "yes"',
    ],
  ])('%j stops the start, naming %s', (component, field, expected) => {
    const error = refusal(component);
    expect(error).toMatchObject({
      code: 'OFN_CONTEXT_MALFORMED',
      exitCode: 2,
      message: `the function context is malformed; inputs.in.${field}: ${expected}`,
    });
    expect(error.issues).toEqual([
      { message: expected, path: ['inputs', 'in', ...field.split('.')] },
    ]);
  });
});

// Functions and the function context as inputs: what is merged, what is shared, and what contradicts.
import { describe, expect, test } from 'vitest';
import { OfnError } from '../errors.ts';
import { parseFunctionContext } from '../function/context.ts';
import { defineFunction } from '../function/definition.ts';
import type {
  BindingOptions,
  FunctionDefinition,
  SignatureType,
  TopicOptions,
  Trigger,
} from '../function/signature.ts';
import { resolveInputs, type Input, type ResolvedInputs } from './input.ts';
import { fromBinding, fromJsonEvent } from './message.ts';

const handler = (): void => {};
const plain = (name: string, signature: SignatureType = 'openfunction'): FunctionDefinition =>
  defineFunction(name, signature, handler);
const topic = (name: string, options: Omit<TopicOptions, 'plugins' | 'schema'> = {}) =>
  defineFunction(name, 'openfunction', handler, {}, { ...options, kind: 'topic' } as Trigger);
const binding = (name: string, options: Omit<BindingOptions, 'plugins' | 'schema'> = {}) =>
  defineFunction(name, 'openfunction', handler, {}, { ...options, kind: 'binding' } as Trigger);

const MQ = { componentName: 'mq', componentType: 'pubsub.redis', uri: 'orders' };
const CRON = { componentName: 'cron', componentType: 'bindings.cron' };

function resolve(
  functions: readonly FunctionDefinition[],
  inputs: object = {},
  runtime = 'Async',
): ResolvedInputs {
  const context = parseFunctionContext(JSON.stringify({ runtime, inputs }), undefined);
  return resolveInputs(functions, context);
}

function only(functions: readonly FunctionDefinition[], inputs: object = {}): Input {
  const { inputs: found } = resolve(functions, inputs);
  expect(found).toHaveLength(1);
  return found[0] as Input;
}

function refusal(functions: readonly FunctionDefinition[], inputs: object = {}): OfnError {
  try {
    resolve(functions, inputs);
  } catch (error) {
    if (error instanceof OfnError) return error;
    throw error;
  }
  throw new Error('the inputs were not refused');
}

describe('an input of the context', () => {
  test('goes to the only function that can take it', () => {
    const shop = plain('shop', 'cloudevent');
    expect(only([shop], { in: MQ })).toMatchObject({
      name: 'in',
      kind: 'topic',
      component: 'mq',
      topic: 'orders',
      path: '/dapr/topics/mq/orders/shop',
      definition: shop,
      rawPayload: false,
      concurrency: 0,
    });
  });

  test('goes to the function of its name when there are several', () => {
    const { inputs } = resolve([plain('a'), plain('b')], { b: MQ, a: CRON });
    expect(inputs.map(({ definition, component }) => [definition.name, component])).toEqual([
      ['b', 'mq'],
      ['a', 'cron'],
    ]);
  });

  test('takes its settings along', () => {
    const metadata = {
      match: 'true',
      deadLetterTopic: 'failed',
      'bulkSubscribe.enabled': 'true',
      rawPayload: 'true',
      maxConcurrency: '2',
      consumerID: 'c',
    };
    expect(only([plain('shop')], { in: { ...MQ, metadata } })).toMatchObject({
      match: 'true',
      deadLetterTopic: 'failed',
      bulk: { maxMessages: 100, maxWait: 1000 },
      rawPayload: true,
      concurrency: 2,
      metadata: { consumerID: 'c' },
    });
  });

  test('that is a binding is at the path of its component, or at its route', () => {
    expect(only([plain('shop')], { in: CRON }).path).toBe('/cron');
    const routed = { ...CRON, metadata: { route: 'tick' } };
    expect(only([plain('shop')], { in: routed }).path).toBe('/tick');
  });

  test('that is a topic is at its route, whoever takes it', () => {
    const routed = { ...MQ, metadata: { route: '/on-order' } };
    expect(only([plain('shop')], { in: routed }).path).toBe('/on-order');
    expect(only([topic('orders')], { in: routed }).path).toBe('/on-order');
  });

  test('whose function cannot be told stops the start, with the functions that there are', () => {
    const error = refusal([plain('a'), plain('b')], { in: MQ });
    expect(error).toMatchObject({ code: 'OFN_INPUT_CONFLICT', exitCode: 1 });
    expect(error.message).toBe(
      'no function handles the input "in" of the function context; there is "a", "b": register ' +
        'one with topic("in", …), or name one with --target',
    );
  });

  test('stops the start when the only function is registered for another topic', () => {
    const error = refusal([topic('returns', { pubsub: 'mq' })], { in: MQ });
    expect(error.message).toContain('no function handles the input "in"');
  });

  test('is ignored by a sync http function, and named', () => {
    const { inputs, ignored } = resolve([plain('web', 'http')], { in: MQ, tick: CRON }, 'Knative');
    expect(inputs).toEqual([]);
    expect(ignored).toEqual(['in', 'tick']);
  });

  test('is taken by an event function beside a sync http function', () => {
    const { inputs, ignored } = resolve(
      [plain('web', 'http'), plain('shop')],
      { in: MQ },
      'Knative',
    );
    expect(inputs.map(({ definition }) => definition.name)).toEqual(['shop']);
    expect(ignored).toEqual([]);
  });
});

describe('an async runtime', () => {
  test.each([[[plain('web', 'http')]], [[plain('shop'), plain('web', 'http')]]])(
    'does not start with an http function',
    (functions) => {
      const error = refusal(functions, { in: MQ });
      expect(error).toMatchObject({ code: 'OFN_SIGNATURE_UNSUPPORTED', exitCode: 1 });
      expect(error.message).toMatch(/^function "web" answers HTTP requests/);
    },
  );

  test('starts without any input', () => {
    expect(resolve([plain('shop')])).toEqual({ inputs: [], ignored: [] });
  });
});

describe('a registered topic', () => {
  test('needs no context', () => {
    const onOrder = topic('orders', { pubsub: 'mq' });
    expect(resolveInputs([onOrder], undefined).inputs).toEqual([
      {
        name: 'orders',
        kind: 'topic',
        component: 'mq',
        topic: 'orders',
        path: '/dapr/topics/mq/orders/orders',
        definition: onOrder,
        match: undefined,
        deadLetterTopic: undefined,
        bulk: undefined,
        rawPayload: false,
        metadata: {},
        concurrency: 0,
        order: undefined,
      },
    ]);
  });

  test('has the topic that its options name', () => {
    expect(only([topic('f', { pubsub: 'mq', topic: 'orders' })]).topic).toBe('orders');
  });

  test('finds its component in the context by its topic, by input or by component', () => {
    for (const options of [{}, { pubsub: 'in' }, { pubsub: 'mq' }]) {
      const input = only([topic('orders', options)], { in: MQ });
      expect(input).toMatchObject({ name: 'in', component: 'mq', topic: 'orders' });
    }
  });

  test('without a component stops the start', () => {
    expect(refusal([topic('orders')])).toMatchObject({
      code: 'OFN_FUNCTION_INVALID',
      message: expect.stringMatching(/^function "orders" names no pub\/sub component/) as unknown,
    });
  });

  test('without a component stops the start when two inputs have its topic', () => {
    const error = refusal([topic('orders')], { a: MQ, b: { ...MQ, componentName: 'kafka' } });
    expect(error.message).toBe(
      'function "orders" names no pub/sub component, and 2 inputs of the function context have ' +
        'its topic: set pubsub to one of "a", "b"',
    );
  });

  test('merges what code and context say', () => {
    const onOrder = topic('orders', { metadata: { a: '1', same: 'x' }, concurrency: 4 });
    const metadata = { b: '2', same: 'x', deadLetterTopic: 'failed', orderBy: 'subject' };
    const input = only([onOrder], { in: { ...MQ, metadata } });
    expect(input).toMatchObject({
      metadata: { a: '1', b: '2', same: 'x' },
      concurrency: 4,
      deadLetterTopic: 'failed',
    });
    expect(keyOf(input, { subject: 's' })).toBe('s');
  });

  test('orders by its own function before that of the context', () => {
    const onOrder = topic('orders', { order: ({ id }) => id });
    const input = only([onOrder], { in: { ...MQ, metadata: { orderBy: 'subject' } } });
    expect(keyOf(input, { subject: 's' })).toBe('1');
  });

  test('may say the same as the context', () => {
    const same = { bulk: { maxMessages: 5, maxWait: 9 }, rawPayload: true, match: 'true' };
    const metadata = {
      'bulkSubscribe.maxMessagesCount': '5',
      'bulkSubscribe.maxAwaitDurationMs': '9',
      rawPayload: 'true',
      match: 'true',
    };
    expect(only([topic('orders', same)], { in: { ...MQ, metadata } })).toMatchObject(same);
  });

  test.each([
    ['match', { match: 'a' }, { match: 'b' }, 'match is "a" in the code, but "b"'],
    ['deadLetterTopic', { deadLetterTopic: 'a' }, { deadLetterTopic: 'b' }, 'deadLetterTopic is'],
    ['rawPayload', { rawPayload: false }, { rawPayload: 'true' }, 'rawPayload is false in the'],
    ['concurrency', { concurrency: 1 }, { maxConcurrency: '2' }, 'concurrency is 1 in the code'],
    [
      'bulk',
      { bulk: { maxMessages: 5 } },
      { 'bulkSubscribe.enabled': 'true' },
      'bulk is {"maxMessages":5,"maxWait":1000} in the code, but {"maxMessages":100,"maxWait":1000}',
    ],
    ['metadata', { metadata: { a: '1' } }, { a: '2' }, 'metadata.a is "1" in the code, but "2"'],
  ])('whose %s contradicts the context stops the start', (_field, options, metadata, message) => {
    const error = refusal([topic('orders', options)], { in: { ...MQ, metadata } });
    expect(error.code).toBe('OFN_INPUT_CONFLICT');
    expect(error.message).toContain(`function "orders": ${message}`);
  });

  test.each([
    [true, { maxMessages: 100, maxWait: 1000 }],
    [{ maxMessages: 2 }, { maxMessages: 2, maxWait: 1000 }],
    [{ maxWait: 3 }, { maxMessages: 100, maxWait: 3 }],
    [false, undefined],
    [undefined, undefined],
  ])('asks by bulk %j for %j', (bulk, expected) => {
    const options = bulk === undefined ? {} : { bulk };
    expect(only([topic('orders', { pubsub: 'mq', ...options })]).bulk).toEqual(expected);
  });
});

function keyOf(input: Input, attributes: object): string | undefined {
  const value = { id: '1', source: 's', type: 't', ...attributes };
  const { event, data } = fromJsonEvent(input, value, NONE);
  return input.order?.({ event, data, metadata: {} });
}

const NONE = { headers: {}, metadata: {} };

describe('functions that share a topic', () => {
  const rest = topic('rest', { pubsub: 'mq', topic: 'orders' });
  const gold = (options: TopicOptions = {}) =>
    topic('gold', { pubsub: 'mq', topic: 'orders', match: 'gold', ...options });

  test('each have a path of their own, and the same subscription', () => {
    const said = { deadLetterTopic: 'failed', metadata: { a: '1' }, rawPayload: true, bulk: true };
    const { inputs } = resolve([gold(said), rest]);
    expect(inputs.map(({ path, match }) => [path, match])).toEqual([
      ['/dapr/topics/mq/orders/gold', 'gold'],
      ['/dapr/topics/mq/orders/rest', undefined],
    ]);
    for (const input of inputs) {
      expect(input).toMatchObject({ ...said, bulk: { maxMessages: 100, maxWait: 1000 } });
    }
  });

  test('may be told apart by their names alone when a path would be the same', () => {
    const other = topic('gold!', { pubsub: 'mq', topic: 'orders' });
    const same = topic('gold?', { pubsub: 'mq', topic: 'orders', match: 'x' });
    expect(resolve([other, same]).inputs.map(({ path }) => path)).toEqual([
      '/dapr/topics/mq/orders/gold-',
      '/dapr/topics/mq/orders/gold--2',
    ]);
  });

  test.each([
    ['match', [rest, topic('b', { pubsub: 'mq', topic: 'orders' })], 'give one of them a match'],
    ['match', [gold(), topic('b', { ...GOLD })], 'both match gold'],
    ['dead letters', [gold({ deadLetterTopic: 'a' }), restWith({ deadLetterTopic: 'b' })], 'share'],
    ['bulk', [gold({ bulk: true }), restWith({ bulk: { maxMessages: 1 } })], 'not its bulk'],
    [
      'payload',
      [gold({ rawPayload: true }), restWith({ rawPayload: false })],
      'not its rawPayload',
    ],
    [
      'metadata',
      [gold({ metadata: { a: '1' } }), restWith({ metadata: { a: '2' } })],
      'not its metadata.a',
    ],
  ])('but contradict each other in their %s stop the start', (_field, functions, message) => {
    const error = refusal(functions);
    expect(error.code).toBe('OFN_INPUT_CONFLICT');
    expect(error.message).toContain(message);
  });
});

const GOLD = { pubsub: 'mq', topic: 'orders', match: 'gold' };
function restWith(options: TopicOptions): FunctionDefinition {
  return topic('rest', { pubsub: 'mq', topic: 'orders', ...options });
}

describe('a registered binding', () => {
  test('has the name of its component unless it names another', () => {
    expect(only([binding('cron')])).toMatchObject({ component: 'cron', path: '/cron' });
    const options = { component: 'nightly', route: '/tick', concurrency: 1 };
    expect(only([binding('f', options)])).toMatchObject({
      name: 'f',
      kind: 'binding',
      component: 'nightly',
      topic: undefined,
      path: '/tick',
      concurrency: 1,
    });
  });

  test('is merged with the context by input or by component', () => {
    const said = { in: { ...CRON, metadata: { maxConcurrency: '2', orderBy: 'key' } } };
    for (const component of ['in', 'cron']) {
      const input = only([binding('f', { component })], said);
      expect(input).toMatchObject({ name: 'in', component: 'cron', concurrency: 2 });
      const { event, data } = fromBinding(input, Buffer.from('x'), NONE);
      expect(input.order?.({ event, data, metadata: { key: 'k' } })).toBe('k');
    }
  });

  test('orders by data and metadata', () => {
    const input = only([
      binding('cron', { order: (data, metadata) => `${data.customer}-${metadata['a']}` }),
    ]);
    const { event, data } = fromBinding(input, Buffer.from('{"customer":"c"}'), NONE);
    expect(input.order?.({ event, data, metadata: { a: 'm' } })).toBe('c-m');
  });

  test('whose route or concurrency contradicts the context stops the start', () => {
    const said = { in: { ...CRON, metadata: { route: '/a', maxConcurrency: '2' } } };
    for (const [options, field] of [
      [{ route: '/b' }, 'route is "/b" in the code, but "/a"'],
      [{ concurrency: 3 }, 'concurrency is 3 in the code, but 2'],
    ] as const) {
      expect(refusal([binding('cron', options)], said).message).toContain(field);
    }
  });

  test('that another function takes too stops the start', () => {
    const error = refusal([binding('a', { component: 'cron' }), binding('cron')]);
    expect(error.message).toBe(
      'functions "a" and "cron" both take the binding "cron": one alone can',
    );
  });

  test('at the route of another binding stops the start: the events of both would arrive there', () => {
    const error = refusal([binding('cron'), binding('files', { route: '/cron' })]);
    expect(error.code).toBe('OFN_INPUT_CONFLICT');
    expect(error.message).toContain('the binding "files" is delivered to /cron');
  });
});

test('the inputs are frozen', () => {
  const { inputs } = resolve([topic('orders', { pubsub: 'mq' })]);
  expect(Object.isFrozen(inputs)).toBe(true);
  expect(inputs.every((input) => Object.isFrozen(input))).toBe(true);
});

import { inspect } from 'node:util';
import type { Invocation } from '@ofn/core';
import { beforeEach, expect, test, vi } from 'vitest';
import { createCallTracer } from './call-tracer.ts';
import { createAgent, toSummary } from './skywalking/agent.fixture.ts';

const fixture = createAgent();
const { agent, contextManager, propagator, segments } = fixture;
const provider = {
  target: 'the test',
  contextManager,
  propagator,
  tracerProvider: { getTracer: (scope: string) => fixture.tracer(scope) },
  start() {},
  close: () => Promise.resolve(),
};
const tracer = createCallTracer(provider, {
  baggage: {},
  namespace: 'shop',
  pod: 'shop-1',
  tags: { team: 'blue' },
});

beforeEach(() => {
  segments.length = 0;
  agent.SpanContext.nActiveSegments = 0;
});

// What the tracer reads of a call.
function callOf(changes: object = {}): Invocation {
  const call = {
    function: { name: 'work' },
    runtime: undefined,
    received: undefined,
    error: undefined,
    coldStart: false,
    origin: {
      req: { method: 'GET', originalUrl: '/a?b=c', protocol: 'http', originalHost: 'shop' },
    },
    ...changes,
  };
  return call as unknown as Invocation;
}

/** Runs a handler as a call, and returns the spans of its segment. */
function runCall(
  handler: (trace: ReturnType<typeof tracer.begin>) => unknown,
  error?: unknown,
  status = 200,
) {
  const call = callOf({ error });
  const trace = tracer.begin(call);
  trace.run(() => handler(trace), call);
  trace.end(call, { status });
  return (segments[0]?.spans ?? [])
    .map(toSummary)
    .toSorted((a, b) => Number(a['id']) - Number(b['id']));
}

test('a call over HTTP has its tags in the order that users of SkyWalking know', () => {
  const [entry] = runCall(() => {});
  expect(Object.entries(entry?.['tags'] ?? {}).filter(([name]) => name !== 'coldStart')).toEqual([
    ['runtime', 'knative'],
    ['http.method', 'GET'],
    ['http.url', 'http://shop/a'],
    ['http.status_code', '200'],
    ['pod', 'shop-1'],
    ['namespace', 'shop'],
    ['team', 'blue'],
  ]);
});

test('a call has the protocol and the host of its caller, and the first one tells that it is', () => {
  const attributesOf = (call: Invocation): unknown => {
    let attributes: unknown;
    const provider = {
      propagator: { extract: (context: unknown) => context },
      tracerProvider: {
        getTracer: () => ({
          startSpan(_: string, options: { attributes: unknown }) {
            ({ attributes } = options);
            return { setAttribute() {}, setAttributes() {}, end() {} };
          },
        }),
      },
    } as unknown as Parameters<typeof createCallTracer>[0];
    createCallTracer(provider, {
      baggage: {},
      tags: {},
      namespace: undefined,
      pod: undefined,
    }).begin(call);
    return attributes;
  };
  const req = { method: 'GET', originalUrl: '/a', protocol: 'https', originalHost: 'x.example' };
  expect(attributesOf(callOf({ coldStart: true, origin: { req } }))).toMatchObject({
    'faas.coldstart': true,
    'url.full': 'https://x.example/a',
  });
  expect(attributesOf(callOf({ origin: { req } }))).not.toHaveProperty(['faas.coldstart']);
});

const hostile: Readonly<Record<string, unknown>> = {
  'an object that cannot be inspected': {
    [inspect.custom]() {
      throw new Error('inspect');
    },
  },
  'a proxy that answers nothing': new Proxy(
    {},
    {
      getPrototypeOf() {
        throw new Error('proxy');
      },
    },
  ),
  'an error whose stack cannot be read': Object.defineProperty(new Error('x'), 'stack', {
    get() {
      throw new Error('stack');
    },
  }),
  'an error whose message is no text': Object.assign(new Error('x'), { message: Symbol('m') }),
  'a symbol': Symbol('s'),
  nothing: null,
};

test.each(Object.keys(hostile))('%s ends the span of its call, and of a span in it', (name) => {
  const error = hostile[name];
  const spans = runCall(
    (trace) => {
      let caught: unknown;
      try {
        trace.span('part', () => {
          throw error;
        });
      } catch (thrown) {
        caught = thrown;
      }
      expect(caught === error).toBe(true);
    },
    error,
    500,
  );
  expect(spans).toMatchObject([{ errored: true }, { operation: 'part', errored: true }]);
});

test('an error of megabytes is recorded in part', () => {
  runCall(() => {}, new Error('x'.repeat(5_000_000)), 500);
  const [log] = segments[0]?.spans[0]?.logs ?? [];
  expect(log?.items[0]?.val.length).toBeLessThan(20_000);
});

test('a failure after the head of the answer has gone is one, and a refusal is none', () => {
  expect(runCall(() => {}, new Error('late'), 200)).toMatchObject([{ errored: true }]);
  segments.length = 0;
  expect(runCall(() => {}, new Error('not found'), 404)[0]).not.toHaveProperty('errored');
  segments.length = 0;
  expect(runCall(() => {}, undefined, 503)).toMatchObject([{ errored: true }]);
});

test('a span ends with the promise of its code, and settles in the same way', async () => {
  const call = callOf();
  const trace = tracer.begin(call);
  const { promise, resolve } = withResolvers();
  const part = trace.span('part', () => promise);
  trace.end(call, { status: 200 });
  expect(segments).toEqual([]);
  resolve('done');
  await expect(part).resolves.toBe('done');
  expect(segments).toHaveLength(1);
  const error = new Error('lost');
  await expect(trace.span('part', () => Promise.reject(error))).rejects.toBe(error);
});

test('a failure of a span that nobody waits for is reported, as without tracing', async () => {
  const error = new Error('lost');
  const unhandled = new Promise<unknown>((resolve) => process.once('unhandledRejection', resolve));
  const others = process
    .listeners('unhandledRejection')
    .filter((listener) => !/resolve/.test(String(listener)));
  const mine = process.listeners('unhandledRejection').at(-1);
  for (const listener of others) if (listener !== mine) process.off('unhandledRejection', listener);
  try {
    void tracer.begin(callOf()).span('part', () => Promise.reject(error));
    expect(await unhandled).toBe(error);
  } finally {
    for (const listener of others)
      if (listener !== mine) process.on('unhandledRejection', listener);
  }
});

test('a promise that does something when it is asked for its value is not asked', () => {
  const then = vi.fn<() => never>();
  class Lazy extends Promise<unknown> {
    // oxlint-disable-next-line unicorn/no-thenable -- as libraries of lazy promises do
    override then = then as never;
  }
  const lazy = new Lazy(() => {});
  expect(tracer.begin(callOf()).span('part', () => lazy)).toBe(lazy);
  expect(then).not.toHaveBeenCalled();
});

test('what only has a `then` is handed back untouched', () => {
  const then = vi.fn<() => void>();
  // oxlint-disable-next-line unicorn/no-thenable -- as the queries of some libraries are
  const query = { then };
  const throwing = {
    // oxlint-disable-next-line unicorn/no-thenable -- as a query that fails when it is looked at
    get then(): unknown {
      throw new Error('then');
    },
  };
  const trace = tracer.begin(callOf());
  expect(trace.span('part', () => query)).toBe(query);
  expect(trace.span('part', () => throwing)).toBe(throwing);
  expect(then).not.toHaveBeenCalled();
});

test('code of one call that runs in the context of another is still of its own', () => {
  const [first, second] = [callOf(), callOf({ function: { name: 'other' } })];
  const [one, two] = [tracer.begin(first), tracer.begin(second)];
  one.run(() => {
    two.span('part', () => {});
    expect(two.propagation['traceparent']).toContain(two.traceId);
  }, first);
  two.end(second, { status: 200 });
  one.end(first, { status: 200 });
  expect(segments.map(({ spans }) => spans.map(({ operation }) => operation))).toEqual([
    ['part', 'other'],
    ['work'],
  ]);
});

test('an event that asks to come again, or to be dropped, is no error', () => {
  for (const name of ['RetryError', 'DropError']) {
    segments.length = 0;
    const call = callOf({
      error: Object.assign(new Error('busy'), { name }),
      origin: { input: { name: 'in', topic: 't' } },
    });
    const trace = tracer.begin(call);
    trace.end(call, { acknowledgement: name === 'DropError' ? 'DROP' : 'RETRY' });
    const [entry] = segments[0]?.spans.map(toSummary) ?? [];
    expect(entry).toMatchObject({ tags: { input: 'in', topic: 't' } });
    expect(entry).not.toHaveProperty('errored');
  }
});

function withResolvers(): { promise: Promise<string>; resolve: (value: string) => void } {
  let resolve: (value: string) => void = () => {};
  const promise = new Promise<string>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

import { setImmediate as turn } from 'node:timers/promises';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  trace,
  type Context,
  type Span,
  type SpanOptions,
} from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { beforeEach, expect, test } from 'vitest';
import { SERVICE, createAgent, toSummary } from './agent.fixture.ts';
import { renderSw8, parseSw8, type Sw8 } from './sw8.ts';

const fixture = createAgent();
const { agent, contextManager, propagator, segments } = fixture;
const tracer = fixture.tracer();
const own = fixture.tracer('@ofn/core');

const remote: Sw8 = {
  sampled: true,
  traceId: '5af7ed1d3e154e36a4be5d01cc2e7e12',
  segmentId: '77aa7ed1d3e154e36a4be5d01cc2e7e1',
  spanId: 3,
  service: 'shop',
  instance: 'shop-1',
  endpoint: 'GET:/shop',
  peer: 'orders:80',
};
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

beforeEach(() => {
  segments.length = 0;
  fixture.mayBegin = true;
  fixture.now = 0;
  agent.SpanContext.nActiveSegments = 0;
});

const extract = (headers: Record<string, string>, into: Context = ROOT_CONTEXT): Context =>
  propagator.extract(into, headers, defaultTextMapGetter);

function inject(context: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  propagator.inject(context, headers, defaultTextMapSetter);
  return headers;
}

const within = <T>(span: Span, code: () => T, context = contextManager.active()): T =>
  contextManager.with(trace.setSpan(context, span), code);

function entry(name = 'call', context = ROOT_CONTEXT, options: SpanOptions = {}): Span {
  return own.startSpan(name, { kind: SpanKind.SERVER, ...options }, context);
}

const onlySegment = (): Record<string, unknown>[] => {
  expect(segments).toHaveLength(1);
  return (segments[0]?.spans ?? [])
    .map(toSummary)
    .toSorted((a, b) => Number(a['id']) - Number(b['id']));
};

test('server, client and internal spans are entry, exit and local spans of one segment', () => {
  const call = entry();
  within(call, () => {
    tracer.startActiveSpan('work', (work) => {
      const options = { kind: SpanKind.CLIENT, attributes: { 'peer.service': 'db:5432' } };
      tracer.startSpan('query', options).end();
      work.end();
    });
    tracer.startSpan('after').end();
  });
  call.end();
  expect(onlySegment()).toMatchObject([
    { id: 0, parentId: -1, operation: 'call', type: 'Entry', layer: 6, component: 5013 },
    { id: 1, parentId: 0, operation: 'work', type: 'Local', layer: 0, component: 0 },
    { id: 2, parentId: 1, operation: 'query', type: 'Exit', peer: 'db:5432' },
    { id: 3, parentId: 0, operation: 'after', type: 'Local' },
  ]);
});

test('starting a span does not make it the current one, of either API', () => {
  const call = entry();
  within(call, () => {
    const idle = tracer.startSpan('idle');
    expect(trace.getSpan(contextManager.active())).toBe(call);
    expect(agent.contextManager.currentSpan?.operation).toBe('call');
    tracer.startSpan('sibling').end();
    idle.end();
  });
  call.end();
  expect(onlySegment()).toMatchObject([{}, { parentId: 0 }, { operation: 'sibling', parentId: 0 }]);
  expect(agent.contextManager.hasContext).toBe(false);
});

test('spans of the agent lie below spans of OpenTelemetry, and the other way round', async () => {
  const call = entry();
  await within(call, async () => {
    await tracer.startActiveSpan('outer', async (outer) => {
      await turn();
      const local = agent.contextManager.current.newLocalSpan('of the agent');
      local.start();
      await turn();
      tracer.startSpan('inner').end();
      local.stop();
      outer.end();
    });
  });
  call.end();
  expect(onlySegment()).toMatchObject([
    { operation: 'call' },
    { operation: 'outer', parentId: 0 },
    { operation: 'of the agent', parentId: 1 },
    { operation: 'inner', parentId: 2 },
  ]);
});

test('200 interleaved flows keep their spans apart', async () => {
  const flows = Array.from({ length: 200 }, async (_, index) => {
    const call = entry(`call ${index}`);
    await within(call, async () => {
      await turn();
      await tracer.startActiveSpan(`work ${index}`, async (work) => {
        await turn();
        const hook = agent.contextManager.current.newExitSpan(
          `hook ${index}`,
          agent.Component.REDIS,
        );
        hook.start();
        hook.peer = 'redis:6379';
        hook.async();
        await turn();
        hook.resync();
        hook.stop();
        work.end();
      });
      await turn();
      tracer.startSpan(`end ${index}`).end();
    });
    call.end();
  });
  await Promise.all(flows);
  expect(segments).toHaveLength(200);
  expect(new Set(segments.map(({ segmentId }) => segmentId.toString())).size).toBe(200);
  for (const { spans } of segments) {
    const sorted = spans.toSorted((a, b) => a.id - b.id);
    const index = sorted[0]?.operation.split(' ')[1];
    expect(sorted.map(({ operation, parentId }) => [operation, parentId])).toEqual([
      [`call ${index}`, -1],
      [`work ${index}`, 0],
      [`hook ${index}`, 1],
      [`end ${index}`, 0],
    ]);
  }
});

test('an exit that is made inside of another leaves the process once', () => {
  const call = entry();
  within(call, () => {
    const options = { kind: SpanKind.CLIENT, attributes: { 'peer.service': 'sqs' } };
    const outer = tracer.startSpan('send', options);
    within(outer, () => {
      const inner = tracer.startSpan('POST', { kind: SpanKind.CLIENT });
      inner.setAttribute('http.response.status_code', 200).end();
      const headers = within(inner, () => inject(contextManager.active()));
      expect(parseSw8(headers['sw8'] ?? '')).toMatchObject({ spanId: 1, peer: 'sqs' });
    });
    outer.end();
  });
  call.end();
  expect(onlySegment()).toMatchObject([{}, { operation: 'send', tags: {} }]);
});

test('what happens after the end of a call goes into a segment that refers to it', async () => {
  const call = entry();
  const later = within(call, async () => {
    await turn();
    await turn();
    tracer.startSpan('later').end();
  });
  call.end();
  await later;
  expect(segments).toHaveLength(2);
  const [first, second] = segments;
  expect(second?.relatedTraces[0]?.toString()).toBe(first?.relatedTraces[0]?.toString());
  expect(second?.spans[0]?.refs[0]).toMatchObject({ spanId: 0, endpoint: 'call' });
  expect(second?.spans[0]?.refs[0]?.segmentId.toString()).toBe(first?.segmentId.toString());
});

test('a trace goes on from sw8, with a reference to the caller', () => {
  entry('call', extract({ sw8: renderSw8(remote) })).end();
  const [segment] = segments;
  expect(segment?.relatedTraces.map(String)).toEqual([remote.traceId]);
  expect(segment?.spans[0]?.refs).toMatchObject([
    {
      spanId: 3,
      service: 'shop',
      serviceInstance: 'shop-1',
      endpoint: 'GET:/shop',
      clientAddress: 'orders:80',
    },
  ]);
});

test('a trace that comes with traceparent alone keeps its id', () => {
  const call = entry('call', extract({ traceparent: TRACEPARENT, tracestate: 'vendor=1' }));
  const headers = within(call, () => inject(contextManager.active()));
  call.end();
  expect(segments[0]?.relatedTraces.map(String)).toEqual(['0af7651916cd43dd8448eb211c80319c']);
  expect(headers['traceparent']).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[\da-f]{16}-01$/);
  expect(headers['tracestate']).toBe('vendor=1');
});

test('a malformed sw8 or traceparent begins a new trace', () => {
  entry('call', extract({ sw8: '1-nonsense', traceparent: '00-zz' })).end();
  expect(onlySegment()).toHaveLength(1);
  expect(segments[0]?.spans[0]?.refs).toEqual([]);
  expect(segments[0]?.relatedTraces[0]?.toString()).toMatch(/^[\da-f]{32}$/);
});

test('the headers that go on name the span, the endpoint of the call and the peer', () => {
  const call = entry('call', extract({ sw8: renderSw8(remote), 'sw8-x': '1-1700000000000' }));
  const options = { kind: SpanKind.PRODUCER, attributes: { 'peer.service': 'mq/orders' } };
  const exit = within(call, () => tracer.startSpan('publish orders', options));
  const headers = within(exit, () => inject(contextManager.active()));
  exit.end();
  call.end();
  const segmentId = segments[0]?.segmentId.toString() ?? '';
  expect(parseSw8(headers['sw8'] ?? '')).toEqual({
    sampled: true,
    traceId: remote.traceId,
    segmentId,
    spanId: 1,
    service: SERVICE.name,
    instance: SERVICE.instance,
    endpoint: 'call',
    peer: 'mq/orders',
  });
  expect(headers['traceparent']).toBe(`00-${remote.traceId}-${segmentId.slice(0, 12)}0001-01`);
  expect(headers['sw8-x']).toBe('1');
});

test('baggage and correlation are the same values, and the own ones count', () => {
  const context = propagation.setBaggage(
    ROOT_CONTEXT,
    propagation.createBaggage({ tenant: { value: 'blue' } }),
  );
  const headers = {
    baggage: 'tenant=red,user=7',
    'sw8-correlation': 'dGVuYW50OmI=:eA==,cGxhbg==:Z29sZA==',
  };
  const call = entry('call', extract(headers, context));
  const sent = inject(trace.setSpan(extract(headers, context), call));
  call.end();
  expect(sent['baggage']?.split(',').toSorted()).toEqual([
    'plan=gold',
    'tenant%3Ab=x',
    'tenant=blue',
    'user=7',
  ]);
  expect(sent['sw8-correlation']).toBe('dGVuYW50:Ymx1ZQ==,dGVuYW50OmI=:eA==,cGxhbg==:Z29sZA==');
});

test.each([
  ['the caller says so', () => {}, { sw8: renderSw8({ ...remote, sampled: false }) }, {}],
  [
    'as many segments have begun in this second as may',
    () => void (agent.SpanContext.nActiveSegments = agent.config.maxBufferSize),
    { sw8: renderSw8(remote) },
    {},
  ],
  [
    'no collector is connected and traces are not kept',
    () => void (fixture.mayBegin = false),
    {},
    {},
  ],
  [
    'its suffix is ignored',
    () => {},
    {},
    { attributes: { 'http.request.method': 'GET', 'url.path': '/logo.svg' } },
  ],
])(
  'nothing is recorded when %s, and what came goes on as it is',
  async (_, arrange, headers, options) => {
    arrange();
    const call = entry('call', extract(headers), options);
    expect(call.isRecording()).toBe(false);
    await within(call, async () => {
      await turn();
      tracer.startSpan('inner').end();
      agent.contextManager.current.newExitSpan('hook', agent.Component.REDIS).start();
      expect(inject(contextManager.active())).toEqual(headers);
      expect(trace.getSpan(contextManager.active())?.spanContext().traceFlags).toBe(0);
    });
    call.end();
    expect(segments).toEqual([]);
  },
);

test('paths and methods are ignored as the agent does it', () => {
  Object.assign(agent.config, {
    traceIgnorePath: '/health/**,secret',
    httpIgnoreMethod: 'options',
  });
  agent.finalizeConfig(agent.config);
  try {
    const http = (method: string, path: string): SpanOptions => ({
      attributes: { 'http.request.method': method, 'url.path': path },
    });
    entry('call', ROOT_CONTEXT, http('GET', '/health/live')).end();
    entry('call', ROOT_CONTEXT, http('OPTIONS', '/')).end();
    entry('secret').end();
    expect(segments).toEqual([]);
    entry('call', ROOT_CONTEXT, http('GET', '/healthy')).end();
    expect(segments).toHaveLength(1);
  } finally {
    Object.assign(agent.config, { traceIgnorePath: '', httpIgnoreMethod: '' });
    agent.finalizeConfig(agent.config);
  }
});

test('attributes, events, exceptions and status are tags, logs and errors', () => {
  const call = entry('call', ROOT_CONTEXT, {
    attributes: { 'http.request.method': 'GET', 'url.full': 'http://a/b?token=1' },
  });
  call.setAttributes({ 'http.response.status_code': 500, list: [1, 2], 'url.query': '?token=1' });
  call.addEvent('cache miss', { key: 'k' });
  call.recordException(new Error('boom'));
  expect(segments).toEqual([]);
  call.setStatus({ code: SpanStatusCode.ERROR, message: 'boom' }).updateName('renamed').end();
  call.setAttribute('late', 1).addEvent('late').end();
  expect(onlySegment()).toMatchObject([
    {
      operation: 'renamed',
      errored: true,
      tags: {
        'http.method': 'GET',
        'http.url': 'http://a/b',
        'http.status_code': '500',
        list: '[1,2]',
      },
    },
  ]);
  const logs = segments[0]?.spans[0]?.logs.map(({ items }) => items) ?? [];
  expect(logs).toMatchObject([
    [
      { key: 'event', val: 'cache miss' },
      { key: 'key', val: 'k' },
    ],
    [{ key: 'Stack', val: expect.stringContaining('Error: boom') }],
  ]);
  expect(logs).toHaveLength(2);
});

test('an exception that is dealt with does not make its span an error', () => {
  const call = entry();
  call.recordException('dealt with');
  call.end();
  expect(onlySegment()[0]).not.toHaveProperty('errored');
});

test('a client span has its peer from its address, and its path for a name', () => {
  const call = entry();
  within(call, () => {
    tracer
      .startSpan('GET', {
        kind: SpanKind.CLIENT,
        attributes: { 'http.request.method': 'GET', 'url.full': 'https://api.example/v1/x?y=1' },
      })
      .end();
    tracer
      .startSpan('SELECT', {
        kind: SpanKind.CLIENT,
        attributes: { 'db.system.name': 'postgresql', 'server.address': 'pg', 'server.port': 5432 },
      })
      .end();
    tracer
      .startSpan('rpc', { kind: SpanKind.CLIENT, attributes: { 'rpc.system': 'grpc' } })
      .setAttribute('server.address', 'late')
      .end();
    tracer.startSpan('nowhere', { kind: SpanKind.CLIENT }).end();
  });
  call.end();
  expect(onlySegment().slice(1)).toMatchObject([
    {
      operation: '/v1/x',
      layer: 3,
      component: 2,
      peer: 'api.example:443',
      tags: { 'http.url': 'https://api.example/v1/x' },
    },
    { operation: 'SELECT', layer: 1, peer: 'pg:5432', tags: { 'db.type': 'postgresql' } },
    { operation: 'rpc', layer: 2, peer: 'late' },
    { operation: 'nowhere', peer: 'nowhere' },
  ]);
});

test('given times are the times of the span', () => {
  const call = entry('call', ROOT_CONTEXT, { startTime: new Date(1000) });
  call.end(new Date(3000));
  expect(segments[0]?.spans[0]).toMatchObject({ startTime: 1000, endTime: 3000 });
});

test('a span that is never ended holds its segment back only for a while', () => {
  const call = entry();
  within(call, () => void tracer.startSpan('forgotten'));
  call.end();
  expect(segments).toEqual([]);
  fixture.now = 999;
  fixture.openSpans.sweep();
  expect(segments).toEqual([]);
  fixture.now = 1000;
  fixture.openSpans.sweep();
  expect(onlySegment()).toMatchObject([
    {},
    { operation: 'forgotten', tags: { unfinished: 'true' } },
  ]);
});

test('a call that goes on is not cut short', () => {
  const call = entry();
  fixture.now = 100_000;
  fixture.openSpans.sweep();
  fixture.openSpans.endAll();
  expect(segments).toEqual([]);
  call.end();
  expect(segments).toHaveLength(1);
});

test('a root span leaves the trace that it is made in', () => {
  const call = entry();
  within(call, () => tracer.startSpan('apart', { root: true, kind: SpanKind.CLIENT }).end());
  call.end();
  expect(segments).toHaveLength(2);
});

test('nothing is recorded where tracing is suppressed', () => {
  const call = entry();
  within(call, () => {
    expect(tracer.startSpan('x', {}, suppressTracing(contextManager.active())).isRecording()).toBe(
      false,
    );
  });
  call.end();
  expect(onlySegment()).toHaveLength(1);
});

test('code that is run in the root context is outside of the call', () => {
  const call = entry();
  within(call, () => {
    contextManager.with(ROOT_CONTEXT, () => {
      expect(agent.contextManager.hasContext).toBe(false);
      tracer.startSpan('alone').end();
    });
    expect(agent.contextManager.currentSpan?.operation).toBe('call');
  });
  call.end();
  expect(segments.map(({ spans }) => spans.map(({ operation }) => operation))).toEqual([
    ['alone'],
    ['call'],
  ]);
});

test('times are whole milliseconds, as the protocol has them', () => {
  const call = entry('call', ROOT_CONTEXT, { startTime: 1000.4 });
  call.addEvent('half', 1000.6);
  call.end(1001.6);
  const [span] = segments[0]?.spans ?? [];
  for (const time of [span?.startTime, span?.endTime, span?.logs[0]?.timestamp]) {
    expect(Number.isInteger(time)).toBe(true);
  }
});

test('a span that a hook of the agent never ends holds its segment back only for a while', () => {
  const call = entry();
  within(call, () => agent.contextManager.current.newLocalSpan('hook').start());
  call.end();
  const open = agent.SpanContext.nTotalSegments;
  fixture.now = 1000;
  fixture.openSpans.sweep();
  expect(onlySegment()).toMatchObject([{ operation: 'call' }]);
  expect(agent.SpanContext.nTotalSegments).toBe(open - 1);
});

test('spans that follow each other do not keep those that have ended', () => {
  let last: Span | undefined;
  const follow = (left: number): void => {
    tracer.startActiveSpan('poll', (span) => {
      span.end();
      last = span;
      if (left > 0) follow(left - 1);
    });
  };
  follow(50);
  expect((last as unknown as { stack: unknown[] }).stack).toHaveLength(1);
});

test('a segment has 300 spans; what is more is not told, and the trace goes on', () => {
  const call = entry();
  within(call, () => {
    for (let count = 0; count < 1000; count += 1) tracer.startSpan(`${count}`).end();
    const last = tracer.startSpan('last', { kind: SpanKind.CLIENT });
    const headers = within(last, () => inject(contextManager.active()));
    expect(parseSw8(headers['sw8'] ?? '')).toMatchObject({ spanId: 0 });
    last.end();
  });
  call.end();
  expect(segments).toHaveLength(1);
  expect(segments[0]?.spans).toHaveLength(300);
});

test.each(['constructor', 'toString', '__proto__'])('an attribute may be named %s', (name) => {
  const call = entry();
  call.setAttributes(Object.fromEntries([[name, 'a']]));
  call.end();
  expect(segments[0]?.spans[0]?.tags).toContainEqual(
    expect.objectContaining({ key: name, val: 'a' }),
  );
});

test('arguments that are left out or null are taken for what is there', () => {
  const code = (span: Span): string => {
    span.end();
    return 'done';
  };
  const loose = tracer as unknown as Record<
    'startSpan' | 'startActiveSpan',
    (...args: unknown[]) => unknown
  >;
  expect(loose.startActiveSpan('a', {}, undefined, code)).toBe('done');
  expect(loose.startActiveSpan('a', null, null, code)).toBe('done');
  (loose.startSpan('a', null, null) as Span).end();
  (loose.startSpan('a') as { setStatus(): Span }).setStatus().end();
  expect(segments).toHaveLength(4);
});

test('a client span that does not say where it leads to may have others in it that do', () => {
  const call = entry();
  within(call, () => {
    const outer = tracer.startSpan('all', { kind: SpanKind.CLIENT });
    within(outer, () => {
      const to = (peer: string): SpanOptions => ({
        kind: SpanKind.CLIENT,
        attributes: { 'peer.service': peer },
      });
      tracer.startSpan('one', to('a')).end();
      tracer.startSpan('two', to('b')).end();
    });
    outer.end();
  });
  call.end();
  expect(onlySegment().slice(1)).toMatchObject([
    { operation: 'all' },
    { operation: 'one', parentId: 1, peer: 'a' },
    { operation: 'two', parentId: 1, peer: 'b' },
  ]);
});

test('what is not recorded has the trace id of its caller', () => {
  const headers = { sw8: renderSw8({ ...remote, sampled: false }) };
  expect(entry('call', extract(headers)).spanContext().traceId).toBe(remote.traceId);
});

test('baggage that cannot be encoded is left out, and the rest is sent', () => {
  const baggage = propagation.createBaggage({ half: { value: '\ud800' } });
  const context = propagation.setBaggage(ROOT_CONTEXT, baggage);
  const call = entry('call', context);
  expect(inject(trace.setSpan(context, call))).toHaveProperty('sw8');
  call.end();
});

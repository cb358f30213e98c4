import {
  context,
  diag,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
} from '@opentelemetry/api';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ExporterSettings } from '../configuration.ts';
import type { TraceProvider } from '../provider.ts';
import { createLines, type Line } from '../lines.fixture.ts';
import {
  createOtlpCollector,
  type CollectorBehaviour,
  type OtlpCollector,
} from './otlp-collector.fixture.ts';
import { createOpenTelemetry } from './provider.ts';

type Protocol = ExporterSettings['protocol'];
const PROTOCOLS: readonly Protocol[] = ['grpc', 'http/protobuf', 'http/json'];

const SETTINGS: ExporterSettings = {
  protocol: 'http/protobuf',
  endpoint: undefined,
  headers: {},
  compression: 'none',
  timeout: 10_000,
};
const CONFIGURATION = {
  service: undefined,
  instance: 'orders-0',
  pod: undefined,
  namespace: undefined,
};
const SERVICE = { name: 'orders', instance: 'orders-0' };

interface Setting {
  readonly exporter?: Partial<ExporterSettings>;
  readonly env?: Record<string, string>;
  readonly pod?: string;
  readonly namespace?: string;
}

async function provide({ exporter, env = {}, pod, namespace }: Setting): Promise<{
  provider: TraceProvider;
  lines: readonly Line[];
  span: (name?: string) => Span;
}> {
  const { log, lines } = createLines();
  const configuration = {
    ...CONFIGURATION,
    pod,
    namespace,
    exporter: { ...SETTINGS, ...exporter },
  };
  const provider = await createOpenTelemetry(configuration, env, log);
  const tracer = provider.tracerProvider.getTracer('test');
  return { provider, lines, span: (name = 'call') => tracer.startSpan(name) };
}

async function collect(
  protocol: Protocol = 'http/protobuf',
  behaviour: CollectorBehaviour = 'normal',
): Promise<OtlpCollector> {
  const collector = await createOtlpCollector(protocol === 'grpc' ? 'grpc' : 'http', behaviour);
  onTestFinished(() => collector.close());
  return collector;
}

function endpointOf({ endpoint }: OtlpCollector, protocol: Protocol = 'http/protobuf'): string {
  return protocol === 'grpc' ? endpoint : `${endpoint}/v1/traces`;
}

/** Somebody who takes connections and says nothing. */
async function listen(): Promise<{ server: Server; endpoint: string }> {
  const server = createServer((socket) => void socket.on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { server, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function freeEndpoint(protocol: Protocol): Promise<string> {
  const collector = await createOtlpCollector(protocol === 'grpc' ? 'grpc' : 'http');
  await collector.close();
  return endpointOf(collector, protocol);
}

function warnings(lines: readonly Line[]): string {
  return lines
    .filter(({ level }) => level === 'warn')
    .map(({ message }) => message)
    .join('\n');
}

afterEach(() => {
  vi.useRealTimers();
  diag.disable();
});

describe.each(PROTOCOLS)('over %s', (protocol) => {
  test('delivers a span with its parent, attributes, event, link and failure', async () => {
    const collector = await collect(protocol);
    const { provider, lines } = await provide({
      exporter: { protocol, endpoint: endpointOf(collector, protocol) },
    });
    provider.start(SERVICE);
    const tracer = provider.tracerProvider.getTracer('orders-tracer');
    const parent = tracer.startSpan('parent', { kind: SpanKind.SERVER });
    const other = tracer.startSpan('other');
    const child = tracer.startSpan(
      'child',
      {
        attributes: { text: 'ü', count: 7, big: 2 ** 40, share: 0.5, on: true, list: ['a', 'b'] },
        links: [{ context: other.spanContext(), attributes: { why: 'batch' } }],
      },
      trace.setSpan(context.active(), parent),
    );
    child.addEvent('paid', { amount: 3 });
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'no stock' });
    child.end();
    parent.end();
    await provider.close();

    const received = await collector.received(2);
    const { traceId, spanId } = child.spanContext();
    expect(received.find(({ name }) => name === 'child')).toMatchObject({
      traceId,
      spanId,
      parentSpanId: parent.spanContext().spanId,
      kind: 1,
      attributes: { text: 'ü', count: 7, big: 2 ** 40, share: 0.5, on: true, list: ['a', 'b'] },
      events: [{ name: 'paid', attributes: { amount: 3 } }],
      links: [{ spanId: other.spanContext().spanId, attributes: { why: 'batch' } }],
      status: { code: 2, message: 'no stock' },
      scope: 'orders-tracer',
    });
    expect(received.find(({ name }) => name === 'parent')).toMatchObject({
      parentSpanId: '',
      kind: 2,
    });
    expect(lines).toEqual([]);
  });

  test('sends the headers of the settings', async () => {
    const collector = await collect(protocol);
    const headers = { authorization: 'Bearer secret', 'x-scope-orgid': 'shop' };
    const { provider, span } = await provide({
      exporter: { protocol, endpoint: endpointOf(collector, protocol), headers },
    });
    provider.start(SERVICE);
    span().end();
    await provider.close();

    expect(collector.exports[0]?.headers).toMatchObject(headers);
  });

  test('sends no header of a variable that was left out', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'a b=c,x-bin=v');
    onTestFinished(() => void vi.unstubAllEnvs());
    const collector = await collect(protocol);
    const { provider, span } = await provide({
      exporter: { protocol, endpoint: endpointOf(collector, protocol) },
    });
    provider.start(SERVICE);
    span().end();
    await provider.close();
    expect(await collector.received(1)).toHaveLength(1);
    expect(process.env['OTEL_EXPORTER_OTLP_HEADERS']).toBe('a b=c,x-bin=v');
  });

  test('compresses with gzip when the settings say so', async () => {
    const collector = await collect(protocol);
    const { provider, span } = await provide({
      exporter: { protocol, endpoint: endpointOf(collector, protocol), compression: 'gzip' },
    });
    provider.start(SERVICE);
    span('compressed').end();
    await provider.close();

    expect(collector.spans.map(({ name }) => name)).toEqual(['compressed']);
    // A server of gRPC keeps the encoding of its messages to itself.
    const encoding = protocol === 'grpc' ? undefined : 'gzip';
    expect(collector.exports[0]?.headers['content-encoding']).toBe(encoding);
  });

  test('gives an export up after the timeout, and says what was lost', async () => {
    const collector = await collect(protocol, 'hang');
    const { provider, lines, span } = await provide({
      exporter: { protocol, endpoint: endpointOf(collector, protocol), timeout: 50 },
    });
    provider.start(SERVICE);
    span().end();
    await provider.close();

    expect(lines).toEqual([
      {
        level: 'warn',
        message: 'Spans could not be sent',
        fields: {
          target: collector.endpoint,
          spans: 1,
          reason: expect.stringMatching(/timed out|deadline exceeded/i),
        },
      },
    ]);
  });

  test('says why a collector refused', async () => {
    const collector = await collect(protocol, 'refuse');
    const { provider, lines, span } = await provide({
      exporter: { protocol, endpoint: endpointOf(collector, protocol) },
    });
    provider.start(SERVICE);
    span().end();
    await provider.close();

    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields['reason']).toMatch(/400|PERMISSION_DENIED/);
  });

  test('takes an answer that says nothing for a success', async () => {
    const collector = await collect(protocol, 'garbage');
    const { provider, lines, span } = await provide({
      exporter: { protocol, endpoint: endpointOf(collector, protocol) },
    });
    provider.start(SERVICE);
    span().end();
    await provider.close();

    expect(collector.spans).toHaveLength(1);
    expect(lines.filter(({ message }) => message === 'Spans could not be sent')).toEqual([]);
  });

  test('closes in bounded time while the collector hangs', async () => {
    const collector = await collect(protocol, 'hang');
    const { provider, lines, span } = await provide({
      exporter: { protocol, endpoint: endpointOf(collector, protocol), timeout: 60_000 },
      env: { OTEL_BSP_SCHEDULE_DELAY: '1' },
    });
    provider.start(SERVICE);
    span().end();
    await collector.received(1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const closed = provider.close();
    await vi.advanceTimersByTimeAsync(5000);
    await closed;

    expect(lines).toEqual([
      {
        level: 'warn',
        message: 'Spans could not be sent before the stop',
        fields: { target: collector.endpoint, spans: 1, reason: 'no answer in time' },
      },
    ]);
  });

  test('gives up at once when no collector is there, and says why in one line', async () => {
    const endpoint = await freeEndpoint(protocol);
    const { provider, lines, span } = await provide({
      exporter: { protocol, endpoint },
      env: { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' },
    });
    provider.start(SERVICE);
    for (let i = 0; i < 3; i++) span().end();
    // Time stands still: nothing is waited for, and nothing is tried again.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await provider.close();

    expect(lines).toEqual([
      {
        level: 'warn',
        message: 'Spans could not be sent before the stop',
        fields: {
          target: new URL(endpoint).origin,
          spans: 3,
          reason: expect.stringMatching(/^connect ECONNREFUSED 127\.0\.0\.1:\d+$/),
        },
      },
    ]);
  });

  test('connects to nobody at a close with nothing to send', async () => {
    const { server, endpoint } = await listen();
    const connected = vi.fn<() => void>();
    server.on('connection', connected);
    const { provider, lines } = await provide({ exporter: { protocol, endpoint } });
    provider.start(SERVICE);
    await provider.close();
    // A connection before this one would have been accepted before.
    await once(connect(Number(new URL(endpoint).port), '127.0.0.1').resume(), 'connect');
    await vi.waitFor(() => expect(connected).toHaveBeenCalled());

    expect(connected).toHaveBeenCalledTimes(1);
    expect(lines).toEqual([]);
  });

  test('is named as the target', async () => {
    const endpoint = 'http://me:hunter2@collector.test:4318';
    const { provider } = await provide({ exporter: { protocol, endpoint } });
    expect(provider.target).toBe('OTLP at http://collector.test:4318');
    await provider.close();
  });
});

test('gives up at the close what is being tried again, when the collector is gone', async () => {
  const { server, endpoint } = await listen();
  const { provider, lines, span } = await provide({
    exporter: { endpoint },
    env: { OTEL_BSP_SCHEDULE_DELAY: '1' },
  });
  provider.start(SERVICE);
  span().end();
  const [socket] = (await once(server, 'connection')) as [Socket];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  server.close();
  socket.destroy();
  await once(server, 'close');
  await provider.close();

  expect(lines).toEqual([
    {
      level: 'warn',
      message: 'Spans could not be sent before the stop',
      fields: {
        target: endpoint,
        spans: 1,
        reason: expect.stringMatching(/^connect ECONNREFUSED 127\.0\.0\.1:\d+$/),
      },
    },
  ]);
});

test('the reason of a refused connection over gRPC has no empty end', async () => {
  const { provider, lines, span } = await provide({
    exporter: { protocol: 'grpc', endpoint: await freeEndpoint('grpc') },
    env: { OTEL_BSP_SCHEDULE_DELAY: '1' },
  });
  provider.start(SERVICE);
  span().end();
  await vi.waitFor(() => expect(lines).toHaveLength(1));
  await provider.close();

  expect(lines[0]?.fields['reason']).toMatch(/^14 UNAVAILABLE: .*ECONNREFUSED.*:\d+\.?$/);
});

test('the path of the endpoint is sent to as it is, and its secrets stay out of the log', async () => {
  const collector = await collect('http/protobuf', 'refuse');
  const { host } = new URL(collector.endpoint);
  const { provider, lines, span } = await provide({
    exporter: { endpoint: `http://user:secret@${host}/otlp?key=secret` },
  });
  provider.start(SERVICE);
  span().end();
  await provider.close();

  expect(collector.exports[0]?.path).toBe('/otlp?key=secret');
  expect(lines[0]?.fields['target']).toBe(`http://${host}`);
  expect(JSON.stringify(lines)).not.toContain('secret');
});

describe('the resource', () => {
  async function resourceOf(setting: Setting): Promise<Readonly<Record<string, unknown>>> {
    const collector = await collect();
    const { provider, span } = await provide({
      ...setting,
      exporter: { endpoint: endpointOf(collector) },
    });
    provider.start(SERVICE);
    span().end();
    await provider.close();
    return collector.spans[0]?.resource ?? {};
  }

  test('holds service, instance, pod and namespace, and the SDK', async () => {
    expect(await resourceOf({ pod: 'orders-7f', namespace: 'shop' })).toEqual({
      'service.name': 'orders',
      'service.instance.id': 'orders-0',
      'k8s.pod.name': 'orders-7f',
      'k8s.namespace.name': 'shop',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.version': expect.any(String),
    });
  });

  test('takes all but the service from OTEL_RESOURCE_ATTRIBUTES, which the start knows', async () => {
    const OTEL_RESOURCE_ATTRIBUTES = 'service.name=listed,team=a%2Cb,k8s.pod.name=other';
    expect(await resourceOf({ env: { OTEL_RESOURCE_ATTRIBUTES }, pod: 'orders-7f' })).toMatchObject(
      { 'service.name': 'orders', team: 'a,b', 'k8s.pod.name': 'other' },
    );
  });

  test('waits for the start with spans that ended before', async () => {
    const collector = await collect();
    const { provider, span } = await provide({
      exporter: { endpoint: endpointOf(collector) },
      env: { OTEL_BSP_SCHEDULE_DELAY: '1' },
    });
    span('while the functions load').end();
    provider.start(SERVICE);
    const [received] = await collector.received(1);
    await provider.close();

    expect(received?.resource['service.name']).toBe('orders');
  });

  test('does without a name when the start failed', async () => {
    const collector = await collect();
    const { provider, span } = await provide({ exporter: { endpoint: endpointOf(collector) } });
    span().end();
    await provider.close();

    expect(collector.spans[0]?.resource['service.name']).toBe('unknown_service');
  });
});

test('keeps no more spans than the queue holds while the collector hangs', async () => {
  const collector = await collect('http/protobuf', 'hang');
  const { provider, span } = await provide({
    exporter: { endpoint: endpointOf(collector), timeout: 60_000 },
    env: { OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' },
  });
  provider.start(SERVICE);
  for (let i = 0; i < 1000; i++) span(`call ${i}`).end();
  await collector.received(10);
  collector.behave('normal');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const closed = provider.close();
  // One batch under way, one in the queue: the rest was dropped.
  const received = await collector.received(20);
  await vi.advanceTimersByTimeAsync(5000);
  await closed;

  expect(received.map(({ name }) => name)).toEqual(
    Array.from({ length: 20 }, (_, index) => `call ${index}`),
  );
  expect(collector.exports).toHaveLength(2);
});

test('takes no more than a second to close after the collector has failed', async () => {
  const collector = await collect('http/protobuf', 'refuse');
  const { provider, lines, span } = await provide({
    exporter: { endpoint: endpointOf(collector), timeout: 60_000 },
    env: { OTEL_BSP_SCHEDULE_DELAY: '1' },
  });
  provider.start(SERVICE);
  span().end();
  await vi.waitFor(() => expect(lines).toHaveLength(1));
  collector.behave('hang');
  span().end();
  await collector.received(2);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const closed = provider.close();
  await vi.advanceTimersByTimeAsync(1000);
  await closed;

  expect(lines.at(-1)).toMatchObject({
    message: 'Spans could not be sent before the stop',
    fields: { spans: 1 },
  });
});

test('does not repeat itself while the collector is gone, and says when it is back', async () => {
  const collector = await collect('http/protobuf', 'refuse');
  const { provider, lines, span } = await provide({
    exporter: { endpoint: endpointOf(collector) },
    env: { OTEL_BSP_SCHEDULE_DELAY: '1' },
  });
  provider.start(SERVICE);
  for (let count = 1; count <= 3; count++) {
    span().end();
    await collector.received(count);
  }
  await vi.waitFor(() => expect(lines).toHaveLength(1));
  collector.behave('normal');
  span().end();
  await provider.close();

  expect(lines.map(({ message, fields }) => [message, fields['spans']])).toEqual([
    ['Spans could not be sent', 1],
    ['Spans arrive again', undefined],
    ['Spans could not be sent before the stop', 2],
  ]);
});

describe('OTEL_TRACES_EXPORTER', () => {
  test('none records spans and sends nothing', async () => {
    const collector = await collect();
    const { provider, span } = await provide({
      exporter: { endpoint: endpointOf(collector) },
      env: { OTEL_TRACES_EXPORTER: 'none' },
    });
    provider.start(SERVICE);
    const call = span();
    call.end();
    await provider.close();

    expect(call.isRecording()).toBe(false);
    expect(trace.isSpanContextValid(call.spanContext())).toBe(true);
    expect(collector.exports).toEqual([]);
  });

  test.each([
    ['none', 'nobody (OTEL_TRACES_EXPORTER=none)'],
    ['console', 'the console'],
    ['console,otlp', 'the console and OTLP at http://localhost:4318'],
  ])('%s is named as the target', async (name, target) => {
    const { provider } = await provide({ env: { OTEL_TRACES_EXPORTER: name } });
    expect(provider.target).toBe(target);
    await provider.close();
  });

  test('console prints spans beside those of OTLP', async () => {
    const collector = await collect();
    const dir = vi.spyOn(console, 'dir').mockImplementation(() => {});
    onTestFinished(() => dir.mockRestore());
    const { provider, span } = await provide({
      exporter: { endpoint: endpointOf(collector) },
      env: { OTEL_TRACES_EXPORTER: 'console,otlp' },
    });
    provider.start(SERVICE);
    span('printed').end();
    await provider.close();

    expect(dir.mock.calls[0]?.[0]).toMatchObject({ name: 'printed' });
    expect(collector.spans).toHaveLength(1);
  });

  test('is warned of by name when it is not known, and OTLP is used', async () => {
    const collector = await collect();
    const { provider, lines, span } = await provide({
      exporter: { endpoint: endpointOf(collector) },
      env: { OTEL_TRACES_EXPORTER: 'zipkin' },
    });
    provider.start(SERVICE);
    span().end();
    await provider.close();

    expect(warnings(lines)).toContain('OTEL_TRACES_EXPORTER: "zipkin"');
    expect(collector.spans).toHaveLength(1);
  });
});

test('records what OTEL_TRACES_SAMPLER lets it', async () => {
  const { provider, span } = await provide({ env: { OTEL_TRACES_SAMPLER: 'always_off' } });
  expect(span().isRecording()).toBe(false);
  await provider.close();
});

test('cuts a span to the limits of the environment', async () => {
  const collector = await collect();
  const { provider, span } = await provide({
    exporter: { endpoint: endpointOf(collector) },
    env: { OTEL_ATTRIBUTE_COUNT_LIMIT: '1', OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '3' },
  });
  provider.start(SERVICE);
  const call = span();
  call.setAttributes({ first: 'abcdef', second: 'x' });
  call.end();
  await provider.close();

  expect(collector.spans[0]?.attributes).toEqual({ first: 'abc' });
});

test('names each variable that cannot be used, and still delivers', async () => {
  const collector = await collect();
  const env = {
    OTEL_TRACES_SAMPLER: 'sometimes',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '0',
    OTEL_BSP_SCHEDULE_DELAY: 'soon',
    OTEL_SPAN_EVENT_COUNT_LIMIT: '-1',
    OTEL_PROPAGATORS: 'b3',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=a,broken',
    OTEL_LOG_LEVEL: 'loud',
    OTEL_TRACES_EXPORTER: 'jaeger',
  };
  const { provider, lines, span } = await provide({
    exporter: { endpoint: endpointOf(collector) },
    env,
  });
  provider.start(SERVICE);
  span().end();
  await provider.close();

  const named = lines.map(({ message }) => message.split(':')[0]);
  expect(new Set(named)).toEqual(new Set(Object.keys(env)));
  expect(named).toHaveLength(Object.keys(env).length);
  expect(lines.every(({ level }) => level === 'warn')).toBe(true);
  expect(collector.spans[0]?.resource['service.name']).toBe('orders');
});

test('shows of no variable more than a line, and of attributes nothing', async () => {
  const long = `${'x'.repeat(5000)}\n`;
  const names = [
    'OTEL_TRACES_SAMPLER',
    'OTEL_BSP_SCHEDULE_DELAY',
    'OTEL_ATTRIBUTE_COUNT_LIMIT',
    'OTEL_PROPAGATORS',
    'OTEL_LOG_LEVEL',
    'OTEL_TRACES_EXPORTER',
  ];
  const { provider, lines } = await provide({
    env: {
      ...Object.fromEntries(names.map((name) => [name, `${long}${long}`])),
      OTEL_RESOURCE_ATTRIBUTES: 'token=hunter2,hunter3',
    },
  });
  await provider.close();

  const messages = lines.map(({ message }) => message);
  expect(messages).toHaveLength(names.length + 1);
  expect(messages.filter((message) => message.length > 350 || /\n/.test(message))).toEqual([]);
  expect(messages.filter((message) => message.includes('RESOURCE'))).toEqual([
    'OTEL_RESOURCE_ATTRIBUTES: entry 2 is not key=value, percent-encoded, and the variable is left out',
  ]);
});

test('keeps what goes on in one context apart from another', async () => {
  const { provider, span } = await provide({ env: { OTEL_TRACES_EXPORTER: 'none' } });
  const { contextManager } = provider;
  const active = (): string | undefined => trace.getSpanContext(contextManager.active())?.spanId;
  const run = async (call: Span): Promise<(string | undefined)[]> =>
    contextManager.with(trace.setSpan(contextManager.active(), call), async () => {
      const before = active();
      await Promise.resolve();
      return [before, active()];
    });
  const [first, second] = [span(), span()];
  const seen = await Promise.all([run(first), run(second)]);
  await provider.close();

  expect(seen).toEqual([first, second].map((each) => Array(2).fill(each.spanContext().spanId)));
  expect(active()).toBeUndefined();
});

test('registers nothing with the API by itself', async () => {
  const { provider } = await provide({});
  const carrier = {};
  propagation.inject(context.active(), carrier);
  expect(trace.getTracer('test').startSpan('call').isRecording()).toBe(false);
  expect(carrier).toEqual({});
  await provider.close();
});

import {
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  BatchSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, test, vi } from 'vitest';
import { createLines } from '../lines.fixture.ts';
import { createOpenTelemetry } from './provider.ts';
import { registeredProvider } from './registration.ts';

const API = Symbol.for('opentelemetry.js.api.1');

afterEach(() => {
  vi.useRealTimers();
  trace.disable();
  context.disable();
  propagation.disable();
  Reflect.deleteProperty(globalThis, API);
});

const CONFIGURATION = {
  service: undefined,
  instance: 'orders-0',
  pod: undefined,
  namespace: undefined,
  exporter: {
    protocol: 'http/protobuf',
    endpoint: undefined,
    headers: {},
    compression: 'none',
    timeout: 10_000,
  },
} as const;

function registerTheirs(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  return exporter;
}

test('there is none as long as nobody has registered one', () => {
  expect(registeredProvider()).toBeUndefined();
  // Such as a logger for the API's diagnostics alone.
  Reflect.set(globalThis, API, { version: '1.9.0', diag: {} });
  expect(registeredProvider()).toBeUndefined();
});

test('spans go through the SDK that user code has registered, flushed at the close', async () => {
  const exporter = registerTheirs();
  const { log, lines } = createLines();
  const provider = await createOpenTelemetry(CONFIGURATION, {}, log);
  provider.start({ name: 'orders', instance: 'orders-0' });
  const tracer = provider.tracerProvider.getTracer('test');
  const call = tracer.startSpan('call');
  call.end();
  await provider.close();

  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['call']);
  // It is theirs to shut down.
  tracer.startSpan('after the close').end();
  await provider.close();
  expect(exporter.getFinishedSpans()).toHaveLength(2);
  expect(lines).toEqual([]);
  expect(provider.target).toBe('the SDK that was started before');
});

test('their context is the one that code runs in', () => {
  registerTheirs();
  const provider = registeredProvider();
  const call = provider?.tracerProvider.getTracer('test').startSpan('call');
  const inside = call && trace.setSpan(ROOT_CONTEXT, call);
  expect(inside && provider?.contextManager.with(inside, () => trace.getActiveSpan())).toBe(call);
});

test('their propagator is used, and the headers of SkyWalking are carried', () => {
  registerTheirs();
  const propagator = registeredProvider()?.propagator;
  const headers = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    sw8: '1-a-b-3-c-d-e-f',
    baggage: 'tenant=shop',
  };
  const carrier: Record<string, string> = {};
  const extracted = propagator?.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  if (extracted !== undefined) propagator?.inject(extracted, carrier, defaultTextMapSetter);
  expect(carrier).toEqual({ traceparent: headers.traceparent, sw8: headers.sw8 });
});

test('an SDK that was registered through an older API is found', () => {
  const older = { version: '1.4.0', trace: new BasicTracerProvider() };
  Reflect.set(globalThis, API, older);
  // The API itself does not see it.
  expect(trace.getTracer('test').startSpan('call').isRecording()).toBe(false);

  const call = registeredProvider()?.tracerProvider.getTracer('test').startSpan('call');
  expect(call?.isRecording()).toBe(true);
});

test('a flush of theirs that never ends does not hold the stop up', async () => {
  const stuck = {
    getTracer: () => trace.getTracer('test'),
    forceFlush: () => new Promise<void>(() => {}),
  };
  trace.setGlobalTracerProvider(stuck);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const closed = registeredProvider()?.close();
  await vi.advanceTimersByTimeAsync(5000);
  await expect(closed).resolves.toBeUndefined();
});

test('a flush of theirs that fails does not fail the stop', async () => {
  const failing = {
    getTracer: () => trace.getTracer('test'),
    forceFlush: () => Promise.reject(new Error('gone')),
  };
  trace.setGlobalTracerProvider(failing);
  await expect(registeredProvider()?.close()).resolves.toBeUndefined();
});

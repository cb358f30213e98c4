import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { expect, test } from 'vitest';
import { parsePropagators } from './propagators.ts';

const HEADERS = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=1',
  baggage: 'tenant=shop',
  sw8: '1-a-b-3-c-d-e-f',
  'sw8-correlation': 'dGVuYW50:c2hvcA==',
  'sw8-x': '0-1700000000000',
};

function passOn(
  names: string | undefined,
  headers: Record<string, string> = HEADERS,
): { carrier: Record<string, string>; warnings: string[] } {
  const warnings: string[] = [];
  const propagator = parsePropagators({ OTEL_PROPAGATORS: names }, (each) => warnings.push(each));
  const context = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  const carrier: Record<string, string> = {};
  propagator.inject(context, carrier, defaultTextMapSetter);
  return { carrier, warnings };
}

test.each([undefined, '', ' ', 'tracecontext,baggage', 'Baggage, TraceContext'])(
  'passes on trace, baggage and the headers of SkyWalking by OTEL_PROPAGATORS=%s',
  (names) => {
    expect(passOn(names)).toEqual({ carrier: HEADERS, warnings: [] });
  },
);

test('passes on only what OTEL_PROPAGATORS lists, and the headers of SkyWalking', () => {
  expect(Object.keys(passOn('baggage').carrier).toSorted()).toEqual([
    'baggage',
    'sw8',
    'sw8-correlation',
    'sw8-x',
  ]);
});

test('passes nothing on by none', () => {
  expect(passOn('none')).toEqual({ carrier: {}, warnings: [] });
});

test('names a propagator that is not supported, and uses the others', () => {
  const { carrier, warnings } = passOn('b3multi,tracecontext');
  expect(warnings).toEqual([
    'OTEL_PROPAGATORS: "b3multi" is not one of tracecontext, baggage, none, and is left out',
  ]);
  expect(carrier).not.toHaveProperty('baggage');
  expect(carrier).toHaveProperty('traceparent');
});

test('falls back to the default when no propagator is supported', () => {
  expect(passOn('b3')).toEqual({
    carrier: HEADERS,
    warnings: [
      'OTEL_PROPAGATORS: "b3" is not one of tracecontext, baggage, none, tracecontext,baggage is used',
    ],
  });
});

test('carries headers of SkyWalking without any trace of OpenTelemetry', () => {
  expect(passOn(undefined, { sw8: HEADERS.sw8 }).carrier).toEqual({ sw8: HEADERS.sw8 });
});

test('carries the first of a header that came twice, and not an empty one', () => {
  const propagator = parsePropagators({}, () => {});
  const carrier: Record<string, string> = {};
  const context = propagator.extract(
    ROOT_CONTEXT,
    { sw8: ['first', 'second'], 'sw8-x': '' },
    defaultTextMapGetter,
  );
  propagator.inject(context, carrier, defaultTextMapSetter);
  expect(carrier).toEqual({ sw8: 'first' });
});

test('sends no header with what is not to be traced, such as an export', () => {
  const propagator = parsePropagators({}, () => {});
  const extracted = propagator.extract(ROOT_CONTEXT, HEADERS, defaultTextMapGetter);
  const carrier: Record<string, string> = {};
  propagator.inject(suppressTracing(extracted), carrier, defaultTextMapSetter);
  expect(carrier).toEqual({});
});

test('reads the trace that a header names', () => {
  const context = parsePropagators({}, () => {}).extract(
    ROOT_CONTEXT,
    HEADERS,
    defaultTextMapGetter,
  );
  expect(trace.getSpanContext(context)).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    isRemote: true,
  });
  expect(propagation.getBaggage(context)?.getEntry('tenant')?.value).toBe('shop');
});

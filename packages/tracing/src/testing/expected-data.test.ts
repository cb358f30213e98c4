import { describe, expect, it } from 'vitest';
import {
  assertExpectedData,
  type ActualData,
  type ActualSpan,
  type ExpectedData,
} from './expected-data.fixture.ts';

function span(fields: Partial<ActualSpan> = {}): ActualSpan {
  return {
    operationName: '/orders',
    parentSpanId: -1,
    spanId: 0,
    spanLayer: 'FAAS',
    startTime: 1_700_000_000_000,
    endTime: 1_700_000_000_001,
    componentId: 5013,
    isError: false,
    spanType: 'Entry',
    peer: '',
    skipAnalysis: false,
    tags: [{ key: 'http.method', value: 'POST' }],
    logs: [],
    refs: [],
    ...fields,
  };
}

const ref = {
  parentEndpoint: '/cart',
  networkAddress: 'orders:80',
  refType: 'CrossProcess',
  parentSpanId: 1,
  parentTraceSegmentId: 'segment-2',
  parentServiceInstance: 'shop-1',
  parentService: 'shop',
  traceId: 'trace-1',
};

const ACTUAL: ActualData = {
  segmentItems: [
    {
      serviceName: 'shop',
      segmentSize: 2,
      segments: [
        { segmentId: 'segment-1', spans: [span({ operationName: '/health' })] },
        { segmentId: 'segment-2', spans: [span({ operationName: '/cart' })] },
      ],
    },
    {
      serviceName: 'orders',
      segmentSize: 1,
      segments: [{ segmentId: 'segment-3', spans: [span({ refs: [ref] })] }],
    },
  ],
};

type ExpectedSpan = NonNullable<
  ExpectedData['segmentItems'][number]['segments']
>[number]['spans'][number];

const orders = (...spans: ExpectedSpan[]): ExpectedData => ({
  segmentItems: [{ serviceName: 'orders', segments: [{ spans }] }],
});
const check = (expected: ExpectedData) => (): void => assertExpectedData(ACTUAL, expected);

describe('an expectation that is met', () => {
  it.each<ExpectedSpan>([
    {},
    { operationName: '/orders' },
    { operationName: 'eq /orders', spanId: 0, isError: false },
    { operationName: 'not null', peer: '' },
    { startTime: 'gt 0', endTime: 'ge 1700000000001', componentId: 'nq 0' },
    { operationName: 'start with /or', spanType: 'end with try', spanLayer: 'not blank' },
    { tags: [{ key: 'http.method', value: 'not null' }], logs: [] },
    { refs: [{ parentTraceSegmentId: 'not null', traceId: 'trace-1' }] },
  ])('passes: %j', (expected) => {
    expect(check(orders(expected))).not.toThrow();
  });

  it('finds segments in any order, and knows them by their place', () => {
    const segments = [
      { spans: [{ operationName: '/cart' }] },
      { spans: [{ operationName: '/health' }] },
    ];
    const refs = [{ parentTraceSegmentId: '${shop[0]}' }];
    const expected: ExpectedData = {
      segmentItems: [
        { serviceName: 'orders', segments: [{ spans: [{ refs }] }] },
        { serviceName: 'shop', segmentSize: 'ge 2', segments },
      ],
    };
    expect(check(expected)).not.toThrow();
    const swapped = { serviceName: 'shop', segments: segments.toReversed() };
    expect(check({ segmentItems: [expected.segmentItems[0]!, swapped] })).toThrow(
      'segmentItems[0].segments[0].spans[0].refs[0].parentTraceSegmentId: expected ${shop[0]}, got segment-2',
    );
  });
});

describe('an expectation that is not met', () => {
  it.each<[ExpectedSpan, string]>([
    [{ operationName: '/cart' }, 'operationName: expected /cart, got /orders'],
    [{ spanId: 'nq 0' }, 'spanId: expected nq 0, got 0'],
    [{ startTime: 'gt 1700000000000' }, 'startTime: expected gt'],
    [{ peer: 'not blank' }, 'peer: expected not blank'],
    [{ peer: 'null' }, 'peer: expected null'],
    [{ isError: true }, 'isError: expected true, got false'],
    [{ tags: [] }, 'tags.length: expected 0, got 1'],
    [{ tags: [{ key: 'http.method', value: 'GET' }] }, 'tags[0].value: expected GET, got POST'],
    [{ refs: [{ parentEndpoint: '' }] }, 'refs[0].parentEndpoint: expected , got /cart'],
  ])('fails with the path: %j', (expected, message) => {
    expect(check(orders(expected))).toThrow(`segmentItems[0].segments[0].spans[0].${message}`);
  });

  it('fails for the number of spans, of segments, and for a service that is not there', () => {
    expect(check(orders({}, {}))).toThrow('segments[0].spans.length: expected 2, got 1');
    expect(check({ segmentItems: [{ serviceName: 'shop', segmentSize: 3 }] })).toThrow(
      'segmentItems[0].segmentSize: expected 3, got 2',
    );
    expect(check({ segmentItems: [{ serviceName: 'stock' }] })).toThrow(
      'segmentItems[0].serviceName: expected stock, got shop, orders',
    );
  });

  it('says what is different in the segment that comes closest', () => {
    const spans = [{ operationName: '/cart', spanType: 'Entry', componentId: 1 }];
    expect(check({ segmentItems: [{ serviceName: 'shop', segments: [{ spans }] }] })).toThrow(
      'spans[0].componentId: expected 1, got 5013',
    );
  });
});

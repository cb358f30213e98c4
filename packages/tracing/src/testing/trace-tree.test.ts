import { expect, test } from 'vitest';
import { renderTraceTree, type TreeSegment } from './trace-tree.ts';

type Span = TreeSegment['spansList'][number];

function span(given: Partial<Span>): Span {
  return {
    spanid: 0,
    parentspanid: -1,
    starttime: 1000,
    endtime: 1010,
    refsList: [],
    operationname: 'call',
    peer: '',
    iserror: false,
    tagsList: [],
    ...given,
  };
}

function segment(service: string, id: string, traceid: string, spansList: Span[]): TreeSegment {
  return {
    traceid,
    tracesegmentid: id,
    spansList,
    service,
  };
}

const ref = (parenttracesegmentid: string, parentspanid: number): Span['refsList'] => [
  { parenttracesegmentid, parentspanid },
];

test('a span stands below the one it was made in, or that called it, whatever came first', () => {
  const tree = renderTraceTree([
    segment('stock', 'b', 't', [
      span({
        operationname: 'orders',
        refsList: ref('a', 2),
        starttime: 1012,
        endtime: 1020,
        iserror: true,
      }),
    ]),
    segment('shop', 'a', 't', [
      span({
        spanid: 2,
        parentspanid: 0,
        operationname: 'publish orders',
        peer: 'mq/orders',
        starttime: 1005,
        endtime: 1008,
      }),
      span({ spanid: 1, parentspanid: 0, operationname: 'price', starttime: 1001, endtime: 1004 }),
      span({ operationname: 'shop', tagsList: [{ key: 'http.status_code', value: '200' }] }),
    ]),
  ]);
  expect(tree).toBe(
    [
      'trace t',
      '└─ shop: shop 200 (at 0 ms, 10 ms)',
      '   ├─ shop: price (at 1 ms, 3 ms)',
      '   └─ shop: publish orders → mq/orders (at 5 ms, 3 ms)',
      '      └─ stock: orders ERROR (at 12 ms, 8 ms)',
    ].join('\n'),
  );
});

test('traces stand apart, and a segment whose caller is not here stands on top', () => {
  const tree = renderTraceTree([
    segment('a', '1', 't1', [span({ refsList: ref('elsewhere', 0) })]),
    segment('b', '2', 't2', [span({})]),
    segment('c', '3', 't1', [span({ starttime: 1005 })]),
  ]);
  expect(tree).toBe(
    [
      'trace t1',
      '├─ a: call (at 0 ms, 10 ms)',
      '└─ c: call (at 5 ms, 5 ms)',
      '',
      'trace t2',
      '└─ b: call (at 0 ms, 10 ms)',
    ].join('\n'),
  );
});

test('nothing is nothing', () => {
  expect(renderTraceTree([])).toBe('');
});

// Which headers a trace goes on by, and what they say of it.
import { describe, expect, test } from 'vitest';
import { NO_PROPAGATION, propagationOf, traceIdOf } from './propagation.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;

describe('the headers of a trace', () => {
  test('are those of W3C and of SkyWalking, and no others', () => {
    const trace = {
      traceparent: TRACEPARENT,
      tracestate: 'a=b',
      baggage: 'user=7',
      sw8: '1-a',
      'sw8-correlation': 'Yg==:Yw==',
      'sw8-x': '0',
    };
    expect(propagationOf({ ...trace, host: 'x', 'x-request-id': '7' })).toEqual(trace);
  });

  test.each(['traceparent', 'sw8', 'baggage'])('may be %s alone', (name) => {
    expect(propagationOf({ [name]: 'x' })).toEqual({ [name]: 'x' });
  });

  test('are none where no trace goes on', () => {
    expect(propagationOf({ tracestate: 'a=b', 'sw8-x': '0', host: 'x' })).toBeUndefined();
  });

  test('are texts that say something', () => {
    expect(propagationOf({ traceparent: TRACEPARENT, sw8: '', baggage: ['a=b'] })).toEqual({
      traceparent: TRACEPARENT,
    });
  });
});

describe('the trace id', () => {
  test('is that of the traceparent', () => {
    expect(traceIdOf({ traceparent: TRACEPARENT })).toBe(TRACE_ID);
  });

  test('is none without one, or with one that is not valid', () => {
    expect(traceIdOf(NO_PROPAGATION)).toBeUndefined();
    expect(traceIdOf({ traceparent: `ff-${TRACE_ID}-b7ad6b7169203331-01` })).toBeUndefined();
  });
});

test('no propagation cannot become one', () => {
  expect(Object.isFrozen(NO_PROPAGATION)).toBe(true);
});

test.each([
  ['traceparent', 256],
  ['tracestate', 512],
  ['baggage', 8192],
  ['sw8', 2048],
  ['sw8-correlation', 1024],
  ['sw8-x', 64],
])('%s goes on up to %i characters', (name, longest) => {
  const headers = { traceparent: 'a', [name]: 'x'.repeat(longest) };
  expect(propagationOf(headers)).toHaveProperty([name]);
  expect(propagationOf({ ...headers, [name]: 'x'.repeat(longest + 1) })).not.toHaveProperty([name]);
});

test.each(['a\r\nb: c', 'a\0', 'ä\u2028', ''])(
  'what no header may hold, %j, does not go on',
  (sw8) => {
    expect(propagationOf({ sw8, baggage: 'a=b' })).toEqual({ baggage: 'a=b' });
  },
);

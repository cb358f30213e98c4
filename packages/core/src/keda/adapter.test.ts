// What the add-on's variables say of the interceptor in front, and what a function makes of it.
import { describe, expect, test } from 'vitest';
import { OfnError } from '../errors.ts';
import { outlasting, parseInterceptorTimes, type AddOn } from './adapter.ts';

const OLDER = 'KEDA_RESPONSE_HEADER_TIMEOUT';
const NEWER = 'KEDA_HTTP_RESPONSE_HEADER_TIMEOUT';

describe('the time for response headers', () => {
  test.each<[AddOn, Record<string, string>, number]>([
    ['0.5', {}, 500],
    ['current', {}, 300_000],
    ['0.5', { [OLDER]: '2s' }, 2000],
    ['0.5', { [OLDER]: '0' }, 0],
    ['current', { [NEWER]: '1m30s' }, 90_000],
    ['current', { [NEWER]: '0s' }, 0],
    ['current', { [OLDER]: '2s', [NEWER]: '3s' }, 2000],
    ['current', { [OLDER]: '0s', [NEWER]: '3s' }, 3000],
    ['current', { [OLDER]: ' ' }, 300_000],
  ])('of add-on %s with %j is %d ms', (addOn, env, expected) => {
    expect(parseInterceptorTimes(env, addOn).responseHeader).toBe(expected);
  });
});

test('the times that nothing says are undefined', () => {
  const { request, idle } = parseInterceptorTimes({}, 'current');
  expect([request, idle]).toEqual([undefined, undefined]);
});

test.each([OLDER, NEWER, 'KEDA_HTTP_REQUEST_TIMEOUT', 'KEDA_HTTP_IDLE_CONN_TIMEOUT'])(
  '%s that is no duration is refused by its name',
  (name) => {
    for (const text of ['90', '-1s', 'soon', '600h']) {
      const parse = (): unknown => parseInterceptorTimes({ [name]: text }, 'current');
      expect(parse).toThrow(OfnError);
      expect(parse).toThrow(`${name} must be a Go duration`);
    }
  },
);

describe('a time that outlasts the interceptor', () => {
  test.each([
    [undefined, undefined],
    [0, 0],
    [90_000, 95_000],
    [0.5, 5001],
    [2 ** 31 - 1, 2 ** 31 - 1],
  ])('of %s is %s', (time, expected) => {
    expect(outlasting(time)).toBe(expected);
  });
});

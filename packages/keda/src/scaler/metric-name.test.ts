import { expect, test } from 'vitest';
import { objectMetricName, routeMetricName } from './metric-name.ts';

test.each([
  ['hello', 'http-default_002Fhello'],
  ['a.b-c', 'http-default_002Fa.b-c'],
  ['é', 'http-default_002F_C3A9'],
  ['a_b', 'http-default_002Fa_005Fb'],
])('of the HTTPScaledObject %s is %s', (name, metric) => {
  expect(objectMetricName('default', name)).toBe(metric);
});

test('of an InterceptorRoute says what is measured', () => {
  expect(routeMetricName('hello', 'concurrency')).toBe('http_hello_concurrency');
  expect(routeMetricName('hello', 'requestRate')).toBe('http_hello_rate');
});

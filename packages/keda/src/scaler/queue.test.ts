import { expect, test } from 'vitest';
import { parseQueue } from './queue.ts';

test.each([
  [
    '0.5',
    '{"default/hello":3}',
    { concurrency: 3, requestCount: undefined, requestRate: undefined },
  ],
  [
    '0.8',
    '{"default/hello":{"Concurrency":3,"RPS":1.5}}',
    { concurrency: 3, requestCount: undefined, requestRate: 1.5 },
  ],
  [
    '0.14',
    '{"default/hello":{"Concurrency":3,"RequestCount":120}}',
    { concurrency: 3, requestCount: 120, requestRate: undefined },
  ],
])('reads the shape of add-on %s', (_, text, count) => {
  expect([...parseQueue(text)]).toEqual([['default/hello', count]]);
});

test.each([
  ['[]', /not an object/],
  ['null', /not an object/],
  ['{"default/hello":"3"}', /Concurrency of default\/hello/],
  ['{"default/hello":{"Concurrency":-1}}', /Concurrency of default\/hello/],
  ['{"default/hello":{"RequestCount":null}}', /RequestCount of default\/hello/],
])('refuses %s', (text, message) => {
  expect(() => parseQueue(text)).toThrow(message);
});

import type { FunctionInfo } from '@ofn/platform';
import { expect, test } from 'vitest';
import { createStyle } from '../colors.ts';
import { renderStart, type Start } from './render-start.ts';

const HELLO: FunctionInfo = {
  name: 'hello',
  namespace: 'default',
  urls: ['http://localhost:8080/', 'http://hello.localhost:8080/'],
  inputs: [],
  variables: [],
  warnings: [],
  requests: 0,
  instances: [],
};
const START: Start = {
  functions: [HELLO],
  duration: 412.3,
  isWatched: true,
  hasKeys: true,
  troubles: { of: () => undefined },
};

const render = (start: Partial<Start>) => renderStart({ ...START, ...start }, createStyle(false));

test('each function is told of with where it is, what it takes, and what it was given', () => {
  const worker: FunctionInfo = {
    ...HELLO,
    name: 'worker',
    urls: [],
    inputs: [
      { pubsub: 'mq', topic: 'orders' },
      { binding: 'timer', schedule: '@every 1s' },
      { binding: 'kafka' },
    ],
    variables: ['API_KEY', 'DB_URL'],
    inspect: 9230,
  };
  expect(
    render({ functions: [HELLO, worker, { ...worker, name: 'x', inputs: [], variables: [] }] }),
  ).toMatchInlineSnapshot(`
    [
      "",
      "  3 functions ready in 412 ms",
      "",
      "  hello   http://localhost:8080/  http://hello.localhost:8080/",
      "  worker  topic orders of mq",
      "          cron @every 1s (timer)",
      "          binding kafka",
      "          .env has API_KEY, DB_URL",
      "          debugger at 127.0.0.1:9230",
      "  x       takes what its code registers",
      "          debugger at 127.0.0.1:9230",
      "",
      "  Save a file to reload its function. Press h for the keys.",
      "",
    ]
  `);
});

test('without keys and without watching, it says how to end it', () => {
  expect(render({ isWatched: false, hasKeys: false }).join('\n')).toContain(
    '\n  Ctrl-C ends it.\n',
  );
});

test('a warning of a file is told once, whichever functions it has', () => {
  const warnings = ['function.yaml: Secret "s" is not looked at'];
  const text = render({
    functions: [
      { ...HELLO, warnings },
      { ...HELLO, warnings },
    ],
  }).join('\n');
  expect(text.split('warning: function.yaml: Secret "s" is not looked at')).toHaveLength(2);
});

test('a function with which something is wrong is told of as such', () => {
  const text = render({ troubles: { of: () => 'cannot be built: see above' } }).join('\n');
  expect(text).toContain(
    'hello  http://localhost:8080/  http://hello.localhost:8080/\n         cannot be built: see above\n',
  );
});

import { stripVTControlCharacters } from 'node:util';
import type { PlatformEvent } from '@ofn/platform';
import { expect, test } from 'vitest';
import { createStyle } from '../colors.ts';
import { createEventRenderer } from './render-event.ts';
import { createTroubles } from './troubles.ts';

function createRenderer(isColored = false) {
  const renderer = createEventRenderer({
    style: createStyle(isColored),
    troubles: createTroubles(),
    clock: () => new Date(2026, 0, 1, 12, 3, 4),
  });
  renderer.expect(['hello', 'worker']);
  return (...events: readonly PlatformEvent[]) => events.flatMap(renderer.render);
}

const REQUEST = {
  type: 'request',
  route: 'default/hello',
  method: 'GET',
  path: '/orders',
  status: 200,
  duration: 12.4,
  coldStart: false,
} as const;
const FAILED = { type: 'build-failed', function: 'hello', message: 'x' } as const;
const BUILT = { type: 'built', function: 'hello', duration: '12ms' } as const;
const CRASHED = {
  type: 'crashed',
  function: 'hello',
  instance: 'hello-48b718d9-1',
  how: 'exit code 1',
} as const;
const READY = {
  type: 'ready',
  function: 'hello',
  instance: 'hello-48b718d9-1',
  after: 90.2,
} as const;

test('requests are in columns: method and path, status, duration; then cold start, slow and the trace', () => {
  const lines = createRenderer()(
    REQUEST,
    { ...REQUEST, method: 'POST', path: '/', status: 503, duration: 1250, coldStart: true },
    { ...REQUEST, route: 'default/worker', trace: '4bf92f3577b34da6a3ce929d0e0e4736' },
  );
  expect(lines).toEqual([
    '12:03:04 hello              GET /orders                  200      12 ms',
    '12:03:04 hello              POST /                       503      1.3 s  cold start  slow',
    '12:03:04 worker             GET /orders                  200      12 ms  4bf92f3577b34da6a3ce929d0e0e4736',
  ]);
});

test('a status is coloured by its class', () => {
  const render = createRenderer(true);
  const colors = [200, 304, 404, 500].map((status) => {
    const [line = ''] = render({ ...REQUEST, status });
    return line.slice(0, line.indexOf(String(status))).slice(-4);
  });
  expect(colors).toEqual(['[32m', '[36m', '[33m', '[31m']);
});

test('with colours, the text is the same', () => {
  const events = [REQUEST, FAILED, BUILT, CRASHED, READY];
  const colored = createRenderer(true)(...events).map((line) => stripVTControlCharacters(line));
  expect(colored).toEqual(createRenderer()(...events));
});

test('two functions have two colours, and an instance has that of its function', () => {
  const render = createRenderer(true);
  const [hello = '', worker = '', line = ''] = render(
    REQUEST,
    { ...REQUEST, route: 'default/worker' },
    { type: 'line', function: 'worker', instance: 'worker-1', line: 'x' },
  );
  expect(hello).toContain('\u001b[36mhello ');
  expect(worker).toContain('\u001b[35mworker ');
  expect(line).toContain('\u001b[35mworker-1 ');
});

test('lines of functions have their instance, their level, their fields and their stack', () => {
  const of = (line: string) =>
    ({ type: 'line', function: 'hello', instance: 'hello-48b718d9-1', line }) as const;
  const json = {
    level: 'error',
    msg: 'no',
    err: { stack: 'Error: no\n    at f (a.ts:1:2)' },
    a: 1,
  };
  expect(createRenderer()(of('\u001b[2J\u001b[32mgreen'), of(JSON.stringify(json)))).toEqual([
    '12:03:04 hello-48b718d9-1   | green',
    '12:03:04 hello-48b718d9-1   | error: no a=1',
    '12:03:04 hello-48b718d9-1   | Error: no',
    '12:03:04 hello-48b718d9-1   |     at f (a.ts:1:2)',
  ]);
});

test('an error of a build stands by itself, with its code frame as it is; the next build says that it is mended', () => {
  const message = '[PARSE_ERROR] Expected `)`\n   ╭─[ index.ts:1:19 ]\n   │\n───╯';
  expect(createRenderer()({ ...FAILED, message }, BUILT, BUILT)).toEqual([
    '',
    '12:03:04 hello              cannot be built',
    '',
    '  [PARSE_ERROR] Expected `)`',
    '     ╭─[ index.ts:1:19 ]',
    '     │',
    '  ───╯',
    '',
    '12:03:04 hello              mended: built in 12 ms',
    '12:03:04 hello              built in 12 ms',
  ]);
});

test('crashes in a row are counted, until it runs again', () => {
  expect(createRenderer()(CRASHED, CRASHED, READY, READY, CRASHED)).toEqual([
    '12:03:04 hello-48b718d9-1   crashed: exit code 1',
    '12:03:04 hello-48b718d9-1   crashed (2 times in a row): exit code 1',
    '12:03:04 hello-48b718d9-1   runs again: ready in 90 ms',
    '12:03:04 hello-48b718d9-1   ready in 90 ms',
    '12:03:04 hello-48b718d9-1   crashed: exit code 1',
  ]);
});

test('code that crashes and then is changed is mended once the new code runs, and not before', () => {
  const old = { ...READY, instance: 'hello-11111111-1' };
  const next = { ...READY, instance: 'hello-22222222-1' };
  expect(createRenderer()(CRASHED, old, BUILT, next, next)).toEqual([
    '12:03:04 hello-48b718d9-1   crashed: exit code 1',
    '12:03:04 hello-11111111-1   ready in 90 ms',
    '12:03:04 hello              built in 12 ms',
    '12:03:04 hello-22222222-1   mended: ready in 90 ms',
    '12:03:04 hello-22222222-1   ready in 90 ms',
  ]);
});

test('events of topics are in the columns of requests, with what became of them', () => {
  const event = {
    type: 'event',
    function: 'worker',
    source: 'topic orders of mq',
    duration: 3,
  } as const;
  expect(
    createRenderer()(
      { ...event, outcome: 'retried', attempt: 1, reason: 'status 500' },
      { ...event, outcome: 'acked', attempt: 2 },
      { ...event, outcome: 'acked', attempt: 1, source: 'binding timer' },
    ),
  ).toEqual([
    '12:03:04 worker             topic orders of mq           retry     3 ms  attempt 1: status 500',
    '12:03:04 worker             topic orders of mq           acked     3 ms  attempt 2',
    '12:03:04 worker             binding timer                acked     3 ms',
  ]);
});

test('replicas are told of, but for the first one, which is ready soon', () => {
  const scaled = (replicas: number) => ({ type: 'scaled', function: 'hello', replicas }) as const;
  expect(createRenderer()(...[1, 3, 1, 0, 1, 0].map(scaled))).toEqual([
    '12:03:04 hello              scaled to 3',
    '12:03:04 hello              scaled to 1',
    '12:03:04 hello              scaled to zero',
    '12:03:04 hello              scaled to zero',
  ]);
});

test('what else happens is a line each', () => {
  expect(
    createRenderer()(
      { type: 'start-timeout', function: 'hello', message: 'not running after 1m' },
      { type: 'kept', function: 'hello' },
      { type: 'warning', message: 'one\ntwo' },
    ),
  ).toEqual([
    '12:03:04 hello              does not start: not running after 1m',
    '12:03:04 hello              the new code does not serve; the old code goes on',
    '12:03:04 ofn                warning: one',
    '12:03:04 ofn                warning: two',
  ]);
});

test('what controls a terminal is taken out of all that functions and their callers say', () => {
  const event = { function: 'hello', instance: 'hello-48b718d9-1' } as const;
  const evil = '\u001b[2J\u001b]0;title\u0007\u009b31m\u001b_hidden\u001b\\\r\b';
  const json = JSON.stringify({ level: 'info', msg: `a${evil}\n12:00:00 b`, field: evil });
  const lines = createRenderer()(
    { ...event, type: 'line', line: `x${evil}` },
    { ...event, type: 'line', line: json },
    { ...event, type: 'line', line: `[12:00:00.000] INFO: y {"field":${JSON.stringify(evil)}}` },
    { ...CRASHED, how: `exit code 1: ${evil}` },
    { ...FAILED, message: `${evil}\n${evil}` },
    { ...REQUEST, path: `/${evil}` },
    {
      type: 'event',
      function: 'hello',
      outcome: 'retried',
      source: `topic ${evil} of mq`,
      duration: 1,
      attempt: 1,
      reason: evil,
    },
    { type: 'warning', message: evil },
  );
  expect(lines.filter((line) => /\p{Cc}/u.test(line))).toEqual([]);
  expect(lines).toContainEqual(expect.stringContaining('hello-48b718d9-1   | 12:00:00 b '));
});

import { expect, test } from 'vitest';
import { createLineReader } from './instance-line.ts';

const readAll = (lines: readonly string[]) => lines.map(createLineReader());

test('a readable line of the framework loses its time and the fields of the call', () => {
  const line =
    '[14:33:00.178] WARN: low stock {"x":1} {"invocation":"20ec","function":"f","traceId":"1a07","orderId":7,"who":"me"}';
  expect(readAll([line])).toEqual([
    { level: 'warn', text: 'low stock {"x":1}', fields: 'orderId=7 who=me' },
  ]);
});

test('a field called name, which stands in brackets in a readable line, is a field', () => {
  const line = '[14:33:00.178] INFO (Ada): greeting {"invocation":"20ec","function":"f"}';
  expect(readAll([line])).toEqual([{ level: 'info', text: 'greeting', fields: 'name=Ada' }]);
});

test('a line of JSON is read the same, with the stack of its error', () => {
  const stack = 'Error: boom\n    at f (/code/index.ts:3:4)\n    at run (node:internal/x:1:2)';
  const line = JSON.stringify({
    level: 'error',
    time: '2026-01-01T00:00:00Z',
    msg: 'it failed',
    err: { stack },
    orderId: 7,
  });
  expect(readAll([line])).toEqual([
    {
      level: 'error',
      text: 'it failed',
      fields: 'orderId=7',
      stack: ['Error: boom', '    at f (/code/index.ts:3:4)'],
    },
  ]);
});

test('what else a function prints is left as it is, objects too', () => {
  const lines = ['plain', '{"level":3,"msg":"mine"}', '{"a":', '[x] y', '    indented'];
  expect(readAll(lines)).toEqual(lines.map((text) => ({ text })));
});

test('of the object of an error, only the stack of user code is left', () => {
  const read = createLineReader();
  const lines = [
    '[14:33:00.191] ERROR: cannot do it {"function":"f"}',
    '    err: {',
    '      "type": "Error",',
    '      "message": "boom",',
    '      "stack":',
    '          Error: boom',
    '              at hello (/code/index.ts:3:49)',
    '              at Object.call (file:///code/node_modules/@ofn/core/dist/runtime.js:39:979)',
    '              at file:///code/node_modules/@ofn/core/dist/runtime.js:34:40962',
    '              at AsyncLocalStorage.run (node:async_hooks:346:14)',
    '    }',
    'after it',
  ];
  expect(lines.flatMap((line) => read(line)?.text ?? [])).toEqual([
    'cannot do it',
    'Error: boom',
    '    at hello (/code/index.ts:3:49)',
    'after it',
  ]);
});

test.each([
  '[14:33:00.174] INFO: serving function at http://localhost:38055/ {"function":"function"}',
  '[14:33:00.174] INFO: stopping: calls in flight finish first {"signal":"SIGTERM"}',
  '[14:33:00.174] INFO: tracing calls as the service hello, by SkyWalking at 127.0.0.1:38083',
  'Debugger listening on ws://127.0.0.1:9229/0f2c936f-b1cd-4ac9-aab3-f63b0f33d55e',
  'For help, see: https://nodejs.org/en/docs/inspector',
])('what the platform tells better is left out: %s', (line) => {
  expect(readAll([line])).toEqual([undefined]);
});

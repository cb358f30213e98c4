// docs/function-reference.md against the schema, the events and the error codes of @ofn/resources.
import { expect, test } from 'vitest';
import { RESOURCE_ERRORS } from '../../packages/resources/src/errors.ts';
import { FunctionSchema } from '../../packages/resources/src/function/schema.ts';
import { BUILD_EVENTS, SERVING_EVENTS } from '../../packages/resources/src/state/events.ts';
import { fieldsOf } from './function-fields.ts';
import { readPage, tableOf } from './markdown.ts';

const page = readPage('docs/function-reference.md');

test('the page lists every field of a Function, in its order, with type and default, and no other', () => {
  const rows = tableOf(page, 'Field').map(([field, type, fallback]) => [field, type, fallback]);
  const { spec } = FunctionSchema.entries;
  expect(rows).toEqual(fieldsOf(spec, 'spec'));
});

test.each([
  ['State of a build', BUILD_EVENTS],
  ['State of a serving', SERVING_EVENTS],
])('the page lists the events of every %s, in its order, and no other', (head, events) => {
  const expected = Object.entries(events).map(([state, { note, ownReason, reason, type }]) => [
    state,
    reason,
    ownReason,
    type,
    note,
  ]);
  expect(tableOf(page, head)).toEqual(expected);
});

test('the page lists every error code, in its order, and no other', () => {
  const expected = Object.entries(RESOURCE_ERRORS).map(([code, text]) => [`\`${code}\``, text]);
  expect(tableOf(page, 'Code')).toEqual(expected);
});

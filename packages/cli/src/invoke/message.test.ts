import { expect, test } from 'vitest';
import { guessType } from './data.ts';
import { createMessages } from './message.ts';

const EVENT = { cloudevent: true, type: 'a.b', source: '/here' } as const;
const JSON_DATA = { bytes: Buffer.from('{"a": 1}'), contentType: 'application/json' };

test.each([
  ['{"a":1}', 'application/json'],
  ['5', 'application/json'],
  ['{a}', 'text/plain; charset=utf-8'],
  ['', 'text/plain; charset=utf-8'],
])('%j looks like %s', (text, type) => {
  expect(guessType(Buffer.from(text))).toBe(type);
});

test('what is no text is bytes', () => {
  expect(guessType(Buffer.from([0xff, 0xfe]))).toBe('application/octet-stream');
});

test('data is sent as it is, with its type, which a header of the user replaces', async () => {
  const plain = { type: 'unused', source: 'unused' };
  const guessed = await createMessages(JSON_DATA, { 'x-a': '1' }, plain);
  expect(guessed()).toEqual({
    headers: { 'x-a': '1', 'content-type': 'application/json' },
    body: JSON_DATA.bytes,
  });
  const given = await createMessages(JSON_DATA, { 'content-type': 'text/csv' }, plain);
  expect(given().headers).toEqual({ 'content-type': 'text/csv' });
});

test('an event has its attributes in headers and its data as it is; each has an id of its own', async () => {
  const next = await createMessages(JSON_DATA, {}, { ...EVENT, subject: 's' });
  const [first, second] = [next(), next()];
  expect(first.headers).toMatchObject({
    'ce-type': 'a.b',
    'ce-source': '/here',
    'ce-subject': 's',
    'ce-specversion': '1.0',
    'content-type': 'application/json',
  });
  expect(first.body).toEqual(JSON_DATA.bytes);
  expect(first.headers['ce-id']).not.toBe(second.headers['ce-id']);
});

test('an event without data has no content type', async () => {
  const next = await createMessages({ bytes: Buffer.alloc(0) }, {}, EVENT);
  expect(next().headers['content-type']).toBeUndefined();
  expect(next().body).toHaveLength(0);
});

test.each([
  [JSON_DATA, { data: { a: 1 }, datacontenttype: 'application/json' }],
  [{ bytes: Buffer.from('hi'), contentType: 'text/plain; charset=utf-8' }, { data: 'hi' }],
  [
    { bytes: Buffer.from([0xff, 1]), contentType: 'application/octet-stream' },
    { data_base64: '/wE=' },
  ],
])('a structured event is one JSON object: data %#', async (data, expected) => {
  const next = await createMessages(data, {}, { ...EVENT, structured: true, id: 'x' });
  const { body, headers } = next();
  expect(headers['content-type']).toMatch(/^application\/cloudevents\+json/);
  expect(JSON.parse(body.toString())).toMatchObject({ id: 'x', type: 'a.b', ...expected });
});

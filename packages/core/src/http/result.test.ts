// Returned values as replies: which value becomes which body, and which cannot be sent.
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openfunction } from '../index.ts';
import { isWebResponse } from './result.ts';
import { refusal, serve } from './serve.fixture.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

describe('a returned value', () => {
  it.each<[string, unknown, string, string]>([
    ['text', 'grüße', 'text/plain; charset=utf-8', 'grüße'],
    ['empty text', '', 'text/plain; charset=utf-8', ''],
    ['an object', { a: [1] }, JSON_TYPE, '{"a":[1]}'],
    ['null', null, JSON_TYPE, 'null'],
    ['zero', 0, JSON_TYPE, '0'],
    ['false', false, JSON_TYPE, 'false'],
    ['bytes', new Uint8Array([65, 66]), 'application/octet-stream', 'AB'],
    ['a Buffer', Buffer.from('AB'), 'application/octet-stream', 'AB'],
    ['an ArrayBuffer', new Uint8Array([65, 66]).buffer, 'application/octet-stream', 'AB'],
  ])('that is %s is the body', async (_, value, type, body) => {
    const send = await serve(openfunction('value', () => value));
    const response = await send();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(body)));
    expect(await response.text()).toBe(body);
  });

  it('that is nothing is 204', async () => {
    const send = await serve(openfunction('nothing', () => {}));
    const response = await send();
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(response.headers.has('content-type')).toBe(false);
  });

  it('leaves a status and a type that the handler had set', async () => {
    const send = await serve(
      openfunction('own', (ctx) => {
        ctx.res?.status(201).type('text/csv');
        return 'a,b';
      }),
    );
    const response = await send();
    expect([response.status, response.headers.get('content-type')]).toEqual([
      201,
      'text/csv; charset=utf-8',
    ]);
    const bare = await serve(openfunction('bare', (ctx) => void ctx.res?.status(202)));
    expect((await bare()).status).toBe(202);
  });

  it('has no body for HEAD', async () => {
    const send = await serve(openfunction('head', () => 'hello'));
    const response = await send({ method: 'HEAD' });
    expect([response.headers.get('content-length'), await response.text()]).toEqual(['5', '']);
  });

  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  it.each<[string, unknown]>([
    ['has a cycle', cycle],
    ['is a bigint', 1n],
    ['is a function', () => 1],
    ['is a symbol', Symbol('s')],
    ['is a stream of Node', Readable.from(['x'])],
    ['is a Web stream', new ReadableStream()],
    ['is a Blob', new Blob(['x'])],
    ['is a file', new File(['x'], 'x.txt')],
    ['is a form', new FormData()],
    ['is a query', new URLSearchParams('a=1')],
    [
      'throws in toJSON',
      {
        toJSON() {
          throw new Error('secret');
        },
      },
    ],
    ['is undefined as JSON', { toJSON: () => undefined }],
  ])('that %s cannot be sent', async (_, value) => {
    const send = await serve(openfunction('unsendable', () => value));
    expect(await refusal(await send())).toEqual({ status: 500, code: 'OFN_RESULT_INVALID' });
  });
});

it('tells a Web Response from all other values', () => {
  expect(isWebResponse(new Response('x'))).toBe(true);
  const others = [undefined, null, 'x', {}, [], new Request('http://a.example'), () => {}];
  expect(others.filter(isWebResponse)).toEqual([]);
});

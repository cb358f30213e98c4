// The body of a request: which value each content type gives, how it is decompressed and bounded.
import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OfnError } from '../errors.ts';
import { http } from '../index.ts';
import { hasBody, isJson, parseBody, parseContentType, readBody } from './body.ts';
import { refusal, serve } from './serve.fixture.ts';

const MALFORMED = { status: 400, code: 'OFN_BODY_MALFORMED' };
const TOO_LARGE = { status: 413, code: 'OFN_BODY_TOO_LARGE' };
const UNSUPPORTED = { status: 415, code: 'OFN_BODY_UNSUPPORTED' };

interface Echo {
  readonly kind: string;
  readonly body: unknown;
  readonly raw: string | undefined;
}

function kindOf(body: unknown): string {
  return Buffer.isBuffer(body) ? 'bytes' : typeof body;
}

// Answers with what the handler was given.
const echo = () =>
  http('echo', (req, res) => {
    const body: unknown = Buffer.isBuffer(req.body) ? req.body.toString('base64') : req.body;
    res.json({ kind: kindOf(req.body), body, raw: req.rawBody?.toString('base64') });
  });

const base64 = (body: string | Uint8Array): string => Buffer.from(body).toString('base64');

describe('the value of a body', () => {
  it.each<[string, string | undefined, string | Buffer, unknown]>([
    ['JSON', 'application/json', '{"a":[1,null]}', { a: [1, null] }],
    ['JSON with parameters', 'Application/JSON; charset=UTF-8; x=y', '"é"', 'é'],
    ['JSON that is a scalar', 'application/json', 'false', false],
    ['a +json type', 'application/vnd.api+json', '{"data":0}', { data: 0 }],
    ['JSON after a byte order mark', 'application/json', '\uFEFF{"a":1}', { a: 1 }],
    ['JSON in UTF-16', 'application/json; charset=utf-16le', Buffer.from('"ü"', 'utf16le'), 'ü'],
    ['text', 'text/plain', 'héllo', 'héllo'],
    ['text after a byte order mark', 'text/plain; charset="utf8"', '\uFEFFx', 'x'],
    ['text in Latin-1', 'text/csv; charset=ISO-8859-1', Buffer.from([0x61, 0xe9]), 'aé'],
    ['a form', 'application/x-www-form-urlencoded', 'a=1&b=x+y%26z', { a: '1', b: 'x y&z' }],
    [
      'a form with nested fields',
      'application/x-www-form-urlencoded; charset=utf-8',
      'a[b][]=1&a[b][]=2',
      { a: { b: ['1', '2'] } },
    ],
  ])('is parsed for %s', async (_, type, body, expected) => {
    const send = await serve(echo());
    const response = await send({
      body,
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    });
    const got = (await response.json()) as Echo;
    expect(got.body).toEqual(expected);
    expect(got.raw).toBe(base64(body));
  });

  it.each([
    ['application/octet-stream'],
    ['image/png'],
    ['multipart/form-data; boundary=x'],
    ['nonsense'],
    [undefined],
  ])('is the bytes for the content type %s', async (type) => {
    const send = await serve(echo());
    const body = Buffer.from([0, 255, 10, 13]);
    const headers = type === undefined ? {} : { 'content-type': type };
    const got = (await (await send({ body, headers })).json()) as Echo;
    expect(got).toEqual({ kind: 'bytes', body: base64(body), raw: base64(body) });
  });

  it.each([
    ['no body', {}],
    ['a body of no length', { method: 'POST', headers: { 'content-length': '0' } }],
    [
      'an empty chunked body',
      {
        method: 'POST',
        headers: { 'transfer-encoding': 'chunked', 'content-type': 'application/json' },
      },
    ],
  ])('is undefined for %s', async (_, request) => {
    const send = await serve(echo());
    const got = (await (await send(request)).json()) as Echo;
    expect(got.kind).toBe('undefined');
  });

  it.each([['{'], ['{"a":1}}'], ['undefined'], ['\uFEFF'], ['\0'], ['{"a":NaN}']])(
    'is refused with 400 for the JSON %j',
    async (body) => {
      const send = await serve(echo());
      const headers = { 'content-type': 'application/json' };
      expect(await refusal(await send({ body, headers }))).toEqual(MALFORMED);
    },
  );

  it.each([['application/json'], ['text/plain'], ['application/x-www-form-urlencoded']])(
    'is refused with 415 for %s in an unknown charset',
    async (type) => {
      const send = await serve(echo());
      const headers = { 'content-type': `${type}; charset=klingon` };
      expect(await refusal(await send({ body: 'x', headers }))).toEqual(UNSUPPORTED);
    },
  );

  const FORM = { headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  const repeated = (count: number, field: string) => Array(count).fill(field).join('&');

  it.each([21, 101, 1000])('is a list for %i fields of one name', async (count) => {
    const send = await serve(echo());
    const response = await send({ ...FORM, body: repeated(count, 'a[]=x') });
    const { body } = (await response.json()) as { body: unknown };
    expect(body).toEqual({ a: Array(count).fill('x') });
  });

  it('is refused with 413 for a form of more than 1,000 fields', async () => {
    const send = await serve(echo());
    const response = await send({ ...FORM, body: repeated(1001, 'a=x') });
    expect(await refusal(response)).toEqual({ status: 413, code: 'OFN_BODY_TOO_LARGE' });
  });

  it('is nested as deep as 32 fields of a form, and refused with 400 beyond', async () => {
    const send = await serve(echo());
    const nested = (depth: number) => send({ ...FORM, body: `a${'[b]'.repeat(depth)}=x` });
    const { body } = (await (await nested(32)).json()) as { body: unknown };
    expect(JSON.stringify(body)).toBe(`{"a":${'{"b":'.repeat(32)}"x"${'}'.repeat(33)}`);
    expect(await refusal(await nested(33))).toEqual(MALFORMED);
  });

  it('never reaches a prototype through the names of fields', async () => {
    const send = await serve(
      http('polluted', (req, res) => {
        const fresh: Record<string, unknown> = {};
        res.json({ polluted: fresh['owned'] ?? null, own: Object.keys(req.body as object) });
      }),
    );
    const form = await send({
      body: '__proto__[owned]=1&constructor[prototype][owned]=1&a=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(await form.json()).toEqual({ polluted: null, own: ['a'] });
    const json = await send({
      body: '{"__proto__":{"owned":1}}',
      headers: { 'content-type': 'application/json' },
    });
    expect(await json.json()).toEqual({ polluted: null, own: ['__proto__'] });
  });
});

describe('an encoded body', () => {
  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', (bytes: Buffer) => bytes],
  ])('in %s is decoded, into rawBody too', async (encoding, encode) => {
    const send = await serve(echo());
    const plain = Buffer.from(JSON.stringify({ text: 'x'.repeat(5000) }));
    const response = await send({
      body: encode(plain),
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    });
    const got = (await response.json()) as Echo;
    expect(got.body).toEqual({ text: 'x'.repeat(5000) });
    expect(got.raw).toBe(base64(plain));
  });

  it.each([['compress'], ['zstd-9'], ['gzip, br'], ['constructor']])(
    'in "%s" is refused with 415',
    async (encoding) => {
      const send = await serve(echo());
      const headers = { 'content-encoding': encoding };
      expect(await refusal(await send({ body: 'x', headers }))).toEqual(UNSUPPORTED);
    },
  );

  it.each([
    ['is not what its header says', 'gzip', Buffer.from('plain text')],
    ['breaks off in gzip', 'gzip', gzipSync(Buffer.alloc(1000)).subarray(0, 15)],
    ['breaks off in deflate', 'deflate', deflateSync(Buffer.alloc(1000)).subarray(0, 5)],
    ['breaks off in brotli', 'br', brotliCompressSync(Buffer.alloc(1000)).subarray(0, 4)],
    ['is not brotli', 'br', Buffer.from([255, 255, 255, 255])],
  ])('that %s is refused with 400', async (_, encoding, body) => {
    const send = await serve(echo());
    const headers = { 'content-encoding': encoding };
    expect(await refusal(await send({ body, headers }))).toEqual(MALFORMED);
  });
});

describe('the limit of a body', () => {
  const options = { options: { 'body-limit': '1KiB' } };

  it('lets exactly that many bytes pass', async () => {
    const send = await serve(echo(), options);
    const response = await send({
      body: 'x'.repeat(1024),
      headers: { 'content-type': 'text/plain' },
    });
    expect(response.status).toBe(200);
  });

  it('refuses one byte more by its announced length', async () => {
    const send = await serve(echo(), options);
    expect(await refusal(await send({ body: 'x'.repeat(1025) }))).toEqual(TOO_LARGE);
  });

  it('refuses one byte more that arrives without a length', async () => {
    const request = Object.assign(Readable.from([Buffer.alloc(1024), Buffer.alloc(1)]), {
      headers: { 'transfer-encoding': 'chunked' },
    }) as unknown as IncomingMessage;
    const error = await new Promise((resolve) => readBody(request, 1024, resolve));
    expect(error).toMatchObject({ code: 'OFN_BODY_TOO_LARGE', status: 413 });
  });

  it('counts what is left after decompression', async () => {
    const send = await serve(echo(), options);
    const body = gzipSync(Buffer.alloc(1025));
    expect(body.length).toBeLessThan(100);
    const headers = { 'content-encoding': 'gzip' };
    expect(await refusal(await send({ body, headers }))).toEqual(TOO_LARGE);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('stops a decompression bomb in %s early', async (encoding, encode) => {
    const bomb = encode(Buffer.alloc(32 * 1024 * 1024));
    const request = Object.assign(Readable.from([bomb]), {
      headers: { 'content-encoding': encoding },
    }) as unknown as IncomingMessage;
    let decoder: Readable | undefined;
    let decoded = 0;
    const pipe = request.pipe.bind(request);
    request.pipe = ((target: NodeJS.WritableStream) => {
      decoder = target as unknown as Readable;
      decoder.on('data', (chunk: Buffer) => (decoded += chunk.length));
      return pipe(target);
    }) as never;
    const error = await new Promise((resolve) => readBody(request, 1024, resolve));
    expect(error).toMatchObject({ code: 'OFN_BODY_TOO_LARGE' });
    expect(decoder?.destroyed).toBe(true);
    expect(decoded).toBeLessThan(1024 * 1024);
  });
});

describe('a content type', () => {
  it.each([
    [undefined, { type: 'application/octet-stream', charset: undefined }],
    ['text/HTML', { type: 'text/html', charset: undefined }],
    [' a/b ; CHARSET = "UTF-8" ', { type: 'a/b', charset: 'utf-8' }],
    ['a/b; x=1; charset=latin1; y=2', { type: 'a/b', charset: 'latin1' }],
    ['a/b; charset=', { type: 'a/b', charset: undefined }],
  ])('%j is taken apart', (header, expected) => {
    expect(parseContentType(header)).toEqual(expected);
  });

  it('holds JSON by its name or its suffix only', () => {
    expect(['application/json', 'a/b+json'].filter(isJson)).toHaveLength(2);
    expect(['text/json', 'application/jsonp', 'json', 'a/json+b'].filter(isJson)).toEqual([]);
  });
});

describe('a request', () => {
  it.each([
    [{}, false],
    [{ 'content-length': '0' }, false],
    [{ 'content-length': '1' }, true],
    [{ 'transfer-encoding': 'chunked' }, true],
  ])('with %j announces a body: %s', (headers, expected) => {
    expect(hasBody({ headers } as IncomingMessage)).toBe(expected);
  });
});

describe('any bytes with any headers', () => {
  const contentType = fc.oneof(
    fc.string(),
    fc
      .tuple(
        fc.constantFrom(
          'application/json',
          'application/x-www-form-urlencoded',
          'text/plain',
          'application/cloudevents+json',
          'image/png',
        ),
        fc.constantFrom('', '; charset=utf-8', '; charset=utf-16be', '; charset=x', '; charset'),
      )
      .map((parts) => parts.join('')),
  );
  const bytes = fc.oneof(
    fc.uint8Array().map((array) => Buffer.from(array)),
    fc.json().map((text) => Buffer.from(text)),
    fc.webQueryParameters().map((text) => Buffer.from(text)),
  );

  it('give a value or a documented error', () => {
    fc.assert(
      fc.property(bytes, contentType, (body, type) => {
        const thrown = caught(() => parseBody(body, parseContentType(type)));
        expect(thrown === undefined || thrown instanceof OfnError).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('are read to the end or refused', async () => {
    const encoding = fc.oneof(fc.constantFrom('gzip', 'deflate', 'br', 'identity'), fc.string());
    const encoded = bytes.chain((plain) =>
      fc.constantFrom(plain, gzipSync(plain), deflateSync(plain), brotliCompressSync(plain)),
    );
    await fc.assert(
      fc.asyncProperty(encoded, encoding, async (body, name) => {
        const request = Object.assign(Readable.from(body.length > 0 ? [body] : []), {
          headers: { 'content-encoding': name },
        }) as unknown as IncomingMessage;
        const [error, read] = await new Promise<[OfnError | undefined, Buffer | undefined]>(
          (resolve) => readBody(request, 64, (...result) => resolve([result[0], result[1]])),
        );
        const isRead = read !== undefined && read.length <= 64;
        expect(error === undefined ? isRead : [400, 413, 415].includes(error.status)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

function caught(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

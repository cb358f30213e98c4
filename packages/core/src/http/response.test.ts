// Express's response members, on our server: each must send byte for byte what Express sends.
import { fileURLToPath } from 'node:url';
import type { CookieOptions, Request, Response } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { http, type HttpHandler } from '../index.ts';
import { besideExpress, type BesideExpress, type Sent } from './beside-express.fixture.ts';
import { refusal, serve } from './serve.fixture.ts';

type Case = [handler: (res: Response, req: Request) => unknown, sent?: Sent];

const accept = (types: string): Sent => ({ headers: { accept: types } });
const head: Sent = { method: 'HEAD' };
const here = fileURLToPath(import.meta.url);
const nowhere = `${here}.missing`;

const SEND: Readonly<Record<string, Case>> = {
  'a string': [(res) => res.send('hello')],
  'an empty string': [(res) => res.send('')],
  'text beyond ASCII': [(res) => res.send('<p>é ☃ 😀</p>')],
  'a long text': [(res) => res.send('ü'.repeat(3000))],
  'a Buffer': [(res) => res.send(Buffer.from([0, 1, 255]))],
  'a Uint8Array': [(res) => res.send(new Uint8Array([1, 2]))],
  'a DataView': [(res) => res.send(new DataView(new ArrayBuffer(3)))],
  'an ArrayBuffer': [(res) => res.send(new ArrayBuffer(3))],
  'an object': [(res) => res.send({ a: [1, undefined, null], b: undefined })],
  'an array': [(res) => res.send([1, 'a'])],
  'a Date': [(res) => res.send(new Date(0))],
  'a String object': [(res) => res.send(Object('boxed'))],
  null: [(res) => res.send(null)],
  undefined: [(res) => res.send(undefined)],
  nothing: [(res) => res.send()],
  'a number': [(res) => res.send(42)],
  true: [(res) => res.send(true)],
  'a bigint': [(res) => res.send(1n)],
  'a symbol': [(res) => res.send(Symbol('s'))],
  'a function': [(res) => res.send(() => 1)],
  'text to HEAD': [(res) => res.send('hello'), head],
  'bytes to HEAD': [(res) => res.send(Buffer.from('hello')), head],
  'text as latin1': [
    (res) => {
      res.setHeader('Content-Type', 'text/plain; charset=latin1');
      res.send('é');
    },
  ],
  'text with a type without charset': [
    (res) => {
      res.setHeader('content-type', 'text/markdown');
      res.send('é');
    },
  ],
  'text with a type in capitals': [
    (res) => {
      res.setHeader('Content-Type', 'TEXT/HTML; charset=utf-8');
      res.send('x');
    },
  ],
  'text with two parameters': [
    (res) => {
      res.setHeader('Content-Type', 'text/plain; format=flowed; charset=utf-8');
      res.send('x');
    },
  ],
  'bytes with a type': [(res) => res.type('png').send(Buffer.from('x'))],
  'text with a length of its own': [(res) => res.set('Content-Length', '3').send('hello')],
  'text in chunks': [(res) => res.set('Transfer-Encoding', 'chunked').send('hello')],
  'text with 201': [(res) => res.status(201).send('made')],
  'text with 204': [(res) => res.status(204).send('x')],
  'text with 205': [(res) => res.status(205).send('x')],
  'text with 304': [(res) => res.status(304).send('x')],
  'JSON with 204': [(res) => res.status(204).json({ a: 1 })],
  'JSON with 205': [(res) => res.status(205).json({ a: 1 })],
  'bytes with 205': [(res) => res.status(205).send(Buffer.from('x'))],
  'text whose tag matches': [
    (res) => res.set('ETag', '"1"').send('x'),
    { headers: { 'if-none-match': '"1"' } },
  ],
  'text whose tag does not match': [
    (res) => res.set('ETag', '"1"').send('x'),
    { headers: { 'if-none-match': '"2"' } },
  ],
  'text without a tag when any would match': [
    (res) => res.send('x'),
    { headers: { 'if-none-match': '*' } },
  ],
  'text whose tag matches, asked for anew': [
    (res) => res.set('ETag', '"1"').send('x'),
    { headers: { 'if-none-match': '"1"', 'cache-control': 'no-cache' } },
  ],
  'text that is not modified': [
    (res) => res.set('Last-Modified', 'Mon, 01 Jan 2024 00:00:00 GMT').send('x'),
    { headers: { 'if-modified-since': 'Mon, 01 Jan 2024 00:00:00 GMT' } },
  ],
  'JSON whose tag matches': [
    (res) => res.set('ETag', 'W/"1"').json({}),
    { headers: { 'if-none-match': 'W/"1"' } },
  ],
  'an error whose tag matches': [
    (res) => res.status(404).set('ETag', '"1"').send('x'),
    { headers: { 'if-none-match': '"1"' } },
  ],
};

const JSON_CASES: Readonly<Record<string, Case>> = {
  'json of an object': [(res) => res.json({ é: '☃', date: new Date(0) })],
  'json of null': [(res) => res.json(null)],
  'json of a string': [(res) => res.json('a "b"')],
  'json of undefined': [(res) => res.json(undefined)],
  'json of nothing': [(res) => res.json()],
  'json of a function': [(res) => res.json(() => 1)],
  'json of a bigint': [(res) => res.json(1n)],
  'json with toJSON': [(res) => res.json({ toJSON: () => ({ shown: 1 }) })],
  'json with a type': [(res) => res.type('application/problem+json').json({ a: 1 })],
  'json to HEAD': [(res) => res.json({ a: 1 }), head],
  'json with a status': [(res) => res.status(418).json({ a: 1 })],
  'jsonp without a callback': [(res) => res.jsonp({ a: 1 })],
  'jsonp with a callback': [(res) => res.jsonp({ a: '\u2028<' }), { path: '/?callback=run' }],
  'jsonp with a hostile callback': [
    (res) => res.jsonp([1]),
    { path: '/?callback=alert(1);a.b%5B0%5D' },
  ],
  'jsonp with two callbacks': [(res) => res.jsonp(1), { path: '/?callback=a&callback=b' }],
  'jsonp of undefined': [(res) => res.jsonp(undefined), { path: '/?callback=a' }],
};

const STATUS: Readonly<Record<string, Case>> = {
  'status of 599': [(res) => res.status(599).end()],
  'status of 999': [(res) => res.status(999).end()],
  'status of 99': [(res) => res.status(99)],
  'status of 1000': [(res) => res.status(1000)],
  'status of text': [(res) => res.status('200' as never)],
  'status of a fraction': [(res) => res.status(200.5)],
  'status of undefined': [(res) => res.status(undefined as never)],
  'status of null': [(res) => res.status(null as never)],
  'sendStatus 200': [(res) => res.sendStatus(200)],
  'sendStatus 204': [(res) => res.sendStatus(204)],
  'sendStatus 404': [(res) => res.sendStatus(404)],
  'sendStatus 799': [(res) => res.sendStatus(799)],
  'sendStatus to HEAD': [(res) => res.sendStatus(404), head],
  'status that returns the response': [(res) => res.send(res.status(200) === res)],
};

const HEADERS: Readonly<Record<string, Case>> = {
  'set of a field': [(res) => res.set('X-A', 'b').end()],
  'set of fields': [(res) => res.set({ 'X-A': 'b', 'Content-Type': 'html' } as never).end()],
  'set of a list': [(res) => res.set('X-A', ['b', 'c']).end()],
  'set of a number': [(res) => res.set('X-A', 5 as never).end()],
  'set of undefined': [(res) => res.set('X-A', undefined).end()],
  'set of a name alone': [(res) => res.set('ab').end()],
  'set of an invalid name': [(res) => res.set('a b', 'c').end()],
  'set of an invalid value': [(res) => res.set('X-A', 'a\r\nb').end()],
  'set that returns the response': [(res) => res.send(res.set('X-A', 'b') === res)],
  'header as set': [
    (res) =>
      res
        .header('X-A', 'b')
        .header({ 'X-C': 'd' } as never)
        .end(),
  ],
  'get of what was set': [(res) => res.set('X-A', 'b').json([res.get('x-a'), res.get('x-b')])],
  'get of a list': [(res) => res.set('X-A', ['b', 'c']).json(res.get('X-A'))],
  append: [(res) => res.append('X-A', 'b').append('X-A', ['c', 'd']).end()],
  'append to a list': [(res) => res.set('X-A', ['a']).append('X-A', 'b').end()],
  type: [(res) => res.type('json').send('{}')],
  'type of an extension': [(res) => res.type('.html').end()],
  'type of a name': [(res) => res.type('png').end()],
  'type in full': [(res) => res.type('text/x-y; charset=utf-8; a=b').end()],
  'type that is unknown': [(res) => res.type('nonsense').end()],
  'contentType as type': [(res) => res.contentType('txt').end()],
  vary: [
    (res) =>
      res
        .vary('Accept')
        .vary(['Origin', 'accept'] as never)
        .end(),
  ],
  'vary of everything': [(res) => res.vary('Accept').vary('*').end()],
  links: [(res) => res.links({ next: '/2', last: '/9' }).links({ first: '/1' }).end()],
  'links of a list': [(res) => res.links({ preload: ['/a', '/b'] }).end()],
  location: [(res) => res.location('/ü b?c=%20"').end()],
  'location elsewhere': [(res) => res.location('https://ex.example/<a>').end()],
  attachment: [(res) => res.attachment().end()],
  'attachment with a name': [(res) => res.attachment('a/b/report.pdf').send('x')],
  'attachment with a name beyond ASCII': [(res) => res.attachment('größe €.csv').send('x')],
};

const CONTENT_TYPES = [
  'html',
  '.txt',
  'text/plain',
  'TEXT/plain',
  'text/',
  'text/plain;charset=latin1',
  'text/plain; Charset=latin1',
  'text/plain; x=charset',
  'text/event-stream',
  'text/calendar',
  'application/json',
  'application/json; a=b',
  'application/ld+json',
  'application/javascript',
  'application/octet-stream',
  'application/xml',
  'image/svg+xml',
  'image/png',
  'multipart/mixed; boundary=x',
  'unknown',
  'a/b',
  '',
];

const COOKIES: Readonly<Record<string, [unknown, CookieOptions?]>> = {
  'with text': ['ä b;c'],
  'with an object': [{ a: 1 }],
  'with a number': [5],
  'with an age': ['v', { maxAge: 0, httpOnly: true }],
  'that expires': ['v', { expires: new Date(0), domain: '.example.com', secure: true }],
  'for a path': ['v', { path: '/admin', sameSite: 'lax', priority: 'high' }],
  'that is partitioned': ['v', { partitioned: true, sameSite: 'none' }],
  'with an encoding of its own': ['a b', { encode: (value) => value.toUpperCase() }],
  'that is signed without a secret': ['v', { signed: true }],
  'with an age that is no number': ['v', { maxAge: 'soon' as never }],
};

const REDIRECTS: Readonly<Record<string, Case>> = {
  'redirect as text': [(res) => res.redirect('/a?b=<c>')],
  'redirect as HTML': [(res) => res.redirect('/a?b=<c>'), accept('text/html')],
  'redirect as anything else': [(res) => res.redirect('/a'), accept('application/json')],
  'redirect with a status': [(res) => res.redirect(301, 'https://b.example/ü')],
  'redirect to HEAD': [(res) => res.redirect('/a'), head],
};

const FORMAT = (res: Response) =>
  res.format({
    text: () => res.send('text'),
    html: () => res.send('<p>html</p>'),
    json: () => res.json({ kind: 'json' }),
  });

const FORMATS: Readonly<Record<string, Case>> = {
  'format as JSON': [FORMAT, accept('application/json')],
  'format by preference': [FORMAT, accept('text/plain;q=0.1, text/html')],
  'format without a wish': [FORMAT],
  'format by default': [
    (res) => res.format({ html: () => res.send('html'), default: () => res.send('default') }),
    accept('image/png'),
  ],
};

const FILES: Readonly<Record<string, Case>> = {
  'sendFile of a file': [(res) => res.sendFile(here)],
  'sendFile with options': [
    (res) => res.sendFile('response.test.ts', { root: `${here}/..`, maxAge: 60_000 }),
  ],
  'sendFile of a range': [(res) => res.sendFile(here), { headers: { range: 'bytes=3-9' } }],
  'sendFile of a range beyond the end': [
    (res) =>
      res.sendFile(
        here,
        (error) => void res.status((error as { status?: number })?.status ?? 0).end(),
      ),
    { headers: { range: 'bytes=99999999-' } },
  ],
  'sendFile to HEAD': [(res) => res.sendFile(here), head],
  'sendFile of a missing file with a callback': [
    (res) => res.sendFile(nowhere, (error) => void res.json((error as { status?: number }).status)),
  ],
  'sendFile of a relative path': [(res) => res.sendFile('a.txt')],
  'sendFile of no path': [(res) => res.sendFile(undefined as never)],
  download: [(res) => res.download(here)],
  'download under another name': [(res) => res.download(here, 'other.txt')],
};

const LOCALS: Readonly<Record<string, Case>> = {
  'locals that are empty': [(res) => res.json([Object.keys(res.locals), 'toString' in res.locals])],
  'locals that are kept': [
    (res) => {
      res.locals['user'] = 'ada';
      res.json(res.locals);
    },
  ],
  'locals that are replaced': [
    (res) => {
      res.locals = { replaced: true };
      res.json(res.locals);
    },
  ],
  'end with bytes': [(res) => res.end(Buffer.from('raw'))],
  'write and end': [
    (res) => {
      res.write('a');
      res.end('b');
    },
  ],
  writeHead: [(res) => res.writeHead(202, 'Taken', { 'x-a': 'b' }).end('c')],
  'a member that a handler replaces': [
    (res) => {
      res.redirect = ((to: string) => res.end(`to ${to}`)) as never;
      res.redirect('/x');
    },
  ],
};

describe('a member of the response', () => {
  let beside: BesideExpress;
  beforeAll(async () => {
    beside = await besideExpress();
  });
  afterAll(() => beside.close());

  it.each(
    Object.entries({
      ...JSON_CASES,
      ...STATUS,
      ...HEADERS,
      ...REDIRECTS,
      ...FORMATS,
      ...FILES,
      ...LOCALS,
    }),
  )('sends what Express sends: %s', async (_, [handler, sent]) => {
    const { ours, express } = await beside.compare((req, res) => handler(res, req), sent);
    expect(ours).toEqual(express);
  });

  it.each(Object.entries(SEND))(
    'sends what Express sends: send of %s',
    async (_, [handler, sent]) => {
      const { ours, express } = await beside.compare((req, res) => handler(res, req), sent);
      expect(ours).toEqual(express);
    },
  );

  it.each(CONTENT_TYPES)('completes the content type %j as Express does', async (type) => {
    const { ours, express } = await beside.compare((_req, res) => {
      const seen = res.set('content-type', type).get('Content-Type');
      res.end(String(seen));
    });
    expect(ours).toEqual(express);
  });

  it('refuses a list of content types as Express does', async () => {
    const { ours, express } = await beside.compare((_req, res) =>
      res.set('Content-Type', ['text/html']).end(),
    );
    expect(ours).toEqual(express);
    expect(ours.body).toContain('TypeError');
  });

  it.each(Object.entries(COOKIES))(
    'sets a cookie %s as Express does',
    async (_, [value, options]) => {
      const { ours, express } = await beside.compare((_req, res) => {
        if (options === undefined) res.cookie('name', value);
        else res.cookie('name', value, options);
        res.cookie('second', 'x').clearCookie('gone', { path: '/a' }).end();
      });
      // The moment at which a cookie with an age expires is the only thing that may differ.
      const steady = (lines: readonly string[]) =>
        lines.map((line) => (line.includes('Max-Age') ? line.replace(/Expires=[^;]*/, '') : line));
      expect(steady(ours.headers)).toEqual(steady(express.headers));
      expect([ours.status, ours.body]).toEqual([express.status, express.body]);
    },
  );

  it.each<[string, Case]>([
    [
      'format of nothing acceptable',
      [(res) => res.format({ html: () => res.send('html') }), accept('image/png')],
    ],
    ['sendFile of a missing file', [(res) => res.sendFile(nowhere)]],
    ['download of a missing file', [(res) => res.download(nowhere)]],
    ['sendFile of a folder', [(res) => res.sendFile(`${here}/..`)]],
  ])('answers with the status Express gives: %s', async (_, [handler, sent]) => {
    const { ours, express } = await beside.compare((req, res) => handler(res, req), sent);
    expect(ours.status).toBe(express.status);
  });
});

describe('render', () => {
  it('fails the call, since there is no view engine', async () => {
    const send = await serve(
      http('render', (_req, res) => res.render('page')),
      { env: { NODE_ENV: 'development' } },
    );
    const response = await send();
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({
      detail: expect.stringContaining('export an Express app') as string,
    });
  });

  it('hands the failure to a callback', async () => {
    const send = await serve(
      http('render-back', (_req, res) =>
        res.render('page', (error: Error) => res.send(error.message)),
      ),
    );
    expect(await (await send()).text()).toContain('res.render("page")');
  });
});

it('fails a call that answers twice, after the first answer', async () => {
  const send = await serve(
    http('twice', (_req, res) => {
      res.send('first');
      res.send('second');
    }),
  );
  expect(await (await send()).text()).toBe('first');
});

it('answers a failed call with a problem though headers were prepared', async () => {
  const send = await serve(
    http('prepared', (_req, res) => {
      res.set({ 'Content-Type': 'text/csv', 'Content-Length': '3', 'X-Request-Id': 'kept' });
      throw new Error('no');
    }),
  );
  const response = await send();
  expect(response.headers.get('x-request-id')).toBe('kept');
  expect(await refusal(response)).toEqual({ status: 500, code: 'OFN_FUNCTION_FAILED' });
});

describe('what a member hands on, since there is no route after the function', () => {
  it.each<[string, HttpHandler, object, number]>([
    ['sendFile of a missing file', (_req, res) => res.sendFile(nowhere), {}, 404],
    [
      'format without a match',
      (_req, res) => res.format({ html: () => res.send('html') }),
      { accept: 'image/png' },
      406,
    ],
    [
      'next of an error',
      (req, _res) => req.next?.(Object.assign(new Error(), { status: 409 })),
      {},
      409,
    ],
  ])('%s is answered with a problem', async (_, handler, headers, status) => {
    const send = await serve(http('handing-on', handler));
    const response = await send({ headers: { ...headers } });
    expect(await refusal(response)).toEqual({ status, code: 'OFN_FUNCTION_FAILED' });
  });

  it('next without an error is answered 404', async () => {
    const send = await serve(http('next', (req, _res) => req.next?.()));
    expect(await refusal(await send())).toEqual({ status: 404, code: 'OFN_NOT_FOUND' });
  });

  it('a next that a handler puts in its place is called instead', async () => {
    const send = await serve(
      http('own-next', (req, res) => {
        req.next = (error) => void res.send(`mine: ${(error as { status?: number }).status}`);
        res.sendFile(nowhere);
      }),
    );
    expect(await (await send()).text()).toBe('mine: 404');
  });
});

// Express's request members and ours, on our server: each must tell what Express itself tells.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  besideExpress,
  type BesideExpress,
  type Handler,
  type Sent,
} from './beside-express.fixture.ts';
import { http } from '../index.ts';
import { FunctionRequest, splitUrl } from './request.ts';
import { serve } from './serve.fixture.ts';

type Tell = (req: Parameters<Handler>[0]) => unknown;

// Answers with what was read from the request; `undefined` and `false` stay apart.
const telling =
  (tell: Tell): Handler =>
  (req, res) => {
    const told = tell(req);
    res.end(JSON.stringify(told === undefined ? 'undefined' : told));
  };

const accepting = {
  headers: {
    accept: 'text/html;q=0.5, application/json, image/*;q=0.1',
    'accept-charset': 'utf-8, iso-8859-1;q=0.2',
    'accept-encoding': 'gzip;q=0.8, br',
    'accept-language': 'de, en-GB;q=0.7',
  },
};
const proxied = {
  headers: {
    'x-forwarded-for': '203.0.113.7, 10.0.0.1',
    'x-forwarded-proto': 'https, http',
    'x-forwarded-host': 'www.eu.shop.example:8443, inner.example',
  },
};
const json: Sent = {
  method: 'POST',
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: '{}',
};

const CASES: Readonly<Record<string, [tell: Tell, sent?: Sent]>> = {
  'method and version': [(req) => [req.method, req.httpVersion]],
  'get of a header': [(req) => req.get('Host')],
  'get of a missing header': [(req) => req.get('x-missing')],
  'get of the referrer by its other name': [
    (req) => [req.get('Referrer'), req.get('referer')],
    { headers: { referer: 'https://a.example/' } },
  ],
  'get of the referrer by its right spelling': [
    (req) => req.get('referer'),
    { headers: { referrer: 'https://b.example/', referer: 'https://a.example/' } },
  ],
  'get of a header sent twice': [
    (req) => [req.get('x-twice'), req.header('cookie')],
    { headers: { 'x-twice': ['a', 'b'], cookie: ['a=1', 'b=2'] } },
  ],
  'get of nothing': [(req) => req.get('')],
  'get of a number': [(req) => req.get(5 as never)],
  'header as get': [(req) => req.header('HOST')],
  'header of nothing': [(req) => req.header(undefined as never)],
  accepts: [(req) => [req.accepts('json'), req.accepts('html', 'json')], accepting],
  'accepts of a list': [(req) => req.accepts(['text/plain', 'image/png']), accepting],
  'accepts of nothing acceptable': [(req) => req.accepts('audio/ogg'), accepting],
  'accepts without arguments': [(req) => req.accepts(), accepting],
  'accepts without a header': [(req) => req.accepts('png', 'html')],
  acceptsCharsets: [
    (req) => [req.acceptsCharsets(), req.acceptsCharsets('iso-8859-1', 'x')],
    accepting,
  ],
  acceptsEncodings: [
    (req) => [req.acceptsEncodings(), req.acceptsEncodings('gzip', 'x')],
    accepting,
  ],
  acceptsLanguages: [
    (req) => [req.acceptsLanguages(), req.acceptsLanguages('fr', 'en')],
    accepting,
  ],
  is: [(req) => [req.is('json'), req.is('application/*'), req.is(['html', '*/json'])], json],
  'is of another type': [(req) => req.is('html'), json],
  'is without a body': [(req) => req.is('json')],
  'is of a +json type': [
    (req) => req.is('+json'),
    { ...json, headers: { 'content-type': 'application/vnd.api+json' } },
  ],
  range: [(req) => [req.range(1000), req.range(10)], { headers: { range: 'bytes=0-99, 500-' } }],
  'range that is malformed': [(req) => req.range(1000), { headers: { range: 'lines' } }],
  'range without a header': [(req) => req.range(1000)],
  query: [(req) => req.query, { path: '/?a=1&a=2&b[c]=3&d=%C3%A9+x&e&=f' }],
  'query that is malformed': [(req) => req.query, { path: '/?a=%zz&%E0%A4%A=1&&' }],
  'query that is empty': [(req) => req.query, { path: '/?' }],
  'query that is absent': [(req) => req.query, { path: '/a' }],
  'query that names a prototype': [
    (req) => [Object.keys(req.query), Object.getPrototypeOf(req.query) === null],
    { path: '/?__proto__=1&hasOwnProperty=2' },
  ],
  'query with a second question mark': [(req) => req.query, { path: '/?a=b?c=d' }],
  path: [(req) => [req.path, req.url, req.originalUrl, req.baseUrl], { path: '/a%20b//c/?x=/y' }],
  'path of two slashes': [(req) => req.path, { path: '//host/a?b' }],
  'path before a fragment': [(req) => [req.path, req.query], { path: '/a?b=1#c' }],
  'path in absolute form': [
    (req) => [req.path, req.query],
    { path: 'http://other.example/a/b?c=1' },
  ],
  'path in asterisk form': [(req) => req.path, { method: 'OPTIONS', path: '*' }],
  params: [(req) => req.params],
  'body that is absent': [(req) => req.body as unknown],
  'protocol and secure': [(req) => [req.protocol, req.secure]],
  'protocol and secure behind a proxy': [(req) => [req.protocol, req.secure], proxied],
  'ip and ips': [(req) => [req.ip, req.ips]],
  'ip and ips behind a proxy': [(req) => [req.ip, req.ips], proxied],
  'host and hostname': [(req) => [req.host, req.hostname]],
  'host and hostname behind a proxy': [(req) => [req.host, req.hostname], proxied],
  'host and hostname of IPv6': [
    (req) => [req.host, req.hostname],
    { headers: { host: '[::1]:8080' } },
  ],
  subdomains: [(req) => req.subdomains],
  'subdomains behind a proxy': [(req) => req.subdomains, proxied],
  'subdomains of an address': [(req) => req.subdomains, { headers: { host: '127.0.0.1' } }],
  xhr: [(req) => req.xhr, { headers: { 'x-requested-with': 'XMLHttpRequest' } }],
  'xhr without a header': [(req) => req.xhr],
  'fresh and stale': [(req) => [req.fresh, req.stale]],
  'fresh of a matching tag': [
    (req) => {
      req.res?.set('ETag', '"1"');
      return [req.fresh, req.stale];
    },
    { headers: { 'if-none-match': '"0", W/"1"' } },
  ],
  'fresh of a newer time': [
    (req) => {
      req.res?.set('Last-Modified', 'Mon, 01 Jan 2024 00:00:00 GMT');
      return [req.fresh, req.stale];
    },
    { headers: { 'if-modified-since': 'Tue, 02 Jan 2024 00:00:00 GMT' } },
  ],
  'fresh of a POST': [
    (req) => [req.fresh, req.stale],
    { method: 'POST', headers: { 'if-none-match': '*' } },
  ],
  'res and its req': [(req) => req.res?.req === req],
  'app settings': [
    (req) =>
      ['etag', 'trust proxy', 'subdomain offset', 'jsonp callback name', 'x-missing'].map(
        (name) => [req.app.get(name) as unknown, req.app.enabled(name), req.app.disabled(name)],
      ),
  ],
};

describe('a member of the request', () => {
  let beside: BesideExpress;
  beforeAll(async () => {
    beside = await besideExpress();
  });
  afterAll(() => beside.close());

  it.each(Object.entries(CASES))('tells what Express tells: %s', async (_, [tell, sent]) => {
    const { ours, express } = await beside.compare(telling(tell), sent);
    expect(ours).toEqual(express);
    expect(express.status).toBe(200);
  });
});

describe("the framework's own members", () => {
  it('give the id of the caller under both names', async () => {
    const send = await serve(http('ids', (req, res) => res.json([req.id, req.executionId])));
    const headers = { 'x-request-id': 'order-7:a.b' };
    expect(await (await send({ headers })).json()).toEqual(['order-7:a.b', 'order-7:a.b']);
    const old = { 'function-execution-id': 'old-1' };
    expect(await (await send({ headers: old })).json()).toEqual(['old-1', 'old-1']);
  });

  it.each([['a b'], ['x'.repeat(129)], ['<script>'], ['']])(
    'make up an id in the place of %j',
    async (given) => {
      const send = await serve(http('made-up', (req, res) => res.json(req.id)));
      const id: unknown = await (await send({ headers: { 'x-request-id': given } })).json();
      expect(id).toMatch(/^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/);
    },
  );

  it('give a signal and a logger of the call', async () => {
    const send = await serve(
      http('own', (req, res) => {
        const { signal, log } = req;
        log.info('nothing is written by a silent logger');
        res.json([signal instanceof AbortSignal, signal.aborted, req.signal === signal]);
      }),
    );
    expect(await (await send()).json()).toEqual([true, false, true]);
  });

  it('throw before a request has reached a function', () => {
    const request = new FunctionRequest({} as never);
    expect(() => request.id).toThrow('this request has not reached a function yet');
    expect(() => request.log).toThrow('this request has not reached a function yet');
    expect(() => request.signal).toThrow('this request has not reached a function yet');
  });

  it('let a handler put its own query in the place of the parsed one', async () => {
    const send = await serve(
      http('own-query', (req, res) => {
        req.query = { mine: true };
        res.json(req.query);
      }),
    );
    expect(await (await send({ path: '/?a=1' })).json()).toEqual({ mine: true });
  });

  it('keep the parameters of one call apart from those of another', async () => {
    const send = await serve(
      http('params', (req, res) => {
        const seen = { ...req.params };
        req.params['mine'] = 'x';
        res.json([seen, req.params]);
      }),
    );
    expect(await (await send()).json()).toEqual([{}, { mine: 'x' }]);
    expect(await (await send()).json()).toEqual([{}, { mine: 'x' }]);
  });
});

describe('a target', () => {
  it.each([
    ['/a/b?c=d?e', { path: '/a/b', query: 'c=d?e' }],
    ['/', { path: '/', query: '' }],
    ['/a?', { path: '/a', query: '' }],
    ['http://h.example:1/a?b', { path: '/a', query: 'b' }],
    ['http://h.example', { path: '/', query: '' }],
    ['*', { path: '*', query: '' }],
  ])('%s is split into path and query', (url, expected) => {
    expect(splitUrl(url)).toEqual(expected);
  });
});

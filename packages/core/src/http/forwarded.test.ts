// Who called, and as what: Express's rules for trusted proxies, by the members of Express and by ours.
import express from 'express';
import { describe, expect, it } from 'vitest';
import type { Request } from '../function/signature.ts';
import { http } from '../index.ts';
import { serve } from './serve.fixture.ts';

const HEADERS = {
  host: 'inner.svc:80',
  'x-forwarded-for': '203.0.113.7, 10.0.0.1',
  'x-forwarded-proto': 'https, http',
  'x-forwarded-host': 'www.eu.shop.example:8443, proxy.example',
};

const seen = (req: Request): object => ({
  ip: req.ip,
  ips: req.ips,
  protocol: req.protocol,
  secure: req.secure,
  host: req.host,
  hostname: req.hostname,
  subdomains: req.subdomains,
});

/** What a function sees. */
async function ours(hops: number | undefined, headers: Record<string, string>): Promise<object> {
  const options = hops === undefined ? {} : { 'trusted-hops': hops };
  const definition = http('caller', (req, res) => {
    res.json({ ...seen(req), originalHost: req.originalHost });
  });
  const send = await serve(definition, { options });
  return (await (await send({ headers })).json()) as object;
}

/** What a handler of an Express app sees that has the same number as its `trust proxy`. */
async function theirs(hops: number | undefined, headers: Record<string, string>): Promise<object> {
  const app = express();
  app.set('trust proxy', hops ?? true);
  app.get('/', (req, res) => void res.json(seen(req as Request)));
  const send = await serve(http('app', app));
  return (await (await send({ headers })).json()) as object;
}

describe.each([undefined, 0, 1, 2, 3])('with %s trusted hops', (hops) => {
  it.each([
    ['a request through proxies', HEADERS],
    ['a plain request', { host: 'inner.svc:80' }],
    ['empty headers', { host: 'a', 'x-forwarded-host': '', 'x-forwarded-proto': '' }],
  ])('%s looks as it does to Express', async (_, headers) => {
    const { originalHost, ...members } = (await ours(hops, headers)) as { originalHost: string };
    expect(members).toEqual(await theirs(hops, headers));
    expect(originalHost).toBe((members as { host?: string }).host);
  });
});

it('believes every proxy by default, and none with 0', async () => {
  expect(await ours(undefined, HEADERS)).toMatchObject({
    ip: '203.0.113.7',
    protocol: 'https',
    originalHost: 'www.eu.shop.example:8443',
  });
  expect(await ours(0, HEADERS)).toMatchObject({
    ip: '127.0.0.1',
    protocol: 'http',
    originalHost: 'inner.svc:80',
  });
});

it('gives Web-standard handlers the same protocol and host in their URL', async () => {
  const definition = http('url', (request: globalThis.Request) => new Response(request.url));
  for (const [hops, url] of [
    [undefined, 'https://www.eu.shop.example:8443/a?b'],
    [1, 'https://www.eu.shop.example:8443/a?b'],
    [0, 'http://inner.svc/a?b'],
  ] as const) {
    const options = hops === undefined ? {} : { 'trusted-hops': hops };
    const send = await serve(definition, { options });
    expect(await (await send({ path: '/a?b', headers: HEADERS })).text()).toBe(url);
  }
});

it("is kept in an Express app, whatever the app's own setting", async () => {
  const app = express();
  app.get('/', (req, res) => void res.json([(req as Request).originalHost, req.host]));
  const send = await serve(http('app', app));
  const response = await send({ headers: HEADERS });
  expect(await response.json()).toEqual(['www.eu.shop.example:8443', 'inner.svc:80']);
});

it.each([
  '[',
  '[::1',
  ']',
  ':',
  ',',
  ' , ',
  '%zz',
  'a b',
  'a/../b',
  '//',
  '://',
  'http://x',
  '\u00ff',
  'a'.repeat(4000),
])('no member throws for the hostile value %j', async (value) => {
  const definition = http('hostile', (req, res) => {
    res.json({ ...seen(req), originalHost: req.originalHost });
  });
  for (const hops of [undefined, 0, 2]) {
    const options = hops === undefined ? {} : { 'trusted-hops': hops };
    const send = await serve(definition, { options });
    for (const name of ['host', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']) {
      expect((await send({ headers: { host: 'a', [name]: value } })).status).toBe(200);
    }
  }
});

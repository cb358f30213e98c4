// --path-prefix: stripped at the end of a segment, as a mount of Express does; the rest stays as it is.
import express from 'express';
import { describe, expect, it } from 'vitest';
import { http } from '../index.ts';
import { serve, serveAll } from './serve.fixture.ts';

const options = { 'path-prefix': '/shop/eu' };

describe('a path prefix', () => {
  it.each([
    ['/shop/eu/users?id=7', '/shop/eu', '/users?id=7', '/users'],
    ['/shop/eu', '/shop/eu', '/', '/'],
    ['/shop/eu/', '/shop/eu', '/', '/'],
    ['/shop/eu?id=7', '/shop/eu', '/?id=7', '/'],
    ['/shop/eu//x', '/shop/eu', '//x', '//x'],
    ['/shop/europe', '', '/shop/europe', '/shop/europe'],
    ['/shop', '', '/shop', '/shop'],
    ['/Shop/eu/x', '', '/Shop/eu/x', '/Shop/eu/x'],
    ['/', '', '/', '/'],
  ])('of %s makes the base %j and the URL %s', async (path, baseUrl, url, inner) => {
    const definition = http('prefixed', (req, res) => {
      res.json([req.baseUrl, req.url, req.path, req.originalUrl]);
    });
    const send = await serve(definition, { options });
    expect(await (await send({ path })).json()).toEqual([baseUrl, url, inner, path]);
  });

  it('is stripped before functions are looked for, and ignored paths too', async () => {
    const send = await serveAll(
      [
        http('user', { path: '/users/:id' }, (req, res) => void res.send(req.params['id'])),
        http('other', (_req, res) => void res.send('other')),
      ],
      { options },
    );
    expect(await (await send({ path: '/shop/eu/users/7' })).text()).toBe('7');
    expect(await (await send({ path: '/users/8' })).text()).toBe('8');
    expect((await send({ path: '/shop/eu' })).status).toBe(404);
    const ignored = await send({ path: '/shop/eu/favicon.ico' });
    expect([ignored.status, await ignored.text()]).toEqual([404, '']);
  });

  it('mounts an Express app', async () => {
    const app = express();
    app.get('/users', (req, res) => void res.json([req.baseUrl, req.url, req.originalUrl]));
    const send = await serve(http('app', app), { options });
    expect(await (await send({ path: '/shop/eu/users' })).json()).toEqual([
      '/shop/eu',
      '/users',
      '/shop/eu/users',
    ]);
  });

  it('is not in the URL of a Web-standard handler', async () => {
    const definition = http('web', (request: Request) => new Response(request.url));
    const send = await serve(definition, { options });
    expect(await (await send({ path: '/shop/eu/a?b' })).text()).toBe('http://localhost/a?b');
  });
});

// Which function a request is for: paths, parameters, methods, and what is served at none of them.
import { describe, expect, it } from 'vitest';
import { defineFunction } from '../function/definition.ts';
import type {
  FunctionDefinition,
  HttpFunctionOptions,
  HttpHandler,
} from '../function/signature.ts';
import { cloudEvent, http, openfunction } from '../index.ts';
import { listen, refusal, serve, serveAll } from './serve.fixture.ts';

// Answers with what the router made of the request; not registered, for names are used again here.
const named = (name: string, options: HttpFunctionOptions = {}): FunctionDefinition => {
  const handler: HttpHandler = ({ params, path, originalUrl }, res) =>
    void res.json({ name, params, path, originalUrl });
  return defineFunction(name, 'http', handler, options);
};

describe('several functions', () => {
  it('are served each at its name, or at its path with parameters', async () => {
    const send = await serveAll([
      named('plain'),
      named('user', { path: '/users/:id', methods: ['GET'] }),
      named('files', { path: '/files/*rest' }),
      openfunction('open', () => 'opened'),
    ]);
    const get = async (path: string) => (await send({ path })).json();
    expect(await get('/plain?a=1')).toEqual({
      name: 'plain',
      params: {},
      path: '/plain',
      originalUrl: '/plain?a=1',
    });
    expect(await get('/users/a%20b')).toMatchObject({
      name: 'user',
      params: { id: 'a b' },
      path: '/users/a%20b',
    });
    expect(await get('/files/a/b')).toMatchObject({ params: { rest: ['a', 'b'] } });
    expect(await (await send({ path: '/open', method: 'PUT' })).text()).toBe('opened');
  });

  it('may share a path by their methods', async () => {
    const send = await serveAll([
      named('read', { path: '/item', methods: ['GET'] }),
      named('write', { path: '/item', methods: ['PUT', 'PATCH'] }),
    ]);
    const of = async (method: string) => (await send({ path: '/item', method })).json();
    expect([await of('GET'), await of('PATCH')]).toMatchObject([
      { name: 'read' },
      { name: 'write' },
    ]);
  });

  it('answer 404 where none is served, without telling callers what there is', async () => {
    const send = await serveAll([named('one'), named('two', { path: '/2/:x' })]);
    const response = await send({ path: '/three' });
    const { detail } = (await response.clone().json()) as { detail: string };
    expect(await refusal(response)).toEqual({ status: 404, code: 'OFN_NOT_FOUND' });
    expect(detail).toBe('nothing is served at /three');
  });

  it('answer 404 with the paths that there are in development', async () => {
    const options = { env: { NODE_ENV: 'development' } };
    const send = await serveAll([named('one'), named('two', { path: '/2/:x' })], options);
    const { detail } = (await (await send({ path: '/three' })).json()) as { detail: string };
    expect(detail).toBe('nothing is served at /three; there is /one, /2/:x');
  });

  it('answer 405 with the methods of all that share the path', async () => {
    const send = await serveAll([
      named('read', { path: '/item', methods: ['GET'] }),
      named('write', { path: '/item', methods: ['PUT'] }),
      named('other', { path: '/other', methods: ['DELETE'] }),
      cloudEvent('on-order', () => {}),
    ]);
    const response = await send({ path: '/item', method: 'POST', body: 'x' });
    expect(response.headers.get('allow')).toBe('GET, HEAD, PUT');
    expect(await refusal(response)).toEqual({ status: 405, code: 'OFN_METHOD_NOT_ALLOWED' });
    const event = await send({ path: '/on-order' });
    expect([event.status, event.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('answer HEAD where there is GET, and refuse OPTIONS with what is allowed', async () => {
    const send = await serveAll([
      named('read', { path: '/item', methods: ['GET'] }),
      named('write', { path: '/item', methods: ['PUT'] }),
    ]);
    const head = await send({ path: '/item', method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const options = await send({ path: '/item', method: 'OPTIONS' });
    expect(options.status).toBe(405);
    const allow = (options.headers.get('allow') ?? '').split(', ');
    expect(allow.toSorted()).toEqual(['GET', 'HEAD', 'PUT']);
  });

  it('get OPTIONS themselves when they accept every method', async () => {
    const send = await serveAll([named('every'), named('other')]);
    expect(await (await send({ path: '/every', method: 'OPTIONS' })).json()).toMatchObject({
      name: 'every',
    });
  });

  it('refuse with 400 a parameter that cannot be decoded', async () => {
    const send = await serveAll([named('user', { path: '/users/:id' }), named('other')]);
    expect(await refusal(await send({ path: '/users/%zz' }))).toEqual({
      status: 400,
      code: 'OFN_REQUEST_MALFORMED',
    });
  });

  it('fail each by itself', async () => {
    const send = await serveAll([
      named('fine'),
      http('bad', () => {
        throw Object.assign(new Error('no'), { status: 400 });
      }),
    ]);
    expect(await refusal(await send({ path: '/bad' }))).toEqual({
      status: 400,
      code: 'OFN_FUNCTION_FAILED',
    });
    expect((await send({ path: '/fine' })).status).toBe(200);
  });
});

describe('the only function', () => {
  it('is served at every path when it names none', async () => {
    const send = await serve(named('only'));
    expect(await (await send({ path: '/any/where' })).json()).toMatchObject({
      params: {},
      path: '/any/where',
    });
  });

  it('is served at its path only when it names one', async () => {
    const send = await serve(named('only', { path: '/here/:x', methods: ['GET'] }));
    expect(await (await send({ path: '/here/1' })).json()).toMatchObject({ params: { x: '1' } });
    expect((await send({ path: '/there' })).status).toBe(404);
    const response = await send({ path: '/here/1', method: 'DELETE' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('OPTIONS of a function with methods', () => {
  it('is refused with 405 and Allow when it is the only one too', async () => {
    const send = await serve(named('only', { methods: ['POST'] }));
    const response = await send({ method: 'OPTIONS' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    const open = await serve(named('open', { methods: ['OPTIONS'] }));
    expect((await open({ method: 'OPTIONS' })).status).toBe(200);
  });
});

describe('functions that cannot be served together', () => {
  const all = (name: string) => named(name, { path: '/x' });
  const get = (name: string) => named(name, { path: '/x', methods: ['GET'] });

  it.each<[string, FunctionDefinition[], string]>([
    ['both take every method', [all('a'), all('b')], 'every method'],
    ['both take one', [get('a'), get('b')], 'GET'],
    ['the first takes every method', [all('a'), get('b')], 'GET'],
    ['the second takes every method', [get('a'), all('b')], 'every method'],
    [
      'one is served at the name of the other',
      [named('a', { path: '/b' }), named('b')],
      'every method',
    ],
  ])('are refused when %s', async (_, functions, what) => {
    await expect(listen(functions)).rejects.toMatchObject({
      code: 'OFN_ROUTE_CONFLICT',
      message: expect.stringContaining(`functions "a" and "b" both serve ${what} at `) as string,
    });
  });
});

describe('a function that cannot be served', () => {
  it.each(['/a/:', '/(', '/*', '/a/{b'])('is refused for the path %s', async (path) => {
    await expect(listen([named('bad', { path }), named('other')])).rejects.toMatchObject({
      code: 'OFN_FUNCTION_INVALID',
      message: expect.stringContaining(`function "bad": the path "${path}" is not valid`) as string,
    });
  });

  it('is refused for a method that does not exist', async () => {
    expect(() => named('bad', { path: '/a', methods: ['FETCH'] })).toThrow(
      expect.objectContaining({ code: 'OFN_FUNCTION_INVALID' }),
    );
  });
});

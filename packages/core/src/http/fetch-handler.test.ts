// Web-standard handlers: the Request they get, the Response they give, and streams both ways.
import { Hono } from 'hono';
import { stream } from 'hono/streaming';
import { describe, expect, it } from 'vitest';
import { http } from '../index.ts';
import { connectTo, listen, refusal, serve, signalled } from './serve.fixture.ts';

const MALFORMED = { status: 400, code: 'OFN_REQUEST_MALFORMED' };

describe('a Hono app', () => {
  it('is a handler, with its own routes', async () => {
    const app = new Hono();
    app.get('/users/:id', (c) => c.json({ id: c.req.param('id'), q: c.req.query('q') }));
    app.post('/echo', async (c) => c.text(await c.req.text(), 201));
    const send = await serve(http('hono', app));
    expect(await (await send({ path: '/users/7?q=%C3%A9' })).json()).toEqual({ id: '7', q: 'é' });
    const posted = await send({ path: '/echo', body: 'hällo' });
    expect([posted.status, await posted.text()]).toEqual([201, 'hällo']);
    expect((await send({ path: '/nowhere' })).status).toBe(404);
  });

  it('streams', async () => {
    const app = new Hono();
    app.get('/', (c) =>
      stream(c, async (out) => {
        for (const part of ['a', 'b', 'c']) await out.write(part);
      }),
    );
    const send = await serve(http('streaming', app));
    expect(await (await send()).text()).toBe('abc');
  });
});

describe('the Request', () => {
  it('tells method, URL, headers and signal', async () => {
    const send = await serve(
      http('told', (request: Request) =>
        Response.json({
          method: request.method,
          url: request.url,
          twice: request.headers.get('x-twice'),
          aborted: request.signal.aborted,
          body: request.body,
        }),
      ),
    );
    const response = await send({
      method: 'DELETE',
      path: '/a%20b?c=1',
      headers: { host: 'api.example:81', 'x-twice': 'é' },
    });
    expect(await response.json()).toEqual({
      method: 'DELETE',
      url: 'http://api.example:81/a%20b?c=1',
      twice: 'é',
      aborted: false,
      body: null,
    });
  });

  it.each([
    [{ 'x-forwarded-proto': 'https, http' }, '/a', 'https://localhost/a'],
    [{ 'x-forwarded-host': 'www.example, inner' }, '/a', 'http://www.example/a'],
    [{}, 'http://other.example/b?c', 'http://other.example/b?c'],
    [{}, '//evil.example/x', 'http://localhost//evil.example/x'],
    [{ host: 'inner', 'x-forwarded-host': '[::1]:8443' }, '/x?y', 'http://[::1]:8443/x?y'],
    [{ host: 'inner:81' }, 'http://outer:82/x', 'http://outer:82/x'],
    [{ host: 'inner', 'x-forwarded-host': '', 'x-forwarded-proto': '' }, '/x', 'http://inner/x'],
  ])('behind %j for the target %s has its URL', async (headers, path, url) => {
    const send = await serve(http('url', (request: Request) => new Response(request.url)));
    expect(await (await send({ path, headers })).text()).toBe(url);
  });

  it.each([
    [{ host: 'a b' }],
    [{ host: '[' }],
    [{ host: 'a.example/admin' }],
    [{ host: 'a.example?q=' }],
    [{ host: 'a.example#' }],
    [{ host: 'a.example\\\\b' }],
    [{ host: 'a:port' }],
    [{ 'x-forwarded-host': 'user:secret@host' }],
    [{ 'x-forwarded-host': 'host/admin?' }],
    [{ 'x-forwarded-proto': 'no proto' }],
    [{ 'x-forwarded-proto': 'ftp' }],
    [{ 'x-forwarded-proto': 'javascript' }],
  ])('that %j does not make is refused with 400', async (headers) => {
    const send = await serve(http('no-url', (request: Request) => new Response(request.url)));
    const response = await send({ path: '/x', headers });
    expect(await refusal(response)).toEqual(MALFORMED);
  });

  it('of a method that Request does not allow is refused, not failed', async () => {
    const send = await serve(http('trace', (request: Request) => new Response(request.method)));
    const response = await send({ method: 'TRACE' });
    expect(response.headers.get('allow')?.split(', ')).toContain('GET');
    expect(await refusal(response)).toEqual({ status: 405, code: 'OFN_METHOD_NOT_ALLOWED' });
  });

  it('has a body that arrives while the handler reads', async () => {
    const first = signalled<string>();
    const { addresses } = await listen([
      http('reading', async (request: Request) => {
        const parts: string[] = [];
        for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
          parts.push(Buffer.from(chunk).toString());
          first.resolve(parts.join(''));
        }
        return new Response(parts.join('|'), { headers: { connection: 'close' } });
      }),
    ]);
    const { socket, reply } = connectTo(
      addresses.port,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n',
    );
    expect(await first.promise).toBe('one');
    socket.write('3\r\ntwo\r\n0\r\n\r\n');
    expect(await reply).toContain('one|two');
  });

  it('may be cancelled while its body still arrives', async () => {
    const send = await serve(
      http('cancelling', async (request: Request) => {
        await request.body?.cancel();
        return new Response('enough');
      }),
    );
    expect(await (await send({ body: Buffer.alloc(1_000_000) })).text()).toBe('enough');
  });

  it('aborts its signal when the client disconnects', async () => {
    const called = signalled();
    const aborted = signalled();
    const send = await serve(
      http('gone', async (request: Request) => {
        request.signal.addEventListener('abort', () => aborted.resolve());
        called.resolve();
        await aborted.promise;
        return new Response();
      }),
    );
    const client = new AbortController();
    const reply = send({ signal: client.signal });
    await called.promise;
    client.abort();
    await expect(reply).rejects.toThrow('abort');
    await aborted.promise;
    expect(client.signal.aborted).toBe(true);
  });
});

describe('the Response', () => {
  it('is sent with its status, its reason and its headers, each cookie by itself', async () => {
    const send = await serve(
      http('full', (_request: Request) => {
        const headers = new Headers({ 'content-type': 'text/csv', vary: 'Accept' });
        headers.append('set-cookie', 'a=1; Path=/');
        headers.append('set-cookie', 'b=2, c');
        headers.append('vary', 'Origin');
        return new Response('x,y', { status: 203, statusText: 'Second Hand', headers });
      }),
    );
    const response = await send();
    expect([response.status, response.statusText]).toEqual([203, 'Second Hand']);
    expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2, c']);
    expect(response.headers.get('content-type')).toBe('text/csv');
    expect(response.headers.get('vary')).toBe('Accept, Origin');
    expect(await response.text()).toBe('x,y');
  });

  it.each([204, 205, 304])('of status %i has no body', async (status) => {
    const send = await serve(http('empty', (_request: Request) => new Response(null, { status })));
    const response = await send();
    expect([response.status, await response.text()]).toEqual([status, '']);
  });

  it('has no body for HEAD, and its stream is cancelled', async () => {
    const cancelled = signalled();
    const body = new ReadableStream({ cancel: () => cancelled.resolve() });
    const send = await serve(
      http('head', (_request: Request) => new Response(body, { headers: { 'x-a': 'b' } })),
    );
    const response = await send({ method: 'HEAD' });
    await cancelled.promise;
    expect([response.headers.get('x-a'), await response.text()]).toEqual(['b', '']);
  });

  it('arrives part by part, its headers before its first part', async () => {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
    const send = await serve(http('parts', (_request: Request) => new Response(body)));
    const response = await send();
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (const part of ['one', 'two']) {
      controller?.enqueue(Buffer.from(part));
      expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(part);
    }
    controller?.close();
    expect((await reader.read()).done).toBe(true);
  });

  it('waits for a client that reads slowly', async () => {
    let pulled = 0;
    const total = 400;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          if (pulled > total) controller.close();
          else controller.enqueue(Buffer.alloc(16 * 1024));
        },
      },
      { highWaterMark: 0 },
    );
    const send = await serve(http('slow', (_request: Request) => new Response(body)));
    const response = await send();
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect(pulled).toBeLessThan(total / 2);
    let size = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
    }
    expect(size).toBeGreaterThan((total - 10) * 16 * 1024);
  });

  it('has its stream cancelled when the client disconnects', async () => {
    const cancelled = signalled<unknown>();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from('first')),
      cancel: (reason) => cancelled.resolve(reason),
    });
    const send = await serve(http('endless', (_request: Request) => new Response(body)));
    const client = new AbortController();
    const response = await send({ signal: client.signal });
    client.abort();
    expect(await cancelled.promise).toBe('the client disconnected');
    await expect(response.text()).rejects.toThrow('aborted');
  });

  it('has its stream cancelled when it comes after the client disconnected', async () => {
    const called = signalled();
    const cancelled = signalled();
    const send = await serve(
      http('too-late', async (request: Request) => {
        const aborted = new Promise((resolve) => request.signal.addEventListener('abort', resolve));
        called.resolve();
        await aborted;
        await new Promise(setImmediate);
        return new Response(new ReadableStream({ cancel: () => cancelled.resolve() }));
      }),
    );
    const client = new AbortController();
    const reply = send({ signal: client.signal });
    await called.promise;
    client.abort();
    await expect(reply).rejects.toThrow('abort');
    await cancelled.promise;
    expect(client.signal.aborted).toBe(true);
  });

  it('is cut off when its stream fails', async () => {
    let fail = (): void => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('first'));
        fail = () => controller.error(new Error('broken'));
      },
    });
    const send = await serve(http('broken', (_request: Request) => new Response(body)));
    const response = await send();
    fail();
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('aborted');
  });

  it('fails the call when its stream fails before its first part', async () => {
    const body = new ReadableStream({ start: (controller) => controller.error(new Error('x')) });
    const send = await serve(
      http('never', (_request: Request) => new Response(body, { headers: { 'x-a': 'b' } })),
    );
    const response = await send();
    expect(response.headers.has('x-a')).toBe(false);
    expect(await refusal(response)).toEqual({ status: 500, code: 'OFN_FUNCTION_FAILED' });
  });

  it('that was read already, or is an error, fails the call', async () => {
    const read = await serve(
      http('read', async (_request: Request) => {
        const response = new Response('once');
        await response.text();
        return response;
      }),
    );
    expect((await read()).status).toBe(500);
    const error = await serve(http('network-error', (_request: Request) => Response.error()));
    expect((await error()).status).toBe(500);
  });

  it('has its stream cancelled when a part of it is no bytes', async () => {
    const cancelled = signalled();
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(5),
      cancel: () => cancelled.resolve(),
    });
    const send = await serve(http('numbers', (_request: Request) => new Response(body)));
    expect((await send()).status).toBe(500);
    await cancelled.promise;
  });

  it('must be returned by a handler with one parameter', async () => {
    const send = await serve(http('forgot', ((_request: Request) => 'text') as never));
    expect(await refusal(await send())).toEqual({ status: 500, code: 'OFN_RESULT_INVALID' });
  });

  it('may be of a class that is not the one of Node', async () => {
    class Foreign {
      readonly status = 201;
      readonly statusText = '';
      readonly headers = new Map([['x-foreign', 'yes']]);
      readonly body = new Response('foreign').body;
      readonly [Symbol.toStringTag] = 'Response';
    }
    const definitions = [
      http('foreign', (_request: Request) => new Foreign() as never),
      http('foreign-express', (_req, _res) => new Foreign()),
    ];
    for (const definition of definitions) {
      const send = await serve(definition);
      const response = await send();
      expect([response.status, response.headers.get('x-foreign')]).toEqual([201, 'yes']);
      expect(await response.text()).toBe('foreign');
    }
  });

  it('may be returned by a handler of req and res, which wins if it answers itself', async () => {
    const web = await serve(http('web', (_req, _res) => new Response('web', { status: 202 })));
    expect((await web()).status).toBe(202);
    const both = await serve(
      http('both', (_req, res) => {
        res.send('express');
        return new Response('web');
      }),
    );
    expect(await (await both()).text()).toBe('express');
  });
});

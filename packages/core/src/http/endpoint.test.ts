// One function behind HTTP: methods, bodies, time limits, disconnects, failures, and calls kept apart.
import { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as after } from 'node:timers/promises';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { defineFunction } from '../function/definition.ts';
import { currentInvocation, http, openfunction, type Context, type Request } from '../index.ts';
import { allowedMethods } from './endpoint.ts';
import { connectTo, listen, refusal, serve, signalled } from './serve.fixture.ts';

const FAILED = { status: 500, code: 'OFN_FUNCTION_FAILED' };

describe('the methods of a function', () => {
  it('are all by default', async () => {
    const send = await serve(http('any', (req, res) => void res.send(req.method)));
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
    const answers = await Promise.all(
      methods.map(async (method) => (await send({ method })).text()),
    );
    expect(answers).toEqual(methods);
  });

  it('that are not listed are refused with 405 and Allow', async () => {
    const send = await serve(http('listed', { methods: ['get', 'PUT'] }, (_req, res) => res.end()));
    const response = await send({ method: 'POST', body: { large: 'x'.repeat(100_000) } });
    expect(response.headers.get('allow')).toBe('GET, PUT, HEAD');
    expect(await refusal(response)).toEqual({ status: 405, code: 'OFN_METHOD_NOT_ALLOWED' });
    expect((await send({ method: 'HEAD' })).status).toBe(200);
  });

  it('include HEAD once where there is GET', () => {
    const methods = (...list: string[]) =>
      allowedMethods(defineFunction('m', 'http', () => {}, { methods: list }));
    expect(methods('GET')).toEqual(['GET', 'HEAD']);
    expect(methods('HEAD', 'GET')).toEqual(['HEAD', 'GET']);
    expect(methods('POST')).toEqual(['POST']);
  });
});

describe('an openfunction function', () => {
  it('gets the body as data, and the request and the response in its context', async () => {
    const send = await serve(
      openfunction('all', (ctx, data: unknown) => [data, ctx.data, ctx.req?.method, ctx.name]),
    );
    const response = await send({ method: 'PUT', body: { a: 1 } });
    expect(await response.json()).toEqual([{ a: 1 }, { a: 1 }, 'PUT', 'all']);
    expect(await (await send()).json()).toEqual([null, null, 'GET', 'all']);
  });

  it('may answer through its response, which wins over what it returns', async () => {
    const send = await serve(
      openfunction('own', (ctx) => {
        ctx.res?.status(201).json({ from: 'res' });
        return 'ignored';
      }),
    );
    const response = await send();
    expect([response.status, await response.json()]).toEqual([201, { from: 'res' }]);
  });

  it('may return a Web Response', async () => {
    const send = await serve(openfunction('web', () => new Response('x', { status: 202 })));
    const response = await send();
    expect([response.status, await response.text()]).toEqual([202, 'x']);
  });

  it('gets a body that cannot be read as a refusal, without being called', async () => {
    let calls = 0;
    const send = await serve(openfunction('never', () => (calls += 1)));
    const response = await send({ body: '{', headers: { 'content-type': 'application/json' } });
    expect(await refusal(response)).toEqual({ status: 400, code: 'OFN_BODY_MALFORMED' });
    expect(calls).toBe(0);
  });
});

describe("a body that is left as a stream (body: 'stream')", () => {
  it('is read by the handler alone, whatever its size and type', async () => {
    const send = await serve(
      http('upload', { body: 'stream' }, async (req, res) => {
        let size = 0;
        for await (const chunk of req) size += (chunk as Buffer).length;
        res.json([size, typeof req.body, typeof req.rawBody]);
      }),
      { options: { 'body-limit': '1KiB' } },
    );
    const response = await send({
      body: Buffer.alloc(300_000),
      headers: { 'content-type': 'application/json' },
    });
    expect(await response.json()).toEqual([300_000, 'undefined', 'undefined']);
  });
});

describe('the timeout', () => {
  const options = { options: { timeout: '30ms' } };
  const LATE = { status: 504, code: 'OFN_TIMEOUT' };

  it('answers 504, and aborts the signal of the call', async () => {
    const aborted = signalled<unknown>();
    const send = await serve(
      http('late', (req, _res) => {
        req.signal.addEventListener('abort', () => aborted.resolve(req.signal.reason));
      }),
      options,
    );
    const response = await send();
    const problem = (await response.clone().json()) as { detail: string };
    expect(await refusal(response)).toEqual(LATE);
    expect(problem.detail).toBe('function "late" did not answer within 0.03 s');
    expect(await aborted.promise).toMatchObject({ name: 'TimeoutError' });
  });

  it('is already told to a signal that is first read after it', async () => {
    const read = signalled<AbortSignal>();
    const timedOut = signalled();
    const send = await serve(
      http('late-reader', async (req, _res) => {
        await timedOut.promise;
        read.resolve(req.signal);
      }),
      options,
    );
    await send();
    timedOut.resolve();
    expect((await read.promise).aborted).toBe(true);
  });

  it('does not let what the handler answers later through', async () => {
    const finished = signalled();
    const send = await serve(
      openfunction('slow', async (ctx) => {
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
        setImmediate(finished.resolve);
        return 'too late';
      }),
      options,
    );
    expect(await refusal(await send())).toEqual(LATE);
    await finished.promise;
  });

  it('cuts a response off that has begun', async () => {
    const send = await serve(
      http('begun', (_req, res) => void res.write('the first half')),
      options,
    );
    await expect((await send()).text()).rejects.toThrow('aborted');
  });

  it('does not touch a call that answers in time', async () => {
    let aborted = false;
    const send = await serve(
      http('quick', (req, res) => {
        req.signal.addEventListener('abort', () => (aborted = true));
        res.send('done');
      }),
      { options: { timeout: '1ms' } },
    );
    expect(await (await send()).text()).toBe('done');
    await after(5);
    expect(aborted).toBe(false);
  });

  it('covers the time a client takes to send its body', async () => {
    const { addresses } = await listen([http('slow-body', () => {})], ['--timeout=30ms']);
    const { reply } = connectTo(
      addresses.port,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf',
    );
    expect(await reply).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n/);
  });
});

describe('a client that disconnects', () => {
  it('aborts the signal of its call', async () => {
    const called = signalled<Request>();
    const aborted = signalled<unknown>();
    const send = await serve(
      http('left', (req, _res) => {
        req.signal.addEventListener('abort', () => aborted.resolve(req.signal.reason));
        called.resolve(req);
      }),
    );
    const client = new AbortController();
    const reply = send({ signal: client.signal });
    const request = await called.promise;
    client.abort();
    await expect(reply).rejects.toThrow('abort');
    expect(await aborted.promise).toMatchObject({ name: 'AbortError' });
    expect(request.signal.aborted).toBe(true);
  });

  it('aborts the signal of its call on a socket too', async () => {
    const called = signalled();
    const aborted = signalled<unknown>();
    const { addresses } = await listen([
      http('left', (req, _res) => {
        req.signal.addEventListener('abort', () => aborted.resolve(req.signal.reason));
        called.resolve();
      }),
    ]);
    const { socket } = connectTo(addresses.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await called.promise;
    socket.destroy();
    expect(await aborted.promise).toMatchObject({ name: 'AbortError' });
  });

  it('in the middle of its body causes no call', async () => {
    let calls = 0;
    const { addresses, runtime } = await listen([http('half', () => (calls += 1))]);
    const arrived = new Promise((resolve) => runtime.server.once('request', resolve));
    const { socket, reply } = connectTo(
      addresses.port,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf',
    );
    await arrived;
    socket.destroy();
    expect(await reply).toBe('');
    await runtime.stop({ skipDelay: true });
    expect(calls).toBe(0);
  });
});

describe('calls at the same time', () => {
  it('each get their own answer, a thousand with delays of any length', async () => {
    const send = await serve(
      openfunction('apart', async (ctx, data: { n: number }) => {
        ctx.locals['n'] = data.n;
        await after(Math.random() * 30);
        const seen = [ctx.locals['n'], ctx.data.n, ctx.req?.get('x-n'), currentInvocation()?.id];
        ctx.res?.set('x-n', String(data.n));
        return seen;
      }),
    );
    const replies = await Promise.all(
      Array.from({ length: 1000 }, async (_, n) => {
        const headers = { 'x-n': String(n), 'x-request-id': `call-${n}` };
        const response = await send({ body: { n }, headers });
        return [response.headers.get('x-n'), await response.json()];
      }),
    );
    const expected = Array.from({ length: 1000 }, (_, n) => [
      String(n),
      [n, n, String(n), `call-${n}`],
    ]);
    expect(replies).toEqual(expected);
  }, 30_000);

  it('have contexts of their own, of which none is used again', async () => {
    const contexts = new Set<Context>();
    const send = await serve(
      openfunction('fresh', (ctx) => {
        contexts.add(ctx);
        const before = Object.keys(ctx.locals).length;
        ctx.locals['seen'] = true;
        return [before, ctx.error === undefined];
      }),
    );
    const replies = await Promise.all(
      Array.from({ length: 20 }, async () => (await send()).json()),
    );
    expect(new Set(replies.map((reply) => JSON.stringify(reply)))).toEqual(new Set(['[0,true]']));
    expect(contexts.size).toBe(20);
  });

  it('do not inherit the failure of an earlier one', async () => {
    const send = await serve(
      openfunction('sometimes', (ctx) => {
        if (ctx.req?.get('x-fail') === 'yes') throw new Error('no');
        return ctx.error === undefined;
      }),
    );
    expect(await refusal(await send({ headers: { 'x-fail': 'yes' } }))).toEqual(FAILED);
    expect(await (await send()).json()).toBe(true);
  });
});

describe('a handler that fails', () => {
  const throwing = (error: unknown) =>
    http('throws', () => {
      throw error;
    });

  it('at once, or later, is answered 500', async () => {
    const now = await serve(throwing(new Error('now')));
    expect(await refusal(await now())).toEqual(FAILED);
    const later = await serve(http('later', async () => Promise.reject(new Error('later'))));
    expect(await refusal(await later())).toEqual(FAILED);
  });

  it.each([
    [{ status: 404 }, 404],
    [{ statusCode: 503 }, 503],
    [{ status: 302 }, 500],
  ])('with %j is answered %i', async (fields, status) => {
    const send = await serve(throwing(Object.assign(new Error('x'), fields)));
    expect((await send()).status).toBe(status);
  });

  it('keeps its message from clients, unless it exposes it or in development', async () => {
    const detail = async (error: Error, env = {}) => {
      const send = await serve(throwing(error), { env });
      return ((await (await send()).json()) as { detail?: string }).detail;
    };
    const secret = () => new Error('db at 10.0.0.3 refused');
    expect(await detail(secret())).toBeUndefined();
    expect(await detail(secret(), { NODE_ENV: 'production' })).toBeUndefined();
    expect(await detail(secret(), { NODE_ENV: 'development' })).toBe('db at 10.0.0.3 refused');
    expect(await detail(Object.assign(secret(), { expose: true }))).toBe('db at 10.0.0.3 refused');
  });

  it('after it began to answer has its response cut off', async () => {
    const begun = signalled();
    const send = await serve(
      http('half', async (_req, res) => {
        res.write('the first half');
        await begun.promise;
        throw new Error('no');
      }),
    );
    const response = await send();
    begun.resolve();
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('aborted');
  });

  it('after it answered leaves the answer whole', async () => {
    const send = await serve(
      http('answered', async (_req, res) => {
        res.send('whole');
        throw new Error('no');
      }),
    );
    expect(await (await send()).text()).toBe('whole');
  });
});

describe('a connection that is kept', () => {
  it('is closed after a body that was not read, whose rest would be taken for a request', async () => {
    const { addresses } = await listen(
      [http('small', (_req, res) => void res.send('ok'))],
      ['--body-limit=10'],
    );
    const { reply } = connectTo(
      addresses.port,
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n` +
        'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
    );
    const text = await reply;
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).toMatch(/\r\nConnection: close\r\n/i);
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it('carries a second call after a refused one', async () => {
    const { addresses } = await listen([
      http('strict', { methods: ['GET'] }, (_req, res) => void res.send('second')),
    ]);
    const { reply } = connectTo(
      addresses.port,
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi' +
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    const text = await reply;
    expect(text).toMatch(/^HTTP\/1\.1 405 /);
  });
});

describe('an Express app', () => {
  it('is a handler, with its own routes and the body that was read', async () => {
    const app = express();
    app.use(express.json());
    app.post('/items/:id', (req, res) => {
      const { id, rawBody, signal } = req as unknown as Request;
      res.json([req.params, req.body, id, rawBody?.length, signal.aborted, req.query]);
    });
    const send = await serve(http('app', app));
    const response = await send({
      path: '/items/7?a=1',
      body: { a: 'é' },
      headers: { 'x-request-id': 'call-1' },
    });
    expect(await response.json()).toEqual([
      { id: '7' },
      { a: 'é' },
      'call-1',
      10,
      false,
      { a: '1' },
    ]);
    expect((await send({ path: '/nowhere' })).status).toBe(404);
  });

  it.each([
    ['JSON', 'application/json', '{"a":"1"}'],
    ['a form', 'application/x-www-form-urlencoded', 'a=1'],
  ])('may be called by a handler, and parses %s that was read no more', async (_, type, body) => {
    const app = express();
    app.use(express.json(), express.urlencoded());
    app.post('/items/:id', (req, res) => void res.json([req.params, req.body]));
    const send = await serve(http('called', (req, res) => void app(req, res)));
    const headers = { 'content-type': type };
    const response = await send({ path: '/items/7', body, headers });
    expect(await response.json()).toEqual([{ id: '7' }, { a: '1' }]);
    expect((await send({ path: '/nowhere' })).status).toBe(404);
  });

  it('that fails is answered by itself', async () => {
    const app = express();
    app.use(() => {
      throw Object.assign(new Error('no'), { status: 418 });
    });
    const handler: express.ErrorRequestHandler = (error, _req, res, _next) =>
      void res.status((error as { status: number }).status).send('mine');
    app.use(handler);
    const send = await serve(http('failing', app));
    const response = await send();
    expect([response.status, await response.text()]).toEqual([418, 'mine']);
  });

  // As Express 4 does: prototypes of its own, and a body parser that asks `_body`.
  describe('of an older Express', () => {
    const request = Object.create(IncomingMessage.prototype) as object;
    const app = Object.assign(
      (req: IncomingMessage, res: ServerResponse): void => {
        Object.setPrototypeOf(req, request);
        Object.setPrototypeOf(res, ServerResponse.prototype);
        const isParsed: unknown = Reflect.get(req, '_body');
        res.statusCode = isParsed === true ? 200 : 500;
        res.end(JSON.stringify(Reflect.get(req, 'body')));
      },
      { handle: () => {}, request },
    );

    it.each([
      ['is the function', () => http('older', app as never)],
      ['is called by it', () => http('older', (req, res) => app(req, res))],
    ])('parses a body that was read no more when it %s', async (_, define) => {
      const send = await serve(define());
      const response = await send({ body: { a: 1 } });
      expect([response.status, await response.json()]).toEqual([200, { a: 1 }]);
    });
  });

  it('has the other members of the framework too', async () => {
    const app = express();
    app.use((req, res) => {
      const { executionId, log, id } = req as unknown as Request;
      log.debug('seen');
      res.json([executionId === id, typeof log.child]);
    });
    const send = await serve(http('members', app));
    expect(await (await send()).json()).toEqual([true, 'function']);
  });

  it('takes a multipart body apart by itself', async () => {
    const app = express();
    app.use((req, res) => {
      let size = 0;
      req.on('data', (chunk: Buffer) => (size += chunk.length));
      req.on('end', () => res.json([size, req.body === undefined]));
    });
    const send = await serve(http('multipart', app));
    const type = 'Multipart/Form-Data; boundary=x';
    const response = await send({ body: '--x--\r\n', headers: { 'content-type': type } });
    expect(await response.json()).toEqual([7, true]);
  });

  it('gets a compressed body decompressed, once', async () => {
    const { gzipSync } = await import('node:zlib');
    const app = express();
    app.use(express.json());
    app.use((req, res) => void res.json(req.body));
    const send = await serve(http('gzipped', app));
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const response = await send({ body: gzipSync('{"a":1}'), headers });
    expect(await response.json()).toEqual({ a: 1 });
  });
});

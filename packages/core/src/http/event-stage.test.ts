// Events as calls: each event of a request is one, and what the handlers return goes back as it came.
import { CloudEvent } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { FunctionDefinition } from '../function/signature.ts';
import { cloudEvent, currentInvocation, event } from '../index.ts';
import { refusal, serve, signalled } from './serve.fixture.ts';

const FAILED = { status: 500, code: 'OFN_FUNCTION_FAILED' };
const STRUCTURED = 'application/cloudevents+json';
const BATCHED = 'application/cloudevents-batch+json';

const given = { id: '1', source: '/s', type: 't', specversion: '1.0', data: { n: 1 } };
const headers = { 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', 'ce-specversion': '1.0' };

const REQUESTS = {
  binary: { headers, body: given.data },
  structured: { headers: { 'content-type': STRUCTURED }, body: given },
  batched: { headers: { 'content-type': BATCHED }, body: [given, { ...given, id: '2' }] },
};
const modes = Object.keys(REQUESTS) as (keyof typeof REQUESTS)[];

const answer = (id: string): CloudEvent<unknown> =>
  new CloudEvent({ id, source: '/answers', type: 'answered', data: { for: id } });

describe('an event that a handler returns', () => {
  it('goes out in headers for a binary request', async () => {
    const send = await serve(cloudEvent('reply', ({ id }) => answer(id)));
    const response = await send(REQUESTS.binary);
    expect(response.status).toBe(200);
    expect(response.headers.get('ce-type')).toBe('answered');
    expect(response.headers.get('ce-id')).toBe('1');
    expect(response.headers.get('content-length')).toBe('11');
    expect(await response.json()).toEqual({ for: '1' });
  });

  it('goes out as JSON for a structured request', async () => {
    const send = await serve(cloudEvent('reply', async ({ id }) => Promise.resolve(answer(id))));
    const response = await send(REQUESTS.structured);
    expect(response.headers.get('content-type')).toBe(`${STRUCTURED}; charset=utf-8`);
    expect(await response.json()).toMatchObject({ id: '1', type: 'answered', data: { for: '1' } });
  });

  it('goes out as a batch for a batch, or when there are several', async () => {
    const send = await serve(cloudEvent('reply', ({ id }) => answer(id)));
    const response = await send(REQUESTS.batched);
    expect(response.headers.get('content-type')).toBe(`${BATCHED}; charset=utf-8`);
    expect(await response.json()).toMatchObject([{ id: '1' }, { id: '2' }]);

    const several = await serve(cloudEvent('several', () => [answer('a'), answer('b')]));
    expect(await (await several(REQUESTS.binary)).json()).toMatchObject([{ id: 'a' }, { id: 'b' }]);
  });

  it('has no body when it has no data', async () => {
    const bare = new CloudEvent({ id: '1', source: '/s', type: 't' });
    const send = await serve(cloudEvent('bare', () => bare));
    const response = await send(REQUESTS.binary);
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(response.headers.get('ce-id')).toBe('1');
  });

  it('may be the only one of a batch', async () => {
    const send = await serve(
      cloudEvent('first', ({ id }) => (id === '1' ? answer(id) : undefined)),
    );
    expect(await (await send(REQUESTS.batched)).json()).toMatchObject([{ id: '1' }]);
  });

  it.each<[string, unknown]>([
    ['is not valid', { specversion: '1.0', type: '', source: '/s' }],
    [
      'holds data that JSON cannot express',
      new CloudEvent({ type: 't', source: '/s', data: { n: 1n } }),
    ],
  ])('and %s fails the call', async (_, value) => {
    const send = await serve(cloudEvent('invalid', () => value));
    for (const mode of modes) {
      expect(await refusal(await send(REQUESTS[mode]))).toEqual({
        status: 500,
        code: 'OFN_RESULT_INVALID',
      });
    }
  });
});

describe('another value that a handler returns', () => {
  it('goes out as it is for one event, and is dropped for a batch', async () => {
    const send = await serve(cloudEvent('value', () => ({ ok: true })));
    expect(await (await send(REQUESTS.binary)).json()).toEqual({ ok: true });
    expect((await send(REQUESTS.batched)).status).toBe(204);
  });

  it('may be a Web Response', async () => {
    const send = await serve(cloudEvent('web', () => new Response('x', { status: 202 })));
    const response = await send(REQUESTS.structured);
    expect([response.status, await response.text()]).toEqual([202, 'x']);
  });

  it('is nothing when it is null', async () => {
    const send = await serve(cloudEvent('null', () => null));
    const response = await send(REQUESTS.binary);
    expect([response.status, await response.text()]).toEqual([204, '']);
  });

  it('may be nothing', async () => {
    const send = await serve(cloudEvent('nothing', () => {}));
    for (const mode of modes) expect((await send(REQUESTS[mode])).status).toBe(204);
  });
});

describe('a handler with a callback', () => {
  it('has finished when it calls back, with a value or an error', async () => {
    const modern = await serve(
      cloudEvent('modern', ({ data }, done) => {
        if (data === null) done(new Error('no'));
        else setImmediate(done, null, { got: data });
      }),
    );
    expect(await (await modern(REQUESTS.binary)).json()).toEqual({ got: { n: 1 } });
    expect(await refusal(await modern({ headers, body: null }))).toEqual(FAILED);

    const legacy = await serve(event('legacy', (data, _context, done) => done(undefined, data)));
    const body = { data: { n: 2 }, context: { eventId: '1' } };
    expect(await (await legacy({ body })).json()).toEqual({ n: 2 });
  });
});

describe('a batch', () => {
  it('is handled in order, one event after the other, each as a call of its own', async () => {
    const log: unknown[] = [];
    const calls = new Set<unknown>();
    const send = await serve(
      cloudEvent('ordered', async ({ id }) => {
        log.push(`begin ${id}`);
        calls.add(currentInvocation());
        await new Promise(setImmediate);
        log.push(`end ${id}`);
      }),
    );
    await send(REQUESTS.batched);
    expect(log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
    expect(calls.size).toBe(2);
  });

  it('fails as a whole with the first event that fails', async () => {
    const seen: string[] = [];
    const send = await serve(
      cloudEvent('failing', ({ id }) => {
        seen.push(id);
        throw new Error('no');
      }),
    );
    expect(await refusal(await send(REQUESTS.batched))).toEqual(FAILED);
    expect(seen).toEqual(['1']);
  });
});

describe('a schema', () => {
  const schema = z.object({ n: z.number().transform((n) => n + 1) });

  it('gives the event the data it made, without changing the one received', async () => {
    const send = await serve(
      cloudEvent('typed', { schema }, (received) => [
        received instanceof CloudEvent,
        received.data,
      ]),
    );
    for (const mode of ['binary', 'structured'] as const) {
      expect(await (await send(REQUESTS[mode])).json()).toEqual([true, { n: 2 }]);
    }
  });

  it('leaves nothing of the bytes it replaced in the event', async () => {
    const text = z.instanceof(Buffer).transform((bytes) => bytes.toString('utf8'));
    const send = await serve(cloudEvent('decoded', { schema: text }, (received) => received));
    const response = await send({
      headers: { 'content-type': STRUCTURED },
      body: { ...given, data: undefined, data_base64: 'aGk=' },
    });
    const returned = (await response.json()) as object;
    expect(returned).toMatchObject({ data: 'hi' });
    expect(returned).not.toHaveProperty('data_base64');
  });
});

describe.each<[string, (handler: () => unknown) => FunctionDefinition, object]>([
  ['cloudevent', (handler) => cloudEvent('ends', () => handler()), REQUESTS.binary],
  [
    'event',
    (handler) => event('ends', () => handler()),
    { body: { data: 1, context: { eventId: '1' } } },
  ],
])('a call of a %s function', (_, define, request) => {
  it('that takes too long is answered 504, and its signal aborts', async () => {
    const aborted = signalled<unknown>();
    const send = await serve(
      define(() => {
        const { signal } = currentInvocation() ?? {};
        signal?.addEventListener('abort', () => aborted.resolve(signal.reason));
        return new Promise(() => {});
      }),
      { options: { timeout: '30ms' } },
    );
    expect(await refusal(await send(request))).toEqual({ status: 504, code: 'OFN_TIMEOUT' });
    expect(await aborted.promise).toMatchObject({ name: 'TimeoutError' });
  });

  it('whose client disconnects has its signal aborted, and nothing more is handled', async () => {
    const called = signalled();
    const aborted = signalled<unknown>();
    const send = await serve(
      define(() => {
        const { signal } = currentInvocation() ?? {};
        signal?.addEventListener('abort', () => aborted.resolve(signal.reason));
        called.resolve();
        return aborted.promise;
      }),
    );
    const client = new AbortController();
    const reply = send({ ...request, signal: client.signal });
    await called.promise;
    client.abort();
    await expect(reply).rejects.toThrow('abort');
    expect(await aborted.promise).toMatchObject({ name: 'AbortError' });
  });

  it('that throws is answered 500, without the message', async () => {
    const send = await serve(
      define(() => {
        throw new Error('secret');
      }),
    );
    const response = await send(request);
    expect(await response.clone().text()).not.toContain('secret');
    expect(await refusal(response)).toEqual(FAILED);
  });

  it('that throws with a status keeps it', async () => {
    const send = await serve(
      define(() => Promise.reject(Object.assign(new Error(), { status: 409 }))),
    );
    expect((await send(request)).status).toBe(409);
  });

  it('whose body is too large is answered 413', async () => {
    const send = await serve(
      define(() => {}),
      { options: { 'body-limit': 10 } },
    );
    const large = { ...request, body: { data: 'x'.repeat(20) } };
    expect(await refusal(await send(large))).toEqual({ status: 413, code: 'OFN_BODY_TOO_LARGE' });
  });
});

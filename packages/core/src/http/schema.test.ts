// Validation by Standard Schema: what a validator of each library makes of the data of a call.
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OfnError } from '../errors.ts';
import type { Schema } from '../function/signature.ts';
import { cloudEvent, currentInvocation, event, http, openfunction } from '../index.ts';
import { refusal, serve } from './serve.fixture.ts';
import { signalled } from './serve.fixture.ts';
import { validate } from './schema.ts';

const FAILED = { status: 400, code: 'OFN_SCHEMA_FAILED' };

const schemas: readonly [string, Schema<{ total: number }>][] = [
  ['zod', z.object({ total: z.coerce.number().min(1) })],
  [
    'valibot',
    v.object({
      total: v.pipe(v.union([v.number(), v.string()]), v.transform(Number), v.minValue(1)),
    }),
  ],
  [
    'zod, asynchronously',
    z.object({ total: z.coerce.number().refine(async (total) => Promise.resolve(total >= 1)) }),
  ],
];

// A schema by hand, for results that no library gives on purpose.
function schemaOf(check: (value: unknown) => unknown): Schema<any> {
  return { '~standard': { version: 1, vendor: 'test', validate: check as never } };
}

describe.each(schemas)('a schema of %s', (_, schema) => {
  it('gives the handler what it made of the body', async () => {
    const send = await serve(
      http('typed', { schema }, (req, res) => void res.json([req.body, typeof req.body.total])),
    );
    expect(await (await send({ body: { total: '5' } })).json()).toEqual([{ total: 5 }, 'number']);
  });

  it('refuses with 400 and the issues what does not match', async () => {
    let calls = 0;
    const send = await serve(http('refusing', { schema }, () => (calls += 1)));
    const response = await send({ body: { total: 0 } });
    const problem = (await response.clone().json()) as { issues: object[] };
    expect(await refusal(response)).toEqual(FAILED);
    expect(problem.issues).toEqual([{ message: expect.any(String) as string, path: ['total'] }]);
    expect(calls).toBe(0);
  });

  it('refuses a request without a body', async () => {
    const send = await serve(http('no-body', { schema }, () => {}));
    expect(await refusal(await send())).toEqual(FAILED);
  });

  it('checks the data of openfunction functions and of events', async () => {
    const open = await serve(openfunction('open', { schema }, (_ctx, data) => data));
    expect(await (await open({ body: { total: '7' } })).json()).toEqual({ total: 7 });
    expect(await refusal(await open({ body: {} }))).toEqual(FAILED);

    const headers = { 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', 'ce-specversion': '1.0' };
    const modern = await serve(cloudEvent('modern', { schema }, ({ data }) => data));
    expect(await (await modern({ headers, body: { total: '7' } })).json()).toEqual({ total: 7 });
    expect(await refusal(await modern({ headers, body: {} }))).toEqual(FAILED);

    const legacy = await serve(event('legacy', { schema }, (data) => data));
    const context = { eventId: '1' };
    const good = await legacy({ body: { data: { total: '7' }, context } });
    expect(await good.json()).toEqual({ total: 7 });
    expect(await refusal(await legacy({ body: { data: {}, context } }))).toEqual(FAILED);
  });
});

describe('the issues', () => {
  const thrown = (issues: readonly object[]): unknown => {
    try {
      return validate(
        schemaOf(() => ({ issues })),
        1,
      );
    } catch (error) {
      return error;
    }
  };

  it('name a path of keys, of segments and of symbols', () => {
    const path = ['a', 0, { key: 'b' }, { key: 1 }, Symbol('s')];
    expect(thrown([{ message: 'bad', path }])).toMatchObject({
      code: 'OFN_SCHEMA_FAILED',
      message: 'the data is not valid at a.0.b.1.Symbol(s): bad',
      issues: [{ message: 'bad', path: ['a', 0, 'b', 1, 'Symbol(s)'] }],
    });
  });

  it('may have no path, be several, or be none', () => {
    const several = [{ message: 'one' }, { message: 'two' }, { message: 'three' }];
    expect((thrown(several) as OfnError).message).toBe('the data is not valid: one (and 2 more)');
    expect((thrown([]) as OfnError).message).toBe('the data is not valid: no reason given');
  });
});

describe('a validator that fails itself', () => {
  it.each([
    [
      'at once',
      () => {
        throw new Error('broken');
      },
    ],
    ['later', () => Promise.reject(new Error('broken'))],
  ])('%s fails the call with 500', async (_, check) => {
    const send = await serve(http('broken', { schema: schemaOf(check) }, () => {}));
    const failed = { status: 500, code: 'OFN_FUNCTION_FAILED' };
    expect(await refusal(await send({ body: {} }))).toEqual(failed);
    expect(await refusal(await send())).toEqual(failed);
  });
});

describe('a validator that does not come back', () => {
  const schema = schemaOf(() => new Promise(() => {}));
  const timeout = { options: { timeout: '20ms' } };
  const late = { status: 504, code: 'OFN_TIMEOUT' };

  it('is answered 504 for an http function', async () => {
    const send = await serve(
      http('late', { schema }, () => {}),
      timeout,
    );
    expect(await refusal(await send({ body: {} }))).toEqual(late);
  });

  it('is answered 504 for an event function', async () => {
    const headers = { 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', 'ce-specversion': '1.0' };
    const send = await serve(
      cloudEvent('late', { schema }, () => {}),
      timeout,
    );
    expect(await refusal(await send({ headers, body: {} }))).toEqual(late);
  });
});

it('does not call the handler when the call timed out during validation', async () => {
  let calls = 0;
  const validated = signalled<{ value: unknown }>();
  const schema = schemaOf(() => validated.promise);
  const send = await serve(
    http('too-late', { schema }, () => (calls += 1)),
    { options: { timeout: '20ms' } },
  );
  expect((await send({ body: {} })).status).toBe(504);
  validated.resolve({ value: 1 });
  await new Promise(setImmediate);
  expect(calls).toBe(0);
});

describe('what a schema does outside of its promise', () => {
  it('belongs to the call, so that an error of it fails that call and no other', async () => {
    const seen: unknown[] = [];
    const schema = schemaOf((value) => {
      seen.push(currentInvocation()?.function.name);
      return Promise.resolve({ value });
    });
    const call = await serve(http('a-call', { schema }, (_req, res) => void res.end()));
    await call({ body: {} });
    const receive = await serve(cloudEvent('an-event', { schema }, () => {}));
    const headers = { 'ce-id': '1', 'ce-source': 's', 'ce-type': 't', 'ce-specversion': '1.0' };
    await receive({ method: 'POST', headers, body: {} });
    expect(seen).toEqual(['a-call', 'an-event']);
  });
});

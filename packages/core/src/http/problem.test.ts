// Error replies: which code and status a failure gets, and what of it a client may read.
import { describe, expect, it } from 'vitest';
import { ERROR_TABLE, OfnError, type ErrorCode } from '../errors.ts';
import { http } from '../index.ts';
import { toFailure } from '../invocation/outcome.ts';
import { rawProblem, toProblem } from './problem.ts';
import { serve } from './serve.fixture.ts';

const replying = (Object.keys(ERROR_TABLE) as ErrorCode[]).filter(
  (code) => 'status' in ERROR_TABLE[code],
);

describe('the problem of a failure', () => {
  it.each(replying)('%s has its status, its title and, unless private, its message', (code) => {
    const entry = ERROR_TABLE[code] as { status: number; title: string; isPrivate?: true };
    const { status, title, isPrivate = false } = entry;
    const detail = 'what to do';
    const failure = toFailure(new OfnError(code, detail));
    const told = {
      type: `urn:ofn:error:${code}`,
      title,
      status,
      code,
      invocation: 'call-1',
    };
    expect(toProblem(failure, 'call-1')).toEqual(isPrivate ? told : { ...told, detail });
    expect(toProblem(failure, 'call-1', true)).toEqual({ ...told, detail });
  });

  it('lists issues', () => {
    const issues = [{ message: 'too short', path: ['name', 0] }];
    const failure = toFailure(new OfnError('OFN_SCHEMA_FAILED', 'not valid', { issues }));
    expect(toProblem(failure).issues).toEqual(issues);
  });

  it('keeps the message of a user error inside', () => {
    expect(toProblem(toFailure(new Error('the password is hunter2')))).toEqual({
      type: 'urn:ofn:error:OFN_FUNCTION_FAILED',
      title: 'The function failed',
      status: 500,
      code: 'OFN_FUNCTION_FAILED',
    });
  });

  it('shows the message of a user error that says so, or in development', () => {
    const exposed = Object.assign(new Error('no such order'), { status: 404, expose: true });
    expect(toProblem(toFailure(exposed))).toMatchObject({ status: 404, detail: 'no such order' });
    const hidden = toFailure(Object.assign(new Error('inside'), { expose: 'yes' }));
    expect(toProblem(hidden)).not.toHaveProperty('detail');
    expect(toProblem(hidden, undefined, true)).toMatchObject({ detail: 'inside' });
  });

  it.each([
    [{ status: 404 }, 404, 'Not Found'],
    [{ statusCode: 422 }, 422, 'Unprocessable Entity'],
    [{ status: 200, statusCode: 503 }, 503, 'Service Unavailable'],
    [{ status: 499 }, 499, 'The function failed'],
    [{ status: 200 }, 500, 'The function failed'],
    [{ status: 600 }, 500, 'The function failed'],
    [{ status: '404' }, 500, 'The function failed'],
    [{ status: 404.5 }, 500, 'The function failed'],
  ])('of an error with %j has status %i', (fields, status, title) => {
    const problem = toProblem(toFailure(Object.assign(new Error('x'), fields)));
    expect(problem).toMatchObject({ status, title, code: 'OFN_FUNCTION_FAILED' });
  });

  it('of an error that is not about a call is a failed function', () => {
    const failure = toFailure(new OfnError('OFN_PLUGIN_INVALID', 'the folder /srv/app is odd'));
    expect(toProblem(failure)).toMatchObject({ status: 500, code: 'OFN_FUNCTION_FAILED' });
    expect(toProblem(failure)).not.toHaveProperty('detail');
  });

  it.each([['text'], [undefined], [null], [{ status: 404 }], [5]])(
    'of the thrown value %j is a failed function',
    (thrown) => {
      expect(toProblem(toFailure(thrown))).toMatchObject({ status: 500 });
    },
  );
});

describe('an error reply', () => {
  it('keeps the headers of the exchange and drops those of the body', async () => {
    const send = await serve(
      http('half-done', (_req, res) => {
        res.set({
          'Access-Control-Allow-Origin': '*',
          Vary: 'Origin',
          'Content-Encoding': 'gzip',
          ETag: '"1"',
          'Set-Cookie': 'a=b',
        });
        throw new Error('no');
      }),
    );
    const { headers } = await send();
    expect([headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([
      '*',
      'Origin',
    ]);
    for (const name of ['content-encoding', 'etag', 'set-cookie']) {
      expect(headers.get(name)).toBeNull();
    }
  });

  it('has the reason phrase of its own status, not one the handler had set', async () => {
    const send = await serve(
      http('phrase', (_req, res) => {
        res.statusMessage = 'All Is Well';
        throw new Error('no');
      }),
    );
    const response = await send();
    expect([response.status, response.statusText]).toEqual([500, 'Internal Server Error']);
  });

  it('has no body for HEAD, and the length it would have', async () => {
    const send = await serve(
      http('head', () => {
        throw new Error('no');
      }),
    );
    const response = await send({ method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([500, '']);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(50);
  });

  it('names the call', async () => {
    const send = await serve(
      http('named', () => {
        throw new Error('no');
      }),
    );
    const response = await send({ headers: { 'x-request-id': 'call-9' } });
    expect(await response.json()).toMatchObject({ invocation: 'call-9' });
  });

  it('as bytes for a socket is a whole response', () => {
    const [head = '', body = ''] = rawProblem('OFN_REQUEST_TIMEOUT', 'ü is late').split('\r\n\r\n');
    expect(head.split('\r\n')).toEqual([
      'HTTP/1.1 408 Request Timeout',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ]);
    expect(JSON.parse(body)).toMatchObject({ code: 'OFN_REQUEST_TIMEOUT', detail: 'ü is late' });
  });
});

// What a thrown value becomes for the caller, and what counts as something to await.
// oxlint-disable unicorn/no-thenable -- a handler may return one.
import { describe, expect, test } from 'vitest';
import { OfnError } from '../errors.ts';
import { isThenable, toFailure } from './outcome.ts';

describe('toFailure', () => {
  test('keeps the status of an error of the framework, whose message may be shown', () => {
    const error = new OfnError('OFN_BODY_TOO_LARGE', 'too large');
    expect(toFailure(error)).toEqual({ status: 413, error, refusal: error, expose: true });
  });

  test.each([
    [{ status: 400 }, 400],
    [{ status: 599 }, 599],
    [{ statusCode: 404 }, 404],
    [{ status: 409, statusCode: 404 }, 409],
    [{ status: 200, statusCode: 422 }, 422],
    [{ status: 399 }, 500],
    [{ status: 600 }, 500],
    [{ status: '404' }, 500],
    [{ status: 404.5 }, 500],
    [{ status: NaN }, 500],
    [{}, 500],
  ])('gives an error with %j the status %i', (fields, status) => {
    const error = Object.assign(new Error('boom'), fields);
    expect(toFailure(error)).toEqual({ status, error, refusal: undefined, expose: false });
  });

  test.each([
    [true, true],
    [false, false],
    ['yes', false],
    [undefined, false],
  ])('shows the message when the error says so: expose %j', (expose, expected) => {
    const error = Object.assign(new Error('boom'), { status: 400, expose });
    expect(toFailure(error).expose).toBe(expected);
  });

  test.each(['text', undefined, null, 7, { status: 404 }])(
    'makes an Error with status 500 of the thrown value %j',
    (thrown) => {
      const { status, error, refusal, expose } = toFailure(thrown);
      expect({ status, refusal, expose }).toEqual({
        status: 500,
        refusal: undefined,
        expose: false,
      });
      expect(error).toBeInstanceOf(Error);
      expect(error.cause).toBe(thrown);
    },
  );
});

describe('isThenable', () => {
  test.each([Promise.resolve(), { then() {} }, Object.create({ then() {} })])(
    'holds for %o',
    (value) => {
      expect(isThenable(value)).toBe(true);
    },
  );

  test.each([undefined, null, 0, 'then', {}, { then: 1 }, () => {}, []])(
    'does not hold for %o',
    (value) => {
      expect(isThenable(value)).toBe(false);
    },
  );
});

// The errors by which a handler drops an event or has it delivered again.
import { describe, expect, test } from 'vitest';
import { DropError, RetryError } from './acknowledgement.ts';

describe.each([
  ['DropError', DropError],
  ['RetryError', RetryError],
] as const)('a %s', (name, Type) => {
  test('is an error with a message and a cause', () => {
    const cause = new Error('cause');
    const error = new Type('reason', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(Type);
    expect([error.name, error.message, error.cause]).toEqual([name, 'reason', cause]);
  });

  test('of another copy of the package is one too, and no other error is', () => {
    expect(Object.assign(new Error('x'), { name })).toBeInstanceOf(Type);
    for (const value of [new Error('x'), { name }, name, null, undefined]) {
      expect(value).not.toBeInstanceOf(Type);
    }
  });

  test('may be extended', () => {
    class Own extends Type {}
    expect(new Own('x')).toBeInstanceOf(Type);
  });
});

test('neither is the other', () => {
  expect(new DropError('x')).not.toBeInstanceOf(RetryError);
  expect(new RetryError('x')).not.toBeInstanceOf(DropError);
});

// The arguments each signature hands to its handler, and callback style by arity.
import { describe, expect, test, vi } from 'vitest';
import { defineFunction } from '../function/definition.ts';
import type { Callback, Handler, SignatureType } from '../function/signature.ts';
import { toCall } from './handler.ts';
import type { Invocation } from './invocation.ts';

const origin = { req: { url: '/' }, res: { statusCode: 200 } };
const invocation = {
  origin,
  data: { total: 7 },
  event: { id: '1' },
  eventContext: { eventId: '1' },
} as unknown as Invocation;

const call = (signature: SignatureType, handler: Handler): unknown =>
  toCall(defineFunction('f', signature, handler))(invocation);

describe('the arguments', () => {
  test.each([
    ['http', [origin.req, origin.res]],
    ['openfunction', [invocation, invocation.data]],
    ['cloudevent', [invocation.event]],
    ['event', [invocation.data, invocation.eventContext]],
  ] as const)('of %s handlers are those it documents', (signature, expected) => {
    const seen: unknown[] = [];
    const result = call(signature, (...args) => {
      seen.push(...args);
      return 'returned';
    });
    expect(seen).toHaveLength(expected.length);
    for (const [index, argument] of expected.entries()) expect(seen[index]).toBe(argument);
    expect(result).toBe('returned');
  });

  test.each(['http', 'openfunction', 'cloudevent', 'event'] as const)(
    'of %s handlers do not hide what they throw',
    (signature) => {
      const boom = new Error('boom');
      expect(() =>
        call(signature, () => {
          throw boom;
        }),
      ).toThrow(boom);
    },
  );
});

// One handler per signature that declares the callback as its last parameter.
const CALLBACK_STYLE: [SignatureType, (run: (callback: Callback) => unknown) => Handler][] = [
  ['cloudevent', (run) => (_event, callback) => run(callback)],
  ['event', (run) => (_data, _context, callback) => run(callback)],
];

describe.each(CALLBACK_STYLE)('a %s handler that declares the callback', (signature, handle) => {
  const settle = (run: (callback: Callback) => unknown): Promise<unknown> =>
    call(signature, handle(run)) as Promise<unknown>;

  test('has finished when it calls back, with the result', async () => {
    const result = settle((callback) => queueMicrotask(() => callback(null, 'done')));
    expect(await result).toBe('done');
  });

  test.each([[[]], [[undefined]], [[null]]])('has finished well with %j', async (args) => {
    expect(await settle((callback) => callback(...args))).toBeUndefined();
  });

  test.each([new Error('boom'), 'text', 0, false, ''])('has failed with %j', async (error) => {
    await expect(settle((callback) => callback(error))).rejects.toBe(error);
  });

  test('has failed when it throws, or rejects, before it calls back', async () => {
    const boom = new Error('boom');
    const thrown = settle(() => {
      throw boom;
    });
    await expect(thrown).rejects.toBe(boom);
    await expect(settle(() => Promise.reject(boom))).rejects.toBe(boom);
  });

  test('has not finished when its promise resolves without a call back', async () => {
    const settled = vi.fn<() => void>();
    let callback: Callback | undefined;
    const result = settle((given) => {
      callback = given;
      return Promise.resolve('not the result');
    }).finally(settled);
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).not.toHaveBeenCalled();
    callback?.(undefined, 'the result');
    expect(await result).toBe('the result');
  });

  test('counts the first call back only', async () => {
    const result = settle((callback) => {
      callback(null, 'first');
      callback(new Error('second'));
    });
    expect(await result).toBe('first');
  });
});

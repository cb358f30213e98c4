// Running one call: what settles it, and the async context that code of the call finds it by.
// oxlint-disable unicorn/no-thenable -- a handler may return one.
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Invocation, ServedFunction } from './invocation.ts';
import { currentInvocation, invoke, type Settle } from './invoke.ts';
import type { Call } from './plugin.ts';

const origin = { callerId: 'caller' };

function start(call: Call, invocation = { origin } as unknown as Invocation) {
  const settle = { resolved: vi.fn<Settle['resolved']>(), rejected: vi.fn<Settle['rejected']>() };
  invoke({ call } as Partial<ServedFunction> as ServedFunction, invocation, settle);
  return { ...settle, invocation };
}

describe('invoke', () => {
  test.each([undefined, null, 0, '', false, { then: 'no function' }])(
    'resolves with the returned value %j before it returns',
    (value) => {
      const { resolved, rejected, invocation } = start(() => value);
      expect(resolved).toHaveBeenCalledExactlyOnceWith(invocation, value, origin);
      expect(rejected).not.toHaveBeenCalled();
    },
  );

  test('resolves with what a promise resolves with', async () => {
    const { resolved, rejected, invocation } = start(async () => 'later');
    expect(resolved).not.toHaveBeenCalled();
    await setImmediate();
    expect(resolved).toHaveBeenCalledExactlyOnceWith(invocation, 'later', origin);
    expect(rejected).not.toHaveBeenCalled();
  });

  test.each([new Error('boom'), 'text', undefined])('rejects with the thrown %j', (thrown) => {
    const { resolved, rejected, invocation } = start(() => {
      throw thrown;
    });
    expect(rejected).toHaveBeenCalledExactlyOnceWith(invocation, thrown, origin);
    expect(resolved).not.toHaveBeenCalled();
  });

  test('rejects with what a promise rejects with', async () => {
    const boom = new Error('boom');
    const { resolved, rejected, invocation } = start(() => Promise.reject(boom));
    await setImmediate();
    expect(rejected).toHaveBeenCalledExactlyOnceWith(invocation, boom, origin);
    expect(resolved).not.toHaveBeenCalled();
  });

  test('awaits a thenable that is no promise, such as a query builder', async () => {
    const { resolved } = start(() => ({ then: (done: (value: string) => void) => done('rows') }));
    await setImmediate();
    expect(resolved).toHaveBeenCalledExactlyOnceWith(expect.anything(), 'rows', origin);
  });

  test('settles once, whatever a thenable does', async () => {
    const { resolved, rejected } = start(() => ({
      then(done: (value: unknown) => void, fail: (error: unknown) => void) {
        done('first');
        done('second');
        fail(new Error('third'));
      },
    }));
    await setImmediate();
    expect(resolved).toHaveBeenCalledExactlyOnceWith(expect.anything(), 'first', origin);
    expect(rejected).not.toHaveBeenCalled();
  });

  const boom = new Error('a bad thenable');
  test.each([
    [
      'whose then throws',
      () => ({
        then() {
          throw boom;
        },
      }),
    ],
    [
      'whose then cannot be read',
      () => ({
        get then(): never {
          throw boom;
        },
      }),
    ],
  ])('rejects with the error of a thenable %s', async (_title, call) => {
    const { rejected } = start(call);
    await setImmediate();
    expect(rejected).toHaveBeenCalledExactlyOnceWith(expect.anything(), boom, origin);
  });
});

describe('currentInvocation', () => {
  test('is undefined outside of any call', () => {
    expect(currentInvocation()).toBeUndefined();
  });

  test('is the call, in the handler, after an await, in a timer and in settle', async () => {
    const seen: unknown[] = [];
    const look = (): void => {
      seen.push(currentInvocation());
    };
    const invocation = {} as Invocation;
    const call: Call = async () => {
      look();
      await Promise.resolve();
      look();
      await new Promise<void>((resolve) => {
        setTimeout(() => {
          look();
          resolve();
        });
      });
    };
    await new Promise<void>((resolve) => {
      const settle = {
        resolved() {
          look();
          resolve();
        },
        rejected: () => resolve(),
      };
      invoke({ call } as Partial<ServedFunction> as ServedFunction, invocation, settle);
    });
    expect(seen).toHaveLength(4);
    expect(new Set(seen)).toEqual(new Set([invocation]));
    expect(currentInvocation()).toBeUndefined();
  });

  test('keeps many concurrent calls apart', async () => {
    const calls = Array.from({ length: 100 }, async (_, index) => {
      const invocation = { id: String(index) } as Invocation;
      const turns = (index * 7) % 10;
      const found = await new Promise<(string | undefined)[]>((resolve) => {
        const ids: (string | undefined)[] = [];
        start(async () => {
          for (let turn = 0; turn <= turns; turn += 1) {
            ids.push(currentInvocation()?.id);
            await setImmediate();
          }
          resolve(ids);
        }, invocation);
      });
      expect(found).toEqual(Array.from({ length: turns + 1 }, () => String(index)));
    });
    await Promise.all(calls);
    expect.assertions(100);
  });

  test('is the inner call within a call', () => {
    const outer = { id: 'outer' } as Invocation;
    const inner = { id: 'inner' } as Invocation;
    const seen: unknown[] = [];
    start(() => {
      start(() => seen.push(currentInvocation()), inner);
      seen.push(currentInvocation());
    }, outer);
    expect(seen).toEqual([inner, outer]);
  });
});

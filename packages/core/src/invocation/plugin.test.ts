// Plugins around a call: what is a plugin, in which order they run, and what they can change.
import { describe, expect, test, vi } from 'vitest';
import type { Invocation } from './invocation.ts';
import { assertPlugin, definePlugin, wrapCall, type Plugin } from './plugin.ts';

const invocation = { id: 'call' } as Invocation;

describe('definePlugin', () => {
  test('hands back the plugin itself', () => {
    const plugin: Plugin = { name: 'p', setup() {}, wrap: (_, next) => next(), close() {} };
    expect(definePlugin(plugin)).toBe(plugin);
  });

  test.each([undefined, null, 1, 'text', {}, { name: 1 }, { wrap() {} }, { name: '' }])(
    'refuses %j, which has no name',
    (value) => {
      expect(() => definePlugin(value as never)).toThrowError(
        expect.objectContaining({
          code: 'OFN_PLUGIN_INVALID',
          message: 'a plugin must be an object with a name',
        }),
      );
    },
  );

  test.each(['setup', 'wrap', 'close'])('refuses a plugin whose %s is no function', (hook) => {
    for (const value of [null, 1, {}, 'text']) {
      expect(() => assertPlugin({ name: 'bad', [hook]: value })).toThrowError(
        expect.objectContaining({
          code: 'OFN_PLUGIN_INVALID',
          message: `plugin "bad": ${hook} is not a function`,
        }),
      );
    }
  });

  test('takes hooks that a class inherits', () => {
    class Timing {
      readonly name = 'timing';
      wrap(_: Invocation, next: () => Promise<unknown>): Promise<unknown> {
        return next();
      }
    }
    expect(() => assertPlugin(new Timing())).not.toThrow();
  });
});

describe('wrapCall', () => {
  test('leaves a call as it is when no plugin wraps', () => {
    const call = (): string => 'result';
    expect(wrapCall(call, [])).toBe(call);
    expect(wrapCall(call, [{ name: 'a', setup() {} }, { name: 'b' }])).toBe(call);
  });

  test('runs the first plugin outermost, in and out', async () => {
    const steps: string[] = [];
    const tracer = (name: string): Plugin => ({
      name,
      async wrap(_, next) {
        steps.push(`${name} in`);
        const result = await next();
        steps.push(`${name} out`);
        return result;
      },
    });
    const call = wrapCall(() => steps.push('handler'), [tracer('a'), tracer('b')]);
    await call(invocation);
    expect(steps).toEqual(['a in', 'b in', 'handler', 'b out', 'a out']);
  });

  test('hands the same invocation to plugins and handler', async () => {
    const seen: unknown[] = [];
    const plugin: Plugin = {
      name: 'p',
      wrap(given, next) {
        seen.push(given);
        return next();
      },
    };
    await wrapCall((given) => seen.push(given), [plugin, plugin])(invocation);
    expect(seen).toEqual([invocation, invocation, invocation]);
  });

  test('yields what the outermost plugin returns', async () => {
    const twice: Plugin = { name: 'x2', wrap: async (_, next) => Number(await next()) * 2 };
    const plus: Plugin = { name: '+1', wrap: async (_, next) => Number(await next()) + 1 };
    expect(await wrapCall(() => 3, [twice, plus])(invocation)).toBe(8);
  });

  test('skips the handler when a plugin does not call next', async () => {
    const handler = vi.fn<() => unknown>();
    const cached: Plugin = { name: 'cache', wrap: () => 'cached' };
    expect(await wrapCall(handler, [cached])(invocation)).toBe('cached');
    expect(handler).not.toHaveBeenCalled();
  });

  test('calls the handler once however often a plugin calls next', async () => {
    const handler = vi.fn<() => string>(() => 'result');
    const eager: Plugin = { name: 'eager', wrap: (_, next) => Promise.all([next(), next()]) };
    expect(await wrapCall(handler, [eager])(invocation)).toEqual(['result', 'result']);
    expect(handler).toHaveBeenCalledOnce();
  });

  test('calls the handler anew for each call', async () => {
    let count = 0;
    const pass: Plugin = { name: 'pass', wrap: (_, next) => next() };
    const call = wrapCall(() => ++count, [pass]);
    expect([await call(invocation), await call(invocation)]).toEqual([1, 2]);
  });

  test('lets a plugin see, and replace, what the handler threw', async () => {
    const boom = new Error('boom');
    const recover: Plugin = {
      name: 'recover',
      wrap: (_, next) => next().catch((error: unknown) => ({ recovered: error })),
    };
    const call = wrapCall(() => {
      throw boom;
    }, [recover]);
    expect(await call(invocation)).toEqual({ recovered: boom });
  });

  test('fails the call when a plugin throws, before or after the handler', async () => {
    const before: Plugin = {
      name: 'before',
      async wrap() {
        throw new Error('denied');
      },
    };
    const after: Plugin = {
      name: 'after',
      async wrap(_, next) {
        await next();
        throw new Error('too late');
      },
    };
    const handler = vi.fn<() => unknown>();
    await expect(wrapCall(handler, [before])(invocation)).rejects.toThrow('denied');
    expect(handler).not.toHaveBeenCalled();
    await expect(wrapCall(handler, [after])(invocation)).rejects.toThrow('too late');
    expect(handler).toHaveBeenCalledOnce();
  });

  test('calls wrap as a method of its plugin', async () => {
    class Counter implements Plugin {
      readonly name = 'counter';
      #count = 0;
      wrap(): number {
        this.#count += 1;
        return this.#count;
      }
    }
    const call = wrapCall(() => 0, [new Counter()]);
    expect([await call(invocation), await call(invocation)]).toEqual([1, 2]);
  });
});

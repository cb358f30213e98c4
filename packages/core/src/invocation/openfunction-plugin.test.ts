// OpenFunction's plugin classes: their order, what a failing hook does, and the base class.
import { describe, expect, test } from 'vitest';
import type { Context } from '../function/signature.ts';
import {
  OpenFunctionPlugin,
  fromHookPlugins,
  isHookPlugin,
  type HookPlugin,
  type HookPlugins,
} from './openfunction-plugin.ts';

/** Plugins that write down their steps, and a call through them. */
function setUp(names: readonly string[], failing: Readonly<Record<string, Error>> = {}) {
  const steps: string[] = [];
  const step = async (text: string): Promise<void> => {
    await Promise.resolve();
    steps.push(text);
    if (failing[text] !== undefined) throw failing[text];
  };
  const plugins = names.map((name): HookPlugin => ({
    name,
    execPreHook: () => step(`pre ${name}`),
    execPostHook: () => step(`post ${name}`),
  }));
  const ctx = { error: undefined } as Context;
  async function call(pre?: readonly string[], post?: readonly string[]): Promise<unknown> {
    const adapter = fromHookPlugins(plugins, { pre, post });
    return adapter.wrap?.(ctx, async () => {
      await step('handler');
      return 'result';
    });
  }
  return { steps, plugins, ctx, call };
}

describe('the order of hooks', () => {
  test('is the one the function context gives, for each kind of its own', async () => {
    const { steps, call } = setUp(['a', 'b', 'c']);
    expect(await call(['c', 'a'], ['a', 'b', 'c'])).toBe('result');
    expect(steps).toEqual(['pre c', 'pre a', 'handler', 'post a', 'post b', 'post c']);
  });

  test('is the order of the files when the context says nothing', async () => {
    const { steps, call } = setUp(['a', 'b']);
    await call();
    expect(steps).toEqual(['pre a', 'pre b', 'handler', 'post a', 'post b']);
  });

  test('is empty when the context gives an empty list', async () => {
    const { steps, call } = setUp(['a', 'b']);
    await call([], []);
    expect(steps).toEqual(['handler']);
  });

  test('passes over the tracing that the controller lists among the hooks', async () => {
    const { steps, call } = setUp(['a']);
    await call(['a', 'skywalking'], ['SkyWalking', 'opentelemetry', 'a']);
    expect(steps).toEqual(['pre a', 'handler', 'post a']);
  });

  test('passes over hooks that a plugin does not have', async () => {
    const steps: string[] = [];
    const plugins: HookPlugin[] = [
      { name: 'pre', execPreHook: () => steps.push('pre') },
      { name: 'post', execPostHook: () => steps.push('post') },
    ];
    const adapter = fromHookPlugins(plugins, { pre: undefined, post: undefined });
    await adapter.wrap?.({} as Context, async () => steps.push('handler'));
    expect(steps).toEqual(['pre', 'handler', 'post']);
  });
});

describe('a name that no plugin has', () => {
  test.each([
    [['a', 'b'], 'pre-hooks', { pre: ['x'], post: [] }, '"a", "b"'],
    [['a'], 'post-hooks', { pre: ['a'], post: ['a', 'x'] }, '"a"'],
    [[], 'pre-hooks', { pre: ['x'], post: [] }, 'no plugin'],
    [['a'], 'pre-hooks', { pre: ['x'], post: ['x'] }, '"a"'],
  ])('is refused with what is there: %j, %s', (names, hook, order, there) => {
    expect(() => fromHookPlugins(setUp(names).plugins, order)).toThrowError(
      expect.objectContaining({
        code: 'OFN_PLUGIN_INVALID',
        message: `the function context names "x" in its ${hook}, but the plugins folder has ${there}`,
      }),
    );
  });

  test.each(['toString', 'constructor', '__proto__'])('may be the name %s', (name) => {
    expect(() => fromHookPlugins([], { pre: [name], post: [] })).toThrowError(
      expect.objectContaining({ code: 'OFN_PLUGIN_INVALID' }),
    );
  });
});

describe('the names of plugins', () => {
  test('are refused when two are the same', () => {
    const plugins = [...setUp(['a', 'b']).plugins, ...setUp(['a']).plugins];
    expect(() => fromHookPlugins(plugins, { pre: [], post: [] })).toThrowError(
      expect.objectContaining({
        code: 'OFN_PLUGIN_INVALID',
        message: 'two plugins have the name "a"',
      }),
    );
  });

  test.each([undefined, '', ' ', 7])('are refused when one is %j', (name) => {
    const plugins = [{ name: name as string, execPreHook() {} }];
    expect(() => fromHookPlugins(plugins, { pre: [], post: [] })).toThrowError(
      expect.objectContaining({ code: 'OFN_PLUGIN_INVALID' }),
    );
  });
});

describe('a failing hook', () => {
  const boom = new Error('boom');

  test('before the handler fails the call: neither it nor a later pre-hook runs', async () => {
    const { steps, ctx, call } = setUp(['a', 'b'], { 'pre a': boom });
    await expect(call()).rejects.toBe(boom);
    expect(steps).toEqual(['pre a', 'post a', 'post b']);
    expect(ctx.error).toBe(boom);
  });

  test('after the handler fails the call', async () => {
    const { steps, call } = setUp(['a', 'b'], { 'post b': boom });
    await expect(call()).rejects.toBe(boom);
    expect(steps).toEqual(['pre a', 'pre b', 'handler', 'post a', 'post b']);
  });

  test('after the handler keeps no later post-hook from running', async () => {
    const { steps, call } = setUp(['a', 'b'], { 'post a': boom });
    await expect(call()).rejects.toBe(boom);
    expect(steps).toEqual(['pre a', 'pre b', 'handler', 'post a', 'post b']);
  });

  test('after a handler that failed does not hide why it did', async () => {
    const first = new Error('the handler failed');
    const { call } = setUp(['a'], { handler: first, 'post a': boom });
    await expect(call()).rejects.toBe(first);
  });
});

describe('a failing handler', () => {
  test('is seen by the post-hooks as ctx.error, and fails the call', async () => {
    const boom = new Error('boom');
    const seen: unknown[] = [];
    const plugin: HookPlugin = { name: 'a', execPostHook: (ctx) => seen.push(ctx.error) };
    const adapter = fromHookPlugins([plugin], { pre: undefined, post: undefined });
    const ctx = {} as Context;
    const result = adapter.wrap?.(ctx, () => Promise.reject(boom));
    await expect(result).rejects.toBe(boom);
    expect(seen).toEqual([boom]);
  });
});

describe('a hook', () => {
  test('gets the context and all plugins by their names, as a method of its plugin', async () => {
    const seen: unknown[] = [];
    class Audit extends OpenFunctionPlugin {
      override execPreHook(...args: unknown[]): void {
        seen.push(this, ...args);
      }
    }
    const audit = new Audit('audit', 'v1');
    const other: HookPlugin = { name: 'other' };
    const adapter = fromHookPlugins([audit, other], { pre: ['audit'], post: [] });
    const ctx = {} as Context;
    await adapter.wrap?.(ctx, async () => {});
    expect(seen[0]).toBe(audit);
    expect(seen[1]).toBe(ctx);
    expect({ ...(seen[2] as object) }).toEqual({ audit, other });
    expect(adapter.hookPlugins).toBe(seen[2]);
  });
});

describe('the base class', () => {
  test('has name, version, and get for its own properties', () => {
    class Counter extends OpenFunctionPlugin {
      readonly count = 7;
    }
    const plugin = new Counter('counter', 'v2');
    expect(plugin).toMatchObject({ name: 'counter', version: 'v2' });
    expect([plugin.get('count'), plugin.get('name'), plugin.get('missing')]).toEqual([
      7,
      'counter',
      undefined,
    ]);
    expect(new OpenFunctionPlugin('p').version).toBe('unknown');
  });

  test('has hooks that do nothing until a plugin says otherwise', async () => {
    const plugin = new OpenFunctionPlugin('quiet');
    expect(plugin.execPreHook({} as Context, {})).toBeUndefined();
    expect(plugin.execPostHook({} as Context, {})).toBeUndefined();
    class Loud extends OpenFunctionPlugin {
      override async execPreHook(ctx: Context, plugins: HookPlugins) {
        return super.execPreHook(ctx, plugins);
      }
    }
    const adapter = fromHookPlugins([plugin, new Loud('loud')], {
      pre: undefined,
      post: undefined,
    });
    expect(await adapter.wrap?.({} as Context, async () => 'handled')).toBe('handled');
  });

  test.each([undefined, '', ' ', 7])('refuses the name %j', (name) => {
    expect(() => new OpenFunctionPlugin(name as string)).toThrowError(
      expect.objectContaining({ code: 'OFN_PLUGIN_INVALID' }),
    );
  });
});

describe('isHookPlugin', () => {
  test.each([
    [{ name: 'a', execPreHook() {} }, true],
    [{ name: 'a', execPostHook() {} }, true],
    [new OpenFunctionPlugin('a'), true],
    [{ name: 'a', wrap() {} }, false],
    [() => {}, false],
    ['execPreHook', false],
    [null, false],
    [undefined, false],
  ])('tells OpenFunction plugins from %o: %j', (value, expected) => {
    expect(isHookPlugin(value)).toBe(expected);
  });
});

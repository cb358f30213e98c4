// Registrations: what each registrar takes, what becomes of it, and what is refused.
import express from 'express';
import { Hono } from 'hono';
import * as valibot from 'valibot';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { definePlugin } from '../invocation/plugin.ts';
import { defineFunction, toHandler } from './definition.ts';
import {
  binding,
  cloudEvent,
  event,
  http,
  onStart,
  onStop,
  openfunction,
  registry,
  topic,
  use,
} from './registry.ts';

const REGISTRARS = { http, cloudevent: cloudEvent, openfunction, event } as const;
type Loose = (name: unknown, ...rest: unknown[]) => unknown;
const registrars = Object.entries(REGISTRARS) as [keyof typeof REGISTRARS, Loose][];

function clear(): void {
  registry.functions.clear();
  registry.plugins.length = 0;
  registry.startHooks.length = 0;
  registry.stopHooks.length = 0;
}

beforeEach(clear);
afterEach(clear);

describe.each(registrars)('the registrar of %s functions', (signature, register) => {
  const handler = (): void => {};

  test('registers a handler by name, with the defaults', () => {
    const definition = register('hello', handler);
    expect(definition).toEqual({
      name: 'hello',
      signature,
      handler,
      style: 'express',
      path: undefined,
      methods: undefined,
      body: 'parse',
      schema: undefined,
      plugins: [],
    });
    expect([...registry.functions]).toEqual([['hello', definition]]);
  });

  test('takes options before the handler', () => {
    const plugin = definePlugin({ name: 'p' });
    const schema = z.object({ total: z.number() });
    const definition = register('orders', { path: '/orders', schema, plugins: [plugin] }, handler);
    expect(definition).toMatchObject({ path: '/orders', handler });
    expect(definition).toHaveProperty('schema', schema);
    expect(definition).toHaveProperty('plugins', [plugin]);
  });

  test('freezes the definition, and keeps no list that it was given', () => {
    const plugins = [definePlugin({ name: 'p' })];
    const definition = register('hello', { plugins }, handler) as { plugins: unknown[] };
    plugins.length = 0;
    expect(definition.plugins).toHaveLength(1);
    expect(Object.isFrozen(definition)).toBe(true);
    expect(Object.isFrozen(definition.plugins)).toBe(true);
  });

  test('serves the later of two functions with one name, and warns', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const later = (): void => {};
    register('twice', handler);
    register('twice', later);
    expect(registry.functions.get('twice')?.handler).toBe(later);
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      'The function "twice" is registered twice; the later one is served.',
    );
    warn.mockRestore();
  });

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['', 'string'],
    ['  ', 'string'],
    [() => {}, 'function'],
    [['a'], 'an array'],
  ])('refuses the name %j', (name, kind) => {
    expect(() => register(name, handler)).toThrowError(
      expect.objectContaining({
        code: 'OFN_FUNCTION_INVALID',
        message: `a function needs a name, not ${kind}`,
      }),
    );
  });

  test.each([
    ['no handler', [], /the handler must be a function.*, not undefined$/],
    ['a handler that is null', [null], /the handler must be a function.*, not null$/],
    ['a handler that is text', ['x'], /the handler must be a function.*, not string$/],
    ['a handler that is an object', [{}], /the handler must be a function.*, not an object$/],
    ['options alone', [{ path: '/' }, undefined], /the handler must be a function/],
    ['options that are null', [null, handler], /the options must be an object, not null$/],
    ['options that are a function', [handler, {}], /the options must be an object, not function$/],
    ['a path that is relative', [{ path: 'a' }, handler], /path must begin with "\/", which "a" /],
    ['a path that is no text', [{ path: 1 }, handler], /path must begin with "\/", which 1 does/],
    ['methods that are no list', [{ methods: 'GET' }, handler], /methods must be a list of HTTP/],
    ['methods that are empty', [{ methods: [] }, handler], /methods must be a list of HTTP/],
    ['methods that are no names', [{ methods: ['G T'] }, handler], /methods must be a list of/],
    ['an unknown body', [{ body: 'raw' }, handler], /body must be 'parse' or 'stream', not "raw"$/],
    ['a schema that is none', [{ schema: {} }, handler], /schema must be a Standard Schema/],
    ['a schema that is null', [{ schema: null }, handler], /schema must be a Standard Schema/],
    ['plugins that are no list', [{ plugins: {} }, handler], /plugins must be an array$/],
    [
      'a schema for a body that is not read',
      [{ schema: z.string(), body: 'stream' }, handler],
      /schema needs a parsed body/,
    ],
  ])('refuses %s, by the name of the function', (_title, rest, message) => {
    expect(() => register('bad', ...rest)).toThrowError(
      expect.objectContaining({
        name: 'OfnError',
        code: 'OFN_FUNCTION_INVALID',
        message: expect.stringMatching(message),
      }),
    );
    expect(() => register('bad', ...rest)).toThrowError(/^function "bad": /);
    expect(registry.functions.size).toBe(0);
  });
});

describe.each([
  ['topic', topic as Loose],
  ['binding', binding as Loose],
])('the registrar of a %s', (kind, register) => {
  const handler = (): void => {};

  test('registers a handler of openfunction, with what it waits for', () => {
    const options = kind === 'topic' ? { pubsub: 'mq' } : { component: 'cron' };
    const schema = z.object({});
    const plugins = [definePlugin({ name: 'p' })];
    const definition = register('f', { ...options, concurrency: 2, schema, plugins }, handler);
    expect(definition).toMatchObject({
      name: 'f',
      signature: 'openfunction',
      handler,
      trigger: { kind, ...options, concurrency: 2 },
      plugins,
    });
    expect(Object.keys((definition as { trigger: object }).trigger)).not.toContain('schema');
    expect(definition).toHaveProperty('schema', schema);
    expect([...registry.functions]).toEqual([['f', definition]]);
  });

  test('needs no options', () => {
    const definition = register('f', handler) as { trigger: object };
    expect(definition).toMatchObject({ name: 'f', handler, trigger: { kind } });
  });

  test('freezes what it waits for, and leaves what it was given alone', () => {
    const options = Object.freeze({ concurrency: 1 });
    const definition = register('f', options, handler) as { trigger: object };
    expect(Object.isFrozen(definition.trigger)).toBe(true);
    expect(options).toEqual({ concurrency: 1 });
  });

  test('serves the later of two functions with one name, and warns', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    register('twice', {}, handler);
    register('twice', {}, handler);
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });

  test.each([
    [
      'options that are a function',
      [handler, {}],
      /the options must be an object, not function: \w+\(name, options, handler\)$/,
    ],
    [
      'options that are null',
      [null, handler],
      /the options must be an object, not null: \w+\(name, options, handler\)$/,
    ],
    ['no handler', [{}], /the handler must be a function, not an object$/],
    [
      'a class',
      [
        {},
        class {
          run() {}
        },
      ],
      /the handler must be a function, not function$/,
    ],
    ['a path', [{ path: '/a' }, handler], /path is for functions over HTTP$/],
    ['methods', [{ methods: ['POST'] }, handler], /methods is for functions over HTTP$/],
    ['a body', [{ body: 'parse' }, handler], /body is for functions over HTTP$/],
    ['a concurrency of 0', [{ concurrency: 0 }, handler], /concurrency must be a whole.*not 0$/],
    ['a concurrency of 1.5', [{ concurrency: 1.5 }, handler], /concurrency must be.*not 1\.5$/],
    ['a concurrency as text', [{ concurrency: '2' }, handler], /concurrency must be.*not 2$/],
    ['an order by name', [{ order: 'subject' }, handler], /order must be a function.*not string$/],
    ['a schema that is none', [{ schema: {} }, handler], /schema must be a Standard Schema/],
    ['plugins that are no list', [{ plugins: {} }, handler], /plugins must be an array$/],
  ])('refuses %s, by the name of the function', (_title, rest, message) => {
    expect(() => register('bad', ...rest)).toThrowError(
      expect.objectContaining({
        code: 'OFN_FUNCTION_INVALID',
        message: expect.stringMatching(message),
      }),
    );
    expect(() => register('bad', ...rest)).toThrowError(/^function "bad": /);
    expect(registry.functions.size).toBe(0);
  });
});

describe('what a topic waits for', () => {
  test.each([
    ['pubsub', ''],
    ['pubsub', 7],
    ['topic', '  '],
    ['match', null],
    ['deadLetterTopic', {}],
  ])('is refused with the %s %j', (name, value) => {
    expect(() => topic('f', { [name]: value }, () => {})).toThrowError(
      new RegExp(`^function "f": ${name} must be a string that is not empty, not `),
    );
  });

  test.each([
    [{ rawPayload: 'true' }, 'rawPayload must be true or false, not string'],
    [{ metadata: 'a' }, 'metadata must be an object of strings'],
    [{ metadata: null }, 'metadata must be an object of strings'],
    [{ metadata: ['a'] }, 'metadata must be an object of strings'],
    [{ metadata: { a: 1 } }, 'metadata must be an object of strings'],
    [{ bulk: 'true' }, 'bulk must be true, false or an object, not string'],
    [{ bulk: null }, 'bulk must be true, false or an object, not null'],
    [{ bulk: 7 }, 'bulk must be true, false or an object, not number'],
    [{ bulk: { maxMessages: 0 } }, 'bulk.maxMessages must be a whole number from 1 up, not 0'],
    [{ bulk: { maxWait: -1 } }, 'bulk.maxWait must be a whole number from 1 up, not -1'],
    [{ bulk: { maxWait: '5' } }, 'bulk.maxWait must be a whole number from 1 up, not "5"'],
  ])('is refused with %j', (options, message) => {
    expect(() => topic('f', options as object, () => {})).toThrowError(`function "f": ${message}`);
  });

  test.each([true, false, {}, { maxMessages: 1 }, { maxWait: 1 }])('may be bulk %j', (bulk) => {
    expect(topic('f', { bulk }, () => {}).trigger).toMatchObject({ kind: 'topic', bulk });
  });
});

describe('what a binding waits for', () => {
  test.each([
    [{ component: '' }, 'component must be a string that is not empty, not string'],
    [{ route: 7 }, 'route must be a string that is not empty, not number'],
    [{ route: 'tick' }, 'route must begin with "/", which "tick" does not'],
  ])('is refused with %j', (options, message) => {
    expect(() => binding('f', options as object, () => {})).toThrowError(
      `function "f": ${message}`,
    );
  });
});

describe('methods', () => {
  test.each(['http', 'openfunction'] as const)(
    'of %s are kept in upper case, frozen',
    (signature) => {
      const given = ['get', 'Post'];
      const { methods } = defineFunction('hello', signature, () => {}, { methods: given });
      expect(methods).toEqual(['GET', 'POST']);
      expect(Object.isFrozen(methods)).toBe(true);
      expect(given).toEqual(['get', 'Post']);
    },
  );

  test.each(['cloudevent', 'event'] as const)('do not apply to %s functions', (signature) => {
    expect(() => defineFunction('e', signature, () => {}, { methods: ['GET'] })).toThrowError(
      'function "e": methods does not apply to events, which always arrive by POST',
    );
  });
});

describe('a schema', () => {
  test.each([
    ['zod', z.object({ a: z.string() })],
    ['valibot', valibot.object({ a: valibot.string() })],
    // As arktype's, which are functions.
    ['a callable', Object.assign(() => {}, { '~standard': z.string()['~standard'] })],
  ])('may be of any Standard Schema library: %s', (_library, schema) => {
    expect(defineFunction('a', 'http', () => {}, { schema }).schema).toBe(schema);
  });

  test('is refused for a Web-standard handler, which reads its body itself', () => {
    const handler = (_request: Request): Response => new Response();
    expect(() => http('f', { schema: z.string() }, handler)).toThrowError(
      'function "f": schema needs a parsed body, which this handler does not get',
    );
  });
});

describe('the style of an http handler', () => {
  test.each([
    ['express', () => {}],
    ['express', (_req: unknown, _res: unknown) => {}],
    ['express', (...args: unknown[]) => args],
    ['express', (_req: unknown, _res: unknown, _next: unknown) => {}],
    ['fetch', (_request: Request) => new Response()],
    ['fetch', { fetch: () => new Response() }],
    ['fetch', new Hono()],
    ['express-app', express()],
  ])('is %s for %o', (style, handler) => {
    expect(toHandler(handler, 'http')?.style).toBe(style);
  });

  test('leaves the body to a Web-standard handler, unless it asks for it', () => {
    const handler = (_request: Request): Response => new Response();
    expect(http('a', handler).body).toBe('stream');
    expect(http('b', { body: 'parse' }, handler).body).toBe('parse');
    expect(http('c', { body: 'stream' }, (_req, _res) => {}).body).toBe('stream');
  });

  test('keeps the receiver of a fetch method', async () => {
    class App {
      readonly #answer = 'mine';
      fetch(request: Request): Response {
        return new Response(`${this.#answer} ${request.url}`);
      }
    }
    const { handler } = http('app', new App());
    const response = handler(new Request('http://localhost/')) as Response;
    expect(await response.text()).toBe('mine http://localhost/');
  });

  test.each([undefined, null, 1, 'text', {}, [], { fetch: 1 }])(
    'does not exist for %j',
    (value) => {
      expect(toHandler(value, 'http')).toBeUndefined();
    },
  );

  test.each(['cloudevent', 'openfunction', 'event'] as const)(
    'is not asked for %s handlers, which are functions',
    (signature) => {
      const handler = (_data: unknown): void => {};
      expect(toHandler(handler, signature)).toEqual({ call: handler, style: 'express' });
      expect(toHandler({ fetch: () => new Response() }, signature)).toBeUndefined();
    },
  );
});

describe('plugins and hooks', () => {
  test('are kept in the order of their registration', () => {
    const plugins = [definePlugin({ name: 'a' }), definePlugin({ name: 'b' })];
    const hooks = [() => 1, () => 2];
    for (const plugin of plugins) use(plugin);
    for (const hook of hooks) onStart(hook);
    for (const hook of hooks) onStop(hook);
    expect(registry.plugins).toEqual(plugins);
    expect(registry.startHooks).toEqual(hooks);
    expect(registry.stopHooks).toEqual(hooks);
  });

  test.each([
    ['onStart', onStart],
    ['onStop', onStop],
  ])('%s refuses what is no function', (name, register) => {
    expect(() => register(Promise.resolve() as never)).toThrowError(
      expect.objectContaining({
        code: 'OFN_FUNCTION_INVALID',
        message: `${name} takes a function, not an object`,
      }),
    );
  });
});

describe('the registry', () => {
  test('is one for all copies of the package in a process', async () => {
    vi.resetModules();
    const copy = await import('./registry.ts');
    expect(copy.http).not.toBe(http);
    copy.http('elsewhere', () => {});
    expect(registry.functions.has('elsewhere')).toBe(true);
  });

  test.each(['http', 'cloudevent', 'openfunction', 'event'] as const)(
    'takes no class for a handler of %s',
    (signature) => {
      class Service {
        readonly name = 'service';
      }
      expect(() => defineFunction('service', signature, Service)).toThrowError(
        expect.objectContaining({ code: 'OFN_FUNCTION_INVALID' }),
      );
    },
  );

  test('is left alone by a definition that is not registered', () => {
    defineFunction('quiet', 'http', () => {});
    expect(registry.functions.size).toBe(0);
  });
});

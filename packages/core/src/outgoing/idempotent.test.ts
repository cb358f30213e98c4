// The plugin that has each event handled once: what it keeps, and whom it lets through.
import { CloudEvent } from 'cloudevents';
import { describe, expect, test, vi } from 'vitest';
import { DropError, RetryError } from '../function/acknowledgement.ts';
import { defineFunction } from '../function/definition.ts';
import type { FunctionContext } from '../function/context.ts';
import type { Invocation, InvocationOrigin } from '../invocation/invocation.ts';
import type { PluginSetup } from '../invocation/plugin.ts';
import { createLogger, type Logger } from '../logger.ts';
import { createCall, outgoingTo, startDaprd, type Daprd } from './daprd.fixture.ts';
import { idempotencyRecord, idempotent, type IdempotentOptions } from './idempotent.ts';
import type { Input } from '../dapr/input.ts';
import type { Outgoing } from './outgoing.ts';

interface Subject {
  readonly daprd: Daprd;
  readonly outgoing: Outgoing;
  /** Delivers an event to a handler, around which the plugin runs. */
  readonly deliver: (handler: (ctx: Invocation) => unknown, options?: Delivery) => Promise<unknown>;
}

interface Delivery {
  readonly id?: string | null;
  readonly origin?: InvocationOrigin;
  readonly log?: Logger;
  /** Name of the function. */
  readonly name?: string;
}

async function start(options: Partial<IdempotentOptions> = {}): Promise<Subject> {
  const daprd = await startDaprd();
  const outgoing = outgoingTo(daprd);
  const plugin = idempotent({ store: 'pg', ...options });
  return {
    daprd,
    outgoing,
    async deliver(handler, { id = '1', origin = {}, ...rest } = {}) {
      const call = createCall(outgoing, origin, rest);
      if (id !== null) call.event = new CloudEvent({ id, source: '/shop', type: 'order' });
      return plugin.wrap?.(call, async () => handler(call));
    },
  };
}

function onlyRecord({ values }: Daprd) {
  const [entry, ...others] = values.entries();
  if (entry === undefined || others.length > 0) throw new Error('not one record');
  const [key, { json, metadata }] = entry;
  return { key, value: JSON.parse(json) as Record<string, unknown>, metadata };
}

describe('an event', () => {
  test('is handled once, though it is delivered again', async () => {
    const { daprd, deliver } = await start({ ttl: '2h' });
    const handler = vi.fn<() => string>(() => 'handled');
    await expect(deliver(handler)).resolves.toBe('handled');
    await expect(deliver(handler)).resolves.toBeUndefined();
    expect(handler).toHaveBeenCalledOnce();
    expect(onlyRecord(daprd)).toMatchObject({
      key: expect.stringMatching(/^pgstore\/idempotent-[\da-f]{64}$/) as unknown,
      value: { status: 'done' },
      metadata: { ttlInSeconds: '7200' },
    });
  });

  test('is told from another by its id', async () => {
    const { deliver } = await start();
    const handler = vi.fn<() => void>();
    await deliver(handler, { id: '1' });
    await deliver(handler, { id: '2' });
    expect(handler).toHaveBeenCalledTimes(2);
  });

  test('is handled by each of the functions that take it', async () => {
    const { deliver } = await start();
    const handler = vi.fn<() => void>();
    await deliver(handler, { name: 'ship' });
    await deliver(handler, { name: 'bill' });
    expect(handler).toHaveBeenCalledTimes(2);
  });

  test('is kept in a store that is named by its component', async () => {
    const { daprd, deliver } = await start({ store: 'redis' });
    await deliver(() => {});
    expect(onlyRecord(daprd).key).toMatch(/^redis\/idempotent-/);
  });

  test('is handled again at once when its handler failed', async () => {
    const { daprd, deliver } = await start();
    const error = new Error('failed');
    await expect(deliver(() => Promise.reject(error))).rejects.toBe(error);
    expect(daprd.values.size).toBe(0);
    const handler = vi.fn<() => void>();
    await deliver(handler);
    expect(handler).toHaveBeenCalledOnce();
  });

  test.each(['drop', 'retry'] as const)('is not taken for handled after ctx.%s()', async (verb) => {
    const { daprd, deliver } = await start();
    const input = {
      name: 'orders',
      kind: 'topic' as const,
      component: 'mq',
      topic: 'orders',
      headers: {},
      metadata: {},
      bytes: Buffer.alloc(0),
    };
    await deliver((ctx) => ctx[verb](), { origin: { input } });
    expect(daprd.values.size).toBe(0);
  });

  test.each<[string, (ctx: Invocation) => void]>([
    ['an error in a timer', (ctx) => ctx.fail(new Error('stray'))],
    ['its signal, which it heeded', (ctx) => ctx.abort(new Error('no longer'))],
  ])('is not taken for handled when its handler returns after %s', async (_, happen) => {
    const { daprd, deliver } = await start();
    await deliver(happen);
    expect(daprd.values.size).toBe(0);
    const handler = vi.fn<() => void>();
    await deliver(handler);
    expect(handler).toHaveBeenCalledOnce();
  });

  test('is not taken for handled when it is dropped by an error', async () => {
    const { daprd, deliver } = await start();
    await expect(deliver(() => Promise.reject(new DropError('no')))).rejects.toThrow('no');
    expect(daprd.values.size).toBe(0);
  });

  test('is retried later while another call handles it', async () => {
    const { deliver } = await start();
    const second = vi.fn<() => void>();
    await deliver(async () => {
      await expect(deliver(second)).rejects.toBeInstanceOf(RetryError);
    });
    expect(second).not.toHaveBeenCalled();
  });

  test('that comes many times at once is handled once', async () => {
    const { deliver } = await start();
    const handler = vi.fn<() => Promise<void>>(() => Promise.resolve());
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => deliver(handler)));
    expect(handler).toHaveBeenCalledOnce();
    const reasons = results.flatMap((result): unknown[] =>
      result.status === 'rejected' ? [result.reason] : [],
    );
    expect(reasons.every((reason) => reason instanceof RetryError)).toBe(true);
  });

  test('is taken over when the lease of a call that died is over, by one of those that try', async () => {
    const { daprd, deliver } = await start();
    await deliver(() => {});
    const { key } = onlyRecord(daprd);
    const died = { status: 'running', owner: 'dead', until: Date.now() - 1 };
    daprd.values.set(key, { json: JSON.stringify(died), etag: 'old', metadata: {} });
    const handler = vi.fn<() => Promise<void>>(() => Promise.resolve());
    await Promise.allSettled(Array.from({ length: 5 }, () => deliver(handler)));
    expect(handler).toHaveBeenCalledOnce();
    expect(onlyRecord(daprd).value).toMatchObject({ status: 'done' });
  });

  test('stays reserved for its lease when the call dies', async () => {
    const { daprd, deliver } = await start({ lease: '5m' });
    const before = Date.now();
    await deliver(() => {
      const { status, until } = onlyRecord(daprd).value;
      expect(status).toBe('running');
      expect(until).toBeGreaterThanOrEqual(before + 300_000);
    });
  });

  test('is handled when a record that has run out is still in the way', async () => {
    const { daprd, deliver } = await start();
    let posts = 0;
    daprd.intercept = ({ method }, response) => {
      if (method !== 'POST' || ++posts > 1) return false;
      response.writeHead(409).end('{"message":"possible etag mismatch"}');
      return true;
    };
    const handler = vi.fn<() => void>();
    await deliver(handler);
    expect(handler).toHaveBeenCalledOnce();
  });

  test('is not handled when the store fails, so that it is retried', async () => {
    const { daprd, deliver } = await start();
    daprd.intercept = (_, response) => Boolean(response.writeHead(500).end('down'));
    const handler = vi.fn<() => void>();
    await expect(deliver(handler)).rejects.toMatchObject({ code: 'OFN_STATE_FAILED' });
    expect(handler).not.toHaveBeenCalled();
  });

  test('stays handled when its record cannot be saved, and the log says so', async () => {
    const { daprd, deliver } = await start();
    const warn = vi.fn<(fields: unknown) => void>();
    const log: Logger = { ...createLogger({ level: 'silent' }), warn, child: () => log };
    await expect(
      deliver(
        () => {
          daprd.intercept = (_, response) => Boolean(response.writeHead(500).end());
          return 'handled';
        },
        { log },
      ),
    ).resolves.toBe('handled');
    expect(warn).toHaveBeenCalledWith(
      { err: expect.objectContaining({ code: 'OFN_STATE_FAILED' }) as unknown },
      'the event was handled, and its record could not be saved',
    );
  });

  test('that fails keeps its own error when its reservation cannot be lifted', async () => {
    const { daprd, deliver } = await start();
    const warn = vi.fn<(fields: unknown) => void>();
    const log: Logger = { ...createLogger({ level: 'silent' }), warn, child: () => log };
    await expect(
      deliver(
        () => {
          daprd.intercept = (_, response) => Boolean(response.writeHead(500).end());
          throw new Error('own');
        },
        { log },
      ),
    ).rejects.toThrow('own');
    expect(warn).toHaveBeenCalledOnce();
  });
});

describe('a call without an event', () => {
  test('is handled whenever it comes', async () => {
    const { daprd, deliver } = await start();
    const handler = vi.fn<() => void>();
    await deliver(handler, { id: null });
    await deliver(handler, { id: null });
    expect(handler).toHaveBeenCalledTimes(2);
    expect(daprd.requests).toEqual([]);
  });

  test('is handled once by the key it is given', async () => {
    const { deliver } = await start({ key: (ctx) => `order of ${ctx.function.name}` });
    const handler = vi.fn<() => void>();
    await deliver(handler, { id: null });
    await deliver(handler, { id: null });
    expect(handler).toHaveBeenCalledOnce();
  });
});

describe('idempotencyRecord', () => {
  test('commits effect and record in one transaction, and the plugin saves nothing more', async () => {
    const { daprd, outgoing, deliver } = await start();
    const store = outgoing.states['pg'];
    const handler = vi.fn<(ctx: Invocation) => Promise<void>>(async (ctx) => {
      await store?.transaction([
        { operation: 'upsert', request: { key: 'total', value: 7 } },
        idempotencyRecord(ctx),
      ]);
      expect(daprd.last().url).toBe('/v1.0/state/pgstore/transaction');
    });
    await deliver(handler);
    expect(daprd.last().url).toBe('/v1.0/state/pgstore/transaction');
    await deliver(handler);
    expect(handler).toHaveBeenCalledOnce();
    await expect(store?.get('total')).resolves.toBe(7);
  });

  test('keeps an event handled whose handler fails after the transaction', async () => {
    const { outgoing, deliver } = await start();
    const handler = vi.fn<(ctx: Invocation) => Promise<void>>(async (ctx) => {
      await outgoing.states['pg']?.transaction([idempotencyRecord(ctx)]);
      throw new Error('late');
    });
    await expect(deliver(handler)).rejects.toThrow('late');
    await expect(deliver(handler)).resolves.toBeUndefined();
    expect(handler).toHaveBeenCalledOnce();
  });

  test('has the transaction fail when another call took the event over meanwhile', async () => {
    const { daprd, outgoing, deliver } = await start();
    await expect(
      deliver(async (ctx) => {
        const [key = ''] = daprd.values.keys();
        daprd.values.set(key, {
          json: '{"status":"running","owner":"other","until":0}',
          etag: 'n',
          metadata: {},
        });
        await outgoing.states['pg']?.transaction([
          { operation: 'upsert', request: { key: 'total', value: 7 } },
          idempotencyRecord(ctx),
        ]);
      }),
    ).rejects.toMatchObject({ code: 'OFN_STATE_CONFLICT' });
    expect(daprd.values.has('pgstore/total')).toBe(false);
    expect(daprd.values.size).toBe(1);
  });

  test('is refused for a call that was not reserved', async () => {
    const { outgoing } = await start();
    expect(() => idempotencyRecord(createCall(outgoing))).toThrow(
      expect.objectContaining({ code: 'OFN_STATE_FAILED' }),
    );
  });
});

describe('the set-up', () => {
  const definition = defineFunction('ship', 'openfunction', () => {});
  const context = {
    states: { pg: { componentName: 'pgstore' } },
  } as Partial<FunctionContext> as FunctionContext;
  const input = (changes: Partial<Input>): Input =>
    ({ name: 'orders', kind: 'topic', rawPayload: false, definition, ...changes }) as Input;
  const setup = (
    options: Partial<IdempotentOptions>,
    inputs: Input[],
    given = context,
  ): unknown => {
    const runtime: PluginSetup = {
      functions: [definition],
      inputs,
      context: given,
      log: createLogger({ level: 'silent' }),
    };
    return idempotent({ store: 'pg', ...options }).setup?.(runtime);
  };

  test('takes topics, and what has a key', () => {
    expect(() => setup({}, [input({})])).not.toThrow();
    expect(() => setup({ store: 'pgstore' }, [input({})])).not.toThrow();
    const key = (): string => 'k';
    expect(() =>
      setup({ key }, [input({ kind: 'binding' }), input({ rawPayload: true })]),
    ).not.toThrow();
  });

  test.each<[string, Partial<IdempotentOptions>, Input[], string]>([
    [
      'an unknown store',
      { store: 'none' },
      [],
      'no state store "none" in the function context; there is pg',
    ],
    [
      'a raw payload, whose ids are random',
      {},
      [input({ rawPayload: true })],
      'input "orders": raw payloads',
    ],
    [
      'a binding, which has no ids',
      {},
      [input({ kind: 'binding' })],
      'input "orders": events of bindings',
    ],
  ])('refuses %s', (_, options, inputs, message) => {
    expect(() => setup(options, inputs)).toThrow(
      expect.objectContaining({
        code: 'OFN_PLUGIN_INVALID',
        message: expect.stringContaining(message) as unknown,
      }),
    );
  });

  test.each([
    { ttl: 0 },
    { ttl: 'soon' },
    { ttl: -1 },
    { lease: '1w' },
    { ttl: '1m', lease: '2m' },
  ])('refuses %j', (options) => {
    expect(() => idempotent({ store: 'pg', ...options })).toThrow(
      expect.objectContaining({ code: 'OFN_PLUGIN_INVALID' }),
    );
  });

  test.each([
    ['90', '90'],
    [90, '90'],
    ['1500ms', '2'],
    ['2 m', '120'],
    ['1d', '86400'],
  ])('takes %j for %s seconds', async (ttl, seconds) => {
    const { daprd, deliver } = await start({ ttl, lease: 1 });
    await deliver(() => {});
    expect(onlyRecord(daprd).metadata).toEqual({ ttlInSeconds: seconds });
  });
});

// One delivery: each event is acknowledged once, with what came of it, and lets the next one in.
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { OfnError } from '../errors.ts';
import { DropError, RetryError } from '../function/acknowledgement.ts';
import { defineFunction } from '../function/definition.ts';
import type { Context, Handler, Schema, SignatureType } from '../function/signature.ts';
import { signalled } from '../http/serve.fixture.ts';
import { toCall } from '../invocation/handler.ts';
import { createInstance } from '../invocation/instance.ts';
import type { ServedFunction } from '../invocation/invocation.ts';
import { currentInvocation } from '../invocation/invoke.ts';
import { createLines } from './channel.fixture.ts';
import {
  createDeliveries,
  type Acknowledge,
  type Acknowledgement,
  type DeliveryObserver,
} from './delivery.ts';
import type { Input } from './input.ts';
import { inputOf } from './input.fixture.ts';
import { fromJsonEvent } from './message.ts';
import type { Tracer } from '../invocation/trace.ts';
import { createRecorder } from '../invocation/tracer.fixture.ts';
import { noOutgoing } from '../outgoing/outgoing.fixture.ts';

interface Given {
  readonly handler?: Handler;
  readonly signature?: SignatureType;
  readonly schema?: Schema;
  readonly input?: Partial<Input>;
  readonly maxConcurrency?: number;
  readonly timeout?: number;
  readonly observer?: DeliveryObserver;
  readonly tracer?: Tracer;
}

/** Deliveries to one function of one input. */
function setUp({ handler = () => {}, signature = 'openfunction', ...given }: Given = {}) {
  const { schema, timeout = 0, maxConcurrency = 0, observer, tracer } = given;
  const definition = defineFunction('f', signature, handler, schema ? { schema } : {});
  const { log, lines } = createLines();
  const served: ServedFunction = {
    definition,
    context: undefined,
    log,
    hookPlugins: {},
    call: toCall(definition),
    tracer,
    instance: createInstance(),
    outgoing: noOutgoing,
    timeout,
  };
  const input = inputOf({ definition, ...given.input });
  const deliveries = createDeliveries({
    inputs: [input],
    servedOf: () => served,
    maxConcurrency,
    observer,
  });
  const messageOf = (data: unknown, attributes: object = {}) => {
    const event = { id: '1', source: 's', type: 't', data, ...attributes };
    return fromJsonEvent(input, event, { headers: {}, metadata: {} });
  };
  return {
    deliveries,
    lines,
    input,
    messageOf,
    /** Delivers an event; the promise is its acknowledgement. */
    deliver: (data?: unknown, attributes?: object): Promise<Acknowledgement> =>
      new Promise((resolve) => {
        deliveries.deliver(input, messageOf(data, attributes), resolve);
      }),
    /** Delivers an event; returns how it was acknowledged. */
    watch: (data?: unknown, attributes?: object) => {
      const acknowledge = vi.fn<Acknowledge>();
      deliveries.deliver(input, messageOf(data, attributes), acknowledge);
      return acknowledge;
    },
  };
}

const STOPPING = new OfnError('OFN_STOPPING', 'the server stopped');

afterEach(() => {
  vi.useRealTimers();
});

/** A promise of another realm, which is no instance of ours. */
const Foreign = runInNewContext('Promise') as PromiseConstructor;

describe('a handler that', () => {
  const unreadable = new Proxy({}, { getPrototypeOf: () => raise(new Error('unreadable')) });
  const nameless = Object.defineProperty(new Error('x'), 'name', {
    get: () => raise(new Error('unreadable')),
  });

  test.each<[string, Acknowledgement, Handler]>([
    ['returns', 'SUCCESS', () => {}],
    ['resolves', 'SUCCESS', async () => {}],
    ['returns a status of its own', 'SUCCESS', () => ({ status: 'RETRY' })],
    ['returns an unknown status', 'SUCCESS', async () => ({ status: 'ok' })],
    ['returns false', 'SUCCESS', () => false],
    ['returns an error', 'SUCCESS', () => new DropError('returned')],
    ['resolves by a foreign thenable', 'SUCCESS', () => new Foreign((resolve) => resolve(1))],
    ['throws', 'RETRY', () => raise(new Error('x'))],
    ['rejects', 'RETRY', () => Promise.reject(new Error('x'))],
    ['rejects by a foreign thenable', 'RETRY', () => new Foreign((_, reject) => reject('x'))],
    ['throws undefined', 'RETRY', () => raise(undefined)],
    ['rejects with null', 'RETRY', async () => raise(null)],
    ['rejects with 0', 'RETRY', async () => raise(0)],
    ['throws what cannot be read', 'RETRY', () => raise(unreadable)],
    ['rejects with an error without a readable name', 'RETRY', async () => raise(nameless)],
    ['throws a RetryError', 'RETRY', () => raise(new RetryError('busy'))],
    ['throws a DropError', 'DROP', () => raise(new DropError('bad'))],
    ['rejects with a DropError', 'DROP', async () => raise(new DropError('bad'))],
    ['throws a DropError of another copy', 'DROP', () => raise(foreign('DropError'))],
    ['drops', 'DROP', (ctx: Context) => ctx.drop()],
    ['drops, and returns something', 'DROP', async (ctx: Context) => (ctx.drop(), 7)],
    ['retries', 'RETRY', (ctx: Context) => ctx.retry('busy')],
    ['drops, then retries', 'RETRY', (ctx: Context) => (ctx.drop(), ctx.retry())],
    ['retries, then drops', 'DROP', (ctx: Context) => (ctx.retry(), ctx.drop())],
    ['drops, then throws', 'RETRY', (ctx: Context) => (ctx.drop(), raise(new Error('x')))],
    ['retries, then throws a DropError', 'DROP', (ctx) => (ctx.retry(), raise(new DropError('')))],
  ])('%s is acknowledged once, with %s', async (_title, expected, handler) => {
    const { watch, deliveries } = setUp({ handler });
    const acknowledge = watch();
    await deliveries.drained();
    expect(acknowledge.mock.calls).toEqual([[expected]]);
  });
});

function raise(error: unknown): never {
  throw error;
}

function foreign(name: string): Error {
  return Object.assign(new Error('of another copy'), { name });
}

describe('the handler', () => {
  test('gets the event, its data, its input and its id', async () => {
    const seen: unknown[] = [];
    const { deliver } = setUp({
      handler: (ctx: Context, data) => {
        seen.push(data, ctx.data, ctx.event?.id, ctx.id, ctx.input?.name, ctx.input?.topic);
        seen.push(currentInvocation() === ctx);
      },
    });
    await deliver({ a: 1 }, { id: 'e7' });
    expect(seen).toEqual([{ a: 1 }, { a: 1 }, 'e7', 'e7', 'onOrder', 'orders', true]);
  });

  test('of a CloudEvent gets the event; ctx.data is what its data is', async () => {
    let seen: unknown;
    const { deliver } = setUp({
      signature: 'cloudevent',
      handler: (event) => (seen = [event.data, event.type, currentInvocation()?.data]),
    });
    await deliver(0, { type: 'order' });
    expect(seen).toEqual([0, 'order', 0]);
  });

  test('in callback style has finished when it calls back', async () => {
    const handler: Handler = (event, callback) =>
      setImmediate(() => callback(event.data === 'bad' ? new Error('bad') : null));
    const { deliver } = setUp({ signature: 'cloudevent', handler });
    expect([await deliver('good'), await deliver('bad')]).toEqual(['SUCCESS', 'RETRY']);
  });

  test('of a background event gets data and context', async () => {
    let seen: unknown;
    const { deliver } = setUp({
      signature: 'event',
      handler: (data, context) => (seen = [data, context.id, context.type]),
    });
    await deliver({ a: 1 }, { id: 'e7', type: 'order' });
    expect(seen).toEqual([{ a: 1 }, 'e7', 'order']);
  });

  test('of a background event is not called for an event that cannot be one; it is retried', async () => {
    const handler = vi.fn<Handler>();
    const { deliver } = setUp({ signature: 'event', handler });
    const type = 'google.cloud.storage.object.v1.finalized';
    expect(await deliver({}, { type, source: 'nowhere' })).toBe('RETRY');
    expect(handler).not.toHaveBeenCalled();
  });
});

describe('a schema', () => {
  const order = z.object({ total: z.coerce.number() });

  test.each(['openfunction', 'cloudevent', 'event'] as const)(
    'gives a handler of %s what it makes of the data, and has invalid data retried uncalled',
    async (signature) => {
      const seen: unknown[] = [];
      const handlers = {
        openfunction: (_ctx: Context, data: unknown) => seen.push(data),
        cloudevent: (event: { data: unknown }) => seen.push(event.data),
        event: (data: unknown) => seen.push(data),
      };
      const handler = handlers[signature];
      const { deliver } = setUp({ signature, handler, schema: order });
      expect(await deliver({ total: '7' })).toBe('SUCCESS');
      expect(await deliver({ total: 'x' })).toBe('RETRY');
      expect(seen).toEqual([{ total: 7 }]);
    },
  );

  test('that is asynchronous is waited for, and may fail', async () => {
    const schema = z.number().refine(async (value) => value > 0);
    const { deliver } = setUp({ schema });
    expect([await deliver(1), await deliver(-1)]).toEqual(['SUCCESS', 'RETRY']);
  });

  test('that throws has the event retried', async () => {
    const schema = z.any().transform(() => raise(undefined));
    expect(await setUp({ schema }).deliver(1)).toBe('RETRY');
    const late = standardSchema(async () => raise(undefined));
    expect(await setUp({ schema: late }).deliver(1)).toBe('RETRY');
  });

  test('belongs to the call: what it leaves behind fails this event, and not the process', async () => {
    const seen: unknown[] = [];
    const schema = standardSchema((value) => {
      seen.push(currentInvocation()?.id);
      return { value };
    });
    await setUp({ schema }).deliver(1, { id: 'e7' });
    expect(seen).toEqual(['e7']);
  });

  test('that ends after the event was given back calls no handler', async () => {
    const checked = signalled();
    const handler = vi.fn<Handler>();
    const schema = z.any().refine(async () => (await checked.promise, true));
    const { watch, deliveries } = setUp({ schema, handler });
    const acknowledge = watch(1);
    expect(deliveries.cutOff(STOPPING)).toBe(1);
    expect(acknowledge.mock.calls).toEqual([['RETRY']]);
    checked.resolve();
    await new Promise(setImmediate);
    expect(handler).not.toHaveBeenCalled();
    expect(acknowledge).toHaveBeenCalledOnce();
  });
});

function standardSchema(validate: Schema['~standard']['validate']): Schema {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

describe('a time limit', () => {
  test('has the event retried, and aborts its signal; what comes late is only logged', async () => {
    vi.useFakeTimers();
    const late = signalled();
    let signal: AbortSignal | undefined;
    const handler = async (ctx: Context): Promise<void> => {
      ({ signal } = ctx);
      await late.promise;
      throw new Error('late');
    };
    const { watch, deliveries, lines } = setUp({ handler, timeout: 50 });
    const acknowledge = watch();
    vi.advanceTimersByTime(49);
    expect(acknowledge).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(acknowledge.mock.calls).toEqual([['RETRY']]);
    expect(signal?.reason).toMatchObject({ name: 'TimeoutError' });
    await deliveries.drained();
    late.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(lines.at(-1)?.message).toContain('after its call had ended');
    expect(acknowledge).toHaveBeenCalledOnce();
  });

  test('is not for the time that an event waits', async () => {
    vi.useFakeTimers();
    const ends = [signalled(), signalled()];
    const { watch, deliveries } = setUp({
      handler: (_ctx: Context, index: number) => ends[index]?.promise,
      input: { concurrency: 1 },
      timeout: 50,
    });
    const [first, second] = [watch(0), watch(1)];
    vi.advanceTimersByTime(40);
    ends[0]?.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(first.mock.calls).toEqual([['SUCCESS']]);
    vi.advanceTimersByTime(40);
    ends[1]?.resolve();
    await deliveries.drained();
    expect(second.mock.calls).toEqual([['SUCCESS']]);
  });

  test('lets the next one in, though the handler goes on', () => {
    vi.useFakeTimers();
    const { watch } = setUp({
      handler: (_ctx: Context, data) => (data === 0 ? new Promise(() => {}) : undefined),
      input: { concurrency: 1 },
      timeout: 50,
    });
    const [first, second] = [watch(0), watch(1)];
    vi.advanceTimersByTime(50);
    expect([first.mock.calls, second.mock.calls]).toEqual([[['RETRY']], [['SUCCESS']]]);
  });
});

describe('an error outside of the promise of a call', () => {
  test('has its event retried at once, and no other', async () => {
    const { watch } = setUp({ handler: () => new Promise(() => {}) });
    const calls: Context[] = [];
    const own = setUp({ handler: (ctx: Context) => (calls.push(ctx), new Promise(() => {})) });
    const [failed, other] = [own.watch(), watch()];
    calls[0]?.fail(new Error('in a timer'));
    expect(failed.mock.calls).toEqual([['RETRY']]);
    expect(other).not.toHaveBeenCalled();
  });

  test('that is a DropError has it dropped', () => {
    let call: Context | undefined;
    const { watch } = setUp({ handler: (ctx: Context) => ((call = ctx), new Promise(() => {})) });
    const acknowledge = watch();
    call?.fail(new DropError('bad'));
    expect(acknowledge.mock.calls).toEqual([['DROP']]);
  });

  test('lets the next one in: its handler may never settle', async () => {
    let call: Context | undefined;
    const { watch } = setUp({
      handler: (ctx: Context, data) => {
        if (data !== 'stuck') return;
        call = ctx;
        return new Promise(() => {});
      },
      input: { concurrency: 1, order: () => 'same' },
    });
    const [stuck, next] = [watch('stuck'), watch('next')];
    expect(next).not.toHaveBeenCalled();
    call?.fail(new Error('in a timer'));
    expect([stuck.mock.calls, next.mock.calls]).toEqual([[['RETRY']], [['SUCCESS']]]);
  });

  test('and then a settled handler is acknowledged once', async () => {
    const end = signalled();
    const { watch, deliveries } = setUp({
      handler: async (ctx: Context) => {
        ctx.fail(new Error('stray'));
        await end.promise;
      },
    });
    const acknowledge = watch();
    expect(acknowledge.mock.calls).toEqual([['RETRY']]);
    end.resolve();
    await deliveries.drained();
    expect(acknowledge).toHaveBeenCalledOnce();
  });
});

describe('a concurrency limit', () => {
  test('of an input lets the others wait, and none is refused', async () => {
    const ends: (() => void)[] = [];
    const { deliver } = setUp({
      handler: () => new Promise<void>((resolve) => ends.push(resolve)),
      input: { concurrency: 2 },
    });
    const all = [1, 2, 3, 4].map(() => deliver());
    expect(ends).toHaveLength(2);
    ends[0]?.();
    await vi.waitFor(() => expect(ends).toHaveLength(3));
    for (const end of ends) end();
    await vi.waitFor(() => expect(ends).toHaveLength(4));
    ends[3]?.();
    expect(await Promise.all(all)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS', 'SUCCESS']);
  });

  test.each([[{ concurrency: 5 }], [{}]])(
    'of all inputs together holds beside that of an input %j',
    async (input) => {
      const ends: (() => void)[] = [];
      const { deliver, deliveries } = setUp({
        handler: () => new Promise<void>((resolve) => ends.push(resolve)),
        input,
        maxConcurrency: 1,
      });
      const all = [deliver(), deliver()];
      expect(ends).toHaveLength(1);
      ends[0]?.();
      await vi.waitFor(() => expect(ends).toHaveLength(2));
      ends[1]?.();
      expect(await Promise.all(all)).toEqual(['SUCCESS', 'SUCCESS']);
      await deliveries.drained();
    },
  );
});

describe('an order', () => {
  const bySubject: Partial<Input> = { order: ({ event }) => event?.subject };

  test('handles events of one key one after the other, in their order, others meanwhile', async () => {
    const steps: string[] = [];
    const { deliver } = setUp({
      handler: async (_ctx: Context, data: string) => {
        steps.push(`+${data}`);
        await new Promise(setImmediate);
        steps.push(`-${data}`);
      },
      input: bySubject,
    });
    await Promise.all([
      deliver('a1', { subject: 'a' }),
      deliver('a2', { subject: 'a' }),
      deliver('b1', { subject: 'b' }),
      deliver('free'),
    ]);
    expect(steps.slice(0, 3)).toEqual(['+a1', '+b1', '+free']);
    expect(steps.filter((step) => step.includes('a'))).toEqual(['+a1', '-a1', '+a2', '-a2']);
  });

  test.each([undefined, null])('whose key is %s holds nothing up', async (key) => {
    const { deliver, watch } = setUp({
      handler: (_ctx: Context, data) => (data === 0 ? new Promise(() => {}) : undefined),
      input: { order: () => key as undefined },
    });
    watch(0);
    expect(await deliver(1)).toBe('SUCCESS');
  });

  test('that throws has that event retried uncalled, and is logged with it', async () => {
    const handler = vi.fn<Handler>();
    const order = ({ data }: { data: unknown }) => (data === 0 ? raise(undefined) : 'k');
    const { deliver, deliveries, lines } = setUp({ handler, input: { order } });
    expect(await deliver(0)).toBe('RETRY');
    expect(handler).not.toHaveBeenCalled();
    expect(lines).toMatchObject([{ level: 'error', fields: { input: 'onOrder', event: '1' } }]);
    expect(await deliver(1)).toBe('SUCCESS');
    await deliveries.drained();
  });
});

describe('a cut-off', () => {
  test('gives back what has not finished, with its signal aborted, and says how many', async () => {
    const signals: AbortSignal[] = [];
    const { watch, deliveries } = setUp({
      handler: (ctx: Context, data) => {
        signals.push(ctx.signal);
        return data === 'ends' ? undefined : new Promise(() => {});
      },
    });
    const [done, stuck] = [watch('ends'), watch('never ends')];
    expect(deliveries.cutOff(STOPPING)).toBe(1);
    expect([done.mock.calls, stuck.mock.calls]).toEqual([[['SUCCESS']], [['RETRY']]]);
    expect(signals[1]?.reason).toBe(STOPPING);
    await deliveries.drained();
  });

  test('gives back what waits behind a gate, and never calls its handler', async () => {
    const handler = vi.fn<Handler>(() => new Promise(() => {}));
    const { watch, deliveries } = setUp({ handler, input: { concurrency: 1, order: () => 'k' } });
    const all = [1, 2, 3].map((data) => watch(data));
    expect(deliveries.cutOff(STOPPING)).toBe(3);
    expect(all.map(({ mock }) => mock.calls)).toEqual([[['RETRY']], [['RETRY']], [['RETRY']]]);
    await deliveries.drained();
    expect(handler).toHaveBeenCalledOnce();
  });

  test('calls nothing more, also when a listener of a signal throws', async () => {
    const called: unknown[] = [];
    const { watch, deliveries } = setUp({
      handler: (ctx: Context, data) => {
        called.push(data);
        ctx.signal.addEventListener('abort', () => ctx.fail(new Error('in a listener')));
        return new Promise(() => {});
      },
      input: { concurrency: 1 },
    });
    const all = [watch(1), watch(2)];
    deliveries.cutOff(STOPPING);
    expect(all.map(({ mock }) => mock.calls)).toEqual([[['RETRY']], [['RETRY']]]);
    expect(called).toEqual([1]);
    await deliveries.drained();
  });

  test('gives 20,000 back that wait, without running out of stack', async () => {
    const { deliveries, watch, input } = setUp({
      handler: () => new Promise(() => {}),
      input: { concurrency: 1 },
    });
    watch();
    const message = fromJsonEvent(
      input,
      { id: '1', source: 's', type: 't' },
      { headers: {}, metadata: {} },
    );
    let count = 0;
    for (let index = 0; index < 20_000; index += 1) {
      deliveries.deliver(input, message, () => (count += 1));
    }
    expect(deliveries.cutOff(STOPPING)).toBe(20_001);
    expect(count).toBe(20_000);
    await deliveries.drained();
  });

  test('gives back what comes afterwards', () => {
    const handler = vi.fn<Handler>();
    const { watch, deliveries } = setUp({ handler });
    expect(deliveries.cutOff(STOPPING)).toBe(0);
    expect(watch().mock.calls).toEqual([['RETRY']]);
    expect(handler).not.toHaveBeenCalled();
  });

  test('of a handler that heeds its signal logs no second failure', async () => {
    const { watch, deliveries, lines } = setUp({
      handler: (ctx: Context) =>
        new Promise((_, reject) => {
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason));
        }),
    });
    const acknowledge = watch();
    deliveries.cutOff(STOPPING);
    await new Promise(setImmediate);
    expect(acknowledge.mock.calls).toEqual([['RETRY']]);
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});

describe('a delivery whose sidecar has gone', () => {
  test('is not handled when it waited for its turn, and lets the next one in', async () => {
    const first = signalled();
    const seen: unknown[] = [];
    const handler: Handler = (_, data) => {
      seen.push(data);
      return data === 1 ? first.promise : undefined;
    };
    const { deliveries, input, messageOf, deliver, lines } = setUp({
      handler,
      input: { concurrency: 1, order: () => 'k' },
      maxConcurrency: 1,
    });
    const one = deliver(1);
    const acknowledge = vi.fn<Acknowledge>();
    deliveries.deliver(input, messageOf(2), acknowledge)?.abandon();
    const three = deliver(3);
    first.resolve();
    expect(await Promise.all([one, three])).toEqual(['SUCCESS', 'SUCCESS']);
    expect(seen).toEqual([1, 3]);
    expect(acknowledge).not.toHaveBeenCalled();
    expect(lines).toMatchObject([
      { level: 'info', message: 'to be delivered again: the sidecar no longer waits' },
    ]);
    await deliveries.drained();
  });

  test('aborts the signal of a handler that runs, and holds up those behind it until its end', async () => {
    const end = signalled();
    const signals: AbortSignal[] = [];
    const handler: Handler = (ctx: Context, data) => {
      signals.push(ctx.signal);
      return data === 1 ? end.promise : undefined;
    };
    const { deliveries, input, messageOf, deliver } = setUp({ handler, input: { concurrency: 1 } });
    const acknowledge = vi.fn<Acknowledge>();
    const open = deliveries.deliver(input, messageOf(1), acknowledge);
    const two = deliver(2);
    open?.abandon();
    expect(signals).toMatchObject([{ aborted: true, reason: { name: 'AbortError' } }]);
    expect(acknowledge).not.toHaveBeenCalled();
    end.resolve();
    expect(await two).toBe('SUCCESS');
    expect(signals).toHaveLength(2);
    // Its sidecar does not hear it.
    expect(acknowledge).toHaveBeenCalledExactlyOnceWith('SUCCESS');
  });

  test('is past all that when it is acknowledged', () => {
    const { deliveries, input, messageOf } = setUp();
    const acknowledge = vi.fn<Acknowledge>();
    deliveries.deliver(input, messageOf(1), acknowledge)?.abandon();
    expect(acknowledge).toHaveBeenCalledExactlyOnceWith('SUCCESS');
  });
});

describe('the trace of an event', () => {
  test('is not begun for one that was abandoned before its turn', async () => {
    const { tracing: tracer, calls } = createRecorder();
    const first = signalled();
    const { deliveries, input, messageOf, deliver } = setUp({
      handler: () => first.promise,
      maxConcurrency: 1,
      tracer,
    });
    const one = deliver(1);
    deliveries.deliver(input, messageOf(2), () => {})?.abandon();
    first.resolve();
    await one;
    await deliveries.drained();
    expect(calls).toMatchObject([{ runs: 1, ends: [{ acknowledgement: 'SUCCESS' }] }]);
  });

  test('ends with the handler of one that was abandoned meanwhile', async () => {
    const { tracing: tracer, calls } = createRecorder();
    const end = signalled();
    const { deliveries, input, messageOf } = setUp({ handler: () => end.promise, tracer });
    deliveries.deliver(input, messageOf(1), () => {})?.abandon();
    expect(calls).toMatchObject([{ ends: [] }]);
    end.resolve();
    await deliveries.drained();
    expect(calls).toMatchObject([{ ends: [{ acknowledgement: 'SUCCESS' }] }]);
  });

  test('has ended when the sidecar is told', async () => {
    const { tracing: tracer, calls } = createRecorder();
    const { deliveries, input, messageOf } = setUp({ tracer });
    const ends = await new Promise((resolve) => {
      deliveries.deliver(input, messageOf(1), () => resolve(calls.map((call) => call.ends.length)));
    });
    expect(ends).toEqual([1]);
  });
});

describe('drained', () => {
  test('resolves at once without deliveries, and else when the last handler has settled', async () => {
    const end = signalled();
    const { watch, deliveries } = setUp({ handler: () => end.promise });
    await deliveries.drained();
    watch();
    const steps: string[] = [];
    const drained = deliveries.drained().then(() => steps.push('drained'));
    await new Promise(setImmediate);
    steps.push('ended');
    end.resolve();
    await drained;
    expect(steps).toEqual(['ended', 'drained']);
  });
});

describe('the log', () => {
  test.each([
    [
      'error',
      () => raise(new Error('broken')),
      'the function failed; the event is to be delivered again',
    ],
    ['warn', () => raise(new DropError('negative')), 'dropped: negative'],
    ['info', () => raise(new RetryError('locked')), 'to be delivered again: locked'],
    ['warn', (ctx: Context) => ctx.drop(), 'dropped: the handler asked for it'],
    ['info', (ctx: Context) => ctx.retry(), 'to be delivered again: the handler asked for it'],
  ] as const)('tells at %s of %s', async (level, handler, message) => {
    const { deliver, lines } = setUp({ handler: handler as Handler });
    await deliver();
    expect(lines).toMatchObject([
      {
        level,
        message,
        fields: {
          input: 'onOrder',
          component: 'mq',
          topic: 'orders',
          event: '1',
          function: 'f',
          invocation: '1',
        },
      },
    ]);
  });

  test('is silent about what succeeds', async () => {
    const { deliver, lines } = setUp();
    await deliver();
    expect(lines).toEqual([]);
  });
});

describe('the observer', () => {
  test('is told of each delivery that began and how it ended', async () => {
    const observer = { began: vi.fn<() => void>(), ended: vi.fn<DeliveryObserver['ended']>() };
    const { deliver } = setUp({
      handler: (_ctx: Context, data) => data === 1 && raise(new Error('x')),
      observer,
    });
    await deliver(0);
    await deliver(1);
    expect(observer.began).toHaveBeenCalledTimes(2);
    expect(observer.ended.mock.calls.map(([, outcome]) => outcome)).toEqual(['SUCCESS', 'RETRY']);
    expect(observer.ended.mock.calls.every(([, , seconds]) => seconds >= 0)).toBe(true);
  });

  test('is not told of one that was given back before it began', () => {
    const observer = { began: vi.fn<() => void>(), ended: vi.fn<DeliveryObserver['ended']>() };
    const { watch, deliveries } = setUp({
      handler: () => new Promise(() => {}),
      input: { concurrency: 1 },
      observer,
    });
    watch();
    watch();
    deliveries.cutOff(STOPPING);
    expect(observer.began).toHaveBeenCalledOnce();
    expect(observer.ended).toHaveBeenCalledOnce();
  });
});

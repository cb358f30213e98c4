// What signals and stray errors do to a process, with a process and a runtime that are not real.
import { EventEmitter } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { noOutgoing } from './outgoing/outgoing.fixture.ts';
import { OfnError } from './errors.ts';
import { defineFunction } from './function/definition.ts';
import { createInstance } from './invocation/instance.ts';
import { Invocation, type Channel, type ServedFunction } from './invocation/invocation.ts';
import { invoke } from './invocation/invoke.ts';
import { supervise, type ProcessLike, type Stoppable } from './lifecycle.ts';
import type { Logger } from './logger.ts';

class FakeProcess extends EventEmitter implements ProcessLike {
  readonly exit = vi.fn<(code: number) => void>();
}

function createLog() {
  const log = {
    trace: vi.fn<(...args: unknown[]) => void>(),
    debug: vi.fn<(...args: unknown[]) => void>(),
    info: vi.fn<(...args: unknown[]) => void>(),
    warn: vi.fn<(...args: unknown[]) => void>(),
    error: vi.fn<(...args: unknown[]) => void>(),
    fatal: vi.fn<(...args: unknown[]) => void>(),
    child: (): Logger => log,
  };
  return log;
}

function setUp() {
  const target = new FakeProcess();
  const log = createLog();
  const settled = { finish: () => {}, fail: (_error: unknown) => {} };
  const stop = vi.fn<Stoppable['stop']>(
    () =>
      new Promise((resolve, reject) => Object.assign(settled, { finish: resolve, fail: reject })),
  );
  supervise({ stop }, log, target);
  return {
    target,
    log,
    stop,
    finish: () => settled.finish(),
    fail: (error: unknown) => settled.fail(error),
  };
}

/** Runs a handler inside a call of its own, and tells how the call failed. */
function callWith(handler: (invocation: Invocation) => void) {
  const channel = { fail: vi.fn<Channel['fail']>() };
  const log = createLog();
  const served: ServedFunction = {
    definition: defineFunction('stray', 'openfunction', handler),
    context: undefined,
    log,
    hookPlugins: {},
    call: handler,
    tracer: undefined,
    instance: createInstance(),
    outgoing: noOutgoing,
    timeout: 0,
  };
  const invocation = new Invocation(served, channel, {});
  invoke(served, invocation, { resolved: () => {}, rejected: () => {} });
  return { channel, invocation, log };
}

describe('a signal', () => {
  test.each([
    ['SIGTERM', false],
    ['SIGINT', true],
  ])('%s stops the runtime, with skipDelay %j, and then exits 0', async (signal, skipDelay) => {
    const { target, stop, finish } = setUp();
    target.emit(signal);
    expect(stop.mock.calls).toEqual([[{ skipDelay }]]);
    expect(target.exit).not.toHaveBeenCalled();
    finish();
    await vi.waitFor(() => expect(target.exit.mock.calls).toEqual([[0]]));
  });

  test.each([
    ['SIGTERM', 'SIGTERM', 143],
    ['SIGTERM', 'SIGINT', 130],
    ['SIGINT', 'SIGTERM', 143],
    ['SIGINT', 'SIGINT', 130],
  ])('after %s, %s exits at once with %i', (first, second, code) => {
    const { target, stop } = setUp();
    target.emit(first);
    target.emit(second);
    expect(target.exit.mock.calls).toEqual([[code]]);
    expect(stop).toHaveBeenCalledOnce();
  });

  test.each([
    ['calls were cut off', new OfnError('OFN_DRAIN_INCOMPLETE', 'cut off'), 1],
    ['a stop hook failed', new OfnError('OFN_STOP_FAILED', 'failed'), 1],
    ['the runtime failed otherwise', new TypeError('unexpected'), 1],
    ['what failed is no Error', 'text', 1],
  ])('ends with an error when %s, which is logged once', async (_reason, error, code) => {
    const { target, log, fail } = setUp();
    target.emit('SIGTERM');
    fail(error);
    await vi.waitFor(() => expect(target.exit.mock.calls).toEqual([[code]]));
    expect(log.error).toHaveBeenCalledExactlyOnceWith(
      { err: error },
      typeof error === 'string' ? error : error.message,
    );
  });
});

describe.each(['uncaughtException', 'unhandledRejection'])('%s outside every call', (event) => {
  test('finishes the calls in flight without delay, and then exits 16', async () => {
    const { target, log, stop, finish } = setUp();
    const error = new Error('nobody catches this');
    target.emit(event, error);
    expect(log.fatal).toHaveBeenCalledExactlyOnceWith(
      { err: expect.objectContaining({ code: 'OFN_UNCAUGHT', cause: error }) },
      'an error outside every call: nobody catches this',
    );
    expect(stop.mock.calls).toEqual([[{ skipDelay: true }]]);
    expect(target.exit).not.toHaveBeenCalled();
    finish();
    await vi.waitFor(() => expect(target.exit.mock.calls).toEqual([[16]]));
  });

  test('exits 16 even when the stop fails', async () => {
    const { target, fail } = setUp();
    target.emit(event, new Error('first'));
    fail(new OfnError('OFN_DRAIN_INCOMPLETE', 'cut off'));
    await vi.waitFor(() => expect(target.exit.mock.calls).toEqual([[16]]));
  });

  test('stops once, however many there are', () => {
    const { target, log, stop } = setUp();
    target.emit(event, new Error('first'));
    target.emit(event, new Error('second'));
    expect(log.fatal).toHaveBeenCalledTimes(2);
    expect(stop).toHaveBeenCalledOnce();
  });

  test('turns a stop that has begun into exit 16', async () => {
    const { target, log, stop, finish } = setUp();
    target.emit('SIGTERM');
    target.emit(event, new Error('while it drains'));
    expect(log.fatal).toHaveBeenCalledOnce();
    expect(stop).toHaveBeenCalledOnce();
    finish();
    await vi.waitFor(() => expect(target.exit.mock.calls).toEqual([[16]]));
  });

  test('leaves the first signal without effect: the calls still finish', () => {
    const { target } = setUp();
    target.emit(event, new Error('first'));
    target.emit('SIGTERM');
    expect(target.exit).not.toHaveBeenCalled();
    target.emit('SIGTERM');
    expect(target.exit.mock.calls).toEqual([[143]]);
  });

  test.each([undefined, null, 'text'])('takes the thrown value %j', (thrown) => {
    const { target, log, stop } = setUp();
    target.emit(event, thrown);
    expect(log.fatal).toHaveBeenCalledOnce();
    expect(stop).toHaveBeenCalledOnce();
  });
});

describe.each(['uncaughtException', 'unhandledRejection'])('%s inside a call', (event) => {
  test('fails that call, and leaves the process alone', () => {
    const { target, log, stop } = setUp();
    const error = new Error('in a timer');
    const { channel, invocation } = callWith(() => target.emit(event, error));
    expect(channel.fail).toHaveBeenCalledExactlyOnceWith(invocation, error);
    expect(invocation.error).toBe(error);
    expect(stop).not.toHaveBeenCalled();
    expect(log.fatal).not.toHaveBeenCalled();
  });

  test('is only logged when the call has ended', () => {
    const { target, stop } = setUp();
    const error = new Error('too late');
    const { channel, log } = callWith((invocation) => {
      invocation.end({});
      target.emit(event, error);
    });
    expect(channel.fail).not.toHaveBeenCalled();
    expect(stop).not.toHaveBeenCalled();
    expect(log.error).toHaveBeenCalledExactlyOnceWith(
      { err: error },
      'the function failed after its call had ended',
    );
  });
});

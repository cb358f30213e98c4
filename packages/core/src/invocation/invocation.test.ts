// One call: its id, logger, signal and trace, the context it shows, and how it ends.
import { describe, expect, test, vi } from 'vitest';
import { OfnError } from '../errors.ts';
import { parseFunctionContext } from '../function/context.ts';
import { defineFunction } from '../function/definition.ts';
import type { Request, Response } from '../function/signature.ts';
import { noOutgoing } from '../outgoing/outgoing.fixture.ts';
import type { Outgoing } from '../outgoing/outgoing.ts';
import { createLogger, type Logger } from '../logger.ts';
import { createInstance } from './instance.ts';
import {
  Invocation,
  type Channel,
  type InvocationOrigin,
  type ServedFunction,
} from './invocation.ts';
import { propagationOf } from './propagation.ts';
import type { Tracer } from './trace.ts';
import { createRecorder } from './tracer.fixture.ts';

const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;

function create(origin: InvocationOrigin = {}, changes: Partial<ServedFunction> = {}) {
  const channel = { fail: vi.fn<Channel['fail']>() };
  const child = vi.fn<Logger['child']>(() => createLogger({ level: 'silent' }));
  const served: ServedFunction = {
    definition: defineFunction('greet', 'openfunction', () => {}),
    context: undefined,
    log: { child } as Partial<Logger> as Logger,
    hookPlugins: {},
    call: () => {},
    tracer: undefined,
    instance: createInstance(),
    outgoing: noOutgoing,
    timeout: 0,
    ...changes,
  };
  return { invocation: new Invocation(served, channel, origin), channel, child, served };
}

describe('the id', () => {
  test('is the one the caller gave', () => {
    expect(create({ callerId: 'abc' }).invocation.id).toBe('abc');
  });

  test('is a UUID otherwise, the same each time and another for each call', () => {
    const { invocation } = create();
    expect(invocation.id).toMatch(UUID);
    expect(invocation.id).toBe(invocation.id);
    expect(invocation.id).not.toBe(create().invocation.id);
  });
});

describe('the trace id', () => {
  test.each([
    TRACEPARENT,
    `00-${TRACE_ID}-b7ad6b7169203331-00`,
    `cc-${TRACE_ID}-b7ad6b7169203331-01-what-a-later-version-adds`,
  ])('is that of the caller: %s', (traceparent) => {
    expect(create({ propagation: { traceparent } }).invocation.traceId).toBe(TRACE_ID);
  });

  test.each([
    undefined,
    '',
    'text',
    TRACE_ID,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    `ff-${TRACE_ID}-b7ad6b7169203331-01`,
    `00-${TRACE_ID.toUpperCase()}-b7ad6b7169203331-01`,
    `00-${TRACE_ID}-b7ad6b7169203331`,
    `00-${TRACE_ID}-b7ad6b7169203331-01-more`,
    `00-${TRACE_ID}-b7ad6b7169203331-01x`,
    ` ${TRACEPARENT}`,
  ])('is undefined for the traceparent %j, which is not valid', (traceparent) => {
    expect(
      create({ propagation: traceparent === undefined ? undefined : { traceparent } }).invocation
        .traceId,
    ).toBeUndefined();
  });
});

describe('the logger', () => {
  test('carries id, function and trace id, and is made once', () => {
    const { invocation, child } = create({
      callerId: 'abc',
      propagation: { traceparent: TRACEPARENT },
    });
    expect(invocation.log).toBe(invocation.log);
    expect(child.mock.calls).toEqual([
      [{ invocation: 'abc', function: 'greet', traceId: TRACE_ID }],
    ]);
  });

  test('carries no trace id when there is none', () => {
    const { invocation, child } = create({ callerId: 'abc' });
    expect(invocation.log).toBeDefined();
    expect(child.mock.calls).toEqual([[{ invocation: 'abc', function: 'greet' }]]);
  });
});

describe('the signal', () => {
  test('aborts with the reason, and keeps the first one', () => {
    const { invocation } = create();
    const { signal } = invocation;
    expect(signal.aborted).toBe(false);
    invocation.abort('first');
    invocation.abort('second');
    expect(invocation.signal).toBe(signal);
    expect(signal).toMatchObject({ aborted: true, reason: 'first' });
  });

  test('is aborted for one who asks after the abort', () => {
    const { invocation } = create();
    const reason = new DOMException('gone', 'AbortError');
    invocation.abort(reason);
    expect(invocation.signal).toMatchObject({ aborted: true, reason });
  });

  test('does not abort once the call has ended', () => {
    const { invocation } = create();
    const { signal } = invocation;
    invocation.end({});
    invocation.abort('too late');
    expect(signal.aborted).toBe(false);
  });
});

describe('the end of a call', () => {
  test('by an error goes to its channel, and shows as error', () => {
    const { invocation, channel } = create();
    const boom = new Error('boom');
    expect(invocation.error).toBeUndefined();
    invocation.fail(boom);
    expect(invocation.error).toBe(boom);
    expect(channel.fail).toHaveBeenCalledExactlyOnceWith(invocation, boom);
  });

  test('is final: a later error goes nowhere', () => {
    const { invocation, channel } = create();
    expect(invocation.ended).toBe(false);
    invocation.end({});
    invocation.fail(new Error('too late'));
    expect(invocation.ended).toBe(true);
    expect(invocation.error).toBeUndefined();
    expect(channel.fail).not.toHaveBeenCalled();
  });
});

describe('what a handler finds', () => {
  test('is the function, the request and the response', () => {
    const req = {} as Request;
    const res = {} as Response;
    const { invocation, served } = create({ req, res });
    expect(invocation.function).toBe(served.definition);
    expect(invocation.req).toBe(req);
    expect(invocation.res).toBe(res);
    expect(create().invocation.req).toBeUndefined();
  });

  test('has locals that no other call sees', () => {
    const { invocation, served } = create();
    invocation.locals['user'] = 'Ada';
    expect(invocation.locals).toEqual({ user: 'Ada' });
    expect(new Invocation(served, { fail: () => {} }, {}).locals).toEqual({});
  });

  test('has data, event and event context to be set by the channel', () => {
    const { invocation } = create();
    expect([invocation.data, invocation.event, invocation.eventContext]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('is a plugin of the plugins folder, by its name', () => {
    const audit = { name: 'audit' };
    const { invocation } = create({}, { hookPlugins: { audit } });
    expect(invocation.getPlugin('audit')).toBe(audit);
    expect(invocation.getPlugin('missing')).toBeUndefined();
  });

  test('is the function context, and its fields by the names of OpenFunction', () => {
    const text = JSON.stringify({
      name: 'sub',
      version: 'v2',
      runtime: 'Async',
      inputs: { in: { uri: 'in' } },
    });
    const context = parseFunctionContext(text, undefined);
    const { invocation } = create({}, { context });
    expect(invocation.context).toBe(context);
    const { name, version, runtime, inputs } = invocation;
    expect({ name, version, runtime, inputs }).toEqual({
      name: 'sub',
      version: 'v2',
      runtime: 'async',
      inputs: { in: { uri: 'in' } },
    });
  });

  test('is empty without a function context, but for the name of the function', () => {
    const { context, name, version, runtime, inputs, outputs, states } = create().invocation;
    expect({ context, name, version, runtime, inputs, outputs, states }).toEqual({
      context: undefined,
      name: 'greet',
      version: undefined,
      runtime: undefined,
      inputs: {},
      outputs: {},
      states: {},
    });
  });
});

describe('the way out', () => {
  test('is that of the function', async () => {
    const send = vi.fn<Outgoing['send']>(() => Promise.resolve());
    const outgoing: Outgoing = { ...noOutgoing, send };
    const { invocation } = create({}, { outgoing });
    await invocation.send({ a: 1 }, 'one');
    expect(send).toHaveBeenCalledExactlyOnceWith({ a: 1 }, 'one');
    expect(invocation.outputs).toBe(outgoing.outputs);
    expect(invocation.states).toBe(outgoing.states);
    expect(invocation.state).toBe(outgoing.state);
  });
});

describe('a call over HTTP', () => {
  test.each(['drop', 'retry'] as const)('cannot %s, for no sidecar delivered it', (verb) => {
    const { invocation } = create();
    expect(() => invocation[verb]()).toThrowError(
      expect.objectContaining({ code: 'OFN_NOT_A_DELIVERY' }),
    );
    expect(invocation.asked).toBeUndefined();
  });

  test('hands on the trace headers that the caller gave, and no other', () => {
    const headers = { traceparent: TRACEPARENT, sw8: '1-a', baggage: '', host: 'x' };
    const { invocation } = create({ propagation: propagationOf(headers) });
    expect(invocation.propagation).toEqual({ traceparent: TRACEPARENT, sw8: '1-a' });
    expect(create().invocation.propagation).toEqual({});
  });
});

describe('a call that has ended', () => {
  const req = { url: '/' } as Request;
  const res = { statusCode: 200 } as Response;

  test('lets go of the request and the response', () => {
    const { invocation } = create({
      req,
      res,
      callerId: 'abc',
      propagation: { traceparent: TRACEPARENT },
    });
    invocation.end({});
    expect(invocation.origin).toEqual({
      callerId: 'abc',
      propagation: { traceparent: TRACEPARENT },
    });
    expect([invocation.req, invocation.res]).toEqual([undefined, undefined]);
    expect([invocation.id, invocation.traceId]).toEqual(['abc', TRACE_ID]);
  });

  test('keeps them for a handler that has used them', () => {
    const { invocation } = create({ req, res });
    expect([invocation.req, invocation.res]).toEqual([req, res]);
    invocation.end({});
    expect(invocation.req).toBe(req);
    expect(invocation.res).toBe(res);
  });
});

describe('the trace', () => {
  test('ends once, however often the call does', () => {
    const { invocation } = create();
    const { tracing, calls } = createRecorder();
    invocation.begin(tracing);
    invocation.end({ status: 200 });
    invocation.end({ status: 499 });
    expect(calls).toMatchObject([{ ends: [{ status: 200 }] }]);
  });

  test('sees the request until it has ended', () => {
    const req = { url: '/' } as Request;
    const { invocation } = create({ req });
    const seen: unknown[] = [];
    const { tracing } = createRecorder();
    const begin: Tracer['begin'] = (call) => ({
      ...tracing.begin(call),
      end: ({ origin }) => seen.push(origin.req),
    });
    invocation.begin({ begin });
    invocation.end({});
    expect(seen).toEqual([req]);
  });

  test('ends with what failed the call from outside, not with what a hook or the handler made of it', () => {
    const { invocation } = create();
    const { tracing, calls } = createRecorder();
    invocation.begin(tracing);
    const timeout = new OfnError('OFN_TIMEOUT', 'late');
    invocation.fail(timeout);
    invocation.error = new Error('aborted');
    invocation.end({});
    expect(calls[0]?.span.error).toBe(timeout);
  });

  test('makes an exit span of what is sent when there is one, and only sends it otherwise', async () => {
    const target = {
      kind: 'state',
      operation: 'get a',
      peer: 'a',
      componentType: undefined,
    } as const;
    const { tracing, of } = createRecorder();
    const { invocation } = create();
    const sent = Promise.resolve('sent');
    expect(invocation.exit(target, () => sent)).toBe(sent);
    expect(of('exit')).toEqual([]);
    invocation.begin(tracing);
    expect(await invocation.exit(target, () => sent)).toBe('sent');
    expect(of('exit')).toMatchObject([{ target }]);
  });
});

describe('an error after the end of a call', () => {
  const createLog = () => {
    const error = vi.fn<(...args: unknown[]) => void>();
    const log = { child: () => log, error } as unknown as Logger;
    return { log, error };
  };

  test.each([
    ['its own abort', (reason: Error) => reason],
    ['an AbortError', () => new DOMException('x', 'AbortError')],
    ['a reset connection', () => Object.assign(new Error('x'), { code: 'ECONNRESET' })],
    [
      'a stream that was cut short',
      () => Object.assign(new Error('x'), { code: 'ERR_STREAM_PREMATURE_CLOSE' }),
    ],
  ])('is not logged when it is %s', (_, make) => {
    const { log, error } = createLog();
    const { invocation, channel } = create({}, { log });
    const reason = new Error('gone');
    invocation.abort(reason);
    invocation.end({});
    invocation.fail(make(reason));
    expect(error).not.toHaveBeenCalled();
    expect(channel.fail).not.toHaveBeenCalled();
  });

  test('is logged when nothing aborted the call', () => {
    const { log, error } = createLog();
    const { invocation } = create({}, { log });
    const err = Object.assign(new Error('x'), { code: 'ECONNRESET' });
    invocation.end({});
    invocation.fail(err);
    expect(error).toHaveBeenCalledExactlyOnceWith(
      { err },
      'the function failed after its call had ended',
    );
  });
});

describe('the signal that the instance stops', () => {
  test.each([
    ['is open', () => {}, true],
    ['was released', (invocation: Invocation) => invocation.release(), false],
  ])('of a call that %s is its own', (_, before, aborts) => {
    const instance = createInstance();
    const { invocation } = create({}, { instance });
    before(invocation);
    const { stopping } = invocation;
    expect(invocation.stopping).toBe(stopping);
    expect(create({}, { instance }).invocation.stopping).not.toBe(stopping);
    instance.stop();
    expect(stopping.aborted).toBe(aborts);
  });
});

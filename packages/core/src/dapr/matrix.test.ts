// Every kind of handler, by every trigger, over both protocols, however it ends: what the sidecar reads.
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DropError, RetryError } from '../function/acknowledgement.ts';
import { defineFunction } from '../function/definition.ts';
import type { FunctionDefinition, Handler, Trigger } from '../function/signature.ts';
import { signalled } from '../http/serve.fixture.ts';
import type { Invocation } from '../invocation/invocation.ts';
import { currentInvocation } from '../invocation/invoke.ts';
import { supervise } from '../lifecycle.ts';
import {
  TopicEventStatus,
  connectGrpc,
  createLines,
  startApp,
  type App,
} from './channel.fixture.ts';
import type { Acknowledgement } from './delivery.ts';

const never = (): Promise<never> => new Promise(() => {});
const raise = (error: unknown): never => {
  throw error;
};

/** How a handler ends, and what the sidecar is to be told. */
const WAYS: Readonly<Record<string, [Acknowledgement, (ctx: Invocation) => unknown]>> = {
  'returns nothing': ['SUCCESS', () => undefined],
  resolves: ['SUCCESS', async () => 'done'],
  "returns { status: 'ok' }": ['SUCCESS', () => ({ status: 'ok' })],
  "resolves to { status: 'RETRY' }": ['SUCCESS', async () => ({ status: 'RETRY' })],
  rejects: ['RETRY', () => Promise.reject(new Error('rejected'))],
  throws: ['RETRY', () => raise(new Error('thrown'))],
  'throws undefined': ['RETRY', () => raise(undefined)],
  'rejects with undefined': ['RETRY', async () => raise(undefined)],
  'throws in a timer': ['RETRY', () => (setTimeout(() => raise(new Error('timer')), 1), never())],
  'leaves a rejection': ['RETRY', () => (void Promise.reject(new Error('stray')), never())],
  'throws a DropError': ['DROP', () => raise(new DropError('thrown'))],
  'rejects with a DropError': ['DROP', async () => raise(new DropError('rejected'))],
  'throws a DropError in a timer': [
    'DROP',
    () => (setTimeout(() => raise(new DropError('timer')), 1), never()),
  ],
  'throws a RetryError': ['RETRY', () => raise(new RetryError('busy'))],
  'calls ctx.drop': ['DROP', (ctx) => ctx.drop('asked')],
  'calls ctx.retry': ['RETRY', async (ctx) => ctx.retry('asked')],
  'calls ctx.drop, and throws': ['RETRY', (ctx) => (ctx.drop(), raise(new Error('thrown')))],
  'takes too long': ['RETRY', never],
  'has data that its schema refuses': ['RETRY', () => undefined],
  'has a pre-hook that throws': ['RETRY', () => undefined],
};
const UNCALLED = ['has data that its schema refuses', 'has a pre-hook that throws'];
const STUCK = 'never settles until the cut-off';

const schema = z
  .object({ way: z.string() })
  .refine(({ way }) => way !== 'has data that its schema refuses');
const guard = {
  name: 'guard',
  execPreHook(ctx: Invocation<{ way: string }>) {
    if (ctx.data.way === 'has a pre-hook that throws') throw new Error('in the pre-hook');
  },
};

const KINDS = ['openfunction', 'cloudevent', 'event', 'registered'] as const;
const TRIGGERS = ['topic', 'bulk', 'binding'] as const;
type Kind = (typeof KINDS)[number];
type TriggerName = (typeof TRIGGERS)[number];

const INPUTS = {
  topic: { componentName: 'mq', componentType: 'pubsub.redis', uri: 'orders' },
  bulk: {
    componentName: 'mq',
    componentType: 'pubsub.redis',
    uri: 'orders',
    metadata: { 'bulkSubscribe.enabled': 'true' },
  },
  binding: { componentName: 'cron', componentType: 'bindings.cron' },
};

const REGISTERED: Readonly<Record<TriggerName, Trigger>> = {
  topic: { kind: 'topic', pubsub: 'mq', topic: 'orders' },
  bulk: { kind: 'topic', pubsub: 'mq', topic: 'orders', bulk: true },
  binding: { kind: 'binding', component: 'cron' },
};

function define(
  kind: Kind,
  trigger: TriggerName,
  act: (way: string) => unknown,
): FunctionDefinition {
  const handlers: Record<Kind, Handler> = {
    openfunction: (_ctx, data) => act(data.way),
    cloudevent: (event) => act(event.data.way),
    event: (data, _context) => act(data.way),
    registered: (ctx) => act(ctx.data.way),
  };
  if (kind !== 'registered') return defineFunction('f', kind, handlers[kind], { schema });
  return defineFunction('f', 'openfunction', handlers[kind], { schema }, REGISTERED[trigger]);
}

/** Delivers events that end in these ways; what comes back is what each was answered. */
type Deliver = (ways: readonly string[]) => Promise<Record<string, string>>;

function overHttp({ runtime, post }: App, trigger: TriggerName): Deliver {
  const path = runtime.inputs[0]?.path ?? '';
  const eventOf = (way: string) => ({ id: way, source: 's', type: 't', data: { way } });
  return async (ways) => {
    if (trigger === 'bulk') {
      const entries = ways.map((way) => ({ entryId: way, event: eventOf(way) }));
      const reply = await post(path, { entries }, { 'content-type': 'application/json' });
      return fromEntries(reply.json.statuses);
    }
    const replies = ways.map(async (way) => {
      const reply = await post(path, trigger === 'binding' ? { way } : eventOf(way));
      const own = trigger === 'binding' ? String(reply.status) : `${reply.status} ${reply.text}`;
      return [way, own] as const;
    });
    return Object.fromEntries(await Promise.all(replies));
  };
}

function overGrpc(app: App, trigger: TriggerName): Deliver {
  const { call } = connectGrpc(app);
  const path = app.runtime.inputs[0]?.path ?? '';
  const dataOf = (way: string) => Buffer.from(JSON.stringify({ way }));
  const eventOf = (way: string) => ({
    id: way,
    source: 's',
    type: 't',
    dataContentType: 'application/json',
    data: dataOf(way),
  });
  const named = { topic: 'orders', pubsubName: 'mq', path };
  const one = async (way: string): Promise<string> => {
    if (trigger === 'topic') {
      const reply = await call('onTopicEvent', { ...eventOf(way), ...named });
      return nameOf(reply.status);
    }
    return call('onBindingEvent', { name: 'cron', data: dataOf(way) }).then(
      () => 'OK',
      ({ code }: { code: number }) => status[code] ?? '',
    );
  };
  return async (ways) => {
    if (trigger === 'bulk') {
      const entries = ways.map((way) => ({
        entryId: way,
        event: { case: 'cloudEvent' as const, value: eventOf(way) },
      }));
      const { statuses } = await call('onBulkTopicEvent', { ...named, entries });
      return fromEntries(
        (statuses as { entryId: string; status: number }[]).map((each) => ({
          entryId: each.entryId,
          status: nameOf(each.status),
        })),
      );
    }
    const replies = ways.map(async (way) => [way, await one(way)] as const);
    return Object.fromEntries(await Promise.all(replies));
  };
}

function nameOf(code: number): string {
  return TopicEventStatus[code] ?? '';
}

function fromEntries(statuses: readonly { entryId: string; status: string }[]) {
  return Object.fromEntries(statuses.map((each) => [each.entryId, each.status]));
}

/** An acknowledgement as it stands on the wire. */
const WIRE = {
  http: {
    topic: (said: Acknowledgement) => `200 {"status":"${said}"}`,
    bulk: (said: Acknowledgement) => said,
    binding: (said: Acknowledgement) => (said === 'RETRY' ? '500' : '200'),
  },
  grpc: {
    topic: (said: Acknowledgement) => said,
    bulk: (said: Acknowledgement) => said,
    binding: (said: Acknowledgement) => (said === 'RETRY' ? 'UNKNOWN' : 'OK'),
  },
};

// Errors that no promise carries end at the process. Those of the test runner would fail the test.
const STRAY = ['uncaughtException', 'unhandledRejection'] as const;
const kept = new Map<string, NodeJS.UncaughtExceptionListener[]>();
const outside = createLines();
const exits: number[] = [];

beforeAll(() => {
  for (const name of STRAY) {
    kept.set(name, process.listeners(name as 'uncaughtException'));
    process.removeAllListeners(name);
  }
  supervise({ stop: () => Promise.resolve() }, outside.log, {
    on: (name, listener) => (name.startsWith('SIG') ? undefined : process.on(name, listener)),
    exit: (code) => exits.push(code),
  });
});

afterAll(() => {
  for (const name of STRAY) {
    process.removeAllListeners(name);
    for (const listener of kept.get(name) ?? []) process.on(name, listener);
  }
});

describe.each(TRIGGERS)('an event by %s', (trigger) => {
  test.each(KINDS)('is acknowledged for what a handler of kind %s makes of it', async (kind) => {
    const called: string[] = [];
    const stuck = signalled();
    const act = (way: string): unknown => {
      called.push(way);
      const ctx = currentInvocation() as Invocation;
      if (way !== STUCK) return WAYS[way]?.[1](ctx);
      if (called.filter((each) => each === STUCK).length === 2) stuck.resolve();
      return never();
    };
    const context = {
      runtime: 'Async',
      prePlugins: ['guard'],
      ...(kind === 'registered' ? {} : { inputs: { in: INPUTS[trigger] } }),
    };
    const app = await startApp([define(kind, trigger, act)], {
      flags: ['--app-protocol=grpc', '--timeout=150ms', '--drain-timeout=20ms'],
      context,
      source: { hookPlugins: [guard] },
    });
    const protocols = { http: overHttp(app, trigger), grpc: overGrpc(app, trigger) };
    const ways = Object.keys(WAYS);
    for (const protocol of ['http', 'grpc'] as const) {
      const expected = Object.entries(WAYS).map(([way, [said]]) => [
        way,
        WIRE[protocol][trigger](said),
      ]);
      expect(await protocols[protocol](ways)).toEqual(Object.fromEntries(expected));
      expect(called.splice(0).toSorted()).toEqual(
        ways.filter((way) => !UNCALLED.includes(way)).toSorted(),
      );
    }

    const last = [protocols.http([STUCK]), protocols.grpc([STUCK])];
    await stuck.promise;
    await expect(app.runtime.stop({ skipDelay: true })).rejects.toMatchObject({
      code: 'OFN_DRAIN_INCOMPLETE',
      message: '2 calls were cut off after 0.02 s',
    });
    expect(await Promise.all(last)).toEqual([
      { [STUCK]: WIRE.http[trigger]('RETRY') },
      { [STUCK]: WIRE.grpc[trigger]('RETRY') },
    ]);
    const codes = app.lines.flatMap(
      ({ fields }) => (fields['err'] as { code?: string })?.code ?? [],
    );
    expect(new Set(codes)).toEqual(new Set(['OFN_TIMEOUT', 'OFN_SCHEMA_FAILED', 'OFN_STOPPING']));
  });
});

test('no error of a call was one of the process', () => {
  expect(outside.lines).toEqual([]);
  expect(exits).toEqual([]);
});

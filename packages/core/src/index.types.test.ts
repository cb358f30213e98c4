// The types of the public names: what a handler gets, what a schema infers, what does not compile.
import { Hono } from 'hono';
import * as valibot from 'valibot';
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { registry } from './function/registry.ts';
import type { Duplex } from 'node:stream';
import type { CloudEvent } from 'cloudevents';
import {
  DropError,
  OfnError,
  OpenFunctionPlugin,
  Plugin,
  RetryError,
  binding,
  cloudEvent,
  currentInvocation,
  definePlugin,
  event,
  http,
  onStart,
  onStop,
  openfunction,
  topic,
  use,
  type Acknowledgement,
  type BindingOptions,
  type CallInput,
  type Context,
  type ErrorCode,
  type EventContext,
  type FunctionContext,
  type FunctionDefinition,
  type FunctionPlugin,
  type HttpHandler,
  type Invocation,
  type Issue,
  type Logger,
  type PluginSetup,
  type Request,
  type Response,
  type SignatureType,
  type TopicOptions,
  type Trigger,
  type UpgradeHandler,
} from './index.ts';

interface Order {
  id: string;
  total: number;
}

const order = z.object({ id: z.string(), total: z.number() });

afterEach(() => {
  registry.functions.clear();
  registry.plugins.length = 0;
  registry.startHooks.length = 0;
  registry.stopHooks.length = 0;
});

describe('http', () => {
  test('gives a handler of two parameters the request and the response', () => {
    const definition = http('a', (req, res) => {
      expectTypeOf(req).toEqualTypeOf<Request>();
      expectTypeOf(res).toEqualTypeOf<Response>();
      expectTypeOf(req.body).toBeAny();
      expectTypeOf(req.params['id']).toEqualTypeOf<string | undefined>();
    });
    expectTypeOf(definition).toEqualTypeOf<FunctionDefinition>();
  });

  test('tells of the caller, the instance and its end', () => {
    expectTypeOf<Request['originalHost']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Request['coldStart']>().toEqualTypeOf<boolean>();
    expectTypeOf<Request['stopping']>().toEqualTypeOf<AbortSignal>();
    expectTypeOf<Context['coldStart']>().toEqualTypeOf<boolean>();
    expectTypeOf<Context['stopping']>().toEqualTypeOf<AbortSignal>();
  });

  test('gives an upgrade handler what a listener of Node gets', () => {
    const upgrade: UpgradeHandler = (req, socket, head) => {
      expectTypeOf(req).toEqualTypeOf<Request>();
      expectTypeOf(socket).toEqualTypeOf<Duplex>();
      expectTypeOf(head).toEqualTypeOf<Buffer>();
    };
    http('chat', { upgrade }, (_req, res) => void res.send('page'));
    // @ts-expect-error events are never upgraded
    expect(() => cloudEvent('no', { upgrade }, () => {})).toThrow('does not apply to events');
  });

  test('takes the type of the body', () => {
    http<Order>('a', (req, _res) => {
      expectTypeOf(req.body).toEqualTypeOf<Order>();
    });
    http<Order>('b', { path: '/b' }, (req, _res) => {
      expectTypeOf(req.body).toEqualTypeOf<Order>();
    });
  });

  test('infers the type of the body from a schema of any library', () => {
    http('zod', { schema: order }, (req, _res) => {
      expectTypeOf(req.body).toEqualTypeOf<Order>();
    });
    http('valibot', { schema: valibot.object({ id: valibot.string() }) }, (req, _res) => {
      expectTypeOf(req.body).toEqualTypeOf<{ id: string }>();
    });
  });

  test('infers what a schema makes of the body, not what it takes', () => {
    const schema = z.object({ at: z.iso.datetime().transform((text) => new Date(text)) });
    http('a', { schema }, (req, _res) => {
      expectTypeOf(req.body).toEqualTypeOf<{ at: Date }>();
    });
  });

  test('takes Web-standard handlers and apps', () => {
    const echo = http('a', (request: globalThis.Request) => new globalThis.Response(request.body));
    expectTypeOf(echo).toEqualTypeOf<FunctionDefinition>();
    http('b', async (_request: globalThis.Request) => globalThis.Response.json({}));
    http('c', new Hono());
    http('d', { fetch: () => new globalThis.Response() });
  });

  test('has the members that the framework adds to the request', () => {
    expectTypeOf<Request>().toHaveProperty('rawBody').toEqualTypeOf<Buffer | undefined>();
    expectTypeOf<Request>().toHaveProperty('signal').toEqualTypeOf<AbortSignal>();
    expectTypeOf<Request>().toHaveProperty('id').toEqualTypeOf<string>();
    expectTypeOf<Request>().toHaveProperty('executionId').toEqualTypeOf<string>();
    expectTypeOf<Request>().toHaveProperty('log').toEqualTypeOf<Logger>();
    expectTypeOf<HttpHandler<Order>>().parameter(0).toEqualTypeOf<Request<Order>>();
  });

  test('does not take what is no handler, nor unknown options', () => {
    const mistakes = (): void => {
      // @ts-expect-error: a handler is missing.
      http('a');
      // @ts-expect-error: text is no handler.
      http('a', 'text');
      // @ts-expect-error: the name must be text.
      http(1, () => {});
      // @ts-expect-error: there is no option of this name.
      http('a', { route: '/a' }, () => {});
      // @ts-expect-error: the body is parsed or streamed.
      http('a', { body: 'raw' }, () => {});
      // @ts-expect-error: a list of methods.
      http('a', { methods: 'GET' }, () => {});
    };
    expectTypeOf(mistakes).toBeFunction();
  });
});

describe('cloudEvent', () => {
  test('gives data the type that is named; it is unknown otherwise', () => {
    cloudEvent<Order>('a', (event) => {
      expectTypeOf(event.data).toEqualTypeOf<Order>();
      expectTypeOf(event.data.total).toEqualTypeOf<number>();
      expectTypeOf(event.id).toEqualTypeOf<string>();
      expectTypeOf(event.type).toEqualTypeOf<string>();
      expectTypeOf(event.source).toEqualTypeOf<string>();
    });
    cloudEvent('b', (event) => {
      expectTypeOf(event.data).toBeUnknown();
    });
  });

  test('infers the type of data from a schema', () => {
    cloudEvent('a', { schema: order }, (event) => {
      expectTypeOf(event.data).toEqualTypeOf<Order>();
    });
  });

  test('takes callback style', () => {
    cloudEvent('a', (_event, callback) => {
      expectTypeOf(callback).toEqualTypeOf<(error?: unknown, result?: unknown) => void>();
      callback(null, 'done');
    });
  });

  test('has no methods, since events arrive by POST', () => {
    const mistake = (): void => {
      // @ts-expect-error: methods are for http and openfunction.
      cloudEvent('a', { methods: ['GET'] }, () => {});
    };
    expectTypeOf(mistake).toBeFunction();
  });
});

describe('openfunction', () => {
  test('gives the handler a context and data', () => {
    openfunction('a', (ctx, data) => {
      expectTypeOf(ctx).toEqualTypeOf<Context>();
      expectTypeOf(data).toBeAny();
    });
    openfunction<Order>('b', (ctx, data) => {
      expectTypeOf(ctx).toEqualTypeOf<Context<Order>>();
      expectTypeOf(data).toEqualTypeOf<Order>();
      expectTypeOf(ctx.data).toEqualTypeOf<Order>();
    });
  });

  test('infers the type of data from its parameter, or from a schema', () => {
    openfunction('a', (ctx, data: Order) => {
      expectTypeOf(ctx.data).toEqualTypeOf<Order>();
      return data.total;
    });
    openfunction('b', { schema: order, methods: ['POST'] }, (ctx, data) => {
      expectTypeOf(data).toEqualTypeOf<Order>();
      expectTypeOf(ctx.data).toEqualTypeOf<Order>();
    });
  });

  test('has a context with all that belongs to the call', () => {
    expectTypeOf<Context<Order>>().toEqualTypeOf<Invocation<Order>>();
    expectTypeOf<Context>().toHaveProperty('req').toEqualTypeOf<Request | undefined>();
    expectTypeOf<Context>().toHaveProperty('res').toEqualTypeOf<Response | undefined>();
    expectTypeOf<Context>().toHaveProperty('log').toEqualTypeOf<Logger>();
    expectTypeOf<Context>().toHaveProperty('signal').toEqualTypeOf<AbortSignal>();
    expectTypeOf<Context>().toHaveProperty('locals').toEqualTypeOf<Record<string, unknown>>();
    expectTypeOf<Context>().toHaveProperty('context').toEqualTypeOf<FunctionContext | undefined>();
  });
});

describe('event', () => {
  test('gives the handler data, context and callback', () => {
    event<Order>('a', (data, context, callback) => {
      expectTypeOf(data).toEqualTypeOf<Order>();
      expectTypeOf(context).toEqualTypeOf<EventContext>();
      expectTypeOf(context.eventId).toEqualTypeOf<string | undefined>();
      callback();
    });
    event('b', { schema: order }, (data) => {
      expectTypeOf(data).toEqualTypeOf<Order>();
    });
  });
});

describe('topic', () => {
  test('gives the handler a context and data', () => {
    const definition = topic('a', { pubsub: 'mq' }, (ctx, data) => {
      expectTypeOf(ctx).toEqualTypeOf<Context>();
      expectTypeOf(data).toBeAny();
    });
    expectTypeOf(definition).toEqualTypeOf<FunctionDefinition>();
    expectTypeOf(definition.trigger).toEqualTypeOf<Trigger | undefined>();
  });

  test('takes the type of the data, from its parameter or a schema too', () => {
    topic<Order>('a', {}, (ctx, data) => {
      expectTypeOf(ctx).toEqualTypeOf<Context<Order>>();
      expectTypeOf(data).toEqualTypeOf<Order>();
    });
    topic('b', {}, (ctx, data: Order) => {
      expectTypeOf(ctx.data).toEqualTypeOf<Order>();
      expectTypeOf(data).toEqualTypeOf<Order>();
    });
    topic('c', { schema: order }, (ctx, data) => {
      expectTypeOf(data).toEqualTypeOf<Order>();
      expectTypeOf(ctx.data).toEqualTypeOf<Order>();
    });
  });

  test('takes all that a subscription can have', () => {
    const options: TopicOptions = {
      pubsub: 'mq',
      topic: 'orders',
      match: 'event.type == "gold"',
      deadLetterTopic: 'failed',
      bulk: { maxMessages: 10 },
      rawPayload: false,
      metadata: { consumerID: 'c' },
      concurrency: 4,
      order: (event) => {
        expectTypeOf(event).toEqualTypeOf<CloudEvent<unknown>>();
        return event.subject;
      },
      plugins: [],
    };
    topic('a', options, () => {});
    topic('b', { bulk: true }, async () => {});
    topic('c', (ctx) => void ctx.event);
    binding('d', (ctx) => void ctx.input);
  });

  test('does not take what is none', () => {
    const mistakes = (): void => {
      // @ts-expect-error: the handler is missing.
      topic('a', { pubsub: 'mq' });
      // @ts-expect-error: a topic has no path.
      topic('a', { path: '/a' }, () => {});
      // @ts-expect-error: a topic has no component; its pub/sub does.
      topic('a', { component: 'mq' }, () => {});
      // @ts-expect-error: metadata is text.
      topic('a', { metadata: { a: 1 } }, () => {});
      // @ts-expect-error: a key is text.
      topic('a', { order: () => 7 }, () => {});
      // @ts-expect-error: bulk has no such field.
      topic('a', { bulk: { max: 1 } }, () => {});
      // @ts-expect-error: methods are for functions over HTTP.
      topic('a', { methods: ['POST'] }, () => {});
    };
    expectTypeOf(mistakes).toBeFunction();
  });
});

describe('binding', () => {
  test('gives the handler a context and data, and the order its data and metadata', () => {
    binding('a', { component: 'cron', route: '/tick' }, (ctx, data) => {
      expectTypeOf(ctx).toEqualTypeOf<Context>();
      expectTypeOf(data).toBeAny();
    });
    const options: BindingOptions<Order> = {
      concurrency: 1,
      order: (data, metadata) => {
        expectTypeOf(data).toEqualTypeOf<Order>();
        expectTypeOf(metadata).toEqualTypeOf<Readonly<Record<string, string>>>();
        return data.id;
      },
    };
    binding<Order>('b', options, (_ctx, data) => {
      expectTypeOf(data).toEqualTypeOf<Order>();
    });
    binding('c', { schema: order }, (_ctx, data) => {
      expectTypeOf(data).toEqualTypeOf<Order>();
    });
  });

  test('has nothing of a subscription', () => {
    const mistakes = (): void => {
      // @ts-expect-error: a binding has no dead letters.
      binding('a', { deadLetterTopic: 'failed' }, () => {});
      // @ts-expect-error: a binding has no pub/sub.
      binding('a', { pubsub: 'mq' }, () => {});
      // @ts-expect-error: a binding has a route, not a path.
      binding('a', { path: '/a' }, () => {});
    };
    expectTypeOf(mistakes).toBeFunction();
  });
});

describe('a delivery', () => {
  test('has its event, its input and its ways to end in the context', () => {
    expectTypeOf<Context>()
      .toHaveProperty('event')
      .toEqualTypeOf<CloudEvent<unknown> | undefined>();
    expectTypeOf<Context>().toHaveProperty('input').toEqualTypeOf<CallInput | undefined>();
    expectTypeOf<Context['drop']>().toEqualTypeOf<(reason?: string) => void>();
    expectTypeOf<Context['retry']>().toEqualTypeOf<(reason?: string) => void>();
    expectTypeOf<CallInput['kind']>().toEqualTypeOf<'topic' | 'binding'>();
    expectTypeOf<CallInput['topic']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<CallInput['bytes']>().toEqualTypeOf<Buffer>();
    expectTypeOf<CallInput['metadata']>().toEqualTypeOf<Readonly<Record<string, string>>>();
    expectTypeOf<CallInput['headers']>().toEqualTypeOf<Readonly<Record<string, string>>>();
    const mistake = (input: CallInput): void => {
      // @ts-expect-error: nobody changes where an event came from.
      input.topic = 'other';
    };
    expectTypeOf(mistake).toBeFunction();
  });

  test('is dropped or retried by errors, and acknowledged in one of three ways', () => {
    expectTypeOf(new DropError('bad', { cause: 1 })).toExtend<Error>();
    expectTypeOf(new RetryError('busy')).toExtend<Error>();
    expectTypeOf<Acknowledgement>().toEqualTypeOf<'SUCCESS' | 'RETRY' | 'DROP'>();
  });
});

describe('plugins', () => {
  test('keep their own members, and get typed parameters', () => {
    const timing = definePlugin({
      name: 'timing',
      calls: 0,
      setup(runtime) {
        expectTypeOf(runtime).toEqualTypeOf<PluginSetup>();
      },
      wrap(invocation, next) {
        expectTypeOf(invocation).toEqualTypeOf<Invocation>();
        expectTypeOf(next).toEqualTypeOf<() => Promise<unknown>>();
        return next();
      },
    });
    expectTypeOf(timing.calls).toEqualTypeOf<number>();
    expectTypeOf(timing).toExtend<FunctionPlugin>();
    use(timing);
  });

  test('need a name', () => {
    const mistake = (): void => {
      // @ts-expect-error: the name is missing.
      definePlugin({ wrap: () => 1 });
    };
    expectTypeOf(mistake).toBeFunction();
  });

  test("of OpenFunction's kind have one base class under two names", () => {
    expectTypeOf(Plugin).toEqualTypeOf(OpenFunctionPlugin);
    class Audit extends Plugin {
      override execPreHook(ctx: Context): void {
        ctx.log.info('about to run');
      }
    }
    expectTypeOf(new Audit('audit').get('name')).toBeUnknown();
    expectTypeOf<ReturnType<Context['getPlugin']>>().extract<object>().toHaveProperty('name');
  });
});

describe('the other names', () => {
  test('have the types that the reference gives them', () => {
    expectTypeOf(currentInvocation).returns.toEqualTypeOf<Invocation | undefined>();
    expectTypeOf(onStart).parameter(0).toEqualTypeOf<() => unknown>();
    expectTypeOf(onStop).parameter(0).toEqualTypeOf<() => unknown>();
    expectTypeOf<SignatureType>().toEqualTypeOf<'http' | 'cloudevent' | 'openfunction' | 'event'>();
  });

  test('of errors are codes, issues and a status', () => {
    const error = new OfnError('OFN_TIMEOUT', 'late');
    expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
    expectTypeOf(error.issues).toEqualTypeOf<readonly Issue[] | undefined>();
    expectTypeOf(error.status).toEqualTypeOf<number>();
    const mistake = (): unknown =>
      // @ts-expect-error: no documented code.
      new OfnError('OFN_OTHER', 'unknown');
    expectTypeOf(mistake).toBeFunction();
  });
});

// Registrations: what user code declares when it is loaded, kept until a runtime takes it.
import { OfnError } from '../errors.ts';
import type { Plugin } from '../invocation/plugin.ts';
import { processWide } from '../process-wide.ts';
import { defineFunction, kind } from './definition.ts';
import type {
  BindingOptions,
  CloudEventHandler,
  EventHandler,
  FetchApp,
  FetchHandler,
  FunctionDefinition,
  FunctionOptions,
  HttpFunctionOptions,
  HttpHandler,
  OpenFunctionHandler,
  SignatureType,
  TopicOptions,
  Trigger,
} from './signature.ts';

/** A hook of user code around the life of the process. */
export type Hook = () => unknown;

export interface Registry {
  readonly functions: Map<string, FunctionDefinition>;
  readonly plugins: Plugin[];
  readonly startHooks: Hook[];
  readonly stopHooks: Hook[];
}

/** The registrations of this process. */
export const registry: Registry = processWide('registry', () => ({
  functions: new Map(),
  plugins: [],
  startHooks: [],
  stopHooks: [],
}));

/**
 * Registers a function that answers HTTP requests.
 *
 * A handler that declares one parameter is Web-standard, `(request: Request) => Response`. An object
 * with a `fetch` method (a Hono app) and an Express app are handlers too.
 *
 * @param name Name of the function, selected by `--target`.
 * @throws OfnError `OFN_FUNCTION_INVALID` when the name, the options or the handler is not valid.
 * @example
 * http('users', { path: '/users/:id', methods: ['GET'] }, (req, res) => {
 *   res.json({ id: req.params.id });
 * });
 */
export function http<Body = any>(
  name: string,
  handler: HttpHandler<Body> | FetchHandler | FetchApp,
): FunctionDefinition;
export function http<Body = any>(
  name: string,
  options: HttpFunctionOptions<Body>,
  handler: HttpHandler<Body> | FetchHandler | FetchApp,
): FunctionDefinition;
export function http(name: string, ...rest: unknown[]): FunctionDefinition {
  return register(name, 'http', rest);
}

/**
 * Registers a function that receives CloudEvents 1.0, in binary, structured or batched mode.
 *
 * A returned CloudEvent, or an array of them, is the reply, in the mode of the request.
 *
 * @throws OfnError `OFN_FUNCTION_INVALID` when the name, the options or the handler is not valid.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 * @example
 * cloudEvent<{ total: number }>('onOrder', (event) => console.log(event.id, event.data.total));
 */
export function cloudEvent<Data = unknown>(
  name: string,
  handler: CloudEventHandler<Data>,
): FunctionDefinition;
export function cloudEvent<Data = unknown>(
  name: string,
  options: FunctionOptions<Data>,
  handler: CloudEventHandler<Data>,
): FunctionDefinition;
export function cloudEvent(name: string, ...rest: unknown[]): FunctionDefinition {
  return register(name, 'cloudevent', rest);
}

/**
 * Registers an OpenFunction function, `(ctx, data)`.
 *
 * Over HTTP, `data` is the body and the returned value is the reply: a string or bytes as they
 * are, another value as JSON, nothing as 204. A handler may answer through `ctx.res` instead.
 *
 * @throws OfnError `OFN_FUNCTION_INVALID` when the name, the options or the handler is not valid.
 * @example
 * openfunction('greet', (ctx, data: { name: string }) => ({ hello: data.name }));
 */
export function openfunction<Data = any>(
  name: string,
  handler: OpenFunctionHandler<Data>,
): FunctionDefinition;
export function openfunction<Data = any>(
  name: string,
  options: HttpFunctionOptions<Data>,
  handler: OpenFunctionHandler<Data>,
): FunctionDefinition;
export function openfunction(name: string, ...rest: unknown[]): FunctionDefinition {
  return register(name, 'openfunction', rest);
}

/**
 * Registers one of Google's legacy background functions, `(data, context[, callback])`.
 * CloudEvents of Google's services are converted to the legacy shape.
 *
 * @throws OfnError `OFN_FUNCTION_INVALID` when the name, the options or the handler is not valid.
 * @example
 * event('onUpload', (data, context) => console.log(context.eventType, data.name));
 */
export function event<Data = any>(name: string, handler: EventHandler<Data>): FunctionDefinition;
export function event<Data = any>(
  name: string,
  options: FunctionOptions<Data>,
  handler: EventHandler<Data>,
): FunctionDefinition;
export function event(name: string, ...rest: unknown[]): FunctionDefinition {
  return register(name, 'event', rest);
}

/**
 * Registers a function that receives the events of a topic, through a Dapr sidecar.
 *
 * When it resolves, the event is acknowledged; when it throws, the event is delivered again. It can
 * be dropped, by a `DropError` or `ctx.drop()`. What the handler returns has no meaning.
 *
 * @param name Name of the function, and the topic unless the options name another.
 * @throws OfnError `OFN_FUNCTION_INVALID` when the name, the options or the handler is not valid.
 * @see https://docs.dapr.io/reference/api/pubsub_api/
 * @example
 * topic('orders', { pubsub: 'mq', deadLetterTopic: 'orders-failed' }, async (ctx, order) => {
 *   await ctx.send({ orderId: order.id }, 'shipments');
 * });
 */
export function topic<Data = any>(
  name: string,
  handler: OpenFunctionHandler<Data>,
): FunctionDefinition;
export function topic<Data = any>(
  name: string,
  options: TopicOptions<Data>,
  handler: OpenFunctionHandler<Data>,
): FunctionDefinition;
export function topic(name: string, ...rest: unknown[]): FunctionDefinition {
  return registerTrigger(name, 'topic', rest);
}

/**
 * Registers a function that receives the events of an input binding, such as cron ticks or files,
 * through a Dapr sidecar. It acknowledges like a function of a topic.
 *
 * @param name Name of the function, and of the component unless the options name another.
 * @throws OfnError `OFN_FUNCTION_INVALID` when the name, the options or the handler is not valid.
 * @see https://docs.dapr.io/reference/api/bindings_api/
 * @example
 * binding('nightly', { component: 'cron' }, async (ctx) => {
 *   ctx.log.info('cleaning up');
 * });
 */
export function binding<Data = any>(
  name: string,
  handler: OpenFunctionHandler<Data>,
): FunctionDefinition;
export function binding<Data = any>(
  name: string,
  options: BindingOptions<Data>,
  handler: OpenFunctionHandler<Data>,
): FunctionDefinition;
export function binding(name: string, ...rest: unknown[]): FunctionDefinition {
  return registerTrigger(name, 'binding', rest);
}

/**
 * Adds a plugin around every function of the process, outside the plugins of single functions.
 *
 * @example
 * use(definePlugin({ name: 'timing', wrap: (invocation, next) => next() }));
 */
export function use(plugin: Plugin): void {
  registry.plugins.push(plugin);
}

/**
 * Runs before the server listens; a hook that fails stops the start. In order of registration.
 *
 * @example
 * onStart(async () => { await database.connect(); });
 */
export function onStart(hook: Hook): void {
  registry.startHooks.push(requireHook('onStart', hook));
}

/**
 * Runs after the last call has ended, before the process exits. In reverse order of registration.
 *
 * @example
 * onStop(() => database.close());
 */
export function onStop(hook: Hook): void {
  registry.stopHooks.push(requireHook('onStop', hook));
}

function requireHook(registrar: string, hook: unknown): Hook {
  if (typeof hook === 'function') return hook as Hook;
  throw new OfnError('OFN_FUNCTION_INVALID', `${registrar} takes a function, not ${kind(hook)}`);
}

function register(
  name: string,
  signature: SignatureType,
  rest: readonly unknown[],
): FunctionDefinition {
  const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
  return keep(defineFunction(name, signature, handler, options as HttpFunctionOptions));
}

function registerTrigger(
  name: string,
  kindOfTrigger: Trigger['kind'],
  rest: readonly unknown[],
): FunctionDefinition {
  const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
  if (typeof options !== 'object' || options === null) {
    const message = `function "${name}": the options must be an object, not ${kind(options)}: ${kindOfTrigger}(name, options, handler)`;
    throw new OfnError('OFN_FUNCTION_INVALID', message);
  }
  const { plugins, schema, path, methods, body, upgrade, ...own } = options as HttpFunctionOptions;
  const shared = { plugins, schema, path, methods, body, upgrade } as HttpFunctionOptions;
  const trigger = { ...own, kind: kindOfTrigger } as Trigger;
  return keep(defineFunction(name, 'openfunction', handler, shared, trigger));
}

function keep(definition: FunctionDefinition): FunctionDefinition {
  if (registry.functions.has(definition.name)) {
    process.emitWarning(
      `The function "${definition.name}" is registered twice; the later one is served.`,
    );
  }
  registry.functions.set(definition.name, definition);
  return definition;
}

// What a handler and its options become when they are registered: checked, completed, frozen.
import { METHODS } from 'node:http';
import { OfnError } from '../errors.ts';
import type {
  FetchApp,
  FunctionDefinition,
  Handler,
  HttpFunctionOptions,
  SignatureType,
  Trigger,
} from './signature.ts';

/** Makes a definition of a handler and its options, without registering it. */
export function defineFunction(
  name: string,
  signature: SignatureType,
  handler: unknown,
  options: HttpFunctionOptions = {},
  trigger?: Trigger,
): FunctionDefinition {
  const invalid = (message: string): OfnError =>
    new OfnError('OFN_FUNCTION_INVALID', `function "${name}": ${message}`);

  if (typeof name !== 'string' || name.trim() === '') {
    throw new OfnError('OFN_FUNCTION_INVALID', `a function needs a name, not ${kind(name)}`);
  }
  if (typeof options !== 'object' || options === null) {
    throw invalid(`the options must be an object, not ${kind(options)}`);
  }
  const { path, methods, body, schema, upgrade, plugins = [] } = options;
  if (path !== undefined && (typeof path !== 'string' || !path.startsWith('/'))) {
    throw invalid(`path must begin with "/", which ${JSON.stringify(path)} does not`);
  }
  if (methods !== undefined) {
    if (!Array.isArray(methods) || methods.length === 0 || !methods.every(isMethod)) {
      throw invalid(`methods must be a list of HTTP methods, such as ['GET', 'POST']`);
    }
    if (signature === 'cloudevent' || signature === 'event') {
      throw invalid(`methods does not apply to events, which always arrive by POST`);
    }
  }
  if (body !== undefined && body !== 'parse' && body !== 'stream') {
    throw invalid(`body must be 'parse' or 'stream', not ${JSON.stringify(body)}`);
  }
  if (upgrade !== undefined) assertUpgrade(upgrade, signature, methods, invalid);
  if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
    throw invalid(`schema must be a Standard Schema validator (zod, valibot, arktype)`);
  }
  if (!Array.isArray(plugins)) throw invalid(`plugins must be an array`);
  if (trigger !== undefined) assertTrigger(trigger, options, invalid);

  const { call, style } = toHandler(handler, signature) ?? {};
  if (call === undefined || style === undefined) {
    const expected =
      signature === 'http' ? 'a function, or an object with a fetch method' : 'a function';
    throw invalid(`the handler must be ${expected}, not ${kind(handler)}`);
  }
  if (schema !== undefined && (style === 'fetch' || body === 'stream')) {
    throw invalid(`schema needs a parsed body, which this handler does not get`);
  }
  return Object.freeze({
    name,
    signature,
    handler: call,
    style,
    path,
    methods: methods && Object.freeze(methods.map((method) => method.toUpperCase())),
    body: body ?? (style === 'fetch' ? 'stream' : 'parse'),
    upgrade,
    schema,
    plugins: Object.freeze([...plugins]),
    trigger: trigger && Object.freeze(trigger),
  });
}

function assertUpgrade(
  upgrade: unknown,
  signature: SignatureType,
  methods: readonly string[] | undefined,
  invalid: (message: string) => OfnError,
): void {
  if (typeof upgrade !== 'function') {
    throw invalid(`upgrade must be a function (req, socket, head), not ${kind(upgrade)}`);
  }
  if (signature === 'cloudevent' || signature === 'event') {
    throw invalid(`upgrade does not apply to events, which always arrive by POST`);
  }
  if (methods !== undefined && !methods.some((method) => method.toUpperCase() === 'GET')) {
    throw invalid(`upgrade needs GET among the methods: connections are upgraded by it`);
  }
}

function assertTrigger(
  trigger: Trigger,
  options: HttpFunctionOptions,
  invalid: (message: string) => OfnError,
): void {
  for (const name of ['path', 'methods', 'body', 'upgrade'] as const) {
    if (options[name] !== undefined) throw invalid(`${name} is for functions over HTTP`);
  }
  const texts = trigger.kind === 'topic' ? TOPIC_TEXTS : BINDING_TEXTS;
  for (const name of texts) {
    const value = (trigger as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined && (typeof value !== 'string' || value.trim() === '')) {
      throw invalid(`${name} must be a string that is not empty, not ${kind(value)}`);
    }
  }
  const { concurrency, order } = trigger;
  if (concurrency !== undefined && (!Number.isInteger(concurrency) || concurrency < 1)) {
    throw invalid(`concurrency must be a whole number from 1 up, not ${String(concurrency)}`);
  }
  if (order !== undefined && typeof order !== 'function') {
    throw invalid(`order must be a function that returns a key, not ${kind(order)}`);
  }
  if (trigger.kind === 'binding') {
    if (trigger.route !== undefined && !trigger.route.startsWith('/')) {
      throw invalid(`route must begin with "/", which "${trigger.route}" does not`);
    }
    return;
  }
  const { bulk, rawPayload, metadata } = trigger;
  if (rawPayload !== undefined && typeof rawPayload !== 'boolean') {
    throw invalid(`rawPayload must be true or false, not ${kind(rawPayload)}`);
  }
  const isMap = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  const values = isMap ? Object.values(metadata) : [];
  if (metadata !== undefined && !(isMap && values.every((value) => typeof value === 'string'))) {
    throw invalid(`metadata must be an object of strings`);
  }
  if (bulk === undefined || typeof bulk === 'boolean') return;
  if (typeof bulk !== 'object' || bulk === null) {
    throw invalid(`bulk must be true, false or an object, not ${kind(bulk)}`);
  }
  for (const name of ['maxMessages', 'maxWait'] as const) {
    const value: unknown = bulk[name];
    if (value !== undefined && !(Number.isInteger(value) && (value as number) > 0)) {
      const said = JSON.stringify(value);
      throw invalid(`bulk.${name} must be a whole number from 1 up, not ${said}`);
    }
  }
}

const TOPIC_TEXTS = ['pubsub', 'topic', 'match', 'deadLetterTopic'];
const BINDING_TEXTS = ['component', 'route'];

// A class cannot be called; it is refused at start, not at the first call.
const CLASS = /^class\b/;

/** A value that can be a handler, with how to call it; `undefined` for any other value. */
export function toHandler(
  value: unknown,
  signature: SignatureType,
): { call: Handler; style: FunctionDefinition['style'] } | undefined {
  if (typeof value === 'function') {
    if (CLASS.test(Function.prototype.toString.call(value))) return undefined;
    if (signature !== 'http') return { call: value as Handler, style: 'express' };
    if ('handle' in value && 'request' in value) {
      return { call: value as unknown as Handler, style: 'express-app' };
    }
    return { call: value as Handler, style: value.length === 1 ? 'fetch' : 'express' };
  }
  if (signature === 'http' && typeof value === 'object' && value !== null && 'fetch' in value) {
    const app = value as FetchApp;
    if (typeof app.fetch !== 'function') return undefined;
    return { call: (request: globalThis.Request) => app.fetch(request), style: 'fetch' };
  }
  return undefined;
}

function isMethod(value: unknown): value is string {
  return typeof value === 'string' && METHODS.includes(value.toUpperCase());
}

/** What a value is, for a message. */
export function kind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : typeof value;
}

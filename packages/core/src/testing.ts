// The `./testing` export: functions under test in process, through the real server, without a port.
import type { IncomingMessage, Server } from 'node:http';
import { Readable } from 'node:stream';
import type { CloudEvent, CloudEventV1 } from 'cloudevents';
import type { Acknowledgement } from './dapr/delivery.ts';
import type { Input } from './dapr/input.ts';
import { OfnError } from './errors.ts';
import { loadSource } from './function/load.ts';
import { registry } from './function/registry.ts';
import type { FunctionDefinition, Handler, SignatureType } from './function/signature.ts';
import { encodeEvents, type EventMode } from './http/cloud-event.ts';
import { requestInProcess } from './http/in-process.ts';
import type { Tracing } from './invocation/trace.ts';
import { createLogger, type LogLevel } from './logger.ts';
import { parseOptions, type Options } from './options.ts';
import { createRuntime, type Runtime } from './runtime.ts';

/** Where the functions come from, and the options they run with. */
export interface TestRuntimeOptions {
  /** Folder or file to load, as `--source`. */
  source?: string;
  /** Definitions, as `http`, `cloudEvent` and the others return them. */
  functions?: readonly FunctionDefinition[];
  /** Signature of a function that is exported, not registered. Default `http`. */
  signatureType?: SignatureType;
  /** Options of the bin by their flags, such as `{ timeout: '2s' }`. Default: those of the bin. */
  options?: Readonly<Record<string, string | number | boolean>>;
  /** Environment the options are read from. Default: empty. */
  env?: Readonly<Record<string, string>>;
  /** Traces the calls, and is set up and closed as a plugin is. Default: none, whatever the options say. */
  tracing?: Tracing;
  /** Default `silent`. */
  logLevel?: LogLevel;
}

/** A request to a function under test. */
export interface TestRequest {
  /** Default `GET`, or `POST` with a body. */
  method?: string;
  /** Path and query. Default: the path of the function. */
  path?: string;
  headers?: Readonly<Record<string, string>>;
  /** A string or bytes as they are; anything else as JSON. */
  body?: unknown;
  /** Disconnects the client when it aborts. */
  signal?: AbortSignal;
}

/** How an event is delivered to a function under test. */
export interface TestDelivery {
  /** Name of the input, for a function that has several of its kind. Default: the first. */
  input?: string;
  /** Headers of the delivery; of a binding, its metadata too. */
  headers?: Readonly<Record<string, string>>;
}

/** How an event of a topic is delivered to a function under test. */
export interface TestTopicDelivery extends TestDelivery {
  /** Attributes of the CloudEvent, such as `{ id, source, type, subject }`. */
  event?: Readonly<Record<string, unknown>>;
}

/** Functions under test. */
export interface TestRuntime {
  /**
   * Sends a request to a function.
   *
   * @param name Name of the function; it is the only one served then, as with `--target`.
   * @throws OfnError `OFN_TARGET_NOT_FOUND` when there is no such function.
   */
  http(name: string, request?: TestRequest): Promise<Response>;
  /** Sends a CloudEvent to a function. Default mode `binary`. */
  cloudEvent(
    name: string,
    event: CloudEvent<unknown> | Partial<CloudEventV1<unknown>>,
    options?: { mode?: EventMode },
  ): Promise<Response>;
  /**
   * Delivers an event of a topic to a function, as a Dapr sidecar would.
   *
   * @param name Name of the function.
   * @param data Data of the event. Bytes travel as they are.
   * @returns What the sidecar is told: `SUCCESS`, `RETRY` or `DROP`.
   * @throws OfnError `OFN_TARGET_NOT_FOUND` when there is no such function, or it takes no topic.
   * @example
   * assert.equal(await t.topic('orders', { id: 7, total: 12.5 }), 'SUCCESS');
   */
  topic(name: string, data: unknown, delivery?: TestTopicDelivery): Promise<Acknowledgement>;
  /**
   * Delivers an event of an input binding to a function, as a Dapr sidecar would.
   *
   * @param data A string or bytes as they are; anything else as JSON. Default: nothing.
   * @returns What the sidecar is told. A dropped event looks like one that succeeded.
   * @throws OfnError `OFN_TARGET_NOT_FOUND` when there is no such function, or it takes no binding.
   * @example
   * assert.equal(await t.binding('nightly'), 'SUCCESS');
   */
  binding(name: string, data?: unknown, delivery?: TestDelivery): Promise<Acknowledgement>;
  /** Sends a request to all functions, each at its own path. */
  request(request: TestRequest & { path: string }): Promise<Response>;
  /** Stops the functions: stop hooks and the close of plugins run. */
  close(): Promise<void>;
}

/**
 * Creates a runtime for tests: real parser, real limits, no port.
 *
 * @throws OfnError as the start of the bin would.
 * @example
 * const t = await createTestRuntime({ source: './src' });
 * const response = await t.http('hello', { path: '/?name=Ada' });
 * assert.equal(await response.text(), 'Hello, Ada!');
 * await t.close();
 */
export async function createTestRuntime(given: TestRuntimeOptions): Promise<TestRuntime> {
  const options = toOptions(given);
  const log = createLogger({ level: given.logLevel ?? 'silent' });
  const defined = given.functions && { functions: given.functions, plugins: [], hookPlugins: [] };
  const runtimes = new Map<string | undefined, Promise<Runtime>>();
  // A sidecar has the token of the app.
  const { appApiToken } = options;
  const token = appApiToken === undefined ? {} : { 'dapr-api-token': appApiToken };

  function runtimeOf(target: string | undefined): Promise<Runtime> {
    let runtime = runtimes.get(target);
    if (runtime === undefined) {
      runtime = create(target);
      runtimes.set(target, runtime);
    }
    return runtime;
  }

  async function create(target: string | undefined): Promise<Runtime> {
    const source = defined ?? (await loadSource({ ...options, target }));
    const functions = source.functions.filter(
      ({ name }) => target === undefined || name === target,
    );
    if (functions.length === 0) throw missing(target, source.functions);
    const runtime = createRuntime(options, log, { ...source, functions }, undefined, given.tracing);
    await runtime.open();
    return runtime;
  }

  async function send(target: string | undefined, request: TestRequest): Promise<Response> {
    const runtime = await runtimeOf(target);
    const [only] = runtime.functions;
    const fallback = only !== undefined && target !== undefined ? runtime.pathOf(only) : undefined;
    return sendRequest(runtime.server, { path: fallback ?? '/', ...request });
  }

  async function inputOf(name: string, kind: Input['kind'], wanted: string | undefined) {
    // All functions together, as the function context speaks of all their inputs; an export that is
    // not registered is found by its name alone.
    const isRegistered = given.functions !== undefined || registry.functions.has(name);
    const { inputs, functions, server } = await runtimeOf(isRegistered ? undefined : name);
    if (!functions.some((definition) => definition.name === name)) throw missing(name, functions);
    const own = inputs.filter((input) => input.kind === kind && input.definition.name === name);
    const input = wanted === undefined ? own[0] : own.find((each) => each.name === wanted);
    if (input !== undefined) return { ...input, server };
    const there = own.map((each) => `"${each.name}"`).join(', ') || 'none';
    throw new OfnError(
      'OFN_TARGET_NOT_FOUND',
      wanted === undefined
        ? `function "${name}" takes no ${kind}; register it with ${kind}(), or give a function context`
        : `function "${name}" has no ${kind} "${wanted}"; there is ${there}`,
    );
  }

  // Fails here, not at the first request, when the source or a function is not valid.
  if (given.source !== undefined && given.functions === undefined) {
    await loadSource({ ...options, target: undefined }).catch((error: unknown) => {
      if (!(error instanceof OfnError) || error.code !== 'OFN_TARGET_NOT_FOUND') throw error;
    });
  }

  return {
    http: (name, request = {}) => send(name, request),
    request: (request) => send(undefined, request),
    async cloudEvent(name, event, { mode = 'binary' } = {}) {
      const { CloudEvent: Event } = await import('cloudevents');
      const whole =
        event instanceof Event ? event : new Event({ source: '/test', type: 'test', ...event });
      const { headers, body } = encodeEvents([whole], mode);
      return send(name, { method: 'POST', headers, body });
    },
    async topic(name, data, { input: wanted, headers = {}, event = {} } = {}) {
      const { server, path, topic, component } = await inputOf(name, 'topic', wanted);
      const { randomUUID } = await import('node:crypto');
      const envelope = {
        specversion: '1.0',
        id: randomUUID(),
        source: 'test',
        type: 'com.dapr.event.sent',
        topic,
        pubsubname: component,
        ...event,
        ...(data instanceof Uint8Array
          ? { data_base64: Buffer.from(data).toString('base64') }
          : { data }),
      };
      const type = 'application/cloudevents+json';
      const response = await sendRequest(server, {
        path,
        headers: { 'content-type': type, ...token, ...headers },
        body: JSON.stringify(envelope),
      });
      await assertStatus(response, [200]);
      return ((await response.json()) as { status: Acknowledgement }).status;
    },
    async binding(name, data, { input: wanted, headers = {} } = {}) {
      const { server, path } = await inputOf(name, 'binding', wanted);
      const response = await sendRequest(server, {
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json', ...token, ...headers },
        body: data,
      });
      await assertStatus(response, [200, 500]);
      return response.status === 200 ? 'SUCCESS' : 'RETRY';
    },
    async close() {
      for (const pending of runtimes.values()) {
        // One that could not be created has told so to the call that asked for it.
        const runtime = await pending.catch(() => undefined);
        await runtime?.stop({ skipDelay: true });
      }
    },
  };
}

function missing(name: string | undefined, functions: readonly FunctionDefinition[]): OfnError {
  const there = functions.map((definition) => `"${definition.name}"`).join(', ');
  return new OfnError('OFN_TARGET_NOT_FOUND', `there is no function "${name}"; there is ${there}`);
}

// Any other status says that the event never reached the function.
async function assertStatus(response: Response, expected: readonly number[]): Promise<void> {
  if (expected.includes(response.status)) return;
  const text = await response.text();
  throw new Error(`the event was refused with ${response.status}: ${text}`);
}

function toOptions(given: TestRuntimeOptions): Options {
  const flags = { ...given.options };
  if (given.source !== undefined) flags['source'] = given.source;
  if (given.signatureType !== undefined) flags['signature-type'] = given.signatureType;
  const args = Object.entries(flags).map(([flag, value]) => {
    if (typeof value === 'boolean') return value ? `--${flag}` : `--no-${flag}`;
    return `--${flag}=${value}`;
  });
  const command = parseOptions(args, given.env ?? {});
  if (command.kind === 'serve') return command.options;
  throw new OfnError('OFN_OPTION_INVALID', `--${command.kind} does not serve`);
}

async function sendRequest(server: Server, request: TestRequest): Promise<Response> {
  const { path = '/', headers = {}, signal } = request;
  const body = toBytes(request.body);
  const incoming = await requestInProcess(server, {
    method: request.method ?? (body === undefined ? 'GET' : 'POST'),
    path,
    headers: {
      ...(isPlain(request.body) ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    body,
    signal,
  });
  try {
    return toResponse(incoming);
  } catch (error) {
    incoming.destroy();
    throw error;
  }
}

function isPlain(body: unknown): boolean {
  return body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array);
}

function toBytes(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return Buffer.from(body);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function toResponse(incoming: IncomingMessage): Response {
  const headers = new Headers();
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] as string, incoming.rawHeaders[index + 1] as string);
  }
  const status = incoming.statusCode ?? 500;
  const empty = status === 204 || status === 205 || status === 304;
  if (empty) incoming.resume();
  const body = empty ? null : (Readable.toWeb(incoming) as ReadableStream);
  return new Response(body, { status, statusText: incoming.statusMessage ?? '', headers });
}

/**
 * The handler that was registered under a name; `undefined` when there is none.
 *
 * @example
 * const hello = getFunction('hello');
 */
export function getFunction(name: string): Handler | undefined {
  return registry.functions.get(name)?.handler;
}

/**
 * A server of a registered function that does not listen yet, as supertest wants it.
 *
 * @throws OfnError `OFN_TARGET_NOT_FOUND` when no function has that name.
 * @example
 * await supertest(getTestServer('hello')).get('/').expect(200);
 */
export function getTestServer(name: string): Server {
  const definition = registry.functions.get(name);
  if (definition === undefined) {
    const message = `no function "${name}" is registered; import the module that registers it first`;
    throw new OfnError('OFN_TARGET_NOT_FOUND', message);
  }
  const log = createLogger({ level: 'silent' });
  const loaded = { functions: [definition], plugins: [], hookPlugins: [] };
  const runtime = createRuntime(toOptions({}), log, loaded);
  runtime.open().catch((error: unknown) => runtime.server.emit('error', error));
  return runtime.server;
}

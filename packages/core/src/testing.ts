// The `./testing` export: functions under test in process, through the real server, without a port.
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { Duplex, Readable } from 'node:stream';
import * as stream from 'node:stream';
import type { CloudEvent, CloudEventV1 } from 'cloudevents';
import { OfnError } from './errors.ts';
import { loadSource } from './function/load.ts';
import { registry } from './function/registry.ts';
import type { FunctionDefinition, Handler, SignatureType } from './function/signature.ts';
import { encodeEvents, type EventMode } from './http/cloud-event.ts';
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
    if (functions.length === 0) {
      const there = source.functions.map(({ name }) => `"${name}"`).join(', ');
      throw new OfnError(
        'OFN_TARGET_NOT_FOUND',
        `there is no function "${target}"; there is ${there}`,
      );
    }
    const runtime = createRuntime(options, log, { ...source, functions });
    await runtime.open();
    return runtime;
  }

  async function send(target: string | undefined, request: TestRequest): Promise<Response> {
    const runtime = await runtimeOf(target);
    const [only] = runtime.functions;
    const fallback = only !== undefined && target !== undefined ? runtime.pathOf(only) : undefined;
    return sendRequest(runtime.server, { path: fallback ?? '/', ...request });
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
    async close() {
      for (const pending of runtimes.values()) {
        // One that could not be created has told so to the call that asked for it.
        const runtime = await pending.catch(() => undefined);
        await runtime?.stop({ skipDelay: true });
      }
    },
  };
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

function sendRequest(server: Server, request: TestRequest): Promise<Response> {
  const { path = '/', headers = {}, signal } = request;
  const body = toBytes(request.body);
  const [client, remote] = connect();
  server.emit('connection', remote);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        method: request.method ?? (body === undefined ? 'GET' : 'POST'),
        path,
        headers: {
          host: 'localhost',
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
          ...(isPlain(request.body) ? { 'content-type': 'application/json' } : {}),
          ...headers,
        },
        createConnection: () => client,
        ...(signal === undefined ? {} : { signal }),
      },
      (incoming) => {
        try {
          resolve(toResponse(incoming));
        } catch (error) {
          client.destroy();
          reject(error);
        }
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

// Both ends of a connection that needs no port; Node's server takes any stream for a socket.
function connect(): [Duplex, Duplex] {
  // The types of Node 20 do not have it yet; Node 20.17 does.
  const [client, remote] = (stream as unknown as { duplexPair(): [Duplex, Duplex] }).duplexPair();
  Object.assign(remote, { remoteAddress: '127.0.0.1', remotePort: 0 });
  // As over a socket: when one end goes, the other learns of it.
  client.once('close', () => remote.destroy());
  remote.once('close', () => client.destroy());
  return [client, remote];
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

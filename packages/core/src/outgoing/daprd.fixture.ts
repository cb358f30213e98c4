// A server that answers as daprd does, as far as what is sent and kept needs it, and shows what came.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createLogger } from '../logger.ts';
import type { FunctionContext } from '../function/context.ts';
import { defineFunction } from '../function/definition.ts';
import { createInstance } from '../invocation/instance.ts';
import {
  Invocation,
  type InvocationOrigin,
  type ServedFunction,
} from '../invocation/invocation.ts';
import { createOutgoing, type Outgoing } from './outgoing.ts';
import type { SidecarAddress } from './sidecar-address.ts';

/** A request as it came. */
interface DaprdRequest {
  readonly method: string;
  /** Path and query, decoded nowhere. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly body: any;
}

/** The server: what it got, and how to have it answer otherwise. */
export interface Daprd {
  readonly address: SidecarAddress;
  readonly requests: DaprdRequest[];
  /** The last request; throws when there was none. */
  last(): DaprdRequest;
  /** Answers first, until it returns false. */
  intercept: ((request: DaprdRequest, response: ServerResponse) => boolean) | undefined;
  /** Values by `store/key`. */
  readonly values: Map<string, { json: string; etag: string; metadata: Record<string, string> }>;
  close(): Promise<void>;
}

/** Starts it on a free port of loopback, until the end of the test. */
export async function startDaprd(port = 0): Promise<Daprd> {
  const daprd: Daprd = {
    address: { http: '', grpc: '', apiToken: undefined },
    requests: [],
    last: () => {
      const request = daprd.requests.at(-1);
      if (request === undefined) throw new Error('no request came');
      return request;
    },
    intercept: undefined,
    values: new Map(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const { method = '', url = '', headers } = incoming;
      const request = { method, url, headers, bytes, body: parse(bytes) };
      daprd.requests.push(request);
      if (daprd.intercept?.(request, response) !== true) answer(daprd, request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => daprd.close());
  const { port: bound } = server.address() as AddressInfo;
  return Object.assign(daprd, {
    address: { http: `http://127.0.0.1:${bound}`, grpc: `127.0.0.1:0`, apiToken: undefined },
  });
}

interface OutgoingOptions extends Partial<FunctionContext> {
  readonly timeout?: number;
  readonly traceEnvelope?: boolean;
  readonly namespace?: string;
}

/** The way out to it, with an output of each kind, and two stores. */
export function outgoingTo(
  { address }: { address: SidecarAddress },
  { timeout = 2000, traceEnvelope = false, namespace, ...context }: OutgoingOptions = {},
): Outgoing {
  const outgoing = createOutgoing({
    context: {
      outputs: {
        orders: { componentName: 'mq', componentType: 'pubsub.redis', uri: 'orders/new' },
        files: { componentName: 'disk', componentType: 'bindings.localstorage' },
      },
      states: {
        pg: { componentName: 'pgstore', componentType: 'state.postgresql' },
        cache: { componentName: 'redis', componentType: 'state.redis' },
      },
      ...context,
    },
    sidecar: address,
    timeout,
    traceEnvelope,
    namespace,
    log: createLogger({ level: 'silent' }),
  });
  onTestFinished(() => outgoing.close());
  return outgoing;
}

/** A call of a function, for which nothing has run yet. */
export function createCall(
  outgoing: Outgoing,
  origin: InvocationOrigin = {},
  { log = createLogger({ level: 'silent' }), name = 'ship' } = {},
): Invocation {
  const served: ServedFunction = {
    definition: defineFunction(name, 'openfunction', () => {}),
    context: undefined,
    log,
    hookPlugins: {},
    call: () => {},
    tracer: undefined,
    instance: createInstance(),
    outgoing,
    timeout: 0,
  };
  return new Invocation(served, { fail: () => {} }, origin);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    return bytes.toString();
  }
}

/** Ends a response as daprd does for an error. */
export function fail(
  response: ServerResponse,
  status: number,
  errorCode: string,
  text: string,
): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errorCode, message: text }));
}

function answer(daprd: Daprd, request: DaprdRequest, response: ServerResponse): void {
  const [path = ''] = request.url.split('?');
  const [, version, api, ...rest] = path.split('/');
  const [name = '', key] = rest.map((part) => decodeURIComponent(part));
  switch (`${version}/${api}`) {
    case 'v1.0/publish':
      if (name === 'mq') return empty(response);
      return fail(response, 404, 'ERR_PUBSUB_NOT_FOUND', `pubsub ${name} is not found`);
    case 'v1.0-alpha1/publish':
      return answerBulk(request, response);
    case 'v1.0/bindings':
      response.setHeader('metadata.fileName', 'a.txt');
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ got: request.body.data }));
      return;
    case 'v1.0/state':
      return answerState(daprd, request, response, name, key);
    default:
      return empty(response);
  }
}

function empty(response: ServerResponse): void {
  response.writeHead(204).end();
}

// An entry whose event is "bad" fails. Go reads names in any case; the SDK writes `entryID`.
function answerBulk({ body }: DaprdRequest, response: ServerResponse): void {
  const failedEntries = (body as { entryId?: string; entryID?: string; event: unknown }[])
    .filter(({ event }) => event === 'bad')
    .map(({ entryId, entryID }) => ({ entryId: entryId ?? entryID, error: 'broker refused' }));
  if (failedEntries.length === 0) return empty(response);
  response
    .writeHead(500)
    .end(JSON.stringify({ failedEntries, errorCode: 'ERR_PUBSUB_PUBLISH_MESSAGE' }));
}

interface Write {
  key: string;
  value?: unknown;
  etag?: string;
  options?: { concurrency?: string };
  metadata?: Record<string, string>;
}

function answerState(
  { values }: Daprd,
  { method, body, headers, url }: DaprdRequest,
  response: ServerResponse,
  store: string,
  key: string | undefined,
): void {
  const conflicts = ({ key: name, etag, options }: Write): boolean => {
    const current = values.get(`${store}/${name}`);
    if (etag !== undefined) return current?.etag !== etag;
    return options?.concurrency === 'first-write' && current !== undefined;
  };
  const write = ({ key: name, value, metadata = {} }: Write): unknown =>
    values.set(`${store}/${name}`, { json: JSON.stringify(value), etag: randomUUID(), metadata });
  const refuse = (status: number, code: string): void =>
    fail(response, status, code, 'possible etag mismatch. error from state store');

  if (method === 'POST' && key === 'bulk') {
    const items = (body.keys as string[]).map((name) => {
      const found = values.get(`${store}/${name}`);
      return found === undefined
        ? { key: name }
        : { key: name, data: JSON.parse(found.json), etag: found.etag };
    });
    response.end(JSON.stringify(items));
  } else if (method === 'POST' && key === 'transaction') {
    const operations = body.operations as { operation: string; request: Write }[];
    if (operations.some(({ request }) => conflicts(request)))
      return refuse(500, 'ERR_STATE_TRANSACTION');
    for (const { operation, request } of operations) {
      if (operation === 'delete') values.delete(`${store}/${request.key}`);
      else write(request);
    }
    empty(response);
  } else if (method === 'POST') {
    if ((body as Write[]).some(conflicts)) return refuse(409, 'ERR_STATE_SAVE');
    for (const entry of body as Write[]) write(entry);
    empty(response);
  } else if (method === 'DELETE') {
    const etag = headers['if-match'];
    const concurrency = new URL(url, 'http://daprd').searchParams.get('concurrency') ?? undefined;
    const asked: Write = {
      key: key ?? '',
      ...(etag === undefined ? {} : { etag }),
      options: concurrency === undefined ? {} : { concurrency },
    };
    if (conflicts(asked)) return refuse(409, 'ERR_STATE_DELETE');
    values.delete(`${store}/${key ?? ''}`);
    empty(response);
  } else {
    const found = values.get(`${store}/${key ?? ''}`);
    if (found === undefined) return empty(response);
    response.setHeader('etag', found.etag);
    response.end(found.json);
  }
}

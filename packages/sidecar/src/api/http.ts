// Dapr's HTTP API: a request becomes a call of the route that it is for, what that returns the reply.
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { posix } from 'node:path';
import { bindingRoutes } from './bindings.ts';
import { isForeign } from './caller.ts';
import type { ApiContext } from './context.ts';
import { toFault } from './fault.ts';
import { healthRoutes } from './health.ts';
import type { HttpCall, HttpReply, Route } from './http-route.ts';
import { invokeAnything, invokeRoutes } from './invoke.ts';
import { metadataRoutes } from './metadata.ts';
import { publishRoutes } from './publish.ts';
import { isSameSecret } from './secret.ts';
import { shutdownRoutes } from './shutdown.ts';
import { stateRoutes } from './state-http.ts';
import { UNIMPLEMENTED_ROUTES } from './unimplemented.ts';

/** What the HTTP API bounds and checks. */
export interface HttpSettings {
  /** Bytes of a body; a larger one is an error of the API that is called. */
  readonly maxBodySize: number;
  /** What callers must send as `dapr-api-token`; `undefined` for no check. */
  readonly apiToken: string | undefined;
  /** Whether web pages of other machines are refused. */
  readonly isLocalOnly: boolean;
}

const FOREIGN =
  'foreign Host or Origin: call it as 127.0.0.1 or localhost, or have it listen on another address\n';

// Answered without a token: who probes cannot know it.
const PROBES = ['/v1.0/healthz', '/v1.0/healthz/outbound'];

/** Creates the server of the HTTP API. It does not listen yet. */
export function createHttpApi(context: ApiContext, settings: HttpSettings): Server {
  const routes: readonly Route[] = [
    ...publishRoutes(context),
    ...stateRoutes(context),
    ...bindingRoutes(context),
    ...invokeRoutes(context),
    ...metadataRoutes(context),
    ...healthRoutes(context),
    ...shutdownRoutes(context),
    ...UNIMPLEMENTED_ROUTES,
  ];

  async function dispatch(request: IncomingMessage): Promise<HttpReply> {
    const { pathname, search } = splitUrl(request.url ?? '/');
    const verb = request.method ?? 'GET';
    if (settings.isLocalOnly && isForeign(request.headers)) return text(403, FOREIGN);
    if (!isAllowed(request, pathname, settings.apiToken)) return text(401, 'invalid api token\n');
    const query = new URLSearchParams(search);
    const call: HttpCall = {
      verb,
      pathname,
      search,
      query,
      metadata: toMetadata(query),
      headers: request.headers,
      params: {},
      body: () => readBody(request, settings.maxBodySize),
    };
    const path = clean(pathname);
    for (const { methods, pattern, handle } of routes) {
      const match = methods.includes(verb) ? pattern.exec(path) : null;
      if (match === null) continue;
      const params = unescapeAll(match.groups ?? {});
      if (params === undefined) return text(400, 'failed to unescape the path\n');
      return handle({ ...call, params });
    }
    // A path that no API has is one of the app that a header names.
    return invokeAnything(context, call);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await dispatch(request).catch((thrown: unknown): HttpReply => {
      const { code, message, httpStatus } = toFault(thrown);
      return { status: httpStatus, body: JSON.stringify({ errorCode: code, message }) };
    });
    // A server that stops waits for its connections: this is the last reply on this one.
    if (!server.listening) response.shouldKeepAlive = false;
    send(response, reply);
  }

  const server = createServer((request, response) => {
    void answer(request, response);
  });
  return server;
}

function send(response: ServerResponse, { status, headers = {}, body }: HttpReply): void {
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const all: OutgoingHttpHeaders = { ...headers };
  if (bytes !== undefined && all['content-type'] === undefined) {
    all['content-type'] = 'application/json';
  }
  if (status !== 204 && status !== 304) all['content-length'] = bytes?.length ?? 0;
  try {
    response.writeHead(status, all);
  } catch {
    // The app, or a binding, answered with a header that HTTP cannot carry.
    response.writeHead(500, { 'content-length': 0 });
    response.end();
    return;
  }
  response.end(bytes);
}

function text(status: number, body: string): HttpReply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

function isAllowed(request: IncomingMessage, path: string, token: string | undefined): boolean {
  if (token === undefined) return true;
  const given = request.headers['dapr-api-token'];
  // It is for the sidecar alone, not for the app behind it.
  delete request.headers['dapr-api-token'];
  if (typeof given === 'string' && isSameSecret(given, token)) return true;
  return request.method === 'GET' && PROBES.includes(clean(path));
}

function splitUrl(url: string): { pathname: string; search: string } {
  const mark = url.indexOf('?');
  return mark < 0
    ? { pathname: url, search: '' }
    : { pathname: url.slice(0, mark), search: url.slice(mark + 1) };
}

function clean(pathname: string): string {
  const path = posix.normalize(pathname);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function toMetadata(query: URLSearchParams): Readonly<Record<string, string>> {
  const metadata: Record<string, string> = {};
  for (const [name, value] of query) {
    if (!name.startsWith('metadata.')) continue;
    const key = name.slice('metadata.'.length);
    // The first of several, as in daprd.
    if (!Object.hasOwn(metadata, key)) metadata[key] = value;
  }
  return metadata;
}

function unescapeAll(params: Record<string, string>): Record<string, string> | undefined {
  try {
    const entries = Object.entries(params).map(([name, value]) => [
      name,
      // As in a query, which is how daprd reads them.
      decodeURIComponent(value.replaceAll('+', ' ')),
    ]);
    return Object.fromEntries(entries) as Record<string, string>;
  } catch {
    return undefined;
  }
}

function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      // Read to its end all the same: a client that still sends would not see the answer.
      else chunks = [];
    });
    request.on('end', () => {
      if (size <= limit) resolve(Buffer.concat(chunks));
      else reject(new Error('stream too large'));
    });
    request.on('error', reject);
  });
}

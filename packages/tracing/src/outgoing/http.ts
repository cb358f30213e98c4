// Node's http and https clients: each request gets a span, and the headers of the trace where it has
// none of its own. What user code hands over and what it gets back stays as it was.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { errorMonitor } from 'node:events';
import http, {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
} from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { beginRequest, type RequestSpan, type RequestTracer } from './request-span.ts';

type Client = Pick<typeof http, 'get' | 'request'>;
type Send = (...args: unknown[]) => ClientRequest;

/** Hooks `request` and `get` of both modules. Returns what takes the hooks off. */
export function hookHttp(tracer: RequestTracer): () => void {
  const spans = new WeakMap<ClientRequest, RequestSpan>();

  // Not by the event `response`: a request that nobody listens to throws its response away.
  function onResponse(message: unknown): void {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    spans.get(request)?.answered(response.statusCode ?? 0);
  }

  function hook(module: Client, scheme: string): () => void {
    const originals = { request: module.request, get: module.get };
    const send = originals.request as Send;
    const request: Send = (...args) => {
      const call = toCall(args);
      const url = call === undefined ? undefined : toUrl(call, scheme);
      // Node says what is wrong with it.
      if (call === undefined || url === undefined) return send(...args);
      const { input, options, callback } = call;
      const method = (options.method ?? 'GET').toUpperCase();
      const span = beginRequest(tracer, 'http', method, url);
      const headers = withTrace(options.headers, span.headers);
      let sent: ClientRequest;
      try {
        sent = send(...(input === undefined ? [] : [input]), { ...options, headers }, callback);
      } catch (error) {
        span.failed(error);
        span.end();
        throw error;
      }
      spans.set(sent, span);
      sent.on(errorMonitor, span.failed);
      sent.on('close', span.end);
      return sent;
    };
    const get: Send = (...args) => {
      const sent = request(...args);
      sent.end();
      return sent;
    };
    Object.assign(module, { request, get });
    return () => {
      // Whoever hooked them later keeps what he has made of them.
      if ((module.request as unknown) === request) module.request = originals.request;
      if ((module.get as unknown) === get) module.get = originals.get;
    };
  }

  const releases = [hook(http, 'http:'), hook(https, 'https:')];
  subscribe('http.client.response.finish', onResponse);
  // For `import { request } from 'node:http'`.
  syncBuiltinESMExports();
  return () => {
    for (const release of releases) release();
    unsubscribe('http.client.response.finish', onResponse);
    syncBuiltinESMExports();
  };
}

interface SentCall {
  readonly input: string | URL | undefined;
  readonly options: RequestOptions;
  readonly callback: unknown;
}

// `(url, options?, callback?)` or `(options, callback?)`; `undefined` for what Node refuses.
function toCall([first, second, third]: readonly unknown[]): SentCall | undefined {
  if (typeof first === 'string' || isUrl(first)) {
    const hasOptions = typeof second === 'object' && second !== null;
    return valid({
      input: first,
      options: hasOptions ? { ...second } : {},
      callback: hasOptions || second === undefined || second === null ? third : second,
    });
  }
  if (typeof first !== 'object' || first === null) return undefined;
  // Node looks at what the options have themselves, and not at what they inherit.
  return valid({ input: undefined, options: { ...first }, callback: second });
}

function valid(call: SentCall): SentCall | undefined {
  const { method, host, hostname, path } = call.options as Record<string, unknown>;
  const isText = (value: unknown): boolean =>
    value === undefined || value === null || typeof value === 'string';
  return [method, host, hostname, path].every(isText) ? call : undefined;
}

// As Node tells a URL from options: it may be one of another library, or of another realm.
function isUrl(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false;
  const { href, protocol, auth, path } = value as Record<string, unknown>;
  return Boolean(href && protocol) && auth === undefined && path === undefined;
}

function toUrl({ input, options }: SentCall, scheme: string): URL | undefined {
  const base = input === undefined ? undefined : parseUrl(String(input));
  if (input !== undefined && base === undefined) return undefined;
  const { path = base?.pathname ?? '/', socketPath } = options;
  // A socket of this machine has a path in place of a name.
  if (typeof socketPath === 'string') return parseUrl(`${scheme}//unix${String(path)}`);
  const protocol = options.protocol ?? base?.protocol ?? scheme;
  const host = options.hostname ?? options.host ?? base?.hostname ?? 'localhost';
  const port = options.port ?? base?.port ?? options.defaultPort ?? '';
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return parseUrl(`${protocol}//${name}:${port}${String(path)}`);
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

type Headers = RequestOptions['headers'];

// As they are given: an object, a list of names and values, or a list of pairs.
function withTrace(given: Headers, added: Readonly<Record<string, string>>): Headers {
  if (Array.isArray(given)) {
    const list: readonly unknown[] = given;
    const isPairs = Array.isArray(list[0]);
    const names = isPairs
      ? list.map((pair) => (pair as unknown[])[0])
      : list.filter((_, i) => i % 2 === 0);
    const missing = Object.entries(missingIn(names, added));
    return [...list, ...(isPairs ? missing : missing.flat())] as Headers;
  }
  const object = (given ?? {}) as OutgoingHttpHeaders;
  return { ...object, ...missingIn(Object.keys(object), added) };
}

function missingIn(
  names: readonly unknown[],
  added: Readonly<Record<string, string>>,
): Record<string, string> {
  const there = new Set(names.map((name) => String(name).toLowerCase()));
  return Object.fromEntries(Object.entries(added).filter(([name]) => !there.has(name)));
}

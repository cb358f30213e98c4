// createInterceptor: routes and settings become a proxy that holds, counts and forwards, and its admin
// server.
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { KedaError } from '../errors.ts';
import { profiles, type InterceptorSettings, type ProfileName } from '../profile.ts';
import { keyOf, type Route, type StaticResponse } from '../routing/route.ts';
import { createRouteTable, meetsRule, type RouteRequest } from '../routing/table.ts';
import { createAdminServer } from './admin.ts';
import { Call, type CallSettings, type Forward, type Log } from './call.ts';
import { createCounter } from './counter.ts';
import type { Counts } from './counts.ts';
import { createDialer } from './dial.ts';
import { createEndpoints } from './endpoints.ts';
import { forward } from './forward.ts';
import { createListener } from './listener.ts';
import { createPool } from './pool.ts';
import { startTrace, traceIdOf } from './trace.ts';
import { answer, answerStatic, http2StreamOf, isHttp10 } from './reply.ts';
import { decodePath, hostName, isHostHeader, parseTarget } from './target.ts';
import { createTunnel } from './tunnel.ts';

/** What an interceptor is made from. */
export interface InterceptorOptions {
  readonly routes: readonly Route[];
  /** The version that is followed. Default `current`. */
  readonly profile?: ProfileName;
  /** Address of the proxy; the admin port is for this machine alone. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port of the proxy; 0 picks a free one. Default 8080. */
  readonly port?: number;
  /** Port of `/queue`, `/readyz` and `/livez`; 0 picks a free one. Default 9090. */
  readonly adminPort?: number;
  /** Times in milliseconds; what is missing is as in the version that is followed. */
  readonly settings?: Partial<InterceptorSettings>;
  /**
   * Whether a request without a `traceparent` (W3C Trace Context) gets one, so that the log and the traces
   * of functions have one id for it. Default false: the add-on does so with an exporter alone.
   */
  readonly startTraces?: boolean;
  /** Default: nothing is logged. */
  readonly log?: Log;
}

/** A proxy as the add-on's interceptor is one. */
export interface Interceptor {
  /**
   * Listens on both ports.
   *
   * @throws KedaError `OFN_KEDA_PORT_UNAVAILABLE`.
   */
  readonly start: () => Promise<{ readonly port: number; readonly adminPort: number }>;
  /**
   * Replaces the routes. Counts of those that stay go on; a request that waits for an instance is answered
   * with the placeholder of its route, if it has one by now.
   */
  readonly setRoutes: (routes: readonly Route[]) => void;
  /**
   * Says which instances of a service are ready; none when it is scaled to zero.
   *
   * @param service `namespace/service`, or `namespace/service:port`.
   * @param addresses As `host:port`.
   */
  readonly setEndpoints: (service: string, addresses: readonly string[]) => void;
  /**
   * Resolves when no request is under way to an instance, tunnels aside. One that gets no more requests can
   * be told to end then, and cuts nothing off.
   *
   * @param address As `host:port`.
   */
  readonly idle: (address: string) => Promise<void>;
  /** The counts of all routes, by `namespace/name`. */
  readonly counts: () => Counts;
  /** Calls back with the key of a route whose pending requests rise from 0. Returns what ends it. */
  readonly onPending: (listener: (key: string) => void) => () => void;
  /**
   * Stops as the version does: the current one lets requests end, 0.5 cuts them off.
   *
   * @param options `force` cuts them off in both, also while an earlier stop lets them end. `skipDelay`
   *   takes no more requests at once: nobody has to learn first that it stops.
   */
  readonly stop: (options?: { force?: boolean; skipDelay?: boolean }) => Promise<void>;
}

const LOOPBACK = '127.0.0.1';

const SILENT: Log = { info() {}, warn() {}, error() {} };

/**
 * Creates an interceptor; nothing listens yet.
 *
 * @example
 * const interceptor = createInterceptor({ routes: toRoutes(await readObjects(['httpscaledobject.yaml'])) });
 * const { port } = await interceptor.start();
 * // A request is held until there is an instance.
 * interceptor.setEndpoints('default/hello', ['127.0.0.1:3000']);
 */
export function createInterceptor(options: InterceptorOptions): Interceptor {
  const { adminPort = 9090, host = '127.0.0.1', log = SILENT, port = 8080 } = options;
  const profile = profiles[options.profile ?? 'current'];
  const settings = { ...profile.settings, ...options.settings };
  const counter = createCounter();
  const endpoints = createEndpoints();
  const dialer = createDialer(endpoints, profile, settings.connectTimeout);
  const pool = createPool(dialer, endpoints, settings);
  const held = new Set<Call>();
  const shared: CallSettings = { profile, settings, endpoints, dialer, pool, held, log };
  let table = createRouteTable([], profile);
  let state: 'running' | 'draining' | 'stopped' = 'running';
  setRoutes(options.routes);

  function setRoutes(routes: readonly Route[]): void {
    table = createRouteTable(routes, profile);
    counter.keep(routes.map(keyOf));
    const placeholders = new Map<string, StaticResponse>();
    for (const route of routes) {
      counter.of(keyOf(route));
      if (route.placeholder !== undefined) placeholders.set(keyOf(route), route.placeholder);
    }
    for (const call of held) {
      const placeholder = placeholders.get(keyOf(call.route));
      if (placeholder !== undefined) call.stopWaiting(placeholder);
    }
  }

  /** Makes the call of a request; answers it where there is none to make. */
  function begin(
    request: IncomingMessage,
    response: ServerResponse,
    send: Forward,
  ): Call | undefined {
    if (state !== 'running') response.shouldKeepAlive = false;
    const { headers, method, url = '/' } = request;
    const refusal = http2StreamOf(response) === undefined ? refusalOf(request) : undefined;
    if (refusal !== undefined) return refuse(response, refusal);
    if (method === 'OPTIONS' && url === '*') {
      answerStatic(response, { status: 200, headers: {}, body: '' });
      return undefined;
    }
    const authority = headers[':authority'] ?? headers.host ?? '';
    const target = parseTarget(url, typeof authority === 'string' ? authority : '');
    if (target === undefined) return refuse(response, BAD_REQUEST);
    const lookup: RouteRequest = {
      host: hostName(target.host),
      path: decodePath(target.path),
      // Each line of a header that is repeated, which HTTP/2 does not tell.
      headers: () => ('headersDistinct' in request ? request.headersDistinct : headers),
    };
    const route = table.match(lookup);
    if (route === undefined) {
      answerUnknown(request, response);
      return undefined;
    }
    if (options.startTraces === true) startTrace(request);
    const call = new Call(shared, request, response, route, target);
    const at = performance.now();
    const over = (): void => end(call, at);
    response.on('close', over);
    if (response.socket === null) endWithSocket(request.socket, response, over);
    const statics = route.staticRoutes.find(({ rules }) =>
      rules.some((rule) => meetsRule(lookup, rule)),
    );
    if (statics === undefined) call.start(counter.of(keyOf(route)), send);
    else if (statics.mode === 'WhenUnavailable' && endpoints.isReady(call.service)) send(call);
    else answerStatic(response, statics.response);
    return call;
  }

  // Routes that code made may have what no response can be made of, such as a header with a line break.
  function tryBegin(...args: Parameters<typeof begin>): Call | undefined {
    try {
      return begin(...args);
    } catch (error) {
      log.error({ err: error }, `cannot answer: ${(error as Error).message}`);
      answer(args[1], 500, profile.plainBody(500), profile.plainHeaders);
      return undefined;
    }
  }

  function refuse(response: ServerResponse, { status, text }: Refusal): undefined {
    response.shouldKeepAlive = false;
    answer(response, status, text, profile.plainHeaders);
  }

  function end(call: Call, at: number): void {
    // A connection that was upgraded closes, and so does its response.
    if (call.over) return;
    call.end();
    if (!settings.logRequests) return;
    const { coldStart, request, response, route, target } = call;
    const { method } = request;
    const { statusCode: status } = response;
    const duration = performance.now() - at;
    const trace = traceIdOf(request);
    const fields = { route: keyOf(route), method, path: target.path, status, duration, coldStart };
    log.info(
      trace === undefined ? fields : { ...fields, trace },
      `${method} ${target.path} ${status} in ${Math.round(duration)} ms${coldStart ? ', cold start' : ''}`,
    );
  }

  function answerUnknown({ headers }: IncomingMessage, response: ServerResponse): void {
    if (!profile.hasAdminProbes && /(?:^|\s)kube-probe\//.test(headers['user-agent'] ?? '')) {
      const status = state === 'running' ? 200 : 503;
      answer(response, status, profile.plainBody(status), profile.plainHeaders);
    } else answer(response, 404, profile.plainBody(404), profile.plainHeaders);
  }

  const listener = createListener(
    {
      onRequest: (request, response) => void tryBegin(request, response, forward),
      onUpgrade(request, socket, head) {
        const response = new ServerResponse(request);
        response.shouldKeepAlive = false;
        response.assignSocket(socket as never);
        socket.on('error', () => {});
        const call = tryBegin(request, response, createTunnel(socket, head));
        response.on('finish', () => socket.end(() => socket.destroy()));
        const at = performance.now();
        if (call !== undefined) socket.on('close', () => end(call, at));
      },
    },
    profile.hasHttp2,
  );
  const admin = createAdminServer({
    profile,
    counts: () => counter.counts(),
    isReady: () => state === 'running',
  });

  async function drain(skipDelay: boolean): Promise<void> {
    if (!skipDelay) await elapse(settings.shutdownDelay);
    await Promise.race([
      listener.close(),
      ...(settings.drainTimeout > 0 ? [elapse(settings.drainTimeout)] : []),
    ]);
  }

  async function stop(skipDelay: boolean): Promise<void> {
    state = 'draining';
    if (profile.drains) await Promise.race([drain(skipDelay), forced.promise]);
    void listener.close();
    state = 'stopped';
    listener.destroy();
    pool.close();
    admin.close();
    admin.closeAllConnections();
  }

  const forced = createSignal();
  let stopped: Promise<void> | undefined;
  return {
    async start() {
      const listening = await listen(listener.server, host, port);
      try {
        return { port: listening, adminPort: await listen(admin, LOOPBACK, adminPort) };
      } catch (error) {
        listener.server.close();
        throw error;
      }
    },
    setRoutes,
    setEndpoints: (service, addresses) => endpoints.set(service, addresses),
    idle: (address) => pool.idle(address),
    counts: () => counter.counts(),
    onPending: (listener) => counter.onPending(listener),
    stop({ force = false, skipDelay = false } = {}) {
      if (force) forced.give();
      return (stopped ??= stop(skipDelay));
    },
  };
}

// A response that waits for those before it on its connection does not hear that this one is gone.
function endWithSocket(socket: Socket, response: ServerResponse, over: () => void): void {
  socket.on('close', over);
  response.on('close', () => socket.removeListener('close', over));
}

/** The reply to a request of HTTP/1.1 that is for no route to judge. */
interface Refusal {
  readonly status: number;
  readonly text: string;
}

const BAD_REQUEST: Refusal = { status: 400, text: '400 Bad Request' };

// What Go's server refuses and Node's does not.
function refusalOf(request: IncomingMessage): Refusal | undefined {
  const { headers, httpVersionMajor, rawHeaders } = request;
  if (httpVersionMajor !== 1) {
    const text = '505 HTTP Version Not Supported: unsupported protocol version';
    return { status: 505, text };
  }
  if ((headers['transfer-encoding']?.toLowerCase() ?? 'chunked') !== 'chunked') {
    return { status: 501, text: 'Unsupported transfer encoding' };
  }
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  // Node takes the first; what is behind it might take the other one (RFC 9112, 3.2).
  if (hosts > 1) return BAD_REQUEST;
  if (hosts === 0 && !isHttp10(request)) {
    return { status: 400, text: '400 Bad Request: missing required Host header' };
  }
  if (!isHostHeader(headers.host ?? '')) {
    return { status: 400, text: '400 Bad Request: malformed Host header' };
  }
  return undefined;
}

interface Signal {
  readonly promise: Promise<void>;
  give(): void;
}

function createSignal(): Signal {
  let give = (): void => {};
  const promise = new Promise<void>((resolve) => (give = resolve));
  return { promise, give: () => give() };
}

function elapse(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => {
      const reason =
        cause.code === 'EADDRINUSE' ? 'it is in use; choose another, or 0' : cause.message;
      const message = `cannot listen on ${host}:${port}: ${reason}`;
      reject(new KedaError('OFN_KEDA_PORT_UNAVAILABLE', message, { cause }));
    };
    const onClose = (): void => onError(new Error('it was stopped before'));
    server.once('error', onError);
    server.once('close', onClose);
    server.listen(port, host, () => {
      server.removeListener('error', onError);
      server.removeListener('close', onClose);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

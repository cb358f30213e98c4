// The HTTP server: limits on what clients may send, and the way from a request to its function.
import {
  createServer as createNodeServer,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HttpChannel } from '../dapr/http-channel.ts';
import { OfnError, type ErrorCode } from '../errors.ts';
import type { ExchangeTracker } from './exchange.ts';
import { createApplication } from './application.ts';
import { refuse } from './failure.ts';
import { HEALTH_PATHS, answerProbe, type Health } from './health.ts';
import { rawProblem } from './problem.ts';
import { FunctionRequest, splitUrl } from './request.ts';
import { FunctionResponse } from './response.ts';
import type { Dispatch, FindUpgrade } from './router.ts';
import { refuseUpgrade, serveAsPlain, whenFree, type UpgradeEndpoint } from './upgrade.ts';

/** What a server bounds; times in milliseconds. */
interface ServerLimits {
  /** How long an idle connection is kept. */
  readonly keepAliveTimeout: number;
  /** Within which all headers must have arrived. */
  readonly headersTimeout: number;
  /** Within which the whole request, body included, must have arrived; 0 for no limit. */
  readonly requestTimeout: number;
  /** Bytes of all headers together. */
  readonly maxHeaderSize: number;
  /** Number of headers. */
  readonly maxHeaders: number;
  /** Calls in flight beyond which new ones are refused; 0 for no limit. */
  readonly maxConcurrency: number;
}

/** How a server finds its functions and tells of itself. */
export interface ServerSettings extends ServerLimits {
  readonly dispatch: Dispatch;
  /** Finds who takes an upgrade over; `undefined` when no function takes any. */
  readonly findUpgrade: FindUpgrade | undefined;
  /** Takes what a Dapr sidecar sends; `undefined` without one. */
  readonly channel: HttpChannel | undefined;
  readonly tracker: ExchangeTracker;
  /** Whether probes are answered on this port, before any function. */
  readonly healthRoutes: boolean;
  /** Paths answered 404 without calling a function, each with what is below it. */
  readonly ignoredRoutes: readonly string[];
  /** Paths of functions; a function at the path of a probe, or at an ignored one, wins. */
  readonly functionPaths: readonly string[];
  readonly health: Health;
  /** How many proxies in front are believed; `undefined` for all. */
  readonly trustedHops: number | undefined;
  /** What is stripped from paths before a function is looked for; `undefined` for nothing. */
  readonly pathPrefix: string | undefined;
  /** Whether no new connection is to be taken over. */
  readonly isStopping: () => boolean;
  /** Whether clients see the messages of errors that are not meant for them. */
  readonly showDetails: boolean;
}

/** Creates the server of the functions. It does not listen yet. */
export function createFunctionServer(settings: ServerSettings): Server {
  const {
    dispatch,
    findUpgrade,
    channel,
    health,
    pathPrefix,
    tracker,
    functionPaths,
    maxConcurrency,
    maxHeaders,
    showDetails,
  } = settings;
  const isFree = (path: string): boolean => !functionPaths.includes(path);
  const probes: readonly string[] = settings.healthRoutes ? HEALTH_PATHS.filter(isFree) : [];
  const ignored = settings.ignoredRoutes.filter(isFree);
  const filtered = [...probes, ...ignored];
  const mayBeFiltered = (url: string): boolean => filtered.some((path) => url.startsWith(path));

  const isIgnored = (path: string): boolean =>
    ignored.some((route) => path === route || path.startsWith(`${route}/`));

  function answerFiltered(path: string, response: ServerResponse): boolean {
    // What is posted there is no probe: an answer would tell a sidecar that its event was handled.
    if (probes.includes(path) && response.req.method !== 'POST') {
      answerProbe(path, health, response);
      return true;
    }
    if (!isIgnored(path)) return false;
    response.statusCode = 404;
    response.setHeader('Content-Length', 0);
    response.end();
    return true;
  }

  function enter(request: FunctionRequest): void {
    request.originalUrl = request.url ?? '/';
    if (pathPrefix !== undefined) stripPrefix(request, pathPrefix);
  }

  function upgradeOf(request: FunctionRequest): UpgradeEndpoint | undefined {
    if (request.originalUrl === '') enter(request);
    if (request.method !== 'GET' || isForHttp2(request.headers.upgrade)) return undefined;
    const { path } = splitUrl(request.url ?? '/');
    return probes.includes(path) || isIgnored(path) ? undefined : findUpgrade?.(request);
  }

  function isUpgraded(request: FunctionRequest): boolean {
    return upgradeOf(request) !== undefined;
  }

  function onUpgrade(request: FunctionRequest, socket: Duplex, head: Buffer): void {
    whenFree(socket, () => {
      const endpoint = upgradeOf(request);
      const error = refusalOfUpgrade(request, endpoint !== undefined);
      // Node limits how long a connection may be idle between two requests, which this one is not.
      if (socket instanceof Socket) socket.setTimeout(0);
      if (error !== undefined) refuseUpgrade(request, socket, error);
      else if (endpoint === undefined) serveAsPlain(server, request, socket, head);
      else endpoint(request, socket, head);
    });
  }

  function refusalOfUpgrade(request: FunctionRequest, isWanted: boolean): OfnError | undefined {
    // Those beyond the limit are not there to be looked at, nor to be passed on.
    if (request.rawHeaders.length > maxHeaders * 2) return tooManyHeaders(maxHeaders);
    if (!isWanted) return undefined;
    if (settings.isStopping()) return new OfnError('OFN_STOPPING', 'the server is stopping');
    return maxConcurrency > 0 && tracker.open >= maxConcurrency
      ? overloaded(maxConcurrency)
      : undefined;
  }

  function onRequest(request: FunctionRequest, response: FunctionResponse): void {
    request.res = response;
    // Whether it asks for an upgrade may have been looked at before.
    if (request.originalUrl === '') enter(request);
    // A client that hears this opens its next connection elsewhere.
    if (health.state() === 'draining') response.shouldKeepAlive = false;
    if (request.rawHeaders.length > maxHeaders * 2) {
      refuse(request, response, tooManyHeaders(maxHeaders));
      return;
    }
    // Few requests are for these paths, and taking a URL apart is not free.
    const url = request.url ?? '/';
    if (mayBeFiltered(url) && answerFiltered(splitUrl(url).path, response)) return;
    // Events are not refused at the concurrency limit: they wait.
    if (channel?.take(request, response) === true) return;
    if (maxConcurrency > 0 && tracker.open >= maxConcurrency) {
      refuse(request, response, overloaded(maxConcurrency));
      return;
    }
    dispatch(request, response, (error) => {
      // A handler may hand its request back to the router, by `req.next(error)`.
      const invocation = response.exchange?.invocation;
      if (invocation !== undefined) invocation.fail(error);
      else refuse(request, response, channel?.refusal(request, error) ?? error, showDetails);
    });
  }

  const { keepAliveTimeout, requestTimeout, maxHeaderSize } = settings;
  // Headers are part of the request: Node does not take a longer time for them than for the whole.
  const headersTimeout =
    requestTimeout > 0
      ? Math.min(settings.headersTimeout, requestTimeout)
      : settings.headersTimeout;
  const server = createNodeServer(
    {
      ...messageClasses(settings.trustedHops),
      // Where Node.js knows it (newer releases of 22 and 24), a request that nobody upgrades stays with Node's server.
      ...(findUpgrade && { shouldUpgradeCallback: isUpgraded }),
      keepAliveTimeout,
      headersTimeout,
      requestTimeout,
      maxHeaderSize,
      connectionsCheckingInterval: checkingInterval(headersTimeout, requestTimeout),
    },
    onRequest as unknown as RequestListener,
  );
  // Node drops headers beyond this count without a word; one more is let through to be refused.
  server.maxHeadersCount = maxHeaders + 1;
  server.on('clientError', onClientError);
  // With a listener, Node lets go of each connection that asks for an upgrade.
  if (findUpgrade !== undefined) server.on('upgrade', onUpgrade as never);
  return server;
}

function messageClasses(trustedHops: number | undefined): object {
  if (trustedHops === undefined) {
    return { IncomingMessage: FunctionRequest, ServerResponse: FunctionResponse };
  }
  const application = createApplication(trustedHops);
  return {
    IncomingMessage: class extends FunctionRequest {
      override get app(): typeof application {
        return application;
      }
    },
    ServerResponse: class extends FunctionResponse {
      override get app(): typeof application {
        return application;
      }
    },
  };
}

// As a mount of Express: at the end of a segment, and what is outside of it stays as it is.
function stripPrefix(request: FunctionRequest, prefix: string): void {
  const { originalUrl } = request;
  if (!originalUrl.startsWith(prefix)) return;
  const rest = originalUrl.slice(prefix.length);
  if (rest !== '' && !/^[/?#]/.test(rest)) return;
  request.baseUrl = prefix;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
}

// HTTP/2 is not spoken here, and clients that offer it (Java's does with its first request) go on without.
function isForHttp2(upgrade: string | undefined): boolean {
  const protocols = upgrade?.split(',').map((protocol) => protocol.trim().toLowerCase());
  return protocols?.every((protocol) => protocol === 'h2c') === true;
}

// Limits are enforced at the next check after them; a quarter of the shorter one is close enough.
function checkingInterval(...limits: readonly number[]): number {
  const shortest = Math.min(...limits.filter((limit) => limit > 0), 4000);
  return Math.max(50, Math.ceil(shortest / 4));
}

function tooManyHeaders(limit: number): OfnError {
  return new OfnError('OFN_HEADERS_TOO_LARGE', `there are more than ${limit} headers`);
}

function overloaded(limit: number): OfnError {
  const message = `${limit} calls are in flight, which is the limit; try again`;
  return new OfnError('OFN_OVERLOADED', message, { headers: { 'Retry-After': '1' } });
}

/** What Node's parser refused, as the code and the message of the reply. */
function parserRefusal(error: NodeJS.ErrnoException): [ErrorCode, string] {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return ['OFN_HEADERS_TOO_LARGE', 'the headers are larger than --max-header-size'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['OFN_REQUEST_TIMEOUT', 'the request took longer than the server waits for it'];
    default:
      return ['OFN_REQUEST_MALFORMED', 'the request could not be parsed'];
  }
}

function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // Node keeps the response that a socket is busy with here, and has no public name for it; its own
  // handler of this event reads the same field. Writing into a response that has begun corrupts it.
  const { _httpMessage: busy } = socket as { _httpMessage?: FunctionResponse | null };
  if (error.code === 'ECONNRESET' || !socket.writable || busy?.headersSent === true) {
    socket.destroy(error);
    return;
  }
  const [code, message] = parserRefusal(error);
  if (busy === undefined || busy === null) {
    socket.end(rawProblem(code, message));
    return;
  }
  // The function has the request, and waits for a body that will not come.
  const refusal = new OfnError(code, message);
  const invocation = busy.exchange?.invocation;
  if (invocation === undefined) {
    refuse(busy.req as FunctionRequest, busy, refusal);
    return;
  }
  busy.shouldKeepAlive = false;
  invocation.abort(refusal);
  invocation.fail(refusal);
}

// The HTTP server: limits on what clients may send, and the way from a request to its function.
import {
  createServer as createNodeServer,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { HttpChannel } from '../dapr/http-channel.ts';
import { OfnError, type ErrorCode } from '../errors.ts';
import type { ExchangeTracker } from './exchange.ts';
import { refuse } from './failure.ts';
import { HEALTH_PATHS, answerProbe, type Health } from './health.ts';
import { rawProblem } from './problem.ts';
import { FunctionRequest, splitUrl } from './request.ts';
import { FunctionResponse } from './response.ts';
import type { Dispatch } from './router.ts';

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
  /** Whether clients see the messages of errors that are not meant for them. */
  readonly showDetails: boolean;
}

/** Creates the server of the functions. It does not listen yet. */
export function createFunctionServer(settings: ServerSettings): Server {
  const {
    dispatch,
    channel,
    health,
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

  function answerFiltered(path: string, response: ServerResponse): boolean {
    // What is posted there is no probe: an answer would tell a sidecar that its event was handled.
    if (probes.includes(path) && response.req.method !== 'POST') {
      answerProbe(path, health, response);
      return true;
    }
    if (!ignored.some((route) => path === route || path.startsWith(`${route}/`))) return false;
    response.statusCode = 404;
    response.setHeader('Content-Length', 0);
    response.end();
    return true;
  }

  function onRequest(request: FunctionRequest, response: FunctionResponse): void {
    request.res = response;
    request.originalUrl = request.url ?? '/';
    // A client that hears this opens its next connection elsewhere.
    if (health.state() === 'draining') response.shouldKeepAlive = false;
    if (request.rawHeaders.length > maxHeaders * 2) {
      refuse(request, response, tooManyHeaders(maxHeaders));
      return;
    }
    // Few requests are for these paths, and taking a URL apart is not free.
    const url = request.originalUrl;
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
      IncomingMessage: FunctionRequest,
      ServerResponse: FunctionResponse as never,
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
  return server;
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

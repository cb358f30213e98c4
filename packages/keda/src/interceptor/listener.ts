// What listens: HTTP/1.1 and HTTP/2 without TLS on one port, told apart by how a connection begins.
import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createNet, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { sendHead } from './reply.ts';

/** Who takes what comes in. */
interface Handlers {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** A port, and the connections to it. */
export interface Listener {
  /** What listens; it does not yet. */
  readonly server: Server;
  /** Stops accepting, and resolves when the last connection is closed. Idle ones are closed now. */
  close(): Promise<void>;
  /** Closes all connections. */
  destroy(): void;
}

// Go's limit is 1 MB; this is what its proxies in front of it let through at most.
const MAX_HEADERS = 64 * 1024;

/**
 * @param hasHttp2 Whether HTTP/2 is understood too.
 * @param headersTimeout Milliseconds within which the head of a request must be there. Default a minute.
 */
export function createListener(
  { onRequest, onUpgrade }: Handlers,
  hasHttp2: boolean,
  headersTimeout = 60_000,
): Listener {
  const http1 = createHttp1(
    {
      maxHeaderSize: MAX_HEADERS,
      // A client decides how long it keeps its connection, as with the add-on.
      keepAliveTimeout: 0,
      requestTimeout: 0,
      // Refused elsewhere, in the words of the add-on.
      requireHostHeader: false,
      headersTimeout,
      // A limit is enforced at the next check after it.
      connectionsCheckingInterval: Math.min(1000, headersTimeout),
      noDelay: true,
    },
    onRequest,
  );
  // Node would leave out those after the thousandth; their size has a limit already.
  http1.maxHeadersCount = 0;
  http1.on('checkContinue', onRequest);
  http1.on('checkExpectation', onExpectation);
  http1.on('upgrade', (request, socket, head) => {
    // Node no longer listens for these.
    socket.on('error', () => {});
    whenFree(socket, () => onUpgrade(request, socket, head));
  });
  http1.on('clientError', onClientError);
  const answering = new Set<ServerResponse>();
  let isClosing = false;
  http1.on('request', leaveWhenClosing);
  http1.on('checkContinue', leaveWhenClosing);
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();

  if (!hasHttp2) {
    http1.on('connection', follow);
    return { server: http1, close: () => closed(http1), destroy: destroyAll };
  }
  // It gets its connections from another server; by this it watches over them all the same.
  http1.emit('listening');
  const http2 = createHttp2({ settings: { maxConcurrentStreams: 250 } });
  // Its types have classes of their own for what is the same to us.
  const onHttp2 = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    endWithResponse(response.stream);
    onRequest(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  };
  http2.on('request', onHttp2);
  // Otherwise Node says that the body may come.
  http2.on('checkContinue', onHttp2);
  http2.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  const server = createNet({ noDelay: true, allowHalfOpen: true }, (socket) => {
    follow(socket);
    tell(socket, headersTimeout, (isHttp2) => {
      // A connection of HTTP/2 has no halves: Node would wait for ever for the end of this one.
      if (isHttp2) socket.allowHalfOpen = false;
      (isHttp2 ? http2 : http1).emit('connection', socket);
    });
  });
  return { server, close: () => closed(server), destroy: destroyAll };

  function follow(socket: Socket): void {
    sockets.add(socket);
    // Each request that waits for its turn listens to it.
    socket.setMaxListeners(0);
    socket.on('close', () => sockets.delete(socket));
  }

  // No connection outlives its response any more.
  function leaveWhenClosing({ socket }: IncomingMessage, response: ServerResponse): void {
    answering.add(response);
    response.on('close', () => {
      answering.delete(response);
      if (isClosing && responseOf(socket) === undefined) socket.destroySoon();
    });
  }

  function closed(listening: Server): Promise<void> {
    isClosing = true;
    for (const response of answering) response.shouldKeepAlive = false;
    // What has sent nothing yet has nothing to lose.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    return new Promise((resolve) => {
      listening.close(() => resolve());
      if (listening !== http1) http1.close();
      http1.closeIdleConnections();
      for (const session of sessions) session.close();
    });
  }

  function destroyAll(): void {
    for (const socket of sockets) socket.destroy();
  }
}

// Calls back once nothing is being answered on a connection any more: a client may ask for an upgrade behind
// requests that it does not wait for.
function whenFree(socket: Duplex, proceed: () => void): void {
  const busy = responseOf(socket);
  if (busy === undefined) {
    proceed();
    return;
  }
  busy.once('close', () => {
    // Node may hand the connection to the next response first.
    if (socket.writable) setImmediate(whenFree, socket, proceed);
  });
}

// What is still to come of a request that has its answer is not waited for (RFC 9113, 8.1).
function endWithResponse(stream: ServerHttp2Stream): void {
  const end = (): void => {
    if (stream.state.remoteClose === 0) stream.close();
  };
  // All of the body has gone, and the end of it goes now.
  stream.on('wantTrailers', () => setImmediate(end));
}

// How every connection of HTTP/2 begins (RFC 9113, 3.4); no method of HTTP/1.1 begins so.
const PREFACE = Buffer.from('PRI ');

// Calls back once it is clear what a connection speaks.
function tell(socket: Socket, timeout: number, decide: (isHttp2: boolean) => void): void {
  const drop = (): void => void socket.destroy();
  const timer = setTimeout(drop, timeout);
  let head = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    head = Buffer.concat([head, chunk]);
    const length = Math.min(head.length, PREFACE.length);
    const isPreface = head.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (isPreface && length < PREFACE.length) return;
    clearTimeout(timer);
    socket.removeListener('readable', onReadable);
    socket.removeListener('error', drop);
    socket.unshift(head);
    decide(isPreface);
  };
  socket.on('readable', onReadable);
  socket.on('error', drop);
  socket.on('close', () => clearTimeout(timer));
  socket.on('end', () => {
    if (head.length < PREFACE.length) socket.destroy();
  });
}

// What a caller expects beside `100-continue`.
function onExpectation(_: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false;
  sendHead(response, 417, ['Content-Length', '0']);
  response.end();
}

// What is being answered over a connection; pipelined requests behind it wait.
function responseOf(socket: Duplex): ServerResponse | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

const refused = new WeakSet<Duplex>();

// What Node's parser refused.
function onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  const busy = responseOf(socket);
  // A body that breaks off takes its answer with it; what comes after a whole request does not.
  const breaksOff = busy !== undefined && !busy.req.complete && !busy.writableEnded;
  if (error.code === 'ECONNRESET' || !socket.writable || breaksOff) {
    socket.destroy();
    return;
  }
  if (busy !== undefined) {
    // Whatever else comes is refused too.
    if (refused.has(socket)) return;
    refused.add(socket);
    busy.once('close', () => onClientError(error, socket));
    return;
  }
  const status = STATUSES[error.code ?? ''] ?? '400 Bad Request';
  const type = 'Content-Type: text/plain; charset=utf-8';
  socket.end(`HTTP/1.1 ${status}\r\n${type}\r\nConnection: close\r\n\r\n${status}`);
}

const STATUSES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

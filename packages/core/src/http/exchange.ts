// The exchange of one request and its response: how long it lives, and which call it belongs to.
import type { Duplex } from 'node:stream';
import { OfnError } from '../errors.ts';
import type { FunctionDefinition, Request, Response } from '../function/signature.ts';
import type { Invocation, InvocationOrigin } from '../invocation/invocation.ts';
import { propagationOf, type Propagation } from '../invocation/propagation.ts';
import type { FunctionRequest } from './request.ts';
import type { FunctionResponse } from './response.ts';

/** A connection that is handed to a function. */
export interface UpgradedConnection {
  readonly socket: Duplex;
  /** What the client has sent beyond its request. */
  readonly head: Buffer;
  /** Whether the function has answered on it. */
  hasWritten: boolean;
}

/** One request with its response. Its own object: an Express app may replace both prototypes. */
export class Exchange implements InvocationOrigin {
  readonly request: FunctionRequest;
  readonly response: FunctionResponse;
  /** The call that is running; the events of a batch follow each other. */
  invocation: Invocation | undefined = undefined;
  /** In place of a call: the events of Dapr that the request delivers. */
  delivery: { abandon(): void } | undefined = undefined;
  /** Whether a handler has been called and has not settled. */
  running = false;
  /** Whether the client has its answer, or has gone. */
  over = false;
  /** The connection, when the function is to speak another protocol on it. */
  connection: UpgradedConnection | undefined = undefined;
  /** When the whole request was first seen to be there, by `performance.now`; kept by the header guard. */
  waitedForSince: number | undefined = undefined;
  /** Whether the header guard has warned of it. */
  isLate = false;

  constructor(request: FunctionRequest, response: FunctionResponse) {
    this.request = request;
    this.response = response;
  }

  /** Whether no handler need be called any more: the call was refused, timed out, or its client left. */
  get isAnswered(): boolean {
    return this.over || this.response.isBegun;
  }

  get req(): Request {
    return this.request as unknown as Request;
  }

  get res(): Response {
    return this.response as unknown as Response;
  }

  get callerId(): string | undefined {
    const { headers } = this.request;
    const given = headers['x-request-id'] ?? headers['function-execution-id'];
    return typeof given === 'string' && CALLER_ID.test(given) ? given : undefined;
  }

  get propagation(): Propagation | undefined {
    return propagationOf(this.request.headers);
  }
}

// What may stand in a log line and be searched for.
const CALLER_ID = /^[\w.:-]{1,128}$/;

/**
 * How a response ended: its status, 101 for a connection that was handed over, or 499 when the client went
 * before there was one, as proxies log it.
 */
export function statusOf({ exchange, headersSent, statusCode }: FunctionResponse): number {
  if (headersSent) return statusCode;
  return exchange?.connection?.hasWritten === true ? 101 : 499;
}

/** What is told of each exchange; metrics listen here. */
export interface ExchangeObserver {
  /** @param isColdStart Whether it is the first call of the instance. */
  began(definition: FunctionDefinition, isColdStart: boolean): void;
  ended(definition: FunctionDefinition, status: number, seconds: number): void;
}

/** Knows the exchanges of a server, and so when it is idle. */
export interface ExchangeTracker {
  /** Calls that are not over; a delivery of a sidecar is none. */
  readonly open: number;
  /** Calls since the start. */
  readonly total: number;
  /** Calls back with each exchange that is not over, or whose handler has not settled. */
  forEach(visit: (exchange: Exchange) => void): void;
  begin(exchange: Exchange): void;
  /** The handler of an exchange has settled, or is not waited for any more. */
  settled(exchange: Exchange): void;
  /**
   * Resolves when every exchange is over and every handler has settled. From now on no connection
   * outlives its response.
   */
  drained(): Promise<void>;
  /** Fails every call whose exchange is not over. Returns how many there were. */
  cutOff(error: OfnError): number;
}

/**
 * Creates a tracker.
 *
 * @param onBusy Called when an exchange begins while there is no other.
 */
export function createTracker(onBusy?: () => void): ExchangeTracker {
  const exchanges = new Set<Exchange>();
  let open = 0;
  let total = 0;
  let waiting: (() => void)[] = [];

  function forget(exchange: Exchange): void {
    exchanges.delete(exchange);
    exchange.invocation?.release();
    if (exchanges.size > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  function close(exchange: Exchange): void {
    if (exchange.over) return;
    exchange.over = true;
    if (exchange.invocation !== undefined) open -= 1;
    const { delivery, invocation, request, response } = exchange;
    if (!response.writableFinished) {
      invocation?.abort(disconnected());
      delivery?.abandon();
    }
    invocation?.end({ status: statusOf(response) });
    if (!exchange.running) forget(exchange);
    // A handler that still reads the body would wait for the rest of it for ever.
    if (!request.complete && invocation?.aborted === true) request.destroy();
  }

  // One function for all responses: a closure for each would be their greatest cost here.
  function onClose(this: FunctionResponse): void {
    if (this.exchange !== undefined) close(this.exchange);
  }

  return {
    get open() {
      return open;
    },
    get total() {
      return total;
    },
    forEach(visit) {
      exchanges.forEach(visit);
    },
    begin(exchange) {
      const { request, response } = exchange;
      if (exchange.invocation !== undefined) {
        open += 1;
        total += 1;
      }
      exchanges.add(exchange);
      if (onBusy !== undefined && exchanges.size === 1) onBusy();
      response.on('close', onClose);
      // Writing to a client that has gone is no error of the function: its signal has aborted.
      response.on('error', ignore);
      // A pipelined response that waits for its turn never hears that its connection has gone.
      if (response.socket === null) {
        const { socket } = request;
        const gone = (): void => close(exchange);
        // Each of those that wait listens to it.
        socket.setMaxListeners(0);
        socket.once('close', gone);
        response.once('close', () => socket.removeListener('close', gone));
      }
    },
    settled(exchange) {
      exchange.running = false;
      if (exchange.over) forget(exchange);
    },
    drained() {
      for (const { response } of exchanges) response.shouldKeepAlive = false;
      if (exchanges.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    cutOff(error) {
      // What has no call is answered by what it waits for.
      const cut = [...exchanges].filter(
        ({ over, invocation }) => !over && invocation !== undefined,
      );
      for (const exchange of cut) {
        exchange.invocation?.abort(error);
        exchange.invocation?.fail(error);
        exchange.running = false;
      }
      return cut.length;
    },
  };
}

function ignore(): void {}

function disconnected(): DOMException {
  return new DOMException('The client disconnected', 'AbortError');
}

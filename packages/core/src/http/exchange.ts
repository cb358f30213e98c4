// The exchange of one request and its response: how long it lives, and how it fails.
import { OfnError } from '../errors.ts';
import type { Invocation, ServedFunction } from '../invocation/invocation.ts';
import { toFailure } from '../invocation/outcome.ts';
import { hasBody } from './body.ts';
import { sendProblem } from './problem.ts';
import type { FunctionRequest } from './request.ts';
import type { FunctionResponse } from './response.ts';

/** What is told of each exchange; metrics listen here. */
export interface ExchangeObserver {
  began(definition: ServedFunction['definition']): void;
  ended(definition: ServedFunction['definition'], status: number, seconds: number): void;
}

/** Counts exchanges, so that a server knows when it is idle. */
export interface ExchangeTracker {
  /** Exchanges whose response is not over. */
  readonly open: number;
  /** Open exchanges, and handlers that still run though their client has its answer. */
  readonly active: number;
  begin(request: FunctionRequest, response: FunctionResponse): void;
  /** Called when the handler of a request settles. */
  settled(request: FunctionRequest): void;
  /** Resolves when nothing is active. From now on no connection outlives its response. */
  drained(): Promise<void>;
  /** Fails every open exchange with this error. Returns how many there were. */
  failAll(error: OfnError): number;
}

/** Creates a tracker. */
export function createTracker(): ExchangeTracker {
  const requests = new Set<FunctionRequest>();
  let open = 0;
  let waiting: (() => void)[] = [];

  function finish(request: FunctionRequest): void {
    requests.delete(request);
    if (requests.size > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  function onClose(this: FunctionResponse): void {
    const request = this.req as FunctionRequest;
    open -= 1;
    request.over = true;
    if (!this.writableFinished) {
      request.invocation?.abort(new DOMException('The client disconnected', 'AbortError'));
    }
    request.invocation?.end();
    if (request.settled) finish(request);
    // A handler that still reads the body would wait for the rest of it for ever.
    else if (!request.complete && request.invocation?.aborted === true) request.destroy();
  }

  return {
    get open() {
      return open;
    },
    get active() {
      return requests.size;
    },
    begin(request, response) {
      open += 1;
      requests.add(request);
      response.on('close', onClose);
      // Writing to a client that has gone is no error of the function: its signal has aborted.
      response.on('error', ignore);
    },
    settled(request) {
      request.settled = true;
      if (request.over) finish(request);
    },
    drained() {
      for (const request of requests) request.res.shouldKeepAlive = false;
      if (requests.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    failAll(error) {
      const cut = [...requests];
      for (const request of cut) {
        request.invocation?.abort(error);
        request.invocation?.fail(error);
        request.res.destroy();
      }
      return cut.length;
    },
  };
}

function ignore(): void {}

/**
 * Answers with a failure, or cuts the response off when it has begun. Logs once.
 *
 * @param showDetails Whether clients see the messages of user errors; for development.
 */
export function failExchange(invocation: Invocation, thrown: unknown, showDetails: boolean): void {
  const response = invocation.res as unknown as FunctionResponse;
  const failure = toFailure(thrown);
  const { error, status, refusal } = failure;
  const over = invocation.ended || response.writableEnded;
  if (over && refusal === undefined && !isAbort(error, invocation)) {
    invocation.log.error({ err: error }, 'the function failed after its call had ended');
  } else if (status >= 500 && !isAbort(error, invocation)) {
    const message = refusal === undefined ? 'the function failed' : refusal.message;
    invocation.log.error({ err: error, status }, message);
  } else {
    invocation.log.debug({ err: error, status }, 'the call was refused');
  }
  if (over) return;
  if (response.headersSent) {
    // The client must not take what it has for the whole: the framing stays unfinished.
    response.destroy();
    return;
  }
  // The rest of a body that was not read would be taken for the next request.
  if (!response.req.complete && hasBody(response.req)) response.shouldKeepAlive = false;
  sendProblem(response, failure, { invocation: invocation.id, showDetails });
}

// A handler that stops because its own signal aborted has not failed.
function isAbort(error: Error, invocation: Invocation): boolean {
  return invocation.aborted && error.name === 'AbortError';
}

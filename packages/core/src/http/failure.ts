// How a call that failed is answered, and how a client that still sends gets to read it.
import type { ErrorCode } from '../errors.ts';
import type { Invocation } from '../invocation/invocation.ts';
import { toFailure, type Failure } from '../invocation/outcome.ts';
import { hasBody } from './body.ts';
import type { Exchange } from './exchange.ts';
import { sendProblem } from './problem.ts';
import type { FunctionRequest } from './request.ts';
import type { FunctionResponse } from './response.ts';

/**
 * Answers an exchange with a failure, or cuts the response off when it has begun. Logs once.
 *
 * @param showDetails Whether clients see the messages of user errors; for development.
 */
export function failExchange(exchange: Exchange, thrown: unknown, showDetails: boolean): void {
  const { invocation, request, response } = exchange;
  if (invocation === undefined) return;
  const failure = toFailure(thrown);
  if (exchange.over || response.writableEnded) {
    invocation.logLate(thrown);
    return;
  }
  logFailure(invocation, failure);
  // The client must not take what it has for the whole: the framing stays unfinished.
  if (response.headersSent) response.destroy();
  else answer(request, response, failure, { invocation: invocation.id, showDetails });
}

/** Answers a request that never became a call. */
export function refuse(
  request: FunctionRequest,
  response: FunctionResponse,
  thrown: unknown,
  showDetails = false,
): void {
  if (response.headersSent) response.destroy();
  else answer(request, response, toFailure(thrown), { showDetails });
}

/** Logs the failure of a call: what its caller did wrong as a detail, anything else as an error. */
export function logFailure(invocation: Invocation, { error, status, refusal }: Failure): void {
  if (status < 500 || invocation.isOwnAbort(error)) {
    invocation.log.debug({ err: error, status }, 'the call was refused');
    return;
  }
  const message = refusal === undefined ? 'the function failed' : refusal.message;
  invocation.log.error({ err: error, status }, message);
}

// A client that still sends its body gets to read its answer: closing at once would reset the
// connection, and lose the answer with it (RFC 9112, 9.6). It may go on while it does send, but not
// for ever. Milliseconds.
const SILENCE = 500;
const LINGER = 30_000;

// A client that was too slow, or does not speak HTTP, is not listened to any longer.
const FINAL: readonly (ErrorCode | undefined)[] = [
  'OFN_REQUEST_MALFORMED',
  'OFN_REQUEST_TIMEOUT',
  'OFN_TIMEOUT',
];

function answer(
  request: FunctionRequest,
  response: FunctionResponse,
  failure: Failure,
  options: { invocation?: string; showDetails?: boolean },
): void {
  // What a handler pipes into its response would follow the answer.
  request.unpipe(response);
  if (request.complete || !hasBody(request)) {
    sendProblem(response, failure, options);
    return;
  }
  // The rest of the body would be taken for the next request.
  response.shouldKeepAlive = false;
  if (request.destroyed || FINAL.includes(failure.refusal?.code)) {
    sendProblem(response, failure, options);
    return;
  }
  sendProblem(response, failure, { ...options, keepOpen: true });
  const end = (): void => {
    clearTimeout(silence);
    clearTimeout(limit);
    request.removeListener('data', onData);
    response.end();
  };
  const silence = setTimeout(end, SILENCE);
  const limit = setTimeout(end, LINGER);
  const onData = (): unknown => silence.refresh();
  request.on('data', onData);
  request.once('end', end);
  request.once('close', end);
  request.resume();
}

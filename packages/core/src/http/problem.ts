// An error as the reply a client sees: application/problem+json (RFC 9457).
import { STATUS_CODES, type ServerResponse } from 'node:http';
import { ERROR_TABLE, OfnError, type ErrorCode, type Issue } from '../errors.ts';
import { toFailure, type Failure } from '../invocation/outcome.ts';

/** The body of an error reply. */
export interface Problem {
  /** `urn:ofn:error:<code>`, documented under that code. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail?: string;
  /** Id of the call, to find it in the logs. */
  readonly invocation?: string;
  readonly issues?: readonly Issue[];
}

/** The code of a failed call: the framework's own, or the one for errors of user code. */
function failureCode(failure: Failure): ErrorCode {
  const refusal = failure.refusal;
  return refusal?.isAnswer === true ? refusal.code : 'OFN_FUNCTION_FAILED';
}

/**
 * The problem a failure is told as.
 *
 * The message of a user's error stays inside unless the error says `expose`, or `showDetails` is set.
 */
export function toProblem(failure: Failure, invocation?: string, showDetails = false): Problem {
  const code = failureCode(failure);
  const own = code === 'OFN_FUNCTION_FAILED';
  const title = own && failure.status !== 500 ? STATUS_CODES[failure.status] : undefined;
  const shown = failure.expose || showDetails;
  return {
    type: `urn:ofn:error:${code}`,
    title: title ?? ERROR_TABLE[code].title,
    status: failure.status,
    code,
    ...(shown && failure.error.message !== '' ? { detail: failure.error.message } : {}),
    ...(invocation === undefined ? {} : { invocation }),
    ...(failure.refusal?.issues === undefined ? {} : { issues: failure.refusal.issues }),
  };
}

/**
 * Answers with the problem. The response must not have begun.
 *
 * @param options.keepOpen Whether the caller ends the response. Default `false`.
 */
export function sendProblem(
  response: ServerResponse,
  failure: Failure,
  options: { invocation?: string; showDetails?: boolean; keepOpen?: boolean } = {},
): void {
  // What the handler had prepared describes a body that is not sent; what identifies it stays out.
  for (const name of response.getHeaderNames()) {
    if (!KEPT_HEADERS.test(name)) response.removeHeader(name);
  }
  const problem = toProblem(failure, options.invocation, options.showDetails);
  const body = JSON.stringify(problem);
  response.statusCode = problem.status;
  // A handler may have set one that no header can hold.
  response.statusMessage = STATUS_CODES[problem.status] ?? 'Error';
  response.setHeader('Content-Type', 'application/problem+json');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  for (const [name, value] of Object.entries(failure.refusal?.headers ?? {})) {
    response.setHeader(name, value);
  }
  const sent = response.req.method === 'HEAD' ? '' : body;
  if (options.keepOpen !== true) response.end(sent);
  else if (sent !== '') response.write(sent);
}

// CORS and request ids concern the exchange, not the body.
const KEPT_HEADERS = /^(access-control-|vary$|x-request-id$|connection$)/;

/** The whole reply as bytes for a socket whose request could not be parsed. */
export function rawProblem(code: ErrorCode, message: string): string {
  const problem = toProblem(toFailure(new OfnError(code, message)));
  const body = JSON.stringify(problem);
  return (
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n` +
    `Content-Type: application/problem+json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n` +
    `Connection: close\r\n\r\n${body}`
  );
}

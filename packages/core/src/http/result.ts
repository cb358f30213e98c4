// A returned value as the response.
import type { ServerResponse } from 'node:http';
import { OfnError } from '../errors.ts';

/** Whether a value is a Web Response, without loading Node's fetch to ask. */
export function isWebResponse(value: unknown): value is Response {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.prototype.toString.call(value) === '[object Response]'
  );
}

/**
 * Sends a returned value: nothing as 204, text as `text/plain`, bytes as they are, the rest as
 * JSON. A status and a content type that the handler has set are kept.
 *
 * @throws OfnError `OFN_RESULT_INVALID` for a value that JSON cannot express.
 */
export function sendResult(response: ServerResponse, value: unknown): void {
  if (value === undefined) {
    if (response.statusCode === 200) response.statusCode = 204;
    response.end();
    return;
  }
  if (typeof value === 'string') sendBody(response, 'text/plain; charset=utf-8', value);
  else if (value instanceof ArrayBuffer) sendResult(response, new Uint8Array(value));
  else if (value instanceof Uint8Array) sendBody(response, 'application/octet-stream', value);
  else if (isStream(value)) {
    const message = 'the function returned a stream; return new Response(stream) to send it';
    throw new OfnError('OFN_RESULT_INVALID', message);
  } else sendBody(response, 'application/json; charset=utf-8', toJson(value));
}

/** Ends the response with a body, leaving it out for HEAD. */
function sendBody(response: ServerResponse, type: string, body: string | Uint8Array): void {
  if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

// Objects that JSON turns into {}: what was meant is lost.
const STREAMS = /^\[object (Blob|File|FormData|ReadableStream|URLSearchParams)\]$/;

function isStream(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'pipe' in value || STREAMS.test(Object.prototype.toString.call(value));
}

/**
 * A value as JSON.
 *
 * @throws OfnError `OFN_RESULT_INVALID` for one that JSON cannot express.
 */
export function toJson(value: unknown): string {
  let json: string | undefined;
  let cause: unknown;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    cause = error;
  }
  if (json !== undefined) return json;
  const reason = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '') : typeof value;
  throw new OfnError(
    'OFN_RESULT_INVALID',
    `the function returned a value that JSON cannot express: ${reason}`,
    { cause },
  );
}

// What the interceptor answers itself, and the head of what it passes on, over HTTP/1.1 and HTTP/2.
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Http2ServerResponse, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { StaticResponse } from '../routing/route.ts';
import { hasBody } from './request-body.ts';

/** The stream of a response over HTTP/2, which Node makes in the likeness of one over HTTP/1.1. */
export function http2StreamOf(response: ServerResponse): ServerHttp2Stream | undefined {
  return (response as unknown as Partial<Http2ServerResponse>).stream;
}

/** Sends the head of a response. */
export function sendHead(
  response: ServerResponse,
  status: number,
  headers: readonly string[],
): void {
  if (http2StreamOf(response) !== undefined) {
    response.writeHead(status, toHttp2Headers(headers));
    return;
  }
  // Said here, since Node would add how long it keeps connections, which the add-on does not tell.
  const connection = response.shouldKeepAlive ? 'keep-alive' : 'close';
  response.writeHead(status, [...headers, 'Connection', connection]);
}

/** Sends the head of an answer that another one follows (1xx). */
export function sendInformation(
  response: ServerResponse,
  status: number,
  headers: readonly string[],
): void {
  const stream = http2StreamOf(response);
  if (stream !== undefined) {
    if (!stream.destroyed && !stream.headersSent)
      stream.additionalHeaders({ ':status': status, ...toHttp2Headers(headers) });
    return;
  }
  const { req, socket } = response;
  // It has no connection yet while an earlier request is being answered.
  if (isHttp10(req) || socket === null || response.headersSent) return;
  socket.write(renderHead(status, STATUS_CODES[status] ?? '', headers), 'latin1');
}

/** A version without chunks and 1xx. */
export function isHttp10({ httpVersion }: IncomingMessage): boolean {
  return httpVersion === '1.0';
}

/** The head of a response over HTTP/1.1, as it is sent. */
export function renderHead(status: number, reason: string, headers: readonly string[]): string {
  const lines = [`HTTP/1.1 ${status} ${reason}`];
  for (let index = 0; index < headers.length; index += 2)
    lines.push(`${headers[index]}: ${headers[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Adds trailers to a response that is sent in chunks. */
export function addTrailers(response: ServerResponse, list: readonly string[]): void {
  if (list.length === 0) return;
  if (http2StreamOf(response) !== undefined) {
    response.addTrailers(toHttp2Headers(list));
    return;
  }
  const pairs: [string, string][] = [];
  for (let index = 0; index < list.length; index += 2) {
    pairs.push([list[index] ?? '', list[index + 1] ?? '']);
  }
  response.addTrailers(pairs);
}

// Lines of one name become one, which says the same (RFC 9110, 5.3): Node refuses several of some.
function toHttp2Headers(list: readonly string[]): OutgoingHttpHeaders {
  const headers = new Map<string, string | string[]>();
  for (let index = 0; index < list.length; index += 2) {
    const name = (list[index] ?? '').toLowerCase();
    const value = list[index + 1] ?? '';
    const known = headers.get(name);
    if (name === 'set-cookie') headers.set(name, [known ?? [], value].flat());
    else headers.set(name, known === undefined ? value : `${String(known)}, ${value}`);
  }
  return Object.fromEntries(headers);
}

/** Answers with text, if nothing has been answered yet; otherwise cuts the response off. */
export function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: readonly string[],
): void {
  if (response.headersSent) {
    cutOff(response);
    return;
  }
  sendWhole(response, status, headers, body);
}

// How long a response is, is ours to say.
const FRAMING = new Set(['connection', 'content-length', 'transfer-encoding']);

/** Answers with what a route says. */
export function answerStatic(
  response: ServerResponse,
  { body, headers, status }: StaticResponse,
): void {
  const list = Object.entries(headers).filter(([name]) => !FRAMING.has(name.toLowerCase()));
  sendWhole(response, status, list.flat(), body);
}

function sendWhole(
  response: ServerResponse,
  status: number,
  headers: readonly string[],
  body: string,
): void {
  const { req } = response;
  // Who was not told to continue need not send the body; what comes next would be taken for it.
  if (req.headers.expect !== undefined && hasBody(req) && !req.complete) {
    response.shouldKeepAlive = false;
  }
  // A 204 must not tell one (RFC 9110, 8.6).
  const length = status === 204 ? [] : ['Content-Length', String(Buffer.byteLength(body))];
  sendHead(response, status, [...headers, ...length]);
  response.end(body);
}

/** Ends a response so that its caller knows that it is not whole. */
export function cutOff(response: ServerResponse): void {
  const stream = http2StreamOf(response);
  if (stream === undefined) response.destroy();
  else stream.close(CANCEL);
}

// RFC 9113, 7.
const CANCEL = 0x8;

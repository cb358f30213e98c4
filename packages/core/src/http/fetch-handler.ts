// Web-standard handlers: Node's request as a Request, and a Response as Node's response.
import { Readable } from 'node:stream';
import type { ServerResponse } from 'node:http';
import type { FunctionDefinition } from '../function/signature.ts';
import { OfnError } from '../errors.ts';
import type { Invocation } from '../invocation/invocation.ts';
import type { Call } from '../invocation/plugin.ts';
import { hasBody } from './body.ts';
import { callerAddress } from './forwarded.ts';
import { splitUrl, type FunctionRequest } from './request.ts';
import { isWebResponse } from './result.ts';

/** The call of a Web-standard handler: what it returns must be a Response. */
export function toFetchCall(definition: FunctionDefinition): Call {
  return async (invocation) => {
    const result = await definition.handler(toWebRequest(invocation));
    if (isWebResponse(result)) return result;
    throw new OfnError(
      'OFN_RESULT_INVALID',
      `function "${definition.name}" declares one parameter, so it must return a Response; declare ` +
        `(req, res), without a default or rest, to answer through res instead`,
    );
  };
}

function toWebRequest(invocation: Invocation): Request {
  const request = invocation.req as unknown as FunctionRequest;
  const headers = new Headers();
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (!name.startsWith(':')) headers.append(name, rawHeaders[index + 1] as string);
  }
  const method = request.method ?? 'GET';
  const body = method !== 'GET' && method !== 'HEAD' && hasBody(request);
  const init = {
    method,
    headers,
    signal: invocation.signal,
    ...(body ? { body: Readable.toWeb(request), duplex: 'half' } : {}),
  } as RequestInit;
  if (FORBIDDEN.includes(method)) {
    const message = `${method} cannot reach a Web-standard handler`;
    throw new OfnError('OFN_METHOD_NOT_ALLOWED', message, { headers: { Allow: ALLOWED } });
  }
  return new Request(toUrl(request), init);
}

// Methods that the Fetch standard keeps from a Request.
const FORBIDDEN = ['CONNECT', 'TRACE', 'TRACK'];
const ALLOWED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

// The path is the caller's alone: no header may put another one in its place.
function toUrl(request: FunctionRequest): URL {
  const { protocol, host = 'localhost' } = callerAddress(request, request.app);
  const base = `${protocol}://${host}`;
  if (!/^https?$/.test(protocol) || !HOST.test(host) || !URL.canParse(base)) {
    const message = 'Host, X-Forwarded-Host and X-Forwarded-Proto do not make a URL';
    throw new OfnError('OFN_REQUEST_MALFORMED', message);
  }
  const { path, query } = splitUrl(request.url ?? '/');
  const url = new URL(base);
  // Assigned as it is: as a URL of its own, "//other" would be read as a host.
  url.pathname = path.startsWith('/') ? path : `/${path}`;
  url.search = query;
  return url;
}

const HOST = /^[\w.:[\]-]+$/;

/**
 * Sends a Web Response, as its body yields and as fast as the client reads.
 *
 * @returns Once the whole body is handed to the socket, or the client has gone.
 * @throws What the body's stream throws; the response may have begun then.
 */
export async function sendWebResponse(response: ServerResponse, web: Response): Promise<void> {
  response.statusCode = web.status;
  if (web.statusText !== '') response.statusMessage = web.statusText;
  for (const [name, value] of web.headers) {
    if (name === 'set-cookie') response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  const { body } = web;
  if (body === null || response.req.method === 'HEAD') {
    if (body !== null) await body.cancel();
    response.end();
    return;
  }
  const reader = body.getReader();
  const onClose = (): void => void reader.cancel('the client disconnected').catch(() => {});
  response.once('close', onClose);
  // A body that is ready goes out in one packet with the headers; a slow one does not delay them.
  const flush = setImmediate(() => response.headersSent || response.flushHeaders());
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || response.destroyed) break;
      if (!response.write(value)) await drained(response);
    }
    response.end();
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    clearImmediate(flush);
    response.removeListener('close', onClose);
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.removeListener('drain', settle);
      response.removeListener('close', settle);
      resolve();
    };
    response.once('drain', settle);
    response.once('close', settle);
  });
}

// The head of a response, sent before the handler has answered: what the handler still says of status and
// headers is let through where nothing is lost by it, and fails the call where something is.
import { ServerResponse } from 'node:http';
import { OfnError } from '../errors.ts';
import type { FunctionResponse } from './response.ts';

/**
 * Sends the head of a response that has sent nothing. From then on:
 *
 * - a body goes out below it, and what describes only the body (`Content-Type`, `Content-Length`, `ETag`)
 *   is left out;
 * - any other header throws, as Node throws for headers that come too late;
 * - a status that is no success fails the call: the client must not take its body for one.
 */
export function sendEarly(response: FunctionResponse): void {
  const sent = response.statusCode;
  response.flushHeaders();
  response.isEarly = true;

  // Whether the handler may begin its answer now.
  const begins = (): boolean => {
    if (!response.isEarly) return true;
    if (response.destroyed) return false;
    const { statusCode } = response;
    if (statusCode !== sent && !isWholeSuccess(statusCode)) {
      const message = `the headers were sent early, with status ${sent}: status ${statusCode} came too late, and the connection is cut`;
      response.exchange?.invocation?.fail(new OfnError('OFN_HEADERS_SENT', message));
      return false;
    }
    response.isEarly = false;
    return true;
  };

  // On this response alone: others pay nothing for it.
  const write = response.write.bind(response) as (...args: unknown[]) => boolean;
  const end = response.end.bind(response) as (...args: unknown[]) => FunctionResponse;
  const node = ServerResponse.prototype;
  const own: Partial<ServerResponse> = {
    setHeader(name, value) {
      return DESCRIBES_BODY.test(name) ? response : node.setHeader.call(response, name, value);
    },
    removeHeader(name) {
      if (!DESCRIBES_BODY.test(name)) node.removeHeader.call(response, name);
    },
    writeHead(status: number, ...rest: unknown[]) {
      const late = namesOf(rest.at(-1)).find((name) => !DESCRIBES_BODY.test(name));
      if (late !== undefined) node.setHeader.call(response, late, '');
      response.statusCode = status;
      return response;
    },
    write(...args: unknown[]) {
      return begins() && write(...args);
    },
    end(...args: unknown[]) {
      return begins() ? end(...args) : response;
    },
  };
  for (const [name, value] of Object.entries(own)) {
    Object.defineProperty(response, name, { configurable: true, writable: true, value });
  }
}

const DESCRIBES_BODY = /^(content-type|content-length|etag|transfer-encoding)$/i;

// A part of something, or no new version of it, means nothing without its headers.
function isWholeSuccess(status: number): boolean {
  return status >= 200 && status < 300 && status !== 206;
}

// The names of headers as `writeHead` takes them: an object, or a list of names and values.
function namesOf(headers: unknown): string[] {
  if (!Array.isArray(headers)) {
    return typeof headers === 'object' && headers !== null ? Object.keys(headers) : [];
  }
  return headers.flatMap((entry: unknown, index) => {
    if (Array.isArray(entry)) return [String(entry[0])];
    return index % 2 === 0 ? [String(entry)] : [];
  });
}

// The server's request: Node's IncomingMessage with Express 5's members and the framework's.
import { IncomingMessage } from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import type { Request, Response } from '../function/signature.ts';
import type { Invocation, InvocationInput } from '../invocation/invocation.ts';
import type { Logger } from '../logger.ts';
import { application } from './application.ts';
import { REQUEST_MEMBERS, defineExpressMembers } from './express-members.ts';

/** The class the HTTP server makes its requests of; handlers see it as Express's `Request`. */
export class FunctionRequest extends IncomingMessage implements InvocationInput {
  // Initialised here so that all requests have one shape, whatever becomes of them.
  invocation: Invocation | undefined = undefined;
  body: unknown = undefined;
  rawBody: Buffer | undefined = undefined;
  params: Record<string, string> = NO_PARAMS;
  originalUrl = '';
  baseUrl = '';
  declare res: Response;
  next: unknown = undefined;
  /** Whether the handler has returned, or has not been called yet. */
  settled = true;
  /** Whether the exchange with the client is over. */
  over = false;
  #allowed: Set<string> | undefined = undefined;

  get app(): typeof application {
    return application;
  }

  /** Methods that some function would have accepted at this path; the router collects them. */
  get allowed(): Set<string> {
    return (this.#allowed ??= new Set());
  }

  get req(): Request {
    return this as unknown as Request;
  }

  get callerId(): string | undefined {
    const given = this.headers['x-request-id'] ?? this.headers['function-execution-id'];
    return typeof given === 'string' && CALLER_ID.test(given) ? given : undefined;
  }

  get traceparent(): string | undefined {
    return this.headers['traceparent'] as string | undefined;
  }

  get id(): string {
    return requireInvocation(this).id;
  }

  get executionId(): string {
    return requireInvocation(this).id;
  }

  get signal(): AbortSignal {
    return requireInvocation(this).signal;
  }

  get log(): Logger {
    return requireInvocation(this).log;
  }

  /** The path of the URL, undecoded. */
  get path(): string {
    return splitUrl(this.url ?? '/').path;
  }

  /** The query as Express 5's default parser reads it; made anew on each use, as there. */
  get query(): Record<string, unknown> {
    return parseQuery(splitUrl(this.url ?? '/').query);
  }

  set query(value: Record<string, unknown>) {
    Object.defineProperty(this, 'query', {
      configurable: true,
      enumerable: true,
      writable: true,
      value,
    });
  }

  get(name: string): string | string[] | undefined {
    if (!name) throw new TypeError('name argument is required to req.get');
    if (typeof name !== 'string') throw new TypeError('name must be a string to req.get');
    const lower = name.toLowerCase();
    if (lower === 'referer' || lower === 'referrer') {
      return this.headers.referrer ?? this.headers.referer;
    }
    return this.headers[lower];
  }

  header(name: string): string | string[] | undefined {
    return this.get(name);
  }

  /**
   * Makes the framework's members the request's own: an Express app replaces the prototype of
   * each request it handles by its own.
   */
  ownFrameworkMembers(): void {
    for (const member of FRAMEWORK_MEMBERS) {
      const descriptor = Object.getOwnPropertyDescriptor(FunctionRequest.prototype, member);
      if (descriptor !== undefined) Object.defineProperty(this, member, descriptor);
    }
  }
}

const FRAMEWORK_MEMBERS = ['req', 'callerId', 'traceparent', 'id', 'executionId', 'signal', 'log'];

// What may stand in a log line and be searched for.
const CALLER_ID = /^[\w.:-]{1,128}$/;

// Shared by all requests without path parameters; frozen, since no call may see another's.
const NO_PARAMS: Record<string, string> = Object.freeze({});

defineExpressMembers(FunctionRequest.prototype, 'request', REQUEST_MEMBERS);

function requireInvocation(request: FunctionRequest): Invocation {
  if (request.invocation === undefined) {
    throw new Error('this request has not reached a function yet');
  }
  return request.invocation;
}

/** Splits a request target into path and query, without decoding. Absolute targets are accepted. */
export function splitUrl(url: string): { path: string; query: string } {
  const target = url.startsWith('/') ? url : absoluteToOrigin(url);
  const mark = target.indexOf('?');
  if (mark === -1) return { path: target, query: '' };
  return { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

// A proxy may send the absolute form (RFC 9112, 3.2.2); "*" is the asterisk form of OPTIONS.
function absoluteToOrigin(url: string): string {
  if (!URL.canParse(url)) return url;
  const { pathname, search } = new URL(url);
  return pathname + search;
}

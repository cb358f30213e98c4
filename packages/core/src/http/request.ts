// The server's request: Node's IncomingMessage with Express 5's members and the framework's.
import { IncomingMessage } from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import { OfnError } from '../errors.ts';
import type { Invocation } from '../invocation/invocation.ts';
import type { Trace } from '../invocation/trace.ts';
import type { Logger } from '../logger.ts';
import { application, type Application } from './application.ts';
import { followCall } from './call-listeners.ts';
import type { Exchange } from './exchange.ts';
import { REQUEST_MEMBERS, defineExpressMembers } from './express-members.ts';
import { callerAddress } from './forwarded.ts';
import type { FunctionResponse } from './response.ts';

/** The class the HTTP server makes its requests of; handlers see it as Express's `Request`. */
export class FunctionRequest extends IncomingMessage {
  // Initialised here so that all requests have one shape, whatever becomes of them.
  exchange: Exchange | undefined = undefined;
  body: unknown = undefined;
  rawBody: Buffer | undefined = undefined;
  /** By this name the body parser of Express 4 knows that the body has been read. */
  _body = false;
  originalUrl = '';
  baseUrl = '';
  declare res: FunctionResponse;
  #params: Record<string, string> | undefined = undefined;
  #next: ((error?: unknown) => void) | undefined = undefined;

  override on(event: string | symbol, listener: (...args: any[]) => void): this {
    followCall(this);
    return super.on(event, listener);
  }

  override addListener(event: string | symbol, listener: (...args: any[]) => void): this {
    followCall(this);
    return super.addListener(event, listener);
  }

  override prependListener(event: string | symbol, listener: (...args: any[]) => void): this {
    followCall(this);
    return super.prependListener(event, listener);
  }

  get app(): Application {
    return application;
  }

  get params(): Record<string, string> {
    return (this.#params ??= {});
  }

  set params(value: Record<string, string>) {
    this.#params = value;
  }

  /** What Express's members call when they cannot go on; a router puts its own in its place. */
  get next(): (error?: unknown) => void {
    return (this.#next ??= (error) => {
      const reason = error ?? new OfnError('OFN_NOT_FOUND', `nothing answers ${this.originalUrl}`);
      requireInvocation(this).fail(reason);
    });
  }

  set next(value: (error?: unknown) => void) {
    this.#next = value;
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

  get trace(): Trace {
    return requireInvocation(this).trace;
  }

  get coldStart(): boolean {
    return requireInvocation(this).coldStart;
  }

  get stopping(): AbortSignal {
    return requireInvocation(this).stopping;
  }

  get originalHost(): string | undefined {
    return callerAddress(this, this.app).host;
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
   * Prepares the request for an Express app, which gives each request it handles a prototype of its
   * own: the framework's members become the request's, and what is left is Node's plain request.
   */
  handToExpress(): void {
    // An app has settings of its own; this is what those of the framework make of it.
    const { originalHost: value } = this;
    Object.defineProperty(this, 'originalHost', { configurable: true, enumerable: true, value });
    for (const member of FRAMEWORK_MEMBERS) {
      const descriptor = Object.getOwnPropertyDescriptor(FunctionRequest.prototype, member);
      if (descriptor !== undefined) Object.defineProperty(this, member, descriptor);
    }
    Object.setPrototypeOf(this, IncomingMessage.prototype);
  }
}

const FRAMEWORK_MEMBERS = [
  'id',
  'executionId',
  'signal',
  'stopping',
  'log',
  'trace',
  'coldStart',
] as const;

defineExpressMembers(FunctionRequest.prototype, 'request', REQUEST_MEMBERS);

function requireInvocation(request: FunctionRequest): Invocation {
  const invocation = request.exchange?.invocation;
  if (invocation !== undefined) return invocation;
  throw new Error('this request has not reached a function yet');
}

/** Splits a request target into path and query, without decoding. Absolute targets are accepted. */
export function splitUrl(url: string): { path: string; query: string } {
  const [target = ''] = (url.startsWith('/') ? url : absoluteToOrigin(url)).split('#', 1);
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

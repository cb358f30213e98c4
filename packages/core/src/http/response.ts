// The server's response: Node's ServerResponse with Express 5's members, the hot ones written for
// speed. `response.test.ts` compares each of them with Express itself.
import { ServerResponse } from 'node:http';
import { application, type Application } from './application.ts';
import { followCall } from './call-listeners.ts';
import type { Exchange } from './exchange.ts';
import { RESPONSE_MEMBERS, defineExpressMembers } from './express-members.ts';
import { sendEarly } from './early-head.ts';
import { express } from './express.ts';

type HeaderValue = number | string | readonly string[];

/** The class the HTTP server makes its responses of; handlers see it as Express's `Response`. */
export class FunctionResponse extends ServerResponse {
  exchange: Exchange | undefined = undefined;
  /** Whether its head was sent before the handler had begun to answer, which it may still do. */
  isEarly = false;
  #locals: Record<string, unknown> | undefined = undefined;

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

  get locals(): Record<string, unknown> {
    return (this.#locals ??= Object.create(null) as Record<string, unknown>);
  }

  set locals(value: Record<string, unknown>) {
    this.#locals = value;
  }

  status(code: number): this {
    if (!Number.isInteger(code) || code < 100 || code > 999) {
      return callExpress(this, 'status', [code]) as this;
    }
    this.statusCode = code;
    return this;
  }

  get(name: string): HeaderValue | undefined {
    return this.getHeader(name);
  }

  set(field: string | Record<string, HeaderValue>, value?: HeaderValue): this {
    if (typeof field === 'string' && typeof value === 'string') {
      const complete = isContentType(field) ? withCharset(value) : value;
      if (complete !== undefined) {
        this.setHeader(field, complete);
        return this;
      }
    }
    return callExpress(this, 'set', arguments.length === 1 ? [field] : [field, value]) as this;
  }

  header(field: string | Record<string, HeaderValue>, value?: HeaderValue): this {
    return arguments.length === 1 ? this.set(field) : this.set(field, value);
  }

  json(value?: unknown): this {
    // What JSON cannot express is sent as Express sends `undefined`: without a body.
    const text = JSON.stringify(value) as string | undefined;
    const type = this.#typed('application/json; charset=utf-8');
    if (text === undefined) return callExpress(this, 'send', [text]) as this;
    return this.#sendText(text, type);
  }

  send(body?: unknown): this {
    if (typeof body === 'string') {
      return this.#sendText(body, this.#typed('text/html; charset=utf-8'));
    }
    if (typeof body === 'object' && body !== null && !ArrayBuffer.isView(body)) {
      return this.json(body);
    }
    if (typeof body === 'number' || typeof body === 'boolean') return this.json(body);
    return callExpress(this, 'send', [body]) as this;
  }

  /** Whether the handler has begun to answer. */
  get isBegun(): boolean {
    return this.headersSent && !this.isEarly;
  }

  /** Sends status and headers as they are now, unless they have been sent: the body may follow later. */
  sendEarly(): void {
    if (this.headersSent || this.writableEnded || this.destroyed) return;
    sendEarly(this);
  }

  // Sets the content type unless the handler has. Returns whether it is text in utf-8.
  #typed(fallback: string): boolean {
    const given = this.getHeader('Content-Type');
    if (given === undefined) this.setHeader('Content-Type', fallback);
    return given === undefined || (typeof given === 'string' && UTF8.test(given));
  }

  // The common ending of `send` and `json`: text, with a status that has a body, for a request
  // without conditions, and without a framing that would make Express change its headers.
  #sendText(text: string, isUtf8: boolean): this {
    const { headers, method } = this.req;
    const status = this.statusCode;
    if (
      status < 200 ||
      status === 204 ||
      status === 205 ||
      status === 304 ||
      headers['if-none-match'] !== undefined ||
      headers['if-modified-since'] !== undefined ||
      this.hasHeader('Transfer-Encoding') ||
      !isUtf8
    ) {
      return callExpress(this, 'send', [text]) as this;
    }
    this.setHeader('Content-Length', Buffer.byteLength(text));
    if (method === 'HEAD') this.end();
    else this.end(text, 'utf8');
    return this;
  }
}

defineExpressMembers(FunctionResponse.prototype, 'response', RESPONSE_MEMBERS);

function callExpress(response: FunctionResponse, member: string, args: unknown[]): unknown {
  return (express().response[member] as (...args: unknown[]) => unknown).apply(response, args);
}

function isContentType(field: string): boolean {
  return field.length === 12 && field.toLowerCase() === 'content-type';
}

// The media type as Express completes it, for those whose charset needs no table to know.
function withCharset(type: string): string | undefined {
  if (type.includes('charset=')) return type;
  if (type.includes(';')) return undefined;
  if (type.startsWith('text/') || type === 'application/json') return `${type}; charset=utf-8`;
  return type === 'application/octet-stream' ? type : undefined;
}

// Express rewrites the charset of a text it sends to utf-8, and the type to lower case.
const UTF8 = /^[^A-Z;]+; charset=utf-8$/;

// Forwards one call over a connection to an instance: the request goes there, the response comes back,
// each as fast as it is taken at the other end.
import { createGunzip, type Gunzip } from 'node:zlib';
import type { Dispatcher } from 'undici';
import type { Call } from './call.ts';
import { toForwardedHeaders, toResponseHeaders } from './headers.ts';
import { ConnectionClosedError, type Connection } from './pool.ts';
import {
  addTrailers,
  cutOff,
  http2StreamOf,
  isHttp10,
  sendHead,
  sendInformation,
} from './reply.ts';
import { RequestBody, hasBody } from './request-body.ts';
import { toForwardedTarget } from './target.ts';

/** Forwards a call whose target has an instance. */
export function forward(call: Call): void {
  const connection = call.shared.pool.take(call.service);
  if (connection === undefined) void openAndSend(call);
  else new Forwarding(call, connection).send();
}

async function openAndSend(call: Call): Promise<void> {
  const { pool } = call.shared;
  call.onEnd = undefined;
  let connection: Connection;
  try {
    connection = await pool.open(call.service, call.signal);
  } catch (error) {
    call.failToDial(error);
    return;
  }
  if (call.over) pool.give(call.service, connection);
  else new Forwarding(call, connection).send();
}

// Requests that Go's client sends again when its connection turns out to be closed.
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** The head of a response that waits for its body. */
interface HeldHead {
  readonly status: number;
  readonly list: string[];
  /** Whether the length may be added if the body turns out to be short. */
  readonly mayTellLength: boolean;
}

// Bytes of a body up to which it is worth a copy to have it in one write with its head.
const JOINED = 16 * 1024;

// Bytes of a body whose length Go finds out before it sends the head.
const TELLS_LENGTH = 2048;

class Forwarding implements Dispatcher.DispatchHandler {
  readonly #call: Call;
  readonly #connection: Connection;
  readonly #hasBody: boolean;
  #abort: ((error?: Error) => void) | undefined;
  #headersTimer: NodeJS.Timeout | undefined;
  #resume: () => void = () => {};
  #begun = false;
  #isEmpty = false;
  #asksForGzip = false;
  #gunzip: Gunzip | undefined;
  #trailers = false;
  // Whether all that has come of the response came with its head, and its head goes with that.
  #together = false;
  #mustFlush = false;
  #first: Buffer | undefined;
  // What add-on 0.5 holds back.
  #held: Buffer[] | undefined;
  #heldBytes = 0;
  #heldHead: HeldHead | undefined;

  constructor(call: Call, connection: Connection) {
    this.#call = call;
    this.#connection = connection;
    this.#hasBody = hasBody(call.request) || isOpenHttp2(call);
  }

  send(): void {
    const { request, service, shared, target } = this.#call;
    const { profile } = shared;
    const { asksForGzip, list } = toForwardedHeaders(
      request,
      profile,
      target.host,
      service.authority,
    );
    this.#asksForGzip = asksForGzip;
    this.#call.onEnd = this.#stop;
    this.#connection.client.dispatch(
      {
        method: request.method ?? 'GET',
        path: toForwardedTarget(target, profile),
        headers: list,
        // A client of undici would close the connection after one.
        ...(request.method === 'HEAD' ? { reset: false } : {}),
        body: this.#hasBody ? new RequestBody(request, this.#onFirstRead) : null,
      },
      this,
    );
  }

  readonly #onFirstRead = (): void => {
    const { request, response } = this.#call;
    if (request.headers.expect === undefined || response.headersSent || isHttp10(request)) return;
    response.writeContinue();
  };

  // The caller is gone, or the call has failed: the instance need not go on.
  readonly #stop = (): void => {
    clearTimeout(this.#headersTimer);
    this.#abort?.(new Error('the call has ended'));
  };

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#call.over) abort(new Error('the call has ended'));
  }

  onRequestSent(): void {
    const { route, shared } = this.#call;
    const timeout = route.timeouts.responseHeader ?? shared.settings.responseHeaderTimeout;
    if (timeout > 0) this.#headersTimer = setTimeout(this.#onHeadersLate, timeout, timeout);
  }

  readonly #onHeadersLate = (timeout: number): void => {
    const { timeoutStatus } = this.#call.shared.profile;
    this.#call.fail(timeoutStatus, `no response headers within ${timeout} ms`);
  };

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    const call = this.#call;
    if (call.over) return true;
    const { profile } = call.shared;
    const headers = toResponseHeaders(raw, status, this.#asksForGzip);
    if (status < 200) {
      sendInformation(call.response, status, headers.list);
      return true;
    }
    clearTimeout(this.#headersTimer);
    if (headers.isCoded) {
      call.fail(502, 'the response has a transfer coding that is not known');
      return true;
    }
    this.#begun = true;
    this.#isEmpty = status === 204 || status === 304;
    this.#resume = resume;
    const { request, response } = call;
    // What is still to come of the request would stand before the next one.
    if (!request.complete) response.shouldKeepAlive = false;
    const { list, trailers } = headers;
    // There are none without chunks.
    if (trailers !== undefined && !headers.hasLength && !this.#isEmpty && !isHttp10(request)) {
      this.#trailers = true;
      list.push('Trailer', trailers);
    }
    list.push(...call.addedHeaders);
    response.on('drain', this.#onDrain);
    if (profile.responseBuffer > 0) {
      const mayTellLength = !headers.hasLength && !this.#isEmpty && trailers === undefined;
      this.#held = [];
      this.#heldHead = { status, list, mayTellLength: mayTellLength && request.method !== 'HEAD' };
    } else {
      sendHead(response, status, list);
      this.#mustFlush = (headers.isEventStream || !headers.hasLength) && isAscii(list);
      this.#together = true;
      // Once all that has been read from the instance is known; a response in one piece goes in one write.
      queueMicrotask(this.#part);
    }
    if (headers.isGzip && request.method !== 'HEAD') this.#unzip();
    return true;
  }

  // The response goes on in pieces: the head and the first one go now.
  readonly #part = (): void => {
    if (!this.#together || this.#call.over) return;
    this.#together = false;
    const { response } = this.#call;
    if (this.#first !== undefined) response.write(this.#first);
    else if (this.#mustFlush) response.flushHeaders();
  };

  readonly #onDrain = (): void => this.#resume();

  #unzip(): void {
    const gunzip = createGunzip();
    gunzip.on('data', (chunk: Buffer) => {
      if (this.#write(chunk)) return;
      gunzip.pause();
      this.#call.response.once('drain', () => gunzip.resume());
    });
    gunzip.on('drain', this.#onDrain);
    gunzip.on('end', () => this.#end());
    gunzip.on('error', () => cutOff(this.#call.response));
    this.#gunzip = gunzip;
  }

  onData(chunk: Buffer): boolean {
    if (this.#gunzip !== undefined) return this.#gunzip.write(chunk);
    return this.#write(chunk);
  }

  #write(chunk: Buffer): boolean {
    const held = this.#held;
    if (held === undefined) {
      if (this.#together && this.#first === undefined) {
        this.#first = chunk;
        return true;
      }
      this.#part();
      return this.#call.response.write(chunk);
    }
    held.push(chunk);
    this.#heldBytes += chunk.length;
    return this.#heldBytes < this.#call.shared.profile.responseBuffer || this.#release();
  }

  #release(): boolean {
    const held = this.#held ?? [];
    this.#held = held.length === 0 ? this.#held : [];
    this.#heldBytes = 0;
    this.#sendHeldHead(undefined);
    return held.length === 0 || this.#call.response.write(Buffer.concat(held));
  }

  #sendHeldHead(length: number | undefined): void {
    const head = this.#heldHead;
    if (head === undefined) return;
    this.#heldHead = undefined;
    const { list, mayTellLength, status } = head;
    if (mayTellLength && length !== undefined && length <= TELLS_LENGTH) {
      list.push('Content-Length', String(length));
    }
    sendHead(this.#call.response, status, list);
  }

  onComplete(trailers: string[] | null): void {
    const { pool } = this.#call.shared;
    this.#abort = undefined;
    if (this.#hasBody && !this.#call.request.complete) pool.drop(this.#connection);
    else pool.give(this.#call.service, this.#connection);
    // Add-on 0.5 drops what was not announced when it tells the length of a short body.
    const tellsLength = this.#heldHead !== undefined && this.#heldBytes <= TELLS_LENGTH;
    if (trailers !== null && (this.#trailers || !tellsLength)) {
      addTrailers(this.#call.response, trailers.map(toLatin1));
    }
    if (this.#gunzip === undefined) this.#end();
    else this.#gunzip.end();
  }

  #end(): void {
    const held = this.#held ?? [];
    this.#sendHeldHead(this.#heldBytes);
    const whole = held.length > 0 ? Buffer.concat(held) : this.#together ? this.#first : undefined;
    this.#together = false;
    const { response } = this.#call;
    if (whole === undefined) response.end();
    // Node joins a text to its head, and writes both at once.
    else if (whole.length <= JOINED) response.end(whole.toString('latin1'), 'latin1');
    else response.end(whole);
  }

  onError(error: Error): void {
    clearTimeout(this.#headersTimer);
    this.#abort = undefined;
    const call = this.#call;
    const { pool } = call.shared;
    pool.drop(this.#connection);
    this.#gunzip?.destroy();
    if (call.over || call.onEnd !== this.#stop) return;
    if (this.#begun) {
      // A 304 may tell the length of what it does not send; the client takes that for a body cut short.
      if (this.#isEmpty) this.#end();
      else cutOff(call.response);
      return;
    }
    call.onEnd = undefined;
    if (this.#maySendAgain(error)) void openAndSend(call);
    else call.fail(502, error.message);
  }

  // What was never sent may be sent; what was sent over a connection that was being closed, only when
  // it does the same twice.
  #maySendAgain(error: Error): boolean {
    if (error instanceof ConnectionClosedError) return true;
    if (!this.#connection.reused || this.#hasBody) return false;
    const { headers, method = 'GET' } = this.#call.request;
    return (
      REPEATABLE.has(method) ||
      headers['idempotency-key'] !== undefined ||
      headers['x-idempotency-key'] !== undefined
    );
  }
}

// Over HTTP/2 a body needs no length: there is one unless the head said that it was all.
function isOpenHttp2({ request, response }: Call): boolean {
  const stream = http2StreamOf(response) as { endAfterHeaders?: boolean } | undefined;
  return stream !== undefined && stream.endAfterHeaders !== true && !request.readableEnded;
}

// Node would write what is not ASCII as UTF-8 when it flushes; with the first piece of the body it does not.
function isAscii(list: readonly string[]): boolean {
  return list.every((text) => Buffer.byteLength(text) === text.length);
}

// Undici's types say that it is text already.
function toLatin1(value: string | Buffer): string {
  return typeof value === 'string' ? value : value.toString('latin1');
}

// The body of a request on its way to the function: read as fast as it is taken, and not before.
import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';

/** A stream of the body that can be destroyed without the connection of the caller. */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #onFirstRead: () => void;
  #reading = false;

  /** @param onFirstRead Called when the function begins to take the body. */
  constructor(request: IncomingMessage, onFirstRead: () => void) {
    super({ highWaterMark: 64 * 1024 });
    this.#request = request;
    this.#onFirstRead = onFirstRead;
  }

  override _read(): void {
    if (this.#reading) {
      this.#request.resume();
      return;
    }
    this.#reading = true;
    this.#onFirstRead();
    this.#request.on('data', this.#onData);
    this.#request.on('end', this.#onEnd);
    this.#request.on('close', this.#onClose);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#request.removeListener('data', this.#onData);
    this.#request.removeListener('end', this.#onEnd);
    this.#request.removeListener('close', this.#onClose);
    if (this.#reading) this.#request.pause();
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => void this.push(null);

  readonly #onClose = (): void => {
    if (!this.#request.complete) this.destroy(new Error('the caller ended the request early'));
  };
}

/** Whether a request has a body (RFC 9112, 6.3). */
export function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

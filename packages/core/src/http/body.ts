// The body of a request: its bytes, decompressed and bounded, and the value its content type says.
import type { IncomingMessage } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Readable } from 'node:stream';
import { OfnError } from '../errors.ts';
import { express } from './express.ts';

/** A content type taken apart: lower-case type, and its charset when it names one. */
export interface ContentType {
  readonly type: string;
  readonly charset: string | undefined;
}

/** Whether the request announces a body (RFC 9112, 6.3). */
export function hasBody(request: IncomingMessage): boolean {
  const { headers } = request;
  const length = headers['content-length'];
  if (length !== undefined) return length !== '0';
  return headers['transfer-encoding'] !== undefined;
}

/** Parses a Content-Type header; a missing or unreadable one is `application/octet-stream`. */
export function parseContentType(header: string | undefined): ContentType {
  if (header === undefined) return { type: 'application/octet-stream', charset: undefined };
  const end = header.indexOf(';');
  if (end === -1) return { type: header.trim().toLowerCase(), charset: undefined };
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(header)?.[1]?.toLowerCase();
  return { type: header.slice(0, end).trim().toLowerCase(), charset };
}

/** Whether the media type holds JSON: `application/json`, or any with the `+json` suffix. */
export function isJson(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json');
}

/**
 * Reads the whole body.
 *
 * @param limit Bytes after decompression that are accepted.
 * @param done Called once: with the bytes, or with an OfnError (`OFN_BODY_TOO_LARGE`,
 *   `OFN_BODY_UNSUPPORTED`, `OFN_BODY_MALFORMED`). Not called when the client goes away meanwhile.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  done: (error: OfnError | undefined, bytes?: Buffer) => void,
): void {
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (length > limit) {
    done(tooLarge(limit));
    return;
  }
  const stream = encoding === 'identity' ? request : decompress(request, encoding);
  if (stream === undefined) {
    done(
      new OfnError(
        'OFN_BODY_UNSUPPORTED',
        `content-encoding "${encoding}" is not supported; use gzip, deflate, br or identity`,
      ),
    );
    return;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  const fail = (error: OfnError): void => {
    stream.removeListener('data', onData);
    stream.removeListener('end', onEnd);
    if (stream !== request) {
      request.unpipe();
      stream.destroy();
    }
    done(error);
  };
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size > limit) fail(tooLarge(limit));
    else chunks.push(chunk);
  };
  const onEnd = (): void => {
    done(undefined, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size));
  };
  stream.on('data', onData);
  stream.on('end', onEnd);
  if (stream !== request) {
    let failed = false;
    stream.on('error', (cause: Error) => {
      if (failed) return;
      failed = true;
      const message = `the body is not valid ${encoding}: ${cause.message}`;
      fail(new OfnError('OFN_BODY_MALFORMED', message, { cause }));
    });
  }
}

function decompress(request: IncomingMessage, encoding: string): Readable | undefined {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return request.pipe(createGunzip());
    case 'deflate':
      return request.pipe(createInflate());
    case 'br':
      return request.pipe(createBrotliDecompress());
    default:
      return undefined;
  }
}

function tooLarge(limit: number): OfnError {
  return new OfnError(
    'OFN_BODY_TOO_LARGE',
    `the body is larger than ${limit} bytes; raise --body-limit, or read the request as a ` +
      `stream with { body: 'stream' }`,
  );
}

/**
 * The value of a body: an object for JSON and forms, a string for text, the bytes for the rest.
 *
 * @throws OfnError `OFN_BODY_MALFORMED` or `OFN_BODY_UNSUPPORTED`.
 */
export function parseBody(bytes: Buffer, contentType: ContentType): unknown {
  const { type, charset } = contentType;
  if (isJson(type)) {
    try {
      return JSON.parse(decodeText(bytes, charset)) as unknown;
    } catch (cause) {
      if (cause instanceof OfnError) throw cause;
      const message = `the body is not valid JSON: ${(cause as Error).message}`;
      throw new OfnError('OFN_BODY_MALFORMED', message, { cause });
    }
  }
  if (type === 'application/x-www-form-urlencoded') {
    try {
      return parseForm(decodeText(bytes, charset));
    } catch (cause) {
      if (cause instanceof OfnError) throw cause;
      const message = `the body is not a valid form: ${(cause as Error).message}`;
      throw new OfnError('OFN_BODY_MALFORMED', message, { cause });
    }
  }
  if (type.startsWith('text/')) return decodeText(bytes, charset);
  return bytes;
}

// The limits of Express's own parser; beyond them fields would be dropped or change their shape.
const MAX_FIELDS = 1000;

function parseForm(text: string): unknown {
  const fields = text === '' ? 0 : text.split('&').length;
  if (fields > MAX_FIELDS) {
    throw new OfnError('OFN_BODY_TOO_LARGE', `the form has more than ${MAX_FIELDS} fields`);
  }
  const arrayLimit = Math.max(100, fields);
  return express().parseForm(text, {
    allowPrototypes: false,
    arrayLimit,
    depth: 32,
    parameterLimit: MAX_FIELDS,
    strictDepth: true,
  });
}

/**
 * Bytes as text, without a byte order mark.
 *
 * @param charset As the content type names it. Default UTF-8.
 * @throws OfnError `OFN_BODY_UNSUPPORTED` for a charset that Node does not know.
 */
export function decodeText(bytes: Buffer, charset: string | undefined): string {
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8') {
    const marked = bytes.length > 2 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    return bytes.toString('utf8', marked ? 3 : 0);
  }
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch (cause) {
    throw new OfnError('OFN_BODY_UNSUPPORTED', `charset "${charset}" is not supported`, { cause });
  }
}

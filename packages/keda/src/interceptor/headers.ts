// The headers that go on: to the function and back, without those that are for one hop only.
import type { IncomingMessage } from 'node:http';
import type { Profile } from '../profile.ts';

// RFC 9110, 7.6.1, and what proxies have always taken for such.
const HOP_BY_HOP = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

// What the current add-on sets: a caller cannot have it dropped.
const SET = new Set(['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']);

/** A header's name as it is looked up, and as Go writes it. */
interface HeaderName {
  readonly lower: string;
  readonly canonical: string;
}

const names = new Map<string, HeaderName>();

// Callers choose names: what is kept of them has an end.
const MOST_NAMES = 1000;

function parseName(text: string): HeaderName {
  const known = names.get(text);
  if (known !== undefined) return known;
  const lower = text.toLowerCase();
  const canonical = lower.replaceAll(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
  const name = { lower, canonical };
  if (names.size < MOST_NAMES) names.set(text, name);
  return name;
}

/** What a request is forwarded with. */
export interface ForwardedHeaders {
  /** Names and values in turns. */
  readonly list: string[];
  /** Whether gzip is asked for in the caller's place, who did not say what it takes. */
  readonly asksForGzip: boolean;
}

/**
 * The headers of a request as the function gets them.
 *
 * @param host The host that the request is for.
 * @param service What the function gets as Host where the profile rewrites it.
 */
export function toForwardedHeaders(
  request: IncomingMessage,
  profile: Pick<Profile, 'host' | 'setsForwarded'>,
  host: string,
  service: string,
): ForwardedHeaders {
  const { headers, httpVersionMajor, method, rawHeaders, socket } = request;
  const named = connectionTokens(headers.connection);
  const list: string[] = ['Host', profile.host === 'caller' ? host : service];
  const isHttp2 = httpVersionMajor === 2;
  let hasAgent = false;
  let hasCookie = false;
  let mayAskForGzip = method !== 'HEAD';
  let forwardedFor: string | undefined;
  let forwardedHost = '';
  let forwardedProto = '';
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const { canonical, lower } = parseName(rawHeaders[index] ?? '');
    const value = rawHeaders[index + 1] ?? '';
    const isKept = lower === 'content-length' || (profile.setsForwarded && SET.has(lower));
    if (named?.has(lower) === true && !isKept) continue;
    switch (lower) {
      case 'host':
      case 'expect':
        continue;
      case 'user-agent':
        // Go knows one alone.
        if (hasAgent || value === '') continue;
        hasAgent = true;
        break;
      case 'cookie':
        if (!isHttp2) break;
        // What HTTP/2 takes apart (RFC 9113, 8.2.3).
        if (!hasCookie) list.push(canonical, headers.cookie ?? value);
        hasCookie = true;
        continue;
      case 'accept-encoding':
        if (value === '') continue;
        mayAskForGzip = false;
        break;
      case 'range':
        mayAskForGzip = false;
        break;
      case 'x-forwarded-for':
        forwardedFor = forwardedFor === undefined ? value : `${forwardedFor}, ${value}`;
        continue;
      case 'x-forwarded-host':
        if (!profile.setsForwarded) break;
        if (forwardedHost === '') forwardedHost = value;
        continue;
      case 'x-forwarded-proto':
        if (!profile.setsForwarded) break;
        if (forwardedProto === '') forwardedProto = value;
        continue;
      case 'forwarded':
        if (profile.setsForwarded) continue;
        break;
      default:
        // Pseudo-headers of HTTP/2 among them.
        if (lower.startsWith(':') || HOP_BY_HOP.has(lower)) continue;
    }
    list.push(canonical, value);
  }
  // Trailers may be asked for over any hop (RFC 9110, 10.1.4).
  if (/(?:^|,)\s*trailers\s*(?:,|$)/i.test(String(headers.te ?? ''))) list.push('Te', 'trailers');
  const address = clientAddress(socket.remoteAddress);
  list.push(
    'X-Forwarded-For',
    forwardedFor === undefined ? address : `${forwardedFor}, ${address}`,
  );
  if (profile.setsForwarded) {
    list.push('X-Forwarded-Host', forwardedHost || host);
    list.push('X-Forwarded-Proto', forwardedProto || 'http');
  }
  if (headers.pragma === 'no-cache' && headers['cache-control'] === undefined && !isHttp2) {
    list.push('Cache-Control', 'no-cache');
  }
  if (mayAskForGzip) list.push('Accept-Encoding', 'gzip');
  return { list, asksForGzip: mayAskForGzip };
}

// Node tells an IPv4 address of a socket for both as an IPv6 one.
function clientAddress(address = ''): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

function connectionTokens(value: string | undefined): ReadonlySet<string> | undefined {
  if (value === undefined || value === 'keep-alive' || value === 'close') return undefined;
  return new Set(
    value
      .toLowerCase()
      .split(',')
      .map((token) => token.trim()),
  );
}

/** The headers of a response as the caller gets them. */
export interface ResponseHeaders {
  readonly list: string[];
  /** Whether the body is of a length that was announced. */
  readonly hasLength: boolean;
  readonly isEventStream: boolean;
  readonly isGzip: boolean;
  /** Whether the body is coded for this hop in a way that is not undone here. */
  readonly isCoded: boolean;
  /** Names of trailers that were announced. */
  readonly trailers: string | undefined;
}

/** @param unzips Whether a gzip body is unpacked, so that its length and encoding are not told. */
export function toResponseHeaders(
  raw: readonly Buffer[],
  status: number,
  unzips: boolean,
): ResponseHeaders {
  const list: string[] = [];
  const never = NEVER_SENT.get(status < 200 ? 100 : status);
  let dropped = never === undefined ? undefined : new Set(never);
  let isEventStream = false;
  let isCoded = false;
  let encoding = '';
  let length: string | undefined;
  let trailers: string | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    const { canonical, lower } = parseName(raw[index]?.toString('latin1') ?? '');
    const value = withoutBlanks(raw[index + 1]?.toString('latin1') ?? '');
    switch (lower) {
      case 'connection':
        for (const token of connectionTokens(value) ?? []) (dropped ??= new Set()).add(token);
        continue;
      case 'trailer':
        trailers = trailers === undefined ? value : `${trailers}, ${value}`;
        continue;
      case 'transfer-encoding':
        isCoded ||= value.toLowerCase() !== 'chunked';
        continue;
      case 'content-length':
        length = value;
        break;
      case 'content-encoding':
        encoding = value.toLowerCase();
        break;
      case 'content-type':
        isEventStream = /^text\/event-stream\s*(?:;|$)/i.test(value);
        break;
      default:
        if (HOP_BY_HOP.has(lower)) continue;
    }
    list.push(canonical, value);
  }
  const isGzip =
    unzips && encoding === 'gzip' && length !== '0' && status !== 204 && status !== 304;
  if (isGzip) (dropped ??= new Set()).add('content-length').add('content-encoding');
  return {
    list: dropped === undefined ? list : without(list, dropped),
    hasLength: length !== undefined && !isGzip,
    isEventStream,
    isGzip,
    isCoded,
    trailers,
  };
}

// What tells of a body that there is not, which Go leaves out.
const NEVER_SENT: ReadonlyMap<number, readonly string[]> = new Map([
  [100, ['content-length']],
  [204, ['content-length']],
  [304, ['content-length', 'content-type']],
]);

// Undici leaves blanks at the end of a value.
function withoutBlanks(value: string): string {
  const last = value.charCodeAt(value.length - 1);
  return last === 0x20 || last === 0x09 ? value.replace(/[ \t]+$/, '') : value;
}

function without(list: readonly string[], dropped: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let index = 0; index < list.length; index += 2) {
    const [name = '', value = ''] = list.slice(index, index + 2);
    if (!dropped.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

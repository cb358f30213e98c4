// What a request asks for: its host and path, whatever form its target has, checked as Go's server does;
// and what the function is asked for in turn.
import type { Profile } from '../profile.ts';

/** The target of a request (RFC 9112, 3.2), undecoded. */
export interface RequestTarget {
  /** As the caller wrote it, port included; empty when there is none. */
  readonly host: string;
  /** Begins with a slash. */
  readonly path: string;
  /** With its question mark; empty when there is none. */
  readonly query: string;
}

// Whatever its scheme; its user is left out.
const ABSOLUTE = /^[a-z]+:\/\/(?:[^/?]*@)?([^/?]*)([^?]*)(\?.*)?$/i;
const AUTHORITY = /^(?:\[[^\]%]*\]|[\w!$&'()*+,.;=~-]*)(?::\d*)?$/;
const BAD_ESCAPE = /%(?![\da-f]{2})/i;

/**
 * Parses a target; the host of an absolute one wins over the header.
 *
 * @returns `undefined` for what is no target, such as `*`, or has an escape that is none.
 */
export function parseTarget(url: string, hostHeader: string): RequestTarget | undefined {
  let host = hostHeader;
  let path = url;
  let query = '';
  if (url.startsWith('/')) {
    const mark = url.indexOf('?');
    if (mark !== -1) {
      path = url.slice(0, mark);
      query = url.slice(mark);
    }
  } else {
    const match = ABSOLUTE.exec(url);
    if (match === null) return undefined;
    const authority = match[1] ?? '';
    if (!AUTHORITY.test(authority)) return undefined;
    if (authority !== '') host = authority;
    path = match[2] === '' ? '/' : (match[2] ?? '/');
    query = match[3] ?? '';
  }
  if (path.includes('%') && BAD_ESCAPE.test(path)) return undefined;
  return { host, path, query };
}

/** A path decoded, as bytes of latin1: what is not UTF-8 stays apart from what is. */
export function decodePath(path: string): string {
  if (!path.includes('%')) return path;
  return path.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  );
}

/** The path and the query as the function gets them. */
export function toForwardedTarget(
  { path, query }: RequestTarget,
  { keepsPath }: Pick<Profile, 'keepsPath'>,
): string {
  if (keepsPath) return encodePath(path) + cleanQuery(query);
  return reencodePath(path) + (query === '?' ? '' : query);
}

// What Go leaves as it is when it encodes a path.
const UNESCAPED = /[^A-Za-z0-9\-_.~$&+,/:;=@]/g;

// A path decoded and encoded again, as add-on 0.5 sends it on: `%2F` becomes `/`.
function reencodePath(path: string): string {
  return encode(decodePath(path), UNESCAPED);
}

function encode(text: string, escaped: RegExp): string {
  return text.replaceAll(
    escaped,
    (char) => `%${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

// What RFC 3986 lets stand in a path (3.3).
const ENCODED = /^[\w.~!$&'()*+,;=:@[\]%/-]*$/;

// A path as the current add-on sends it on: as it came, or encoded anew if it was not encoded well.
function encodePath(path: string): string {
  return ENCODED.test(path) ? path : reencodePath(path);
}

// A query without the parameters that Go cannot parse, as its proxy sends it on since 1.20: what two
// parsers might read differently does not pass.
function cleanQuery(query: string): string {
  if (!query.includes(';') && !(query.includes('%') && BAD_ESCAPE.test(query))) return query;
  const kept = query
    .slice(1)
    .split('&')
    .filter((part) => part !== '' && !part.includes(';') && !BAD_ESCAPE.test(part))
    .toSorted((left, right) =>
      nameOf(left) < nameOf(right) ? -1 : nameOf(left) > nameOf(right) ? 1 : 0,
    );
  return kept.length === 0 ? '' : `?${kept.map(encodeParameter).join('&')}`;
}

// Decoded and encoded again.
function encodeParameter(parameter: string): string {
  const name = nameOf(parameter);
  return [name, parameter.slice(name.length + 1)]
    .map((text) => encode(decodePath(text.replaceAll('+', ' ')), UNRESERVED).replaceAll('%20', '+'))
    .join('=');
}

const UNRESERVED = /[^\w\-.~]/g;

function nameOf(parameter: string): string {
  return parameter.split('=', 1)[0] ?? '';
}

/** Whether a Host header has only what may stand in one. */
export function isHostHeader(text: string): boolean {
  return /^[\w!$%&'()*+,.:;=[\]~-]*$/.test(text);
}

/** The name in a host, without its port; a host that cannot be taken apart is a name as it is. */
export function hostName(host: string): string {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):[^:[\]]*$/.exec(host);
  return match?.[1] ?? match?.[2] ?? host;
}

// One rule of a route at one host and path: which of several is asked first, and whether it fits.
import type { HeaderMatch, Route } from './route.ts';

/** A rule at one host and path. */
export interface RuleEntry {
  readonly route: Route;
  readonly headers: readonly HeaderMatch[];
}

/** The headers of a request by lower-cased names; a repeated one is told apart only as a list. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The order in which rules of the same host and path are asked: what says more, then what is older. */
export function compareRules(left: RuleEntry, right: RuleEntry): number {
  return (
    right.headers.length - left.headers.length ||
    valuesOf(right) - valuesOf(left) ||
    left.route.createdAt - right.route.createdAt ||
    // The add-on takes the names backwards.
    compareText(right.route.namespace, left.route.namespace) ||
    compareText(right.route.name, left.route.name)
  );
}

function valuesOf({ headers }: RuleEntry): number {
  return headers.filter(({ value }) => value !== undefined).length;
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

// Go takes these out of a request's headers, so the add-on never finds them.
const NEVER_FOUND = new Set(['host', 'transfer-encoding']);

/** Whether a request has all the headers; a value must be the whole value of one. */
export function hasHeaders(
  request: { readonly headers: () => RequestHeaders },
  wanted: readonly HeaderMatch[],
): boolean {
  if (wanted.length === 0) return true;
  const headers = request.headers();
  return wanted.every(({ name, value }) => {
    const key = name.toLowerCase();
    if (!Object.hasOwn(headers, key) || NEVER_FOUND.has(key)) return false;
    const found = headers[key];
    if (found === undefined) return false;
    if (value === undefined) return true;
    const bytes = toBytes(value);
    return typeof found === 'string' ? found === bytes : found.includes(bytes);
  });
}

/** Text as Node reads it from a connection: the bytes of its UTF-8, each as one character. */
export function toBytes(text: string): string {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > 0x7f) return Buffer.from(text, 'utf8').toString('latin1');
  }
  return text;
}

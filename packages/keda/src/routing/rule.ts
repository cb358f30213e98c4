// One rule of a route at one host and path: which of several is asked first, and whether it fits.
import type { HeaderMatch, Route } from './route.ts';

/** A rule at one host and path. */
export interface RuleEntry {
  readonly route: Route;
  readonly headers: readonly HeaderMatch[];
}

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

/** Whether a request has all the headers; a value must be the whole value of one. */
export function hasHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  wanted: readonly HeaderMatch[],
): boolean {
  return wanted.every(({ name, value }) => {
    const found = headers[name.toLowerCase()];
    if (found === undefined) return false;
    if (value === undefined) return true;
    return typeof found === 'string' ? found === value : found.includes(value);
  });
}

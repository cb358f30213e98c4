// The routes as a table: which of them a request is for, by its host, its path and its headers.
import { compareRules, hasHeaders, type RuleEntry } from './rule.ts';
import type { Route, RouteRule } from './route.ts';

/** What a request is looked up by. */
export interface RouteRequest {
  /** The host without its port, as the caller wrote it. */
  readonly host: string;
  /** The path, decoded. */
  readonly path: string;
  /** By lower-cased names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Finds routes. */
export interface RouteTable {
  match(request: RouteRequest): Route | undefined;
}

const CATCH_ALL = '*';

/**
 * Creates a table.
 *
 * @param hasRules Whether hosts may be wildcards or left out, and headers count, as in the current
 *   add-on; otherwise hosts are exact, and a route without any is never matched.
 */
export function createRouteTable(
  routes: readonly Route[],
  { hasRules }: { readonly hasRules: boolean },
): RouteTable {
  const hosts = new Map<string, Map<string, RuleEntry[]>>();
  for (const route of routes) {
    for (const rule of route.rules) {
      const names = rule.hosts.length > 0 || !hasRules ? rule.hosts : [CATCH_ALL];
      const headers = hasRules ? rule.headers : [];
      for (const name of names) {
        const host = name === '' && hasRules ? CATCH_ALL : stripPort(name);
        for (const path of rule.paths.length > 0 ? rule.paths : ['/']) {
          add(host, toKey(path), { route, headers });
        }
      }
    }
  }
  for (const paths of hosts.values()) {
    for (const entries of paths.values()) entries.sort(compareRules);
  }

  function add(host: string, path: string, entry: RuleEntry): void {
    let paths = hosts.get(host);
    if (paths === undefined) hosts.set(host, (paths = new Map<string, RuleEntry[]>()));
    const entries = paths.get(path);
    if (entries === undefined) paths.set(path, [entry]);
    else entries.push(entry);
  }

  // The longest prefix of the path that the host has; its rules alone are asked.
  function find(host: string, { headers, path }: RouteRequest): Route | undefined {
    const paths = hosts.get(host);
    if (paths === undefined) return undefined;
    for (let key = toKey(path); ; key = parentOf(key)) {
      const entries = paths.get(key);
      if (entries !== undefined) {
        return entries.find((entry) => hasHeaders(headers, entry.headers))?.route;
      }
      if (key === '') return undefined;
    }
  }

  return {
    match(request) {
      const exact = find(request.host, request);
      if (exact !== undefined || !hasRules) return exact;
      let dot = request.host.indexOf('.');
      while (dot !== -1) {
        const found = find(`*${request.host.slice(dot)}`, request);
        if (found !== undefined) return found;
        dot = request.host.indexOf('.', dot + 1);
      }
      return find(CATCH_ALL, request);
    },
  };
}

/** Whether a request meets one rule: one of its hosts, one of its paths, all of its headers. */
export function meetsRule({ headers, host, path }: RouteRequest, rule: RouteRule): boolean {
  const key = toKey(path);
  const isBelow = (prefix: string): boolean =>
    prefix === '' || key === prefix || key.startsWith(`${prefix}/`);
  const isHost = (name: string): boolean =>
    name === '' ||
    name === CATCH_ALL ||
    name === host ||
    (name.startsWith('*.') && host.endsWith(name.slice(1)));
  return (
    (rule.hosts.length === 0 || rule.hosts.some((name) => isHost(stripPort(name)))) &&
    (rule.paths.length === 0 || rule.paths.some((prefix) => isBelow(toKey(prefix)))) &&
    hasHeaders(headers, rule.headers)
  );
}

// Without slashes at either end.
function toKey(path: string): string {
  let begin = 0;
  let end = path.length;
  while (begin < end && path.codePointAt(begin) === SLASH) begin += 1;
  while (end > begin && path.codePointAt(end - 1) === SLASH) end -= 1;
  return path.slice(begin, end);
}

const SLASH = 47;

function parentOf(key: string): string {
  const slash = key.lastIndexOf('/');
  return slash === -1 ? '' : key.slice(0, slash);
}

function stripPort(host: string): string {
  const match = /^([^:]*|\[[^\]]*\]):\d*$/.exec(host);
  return match?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? host;
}

// The routes as a table: which of them a request is for, by its host, its path and its headers.
import { compareRules, hasHeaders, toBytes, type RequestHeaders, type RuleEntry } from './rule.ts';
import type { Route, RouteRule } from './route.ts';

/** What a request is looked up by. */
export interface RouteRequest {
  /** The host without its port, as the caller wrote it: the add-on does not lower its case. */
  readonly host: string;
  /** The path, decoded; each byte that is not ASCII as one character, as Node reads it. */
  readonly path: string;
  /** Called only when a rule wants one: to take them apart costs more than all the rest. */
  readonly headers: () => RequestHeaders;
}

/** Finds routes. */
export interface RouteTable {
  match(request: RouteRequest): Route | undefined;
}

/** The rules of one host, by path. */
interface Paths {
  readonly rules: Map<string, RuleEntry[]>;
  /** Characters of the longest path, so that longer ones are not looked up. */
  longest: number;
}

const CATCH_ALL = '*';

/**
 * Creates a table.
 *
 * A host's longest prefix of the path is the only one that is asked: when no rule there has fitting
 * headers, a shorter prefix is not tried, but the next wildcard host is, and at last the catch-all.
 * Of two rules that claim the same, the one with more headers wins, then the older one.
 *
 * @param hasRules Whether hosts may be wildcards or left out, and headers count, as in the current
 *   add-on; otherwise hosts are exact, and a route without any is for requests that name none.
 */
export function createRouteTable(
  routes: readonly Route[],
  { hasRules }: { readonly hasRules: boolean },
): RouteTable {
  const hosts = new Map<string, Paths>();
  let longestHost = 0;
  for (const route of routes) {
    for (const rule of route.rules) {
      const headers = hasRules ? rule.headers : [];
      for (const name of rule.hosts.length > 0 ? rule.hosts : ['']) {
        const named = toBytes(stripPort(name));
        const host = named === '' && hasRules ? CATCH_ALL : named;
        for (const path of rule.paths.length > 0 ? rule.paths : ['/']) {
          add(host, toKey(toBytes(path)), { route, headers });
        }
      }
    }
  }
  for (const { rules } of hosts.values()) {
    for (const entries of rules.values()) entries.sort(compareRules);
  }

  function add(host: string, path: string, entry: RuleEntry): void {
    let paths = hosts.get(host);
    if (paths === undefined) hosts.set(host, (paths = { rules: new Map(), longest: 0 }));
    paths.longest = Math.max(paths.longest, path.length);
    longestHost = Math.max(longestHost, host.length);
    const entries = paths.rules.get(path);
    if (entries === undefined) paths.rules.set(path, [entry]);
    else entries.push(entry);
  }

  // The longest prefix of the path that the host has; its rules alone are asked.
  function find(host: string, request: RouteRequest): Route | undefined {
    const paths = hosts.get(host);
    if (paths === undefined) return undefined;
    let key = toKey(request.path);
    if (key.length > paths.longest) key = parentOf(key, paths.longest);
    for (;;) {
      const entries = paths.rules.get(key);
      if (entries !== undefined) {
        return entries.find((entry) => hasHeaders(request, entry.headers))?.route;
      }
      if (key === '') return undefined;
      key = parentOf(key, key.length);
    }
  }

  return {
    match(request) {
      const { host } = request;
      const exact = find(host, request);
      if (exact !== undefined || !hasRules) return exact;
      let dot = host.indexOf('.', Math.max(0, host.length + 1 - longestHost));
      while (dot !== -1) {
        const found = find(`*${host.slice(dot)}`, request);
        if (found !== undefined) return found;
        dot = host.indexOf('.', dot + 1);
      }
      return find(CATCH_ALL, request);
    },
  };
}

/** Whether a request meets one rule: one of its hosts, one of its paths, all of its headers. */
export function meetsRule(request: RouteRequest, rule: RouteRule): boolean {
  const { host, path } = request;
  const key = toKey(path);
  const isBelow = (prefix: string): boolean =>
    prefix === '' || key === prefix || key.startsWith(`${prefix}/`);
  const isHost = (name: string): boolean =>
    name === '' ||
    name === CATCH_ALL ||
    name === host ||
    (name.startsWith('*.') && host.endsWith(name.slice(1)));
  return (
    (rule.hosts.length === 0 || rule.hosts.some((name) => isHost(toBytes(name)))) &&
    (rule.paths.length === 0 || rule.paths.some((prefix) => isBelow(toKey(toBytes(prefix))))) &&
    hasHeaders(request, rule.headers)
  );
}

// Without slashes at either end.
function toKey(path: string): string {
  let begin = 0;
  let end = path.length;
  while (begin < end && path.charCodeAt(begin) === SLASH) begin += 1;
  while (end > begin && path.charCodeAt(end - 1) === SLASH) end -= 1;
  return path.slice(begin, end);
}

const SLASH = 47;

// What stands before the last slash at that index or before it.
function parentOf(key: string, index: number): string {
  const slash = key.lastIndexOf('/', index);
  return slash === -1 ? '' : key.slice(0, slash);
}

function stripPort(host: string): string {
  const match = /^\[([^\]]*)\](?::[^:]*)?$/.exec(host) ?? /^([^:]*):[^:]*$/.exec(host);
  return match?.[1] ?? host;
}

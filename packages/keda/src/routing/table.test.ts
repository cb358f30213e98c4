import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { profiles } from '../profile.ts';
import type { HeaderMatch, Route, RouteRule } from './route.ts';
import type { RequestHeaders } from './rule.ts';
import { createRouteTable, meetsRule } from './table.ts';

const { current } = profiles;
const old = profiles['v0.5'];

function rule(given: Partial<RouteRule> = {}): RouteRule {
  return { hosts: ['a.example.com'], paths: [], headers: [], ...given };
}

function routeOf(
  name: string,
  rules: readonly RouteRule[],
  createdAt = 0,
  namespace = 'default',
): Route {
  return {
    namespace,
    name,
    createdAt,
    rules,
    target: { service: name, port: 80 },
    timeouts: { readiness: undefined, request: undefined, responseHeader: undefined },
    fallback: undefined,
    placeholder: undefined,
    staticRoutes: [],
  };
}

function find(
  routes: readonly Route[],
  host: string,
  path = '/',
  headers: RequestHeaders = {},
  profile = current,
): string | undefined {
  return createRouteTable(routes, profile).match({ host, path, headers: () => headers })?.name;
}

describe.each([old, current])('in $name', (profile) => {
  const routes = [
    routeOf('root', [rule()]),
    routeOf('shop', [rule({ paths: ['/shop/'] })]),
    routeOf('cart', [rule({ paths: ['shop/cart', '/basket'] })]),
  ];

  it.each([
    ['/', 'root'],
    ['/shop', 'shop'],
    ['/shop/', 'shop'],
    ['//shop', 'shop'],
    ['/shop/x', 'shop'],
    ['/shopping', 'root'],
    ['/shop/cart/1', 'cart'],
    ['/shop//cart', 'shop'],
    ['/shop/../basket', 'shop'],
    ['/basket', 'cart'],
    ['*', 'root'],
  ])('takes the longest prefix of %s that ends at a segment', (path, name) => {
    expect(find(routes, 'a.example.com', path, {}, profile)).toBe(name);
  });

  it('takes the case of a host as it is given', () => {
    expect(find(routes, 'A.example.com', '/', {}, profile)).toBeUndefined();
    const upper = [routeOf('upper', [rule({ hosts: ['A.example.com'] })])];
    expect(find(upper, 'A.example.com', '/', {}, profile)).toBe('upper');
    expect(find(upper, 'a.example.com', '/', {}, profile)).toBeUndefined();
  });

  it('ignores the port in a host of a rule', () => {
    const withPort = [routeOf('port', [rule({ hosts: ['a.example.com:8080'] })])];
    expect(find(withPort, 'a.example.com', '/', {}, profile)).toBe('port');
  });

  it('finds a path that is not ASCII by its bytes, as Node reads them', () => {
    const cafe = [routeOf('cafe', [rule({ paths: ['/café'] })])];
    const path = Buffer.from('/café/1', 'utf8').toString('latin1');
    expect(find(cafe, 'a.example.com', path, {}, profile)).toBe('cafe');
  });

  it('takes the older of two routes that claim the same', () => {
    const twice = [routeOf('new', [rule()], 2), routeOf('old', [rule()], 1)];
    expect(find(twice, 'a.example.com', '/', {}, profile)).toBe('old');
    expect(find(twice.toReversed(), 'a.example.com', '/', {}, profile)).toBe('old');
  });

  it('finds nothing without routes', () => {
    expect(find([], 'a.example.com', '/', {}, profile)).toBeUndefined();
  });
});

describe('in v0.5', () => {
  it.each([['*'], ['*.example.com']])('has no wildcard: %s is a name', (host) => {
    const routes = [routeOf('wild', [rule({ hosts: [host] })])];
    expect(find(routes, 'a.example.com', '/', {}, old)).toBeUndefined();
    expect(find(routes, host, '/', {}, old)).toBe('wild');
  });

  it('takes a route without hosts for requests that name none', () => {
    const routes = [routeOf('none', [rule({ hosts: [] })])];
    expect(find(routes, 'a.example.com', '/', {}, old)).toBeUndefined();
    expect(find(routes, '', '/', {}, old)).toBe('none');
  });

  it('does not look at headers', () => {
    const routes = [routeOf('any', [rule({ headers: [{ name: 'X-A', value: '1' }] })])];
    expect(find(routes, 'a.example.com', '/', {}, old)).toBe('any');
  });
});

describe('in the current one', () => {
  const routes = [
    routeOf('exact', [rule({ hosts: ['a.b.example.com'] })]),
    routeOf('near', [rule({ hosts: ['*.b.example.com'] })]),
    routeOf('far', [rule({ hosts: ['*.example.com'] })]),
    routeOf('all', [rule({ hosts: ['*'] })]),
  ];

  it.each([
    ['a.b.example.com', 'exact'],
    ['x.b.example.com', 'near'],
    ['x.y.b.example.com', 'near'],
    ['b.example.com', 'far'],
    ['example.com', 'all'],
    ['localhost', 'all'],
    ['', 'all'],
    ['..', 'all'],
    ['example.com.', 'all'],
  ])('leads %s to the most exact host', (host, name) => {
    expect(find(routes, host)).toBe(name);
  });

  it.each([[[]], [['']], [['*']], [[':80']]])('takes hosts %j for all', (hosts) => {
    expect(find([routeOf('all', [rule({ hosts })])], 'x')).toBe('all');
  });

  const header = (name: string, value?: string): HeaderMatch => ({ name, value });

  it('asks the rule with more headers first, then the one with more values', () => {
    const by = [
      routeOf('plain', [rule()]),
      routeOf('present', [rule({ headers: [header('X-A')] })]),
      routeOf('valued', [rule({ headers: [header('X-A', '1')] })]),
      routeOf('both', [rule({ headers: [header('X-A'), header('X-B')] })]),
    ];
    const ask = (headers: RequestHeaders) => find(by, 'a.example.com', '/', headers);
    expect(ask({})).toBe('plain');
    expect(ask({ 'x-a': '2' })).toBe('present');
    expect(ask({ 'x-a': '1' })).toBe('valued');
    expect(ask({ 'x-a': '1', 'x-b': '' })).toBe('both');
  });

  it('compares a value with each of a repeated header, and with no part of one', () => {
    const by = [routeOf('one', [rule({ headers: [header('X-A', '1')] })])];
    const ask = (headers: RequestHeaders) => find(by, 'a.example.com', '/', headers);
    expect(ask({ 'x-a': ['2', '1'] })).toBe('one');
    expect(ask({ 'x-a': '2, 1' })).toBeUndefined();
  });

  it.each(['Host', 'Transfer-Encoding', 'constructor', '__proto__'])(
    'never finds a header %s, as Go does not',
    (name) => {
      const by = [routeOf('host', [rule({ headers: [header(name)] })])];
      const headers = { host: 'a.example.com', 'transfer-encoding': 'chunked' };
      expect(find(by, 'a.example.com', '/', headers)).toBeUndefined();
    },
  );

  it('tries no shorter prefix when the headers do not fit, but the next wildcard', () => {
    const deep = routeOf('deep', [rule({ paths: ['/a/b'], headers: [header('X-A')] })]);
    const shallow = routeOf('shallow', [rule({ paths: ['/a'] })]);
    const wild = routeOf('wild', [rule({ hosts: ['*.example.com'] })]);
    expect(find([deep, shallow], 'a.example.com', '/a/b')).toBeUndefined();
    expect(find([deep, shallow, wild], 'a.example.com', '/a/b')).toBe('wild');
  });

  it('takes the later name of two routes of one age, as the add-on does', () => {
    const names = [routeOf('a', [rule()]), routeOf('b', [rule()])];
    const spaces = [routeOf('a', [rule()], 0, 'x'), routeOf('a', [rule()], 0, 'y')];
    expect(find(names, 'a.example.com')).toBe('b');
    const request = { host: 'a.example.com', path: '/', headers: () => ({}) };
    expect(createRouteTable(spaces, current).match(request)?.namespace).toBe('y');
  });

  it('takes an IPv6 host with and without its port', () => {
    const hosts = ['[::1]:8080', '[::2]'];
    const routes = [routeOf('six', [rule({ hosts })])];
    expect(find(routes, '::1')).toBe('six');
    expect(find(routes, '::2')).toBe('six');
  });
});

describe('a table and the reference implementation', () => {
  const word = fc.constantFrom('a', 'b', 'c', '');
  const hosts = fc.array(
    fc
      .tuple(fc.constantFrom('', '*.'), fc.array(word, { minLength: 1, maxLength: 3 }))
      .map(([star, labels]) => star + labels.join('.')),
    { maxLength: 2 },
  );
  const path = fc.array(word, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  const headers = fc.array(
    fc.record({
      name: fc.constantFrom('X-A', 'X-B'),
      value: fc.constantFrom(undefined, '1', '2'),
    }),
    { maxLength: 2 },
  );
  const rules = fc.array(fc.record({ hosts, paths: fc.array(path, { maxLength: 2 }), headers }), {
    maxLength: 2,
  });
  const routes = fc
    .array(fc.tuple(rules, fc.nat({ max: 2 })), { maxLength: 6 })
    .map((all) => all.map(([given, age], index) => routeOf(`r${index}`, given, age)));
  const request = fc.record({
    host: fc.array(word, { maxLength: 4 }).map((labels) => labels.join('.')),
    path,
    headers: fc.dictionary(fc.constantFrom('x-a', 'x-b'), fc.constantFrom('1', '2')),
  });

  it.each([old, current])('agree in $name', (profile) => {
    fc.assert(
      fc.property(routes, request, (all, asked) => {
        const wanted = reference(all, asked, profile.hasRules);
        expect(
          createRouteTable(all, profile).match({ ...asked, headers: () => asked.headers })?.name,
        ).toBe(wanted);
      }),
      { numRuns: 2000 },
    );
  });

  // The keys of the add-on as it has them, tried one by one.
  function reference(
    all: readonly Route[],
    asked: { host: string; path: string; headers: Readonly<Record<string, string>> },
    hasRules: boolean,
  ): string | undefined {
    const trim = (text: string): string => text.replace(/^\/+/, '').replace(/\/+$/, '');
    const keyOf = (host: string, given: string): string =>
      `${host}/${trim(given)}${trim(given) === '' ? '' : '/'}`;
    const entries = all.flatMap((route) =>
      route.rules.flatMap((each) => {
        const names = each.hosts.length > 0 ? each.hosts : [''];
        const prefixes = each.paths.length > 0 ? each.paths : [''];
        return names.flatMap((name) =>
          prefixes.map((prefix) => ({
            key: keyOf(name === '' && hasRules ? '*' : name, prefix),
            route,
            headers: hasRules ? each.headers : [],
          })),
        );
      }),
    );
    const labels = asked.host.split('.');
    const wildcards = labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
    for (const host of hasRules ? [asked.host, ...wildcards, '*'] : [asked.host]) {
      const key = keyOf(host, asked.path);
      const prefixes = entries.map((entry) => entry.key).filter((each) => key.startsWith(each));
      const longest = prefixes.toSorted((one, other) => other.length - one.length)[0];
      const fitting = entries
        .filter((entry) => entry.key === longest)
        .filter((entry) =>
          entry.headers.every(({ name, value }) => {
            const found = asked.headers[name.toLowerCase()];
            return found !== undefined && (value === undefined || value === found);
          }),
        );
      const [best] = fitting.toSorted(
        (one, other) =>
          other.headers.length - one.headers.length ||
          valued(other.headers) - valued(one.headers) ||
          one.route.createdAt - other.route.createdAt ||
          other.route.name.localeCompare(one.route.name),
      );
      if (best !== undefined) return best.route.name;
    }
    return undefined;
  }

  function valued(given: readonly HeaderMatch[]): number {
    return given.filter(({ value }) => value !== undefined).length;
  }
});

describe('a host and a path of any kind', () => {
  const routes = [
    routeOf('exact', [rule({ paths: ['/a/b'] })]),
    routeOf('wild', [rule({ hosts: ['*.example.com'] })]),
  ];

  it.each([old, current])('do not throw in $name', (profile) => {
    const table = createRouteTable(routes, profile);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (host, path) => {
        const request = { host, path, headers: () => ({}) };
        expect(() => table.match(request)).not.toThrow();
        expect(() => meetsRule(request, rule({ paths: [path], hosts: [host] }))).not.toThrow();
      }),
    );
  });

  it('are looked up by no more prefixes than there can be routes of', () => {
    const table = createRouteTable(routes, current);
    const host = `${'a.'.repeat(500_000)}example.com`;
    const path = '/a/b'.repeat(500_000);
    expect(table.match({ host, path, headers: () => ({}) })?.name).toBe('wild');
    expect(table.match({ host: 'a.example.com', path, headers: () => ({}) })?.name).toBe('exact');
  });
});

describe('a rule of a static route', () => {
  const request = { host: 'a.example.com', path: '/shop/1', headers: () => ({ 'x-a': '1' }) };

  it.each<[string, Partial<RouteRule>, boolean]>([
    ['nothing', { hosts: [] }, true],
    ['the host', {}, true],
    ['another host', { hosts: ['b.example.com'] }, false],
    ['one of several hosts', { hosts: ['b.example.com', 'a.example.com'] }, true],
    ['a wildcard', { hosts: ['*.example.com'] }, true],
    ['a wildcard of another domain', { hosts: ['*.example.org'] }, false],
    ['all hosts', { hosts: ['*'] }, true],
    ['a prefix', { paths: ['/shop'] }, true],
    ['half a segment', { paths: ['/sho'] }, false],
    ['the root', { paths: ['/'] }, true],
    ['a header', { headers: [{ name: 'X-A', value: '1' }] }, true],
    ['another value', { headers: [{ name: 'X-A', value: '2' }] }, false],
  ])('that says %s', (_, given, isMet) => {
    expect(meetsRule(request, rule(given))).toBe(isMet);
  });
});

it('does not ask for the headers of a request when no rule wants one', () => {
  const rules = [{ hosts: ['a.example.com'], paths: ['/x'], headers: [] }];
  const table = createRouteTable([routeOf('a', rules)], current);
  const request = {
    host: 'a.example.com',
    path: '/x/y',
    headers(): never {
      throw new Error('they were asked for');
    },
  };
  expect(table.match(request)?.name).toBe('a');
});

// A query as JSON becomes a page of the values that match, in the order it asks for.
import * as v from 'valibot';
import { anyCaseObject } from '../any-case-object.ts';
import type { StateItem } from './store.ts';

/** One filter: a comparison of a field, or several filters joined. */
type Filter = (value: unknown) => boolean;

/** A query that was parsed. */
export interface Query {
  readonly filter: Filter | undefined;
  readonly sort: readonly { readonly path: string; readonly descending: boolean }[];
  /** 0 for no limit. */
  readonly limit: number;
  /** How many matches come before the page. */
  readonly offset: number;
}

/** Some of the values that match. */
export interface QueryPage {
  readonly items: readonly StateItem[];
  /** Asks for the page after this one; empty for a query without a limit. */
  readonly token: string;
}

const QuerySchema = anyCaseObject({
  // Not a record: valibot drops some names from one, and a filter less is another query.
  filter: v.nullish(
    v.custom<object>(
      (given) => typeof given === 'object' && !Array.isArray(given),
      'must be a map',
    ),
    {},
  ),
  sort: v.nullish(
    v.array(
      anyCaseObject({ key: v.string(), order: v.nullish(v.picklist(['ASC', 'DESC', '']), '') }),
    ),
    [],
  ),
  page: v.nullish(
    anyCaseObject({
      limit: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
      token: v.nullish(v.pipe(v.string(), v.regex(/^\d*$/, 'not a token of this store')), ''),
    }),
    {},
  ),
});

/**
 * Parses a query.
 *
 * @throws Error that says what is wrong and where.
 */
export function parseQuery(text: string): Query {
  const result = v.safeParse(QuerySchema, JSON.parse(text));
  if (!result.success) {
    const [issue] = result.issues;
    throw new Error(`${v.getDotPath(issue) ?? 'query'}: ${issue.message}`);
  }
  const { filter, sort, page } = result.output;
  return {
    filter: Object.keys(filter).length === 0 ? undefined : parseFilter(filter),
    sort: sort.map(({ key, order }) => ({ path: key, descending: order === 'DESC' })),
    limit: page.limit,
    offset: Number(page.token),
  };
}

const COMPARISONS: Readonly<Record<string, (field: unknown, expected: unknown) => boolean>> = {
  EQ: isEqual,
  NEQ: (field, expected) => !isEqual(field, expected),
  GT: (field, expected) => compare(field, expected) > 0,
  GTE: (field, expected) => compare(field, expected) >= 0,
  LT: (field, expected) => compare(field, expected) < 0,
  LTE: (field, expected) => compare(field, expected) <= 0,
  IN: (field, expected) => (expected as unknown[]).some((one) => isEqual(field, one)),
};

function parseFilter(unit: unknown): Filter {
  const [name, operand] = parsePair(unit, 'filter unit');
  if (name === 'AND' || name === 'OR') {
    if (!Array.isArray(operand)) throw new Error(`${name} filter must be an array`);
    if (operand.length < 2) throw new Error(`${name} filter must hold two filters or more`);
    const filters = operand.map(parseFilter);
    return name === 'AND'
      ? (value) => filters.every((filter) => filter(value))
      : (value) => filters.some((filter) => filter(value));
  }
  const comparison = Object.hasOwn(COMPARISONS, name) ? COMPARISONS[name] : undefined;
  if (comparison === undefined) throw new Error(`unsupported filter "${name}"`);
  const [path, expected] = parsePair(operand, `${name} filter`);
  if (name === 'IN' && !Array.isArray(expected)) {
    throw new Error('IN filter value must be an array');
  }
  return (value) => {
    const field = readPath(value, path);
    // As in SQL: a field that is not there is neither equal nor unequal to anything.
    return field !== undefined && comparison(field, expected);
  };
}

function parsePair(value: unknown, what: string): [string, unknown] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${what} must be a map`);
  }
  const [entry, ...more] = Object.entries(value);
  if (entry === undefined || more.length > 0) {
    throw new Error(`${what} must have a single element`);
  }
  return entry;
}

/** The matches of a query. Values that are not JSON match none. */
export function runQuery(items: readonly StateItem[], query: Query): QueryPage {
  const { filter, sort, limit, offset } = query;
  const matches = items
    .flatMap((item) => {
      const value = parseJson(item.data);
      return value !== undefined && (filter === undefined || filter(value))
        ? [{ item, value }]
        : [];
    })
    .toSorted((a, b) => {
      for (const { path, descending } of sort) {
        const order = compareForSort(readPath(a.value, path), readPath(b.value, path), descending);
        if (order !== 0) return order;
      }
      return 0;
    });
  const page = matches.slice(offset, limit === 0 ? undefined : offset + limit);
  return {
    items: page.map(({ item }) => item),
    // Also after the last page, as databases behind Dapr do: the next one is empty then.
    token: limit === 0 ? '' : String(offset + page.length),
  };
}

function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString()) as unknown;
  } catch {
    return undefined;
  }
}

// A path is the names of fields with dots between; a whole name with dots in it wins.
function readPath(value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Object.hasOwn(value, path)) return value[path as keyof typeof value];
  const dot = path.indexOf('.');
  if (dot < 0) return undefined;
  const name = path.slice(0, dot);
  if (!Object.hasOwn(value, name)) return undefined;
  return readPath(value[name as keyof typeof value], path.slice(dot + 1));
}

function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null) return a === b;
  return JSON.stringify(a) === JSON.stringify(b);
}

// NaN for values that have no order: every comparison with it is false.
function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  return NaN;
}

// What has no order comes last in either direction, as it was stored.
function compareForSort(a: unknown, b: unknown, descending: boolean): number {
  const order = compare(a, b);
  if (Number.isNaN(order)) return rank(a) - rank(b);
  return descending ? -order : order;
}

function rank(value: unknown): number {
  if (typeof value === 'number') return 0;
  return typeof value === 'string' ? 1 : 2;
}

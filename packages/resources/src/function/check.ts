// What a schema finds wrong with a value, as issues that say what to do.
import { distance } from 'fastest-levenshtein';
import * as v from 'valibot';

/** A path from the root of a resource. */
export type Path = readonly (string | number)[];

/** An issue whose field is still a path. */
export interface PathIssue {
  readonly path: Path;
  readonly message: string;
  /** It is about the name of the field, not its value. */
  readonly isKey: boolean;
}

/** The value as the schema has it, or each thing that is wrong with it. */
export type Checked<Output> =
  | { readonly output: Output; readonly issues?: undefined }
  | { readonly issues: readonly PathIssue[] };

/** Checks a value by a schema. */
export function check<Output>(
  schema: v.GenericSchema<unknown, Output>,
  value: unknown,
): Checked<Output> {
  const lists = listsForObjects(schema, value, []);
  const result = v.safeParse(schema, value);
  if (result.success && lists.length === 0) return { output: result.output };
  const found = (result.issues ?? []).flatMap((issue) => toPathIssues(issue, schema));
  return {
    issues: [
      ...lists,
      ...found.filter(({ path }) => !lists.some((list) => isBelow(path, list.path))),
    ],
  };
}

// Valibot takes a list for an object; YAML does not.
function listsForObjects(schema: unknown, value: unknown, path: Path): PathIssue[] {
  const shape = unwrap(schema);
  if (!isShape(shape) || typeof value !== 'object' || value === null) return [];
  const isObject = shape.entries !== undefined || shape.type === 'record';
  if (isObject && Array.isArray(value)) {
    return [{ path, message: 'must be an object, not a list', isKey: false }];
  }
  const children: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return children.flatMap(([key, item]) =>
    listsForObjects(childOf(shape, key), item, [...path, key]),
  );
}

function isBelow(path: Path, above: Path): boolean {
  return above.every((key, index) => path[index] === key);
}

// Valibot tells only the first unknown field of an object.
function toPathIssues(issue: v.BaseIssue<unknown>, schema: v.GenericSchema): PathIssue[] {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  const isUnknown = issue.kind === 'schema' && issue.expected === 'never';
  if (!isUnknown) {
    const isKey = issue.path?.at(-1)?.origin === 'key' && issue.received !== 'undefined';
    return [{ path, message: messageOf(issue), isKey }];
  }
  const parent = path.slice(0, -1);
  const known = fieldsAt(schema, parent);
  const given = issue.path?.at(-1)?.input;
  const keys = typeof given === 'object' && given !== null ? Object.keys(given) : [];
  return keys
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: [...parent, key], message: unknownField(key, known), isKey: true }));
}

function unknownField(key: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, steps: distance(key.toLowerCase(), name.toLowerCase()) }))
    .filter(
      ({ name, steps }) =>
        steps <= (name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3))),
    )
    .toSorted((one, other) => one.steps - other.steps);
  const hint = nearest === undefined ? '' : `; did you mean ${nearest.name}?`;
  return `is no field of this object${hint}`;
}

/** The names of the fields that an object at this path can have. */
function fieldsAt(schema: v.GenericSchema, path: Path): readonly string[] {
  let current: unknown = unwrap(schema);
  for (const key of path) current = unwrap(childOf(current, key));
  return isShape(current) && current.entries !== undefined ? Object.keys(current.entries) : [];
}

interface Shape {
  readonly type?: unknown;
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly item?: unknown;
  readonly value?: unknown;
  readonly wrapped?: unknown;
}

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null;
}

function childOf(schema: unknown, key: string | number): unknown {
  if (!isShape(schema)) return undefined;
  if (typeof key === 'number') return schema.item;
  return schema.entries === undefined ? schema.value : schema.entries[key];
}

// An optional schema wraps another; a pipe has the fields of its first.
function unwrap(schema: unknown): unknown {
  let current = schema;
  while (isShape(current) && current.wrapped !== undefined) current = current.wrapped;
  return current;
}

// Valibot's own messages are about types; these are about what to do.
function messageOf({ expected, kind, message, received, type }: v.BaseIssue<unknown>): string {
  if (kind === 'schema' && received === 'undefined') return 'is missing';
  // A text of our own begins in lower case.
  if (kind !== 'schema' || !message.startsWith('Invalid ')) return message;
  const wanted = EXPECTED[type] ?? `must be ${expected}`;
  const hint =
    type === 'string' && /^(?:\d|true|false)/.test(received ?? '') ? '; put it in quotes' : '';
  return `${wanted}, not ${received}${hint}`;
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'must be a text',
  number: 'must be a number',
  boolean: 'must be true or false',
  array: 'must be a list',
  strict_object: 'must be an object',
  loose_object: 'must be an object',
  record: 'must be an object',
};

/** A path as it is written: `spec.rules[0].hosts`. */
export function renderPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const shown = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
    return text === '' ? shown : `${text}.${shown}`;
  }, '');
}

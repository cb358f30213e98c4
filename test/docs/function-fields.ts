// The fields of a resource, read off its schema: name, type and default, as the reference lists them.

/** A field: its path, its type, its default or that it is required. */
export type Field = readonly [path: string, type: string, fallback: string];

interface Schema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly value?: Schema;
  readonly wrapped?: Schema;
  readonly default?: unknown;
  readonly options?: readonly unknown[];
  readonly pipe?: readonly Schema[];
}

// What is below these is Kubernetes', the Gateway API's or Shipwright's own, or is listed elsewhere already.
const CLOSED =
  /\.(?:matches\[\]\.(?:headers|queryParams)|filters|backendRefs|params|scaleDown|pubsub|spec|template)$/;

/** The fields below a schema, each with those below it, in their order. */
export function fieldsOf(schema: unknown, path = ''): readonly Field[] {
  if (CLOSED.test(path)) return [];
  const { entries = {} } = schema as Schema;
  return Object.entries(entries).flatMap(([name, entry]) => {
    const own = path === '' ? name : `${path}.${name}`;
    const field = unwrap(entry);
    return [[`\`${own}\``, typeOf(field), defaultOf(entry)] as const, ...below(field, own)];
  });
}

function below(field: Schema, path: string): readonly Field[] {
  if (CLOSED.test(path)) return [];
  if (field.item !== undefined) return fieldsOf(unwrap(field.item), `${path}[]`);
  return field.value === undefined
    ? fieldsOf(field, path)
    : fieldsOf(unwrap(field.value), `${path}.*`);
}

function unwrap(schema: Schema): Schema {
  return schema.wrapped === undefined ? schema : unwrap(schema.wrapped);
}

function isOptional({ type }: Schema): boolean {
  return type === 'optional' || type === 'exact_optional';
}

function defaultOf(schema: Schema): string {
  if (!isOptional(schema)) return 'required';
  if (schema.default === undefined) return '';
  return typeof schema.default === 'object' ? '' : `\`${JSON.stringify(schema.default)}\``;
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  strict_object: 'object',
  loose_object: 'object',
  unknown: 'any',
};

function typeOf(schema: Schema): string {
  if (schema.options !== undefined) {
    return schema.options
      .filter((option) => option !== '')
      .map((option) => `\`${String(option)}\``)
      .join(', ');
  }
  if (schema.item !== undefined) return `list of ${plural(typeOf(unwrap(schema.item)))}`;
  if (schema.value !== undefined) return `map of ${plural(typeOf(unwrap(schema.value)))}`;
  if (schema.type === 'number') return has(schema, 'integer') ? 'whole number' : 'number';
  if (schema.type === 'string' && has(schema, 'check')) return 'duration';
  return NAMES[schema.type] ?? schema.type;
}

// A pipe may begin with another.
function has({ pipe = [] }: Schema, action: string): boolean {
  return pipe.some(
    (each, index) => each.type === action || (index === 0 && has({ ...each, type: '' }, action)),
  );
}

function plural(type: string): string {
  return /[a-z]$/.test(type) && type !== 'any' ? `${type}s` : type;
}

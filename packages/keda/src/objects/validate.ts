// What a schema finds wrong with a value, by field, and the error of it.
import * as v from 'valibot';
import { KedaError, type KedaIssue } from '../errors.ts';

/** An issue whose field is still a path. */
interface PathIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
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
  const result = v.safeParse(schema, value);
  return result.success ? { output: result.output } : { issues: result.issues.map(toPathIssue) };
}

function toPathIssue(issue: v.BaseIssue<unknown>): PathIssue {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  return { path, message: messageOf(issue) };
}

// Valibot's own messages are about types; these are about what to do.
function messageOf({ expected, kind, message, received, type }: v.BaseIssue<unknown>): string {
  if (kind !== 'schema') return message;
  if (expected === 'never') return 'is no field of this object';
  if (received === 'undefined') return 'is missing';
  const wanted = EXPECTED[type] ?? `must be ${expected}`;
  return `${wanted}, not ${received}`;
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'must be a text',
  number: 'must be a number',
  array: 'must be a list',
  strict_object: 'must be an object',
  loose_object: 'must be an object',
  record: 'must be an object',
};

/** A path as it is written: `spec.rules[0].hosts`. */
export function renderPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** The error of an object with these issues. */
export function invalidObject(what: string, issues: readonly KedaIssue[]): KedaError {
  const said = issues.map(({ field, message }) => `${field} ${message}`).join('; ');
  return new KedaError('OFN_KEDA_OBJECT_INVALID', `${what} is not valid: ${said}`, { issues });
}

// Validation of the data of a call by any Standard Schema library.
import { OfnError, type Issue } from '../errors.ts';
import type { Schema } from '../function/signature.ts';
import { isThenable } from '../invocation/outcome.ts';

/**
 * The value as the schema gives it, or a promise of it when the schema is asynchronous.
 *
 * @throws OfnError `OFN_SCHEMA_FAILED` with the issues.
 * @see https://standardschema.dev
 */
export function validate(schema: Schema, value: unknown): unknown {
  const result = schema['~standard'].validate(value);
  return isThenable(result) ? result.then(toValue) : toValue(result);
}

function toValue(result: Awaited<ReturnType<Schema['~standard']['validate']>>): unknown {
  if (result.issues === undefined) return result.value;
  const issues: Issue[] = result.issues.map(({ message, path }) => ({
    message,
    path: (path ?? []).map((part) => {
      const key = typeof part === 'object' ? part.key : part;
      return typeof key === 'number' ? key : String(key);
    }),
  }));
  const [first] = issues;
  const where = first?.path?.length ? ` at ${first.path.join('.')}` : '';
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  throw new OfnError(
    'OFN_SCHEMA_FAILED',
    `the data is not valid${where}: ${first?.message ?? 'no reason given'}${more}`,
    { issues },
  );
}

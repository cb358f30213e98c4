// Any value becomes an object that is valid, or an error that names each field that is not.
import * as v from 'valibot';
import { KedaError, type KedaIssue } from '../errors.ts';

/**
 * Checks a value by a schema.
 *
 * @param what What the message calls it, such as `shop.yaml: HTTPScaledObject "shop"`.
 * @throws KedaError `OFN_KEDA_OBJECT_INVALID`.
 */
export function validate<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  what: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw invalidObject(
    what,
    result.issues.map((issue) => ({
      field: v.getDotPath(issue) ?? '',
      message: issue.message,
    })),
  );
}

/** The error of an object with these issues. */
export function invalidObject(what: string, issues: readonly KedaIssue[]): KedaError {
  const said = issues.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new KedaError('OFN_KEDA_OBJECT_INVALID', `${what} is not valid; ${said}`, { issues });
}

// Functions for tests, by what is said of them.
import { stringify } from 'yaml';
import { parseFunction } from './parse.ts';
import type { FunctionResource } from './schema.ts';

/** A Function as a value, before it is parsed. */
export function rawFunction(
  spec: Readonly<Record<string, unknown>>,
  metadata: Readonly<Record<string, unknown>> = {},
): object {
  return {
    apiVersion: 'core.openfunction.io/v1beta2',
    kind: 'Function',
    metadata: { name: 'hello', ...metadata },
    spec: { image: 'example/hello:v1', ...spec },
  };
}

/** A Function with this spec. */
export function functionOf(
  spec: Readonly<Record<string, unknown>>,
  metadata: Readonly<Record<string, unknown>> = {},
): FunctionResource {
  return parseFunction(stringify(rawFunction(spec, metadata)));
}

/** A Function with this serving. */
export function servingFunction(
  serving: Readonly<Record<string, unknown>>,
  metadata: Readonly<Record<string, unknown>> = {},
): FunctionResource {
  return functionOf({ serving }, metadata);
}

// The JSON Schemas by which editors complete files: made of the schemas that check them.
import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { BuilderSchema, FunctionSchema, ServingSchema } from './function/schema.ts';

/** A JSON Schema of draft-07. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The schemas by the names of their files. */
export function toJsonSchemas(): Readonly<Record<'function' | 'builder' | 'serving', JsonSchema>> {
  return {
    function: convert(FunctionSchema, 'Function'),
    builder: convert(BuilderSchema, 'Builder'),
    serving: convert(ServingSchema, 'Serving'),
  };
}

function convert(schema: v.GenericSchema, kind: string): JsonSchema {
  const { $schema, ...rest } = toJsonSchema(schema, {
    typeMode: 'input',
    // What JSON Schema has no words for, such as one field that needs another, is left to the parser.
    ignoreActions: ['check', 'partial_check', 'transform'],
  });
  return { $schema, title: `${kind} of core.openfunction.io/v1beta2`, ...rest };
}

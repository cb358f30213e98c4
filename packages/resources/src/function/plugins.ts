// Plugins, hooks and tracing as YAML inside of a text: annotations of functions have it, and the global
// configuration.
import * as v from 'valibot';
import { parse } from 'yaml';
import { ResourceError } from '../errors.ts';
import { check, renderPath } from './check.ts';
import { Tracing, type TracingSpec } from './serving-schema.ts';

/** Which plugins run before the function and after it; `undefined` for what is not said. */
export interface Plugins {
  readonly pre: readonly string[] | undefined;
  readonly post: readonly string[] | undefined;
}

const Names = v.exactOptional(v.array(v.string()));
const PluginsSchema = v.looseObject({ order: Names, pre: Names, post: Names });

/**
 * Parses the key `plugins`: an order, which after the function is reversed, or both lists.
 *
 * @param source What errors call the text.
 * @throws ResourceError `OFN_RESOURCE_CONFIG_INVALID`
 */
export function parsePlugins(text: string, source: string): Plugins {
  const { order, post, pre } = parseValue(PluginsSchema, text, source);
  return { pre: pre ?? order, post: post ?? order?.toReversed() };
}

/**
 * Parses the key `hooks`, or `plugins` as hooks, for which an order has no meaning.
 *
 * @param source What errors call the text.
 * @throws ResourceError `OFN_RESOURCE_CONFIG_INVALID`
 */
export function parseHooks(text: string, source: string): Plugins {
  const { post, pre } = parseValue(PluginsSchema, text, source);
  return { pre, post };
}

// Here a switch is a text too, as nothing but the schema says which texts are switches.
const ConfigTracing = v.object({
  ...Tracing.entries,
  enabled: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^(?:y|yes|true|on|n|no|false|off)$/i, 'must be true or false'),
      v.transform((text) => /^(?:y|yes|true|on)$/i.test(text)),
    ),
    'false',
  ),
});

/**
 * Parses the key `tracing`, or `plugins.tracing`.
 *
 * @param source What errors call the text.
 * @throws ResourceError `OFN_RESOURCE_CONFIG_INVALID`
 */
export function parseTracing(text: string, source: string): TracingSpec {
  return parseValue(ConfigTracing, text, source);
}

function parseValue<Output>(
  schema: v.GenericSchema<unknown, Output>,
  text: string,
  source: string,
): Output {
  let value: unknown;
  try {
    // Go takes every scalar for a text where a text is wanted, and texts are wanted nearly everywhere.
    value = parse(text, { schema: 'failsafe', logLevel: 'error' });
  } catch (cause) {
    const reason = (cause as Error).message.split('\n', 1)[0];
    throw new ResourceError(
      'OFN_RESOURCE_CONFIG_INVALID',
      `${source} is not valid YAML: ${reason}`,
      {
        cause,
      },
    );
  }
  const checked = check(schema, withoutEmpty(value) ?? {});
  if (checked.issues === undefined) return checked.output;
  const issues = checked.issues.map(({ message, path }) => ({ field: renderPath(path), message }));
  const said = issues.map(({ field, message }) => `${field} ${message}`.trim());
  throw new ResourceError(
    'OFN_RESOURCE_CONFIG_INVALID',
    `${source} is not valid: ${said.join('; ')}`,
    { issues },
  );
}

// Without a schema of scalars, a key without a value has an empty text.
function withoutEmpty(value: unknown): unknown {
  if (value === '' || value === null) return undefined;
  if (Array.isArray(value)) return value.filter((item) => item !== null);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
      const kept = withoutEmpty(item);
      return kept === undefined ? [] : [[key, kept]];
    }),
  );
}

// A text becomes resources: parsed, converted from v1beta1, completed by defaults, checked.
import type * as v from 'valibot';
import { ResourceError, invalidResource, type ResourceIssue } from '../errors.ts';
import { check, renderPath, type PathIssue } from './check.ts';
import { convertFunction } from './convert-v1beta1.ts';
import { ComponentSchema, type ComponentResource } from './dapr-schema.ts';
import {
  API_VERSION,
  BuilderSchema,
  FunctionSchema,
  ServingSchema,
  type BuilderResource,
  type FunctionResource,
  type ServingResource,
} from './schema.ts';
import { FunctionV1Beta1Schema } from './v1beta1-schema.ts';
import { parseYaml, type YamlDocument } from './yaml.ts';

/** What a text had in it. */
export interface ParsedResources {
  readonly functions: readonly FunctionResource[];
  readonly builders: readonly BuilderResource[];
  readonly servings: readonly ServingResource[];
  /** Dapr's Components that stand by themselves; those of a Function are in it. */
  readonly components: readonly ComponentResource[];
  /** Their types, by their names. */
  readonly componentTypes: Readonly<Record<string, string>>;
  /** Objects of other kinds, as `kind name`. */
  readonly ignored: readonly string[];
}

/** Where a text is from. */
export interface ParseOptions {
  /** What errors call it. Default `function.yaml`. */
  readonly file?: string;
}

/**
 * Parses YAML or JSON of one Function, of v1beta2 or v1beta1, and completes it by every default. Other
 * objects may stand beside it.
 *
 * @throws ResourceError `OFN_RESOURCE_UNREADABLE` for what is no YAML or has not one Function,
 *   `OFN_RESOURCE_INVALID` with an issue for each field that is wrong, and its line and column.
 * @example
 * const hello = parseFunction(`
 * apiVersion: core.openfunction.io/v1beta2
 * kind: Function
 * metadata: { name: hello }
 * spec: { image: 'example/hello:v1', serving: {} }
 * `);
 * hello.spec.serving?.triggers.http?.port; // 8080
 */
export function parseFunction(text: string, options: ParseOptions = {}): FunctionResource {
  const { functions } = parseResources(text, options);
  const [first] = functions;
  if (first !== undefined && functions.length === 1) return first;
  const { file = 'function.yaml' } = options;
  const message =
    first === undefined
      ? `${file} has no Function of core.openfunction.io in it`
      : `${file} has ${functions.length} Functions in it, and one is wanted; parseResources takes them all`;
  throw new ResourceError('OFN_RESOURCE_UNREADABLE', message);
}

/**
 * Parses YAML or JSON of any number of objects. Lists, as `kubectl get -o yaml` prints them, are taken apart.
 *
 * @throws ResourceError `OFN_RESOURCE_UNREADABLE` or `OFN_RESOURCE_INVALID`, for all objects at once.
 */
export function parseResources(
  text: string,
  { file = 'function.yaml' }: ParseOptions = {},
): ParsedResources {
  const found: Found = { functions: [], builders: [], servings: [], components: [], ignored: [] };
  const failures: ResourceError[] = [];
  for (const document of parseYaml(text, file)) {
    for (const item of itemsOf(document)) {
      try {
        take(item, found, file);
      } catch (error) {
        if (!(error instanceof ResourceError)) throw error;
        failures.push(error);
      }
    }
  }
  const [only, ...more] = failures;
  if (only !== undefined) {
    if (more.length === 0) throw only;
    throw new ResourceError(
      'OFN_RESOURCE_INVALID',
      failures.map(({ message }) => message).join('\n'),
      { issues: failures.flatMap(({ issues }) => issues) },
    );
  }
  const types = found.components.map(({ metadata, spec }) => [metadata.name, spec.type] as const);
  return { ...found, componentTypes: Object.fromEntries(types) };
}

interface Found {
  readonly functions: FunctionResource[];
  readonly builders: BuilderResource[];
  readonly servings: ServingResource[];
  readonly components: ComponentResource[];
  readonly ignored: string[];
}

/** An object of a document, and what its fields are relative to. */
interface Item extends YamlDocument {
  readonly value: unknown;
}

function itemsOf(document: YamlDocument): readonly Item[] {
  const { value } = document;
  if (!isFields(value) || !Array.isArray(value['items'])) return [document];
  if (typeof value['kind'] !== 'string' || !value['kind'].endsWith('List')) return [document];
  return value['items'].flatMap((item: unknown, index) =>
    itemsOf({
      value: item,
      positionOf: (path, isKey) => document.positionOf(['items', index, ...path], isKey),
    }),
  );
}

function take(item: Item, found: Found, file: string): void {
  const { value } = item;
  if (!isFields(value)) throw refusal(item, file, 'the text', [], 'must be an object');
  const { apiVersion, kind, metadata } = value;
  if (typeof kind !== 'string') throw refusal(item, file, 'the text', ['kind'], 'is missing');
  const name = isFields(metadata) ? metadata['name'] : undefined;
  const what = `${kind} ${JSON.stringify(typeof name === 'string' ? name : '')}`;
  const group = typeof apiVersion === 'string' ? apiVersion.split('/', 1)[0] : undefined;
  const isOurs = ['Function', 'Builder', 'Serving'].includes(kind);
  const keep = <Output>(schema: v.GenericSchema<unknown, Output>, input: unknown): Output => {
    const checked = check(schema, input);
    if (checked.issues === undefined) return checked.output;
    const issues = checked.issues.map((issue) => locate(issue, item, file));
    throw invalidResource(what, issues.toSorted(inOrder));
  };
  if (apiVersion === 'dapr.io/v1alpha1' && kind === 'Component') {
    found.components.push(keep(ComponentSchema, value));
  } else if (group !== 'core.openfunction.io' && !(isOurs && group === undefined)) {
    found.ignored.push(what);
  } else if (kind === 'Function') {
    const isOlder = apiVersion === 'core.openfunction.io/v1beta1';
    const input = isOlder ? convertFunction(keep(FunctionV1Beta1Schema, value)) : value;
    found.functions.push(keep(FunctionSchema, input));
  } else if (kind === 'Builder') found.builders.push(keep(BuilderSchema, value));
  else if (kind === 'Serving') found.servings.push(keep(ServingSchema, value));
  else throw refusal(item, file, what, ['kind'], `is no kind of ${API_VERSION}`);
}

function refusal(
  item: Item,
  file: string,
  what: string,
  path: readonly string[],
  message: string,
): ResourceError {
  return invalidResource(what, [locate({ path, message, isKey: false }, item, file)]);
}

function locate({ isKey, message, path }: PathIssue, item: Item, file: string): ResourceIssue {
  const { column, line } = item.positionOf(path, isKey);
  return { field: renderPath(path), message, at: `${file}:${line}:${column}`, line, column };
}

function inOrder(one: ResourceIssue, other: ResourceIssue): number {
  return (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// Resource files as daprd reads them: folders of YAML become components, subscriptions, resiliency.
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { isMap, parseAllDocuments } from 'yaml';
import type { Component } from '../contract.ts';
import { SidecarError, toMessage } from '../errors.ts';
import { emulatorOf } from './component-type.ts';
import { parseSubscriptionSpec, type Subscription } from './subscription.ts';

/** What resources describe, as far as it is of concern to one app. */
export interface Resources {
  readonly components: readonly Component[];
  readonly subscriptions: readonly Subscription[];
  /** The `spec` of each Resiliency resource. */
  readonly resiliency: readonly unknown[];
}

/** A component as code gives it. */
export interface ComponentInput {
  name: string;
  /** Such as `pubsub.in-memory`. */
  type: string;
  /** Default `v1`. */
  version?: string;
  metadata?: Readonly<Record<string, string | number | boolean>>;
  /** App ids that may use it. Default: all. */
  scopes?: readonly string[];
}

const Value = v.union([
  v.string(),
  v.number(),
  v.boolean(),
  v.null(),
  v.looseObject({}),
  v.array(v.unknown()),
]);
const Resource = v.looseObject({
  apiVersion: v.string(),
  kind: v.string(),
  metadata: v.looseObject({ name: v.string() }),
  spec: v.optional(v.unknown()),
  scopes: v.nullish(v.array(v.string()), []),
});
const ComponentSpec = v.looseObject({
  type: v.string(),
  version: v.nullish(v.string(), 'v1'),
  metadata: v.nullish(
    v.array(
      v.looseObject({
        name: v.string(),
        value: v.optional(Value),
        envRef: v.optional(v.string()),
        secretKeyRef: v.optional(v.looseObject({})),
      }),
    ),
    [],
  ),
});

/**
 * Reads the YAML files of folders, not those of folders in them. A path may be a file too.
 *
 * @param env What `envRef` reads.
 * @param emulate Whether types that are not here will be played by those that are.
 * @throws SidecarError `ERR_RESOURCE_INVALID`, which names the file and the field.
 */
export async function loadResources(
  paths: readonly string[],
  appId: string,
  env: Readonly<Record<string, string | undefined>>,
  emulate = false,
): Promise<Resources> {
  const files = (await Promise.all(paths.map(listFiles))).flat();
  const components: Component[] = [];
  const subscriptions: Subscription[] = [];
  const resiliency: unknown[] = [];
  for (const file of files) {
    for (const document of parseDocuments(await readFile(file, 'utf8'), file)) {
      const { apiVersion, kind, metadata, spec, scopes } = parse(Resource, document, file);
      if (!apiVersion.startsWith('dapr.io/')) continue;
      if (scopes !== null && scopes.length > 0 && !scopes.includes(appId)) continue;
      const where = `${file}: ${kind} ${metadata.name}`;
      if (kind === 'Component') {
        const context = { env, emulate, where };
        components.push(parseComponent(metadata.name, spec, scopes ?? [], context));
      } else if (kind === 'Subscription') {
        subscriptions.push(attempt(where, () => parseSubscriptionSpec(spec)));
      } else if (kind === 'Resiliency') {
        resiliency.push(spec);
      }
    }
  }
  return { components, subscriptions, resiliency };
}

/** A component that code gives, with its defaults. */
export function toComponent(input: ComponentInput): Component {
  return {
    name: input.name,
    type: input.type,
    version: input.version ?? 'v1',
    metadata: Object.fromEntries(
      Object.entries(input.metadata ?? {}).map(([name, value]) => [name, String(value)]),
    ),
    scopes: input.scopes ?? [],
  };
}

async function listFiles(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new SidecarError('ERR_RESOURCE_INVALID', `resources path: ${toMessage(cause)}`, {
      cause,
    });
  });
  if (!found.isDirectory()) return [path];
  const names = await readdir(path);
  return names
    .filter((name) => /\.ya?ml$/i.test(name))
    .toSorted()
    .map((name) => join(path, name));
}

function parseDocuments(text: string, file: string): unknown[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      throw new SidecarError('ERR_RESOURCE_INVALID', `${file}: ${error.message}`, { cause: error });
    }
    return isMap(document.contents) ? [document.toJS() as unknown] : [];
  });
}

function parseComponent(
  name: string,
  spec: unknown,
  scopes: readonly string[],
  { env, emulate, where }: ComponentContext,
): Component {
  const { type, version, metadata } = parse(ComponentSpec, spec, where);
  const fields: Record<string, string> = {};
  for (const field of metadata ?? []) {
    if (field.secretKeyRef !== undefined) {
      // What would log in to the real system; nothing that plays it needs it.
      if (emulate && emulatorOf(type) !== undefined) continue;
      throw new SidecarError(
        'ERR_RESOURCE_INVALID',
        `${where}: metadata ${field.name}: secrets are not read here; give a value or an envRef, or run daprd`,
      );
    }
    fields[field.name] =
      field.envRef === undefined ? toText(field.value) : (env[field.envRef] ?? '');
  }
  return { name, type, version: version ?? 'v1', metadata: fields, scopes };
}

interface ComponentContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly emulate: boolean;
  readonly where: string;
}

function toText(value: v.InferOutput<typeof Value> | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  where: string,
): v.InferOutput<Schema> {
  return attempt(where, () => v.parse(schema, value));
}

function attempt<Result>(where: string, operation: () => Result): Result {
  try {
    return operation();
  } catch (cause) {
    const field = v.isValiError(cause) ? v.getDotPath(cause.issues[0]) : undefined;
    const message = field
      ? `${where}: ${field}: ${toMessage(cause)}`
      : `${where}: ${toMessage(cause)}`;
    throw new SidecarError('ERR_RESOURCE_INVALID', message, { cause });
  }
}
